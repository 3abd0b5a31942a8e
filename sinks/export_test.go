package sinks

import (
	"net/http"
	"reflect"
	"time"
)

// UsesProxyFromEnvironment reports what h asks for a proxy.
func UsesProxyFromEnvironment(h *HTTP) bool {
	return reflect.ValueOf(h.rt.Proxy).Pointer() == reflect.ValueOf(http.ProxyFromEnvironment).Pointer()
}

// Age makes the socket of d older.
func (d *Datagram) Age(by time.Duration) { d.made = d.made.Add(-by) }

// IdleTimeout is how long h keeps a connection that nobody uses.
func IdleTimeout(h *HTTP) time.Duration { return h.rt.IdleConnTimeout }

var (
	WriteWithin = writeWithin
)
