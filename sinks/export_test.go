package sinks

import (
	"net/http"
	"reflect"
)

// UsesProxyFromEnvironment reports what h asks for a proxy.
func UsesProxyFromEnvironment(h *HTTP) bool {
	return reflect.ValueOf(h.rt.Proxy).Pointer() == reflect.ValueOf(http.ProxyFromEnvironment).Pointer()
}
