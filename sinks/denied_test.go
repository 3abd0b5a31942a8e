package sinks_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"dswatch/sinks"
)

// TestDenied: a far end that answers 200 and says no is not confirmed, and
// its words are told.
func TestDenied(t *testing.T) {
	h := newHTTP(t, sinks.HTTPOptions{URL: "http://far.example/hook"})
	for answer, denied := range map[string]bool{
		"": false, "ok": false, "<p>hello": false, `{"ok":true}`: false, `{"id":7}`: false, `{"ok":"no"}`: false, "{": false, `["ok",false]`: false,
		`{"ok":false,"error":"no_text"}`: true, ` {"success": false} `: true, `{"ok":true,"success":false}`: true,
	} {
		err := h.Denied([]byte(answer), nil)
		if (err != nil) != denied {
			t.Errorf("%q: %v", answer, err)
		}
		if err != nil && (!strings.Contains(err.Error(), strings.TrimSpace(answer)) || sinks.IsPermanent(err)) {
			t.Errorf("%q: %v does not repeat it, or is permanent", answer, err)
		}
	}
	if err := h.Denied([]byte("refused by policy"), func(s string) bool { return strings.HasPrefix(s, "refused") }); err == nil || !strings.Contains(err.Error(), "refused by policy") {
		t.Errorf("%v", err)
	}
}

// TestProxyIsNamed: what a proxy refuses is not blamed on the far end.
func TestProxyIsNamed(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Proxy-Authenticate", `Basic realm="x"`)
		w.WriteHeader(http.StatusProxyAuthRequired)
		_, _ = io.WriteString(w, "who are you")
	}))
	defer proxy.Close()
	u, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, scheme := range []string{"http", "https"} {
		h := newHTTP(t, sinks.HTTPOptions{URL: scheme + "://far.example/hook", Proxy: proxy.URL})
		_, err := h.Post(t.Context(), http.Header{}, []byte("{}"))
		if err == nil || !strings.Contains(err.Error(), "through the proxy "+u.Host+": the proxy answered 407") || !strings.Contains(err.Error(), "USER:PASSWORD") {
			t.Errorf("%s: %v", scheme, err)
		}
	}
}
