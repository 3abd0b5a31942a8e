package sinks

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/gorilla/websocket"
)

// WebSocket opens a socket at the URL that a far end has named, by the way that
// h takes: through its proxy, and trusting whom it trusts. An error shows
// nothing of the URL but its host: its query may be a ticket. Where h speaks TLS
// the socket must, too.
func (h *HTTP) WebSocket(ctx context.Context, address string) (*websocket.Conn, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "wss" && u.Scheme != "ws":
		return nil, errors.New("the far end names no address of a socket; check api_url")
	case u.Scheme != "wss" && h.url.Scheme == "https":
		return nil, fmt.Errorf("the far end names a socket without TLS at %s; check api_url", Line(u.Host, maxQuote))
	}
	plain := map[string]string{"wss": "https", "ws": "http"}[u.Scheme]
	through, err := h.rt.Proxy(&http.Request{URL: &url.URL{Scheme: plain, Host: u.Host}})
	if err != nil {
		return nil, h.redact.Error(fmt.Errorf("open a socket at %s: %w", u.Host, err))
	}
	d := websocket.Dialer{
		NetDialContext: h.rt.DialContext, TLSClientConfig: h.tls.Clone(), HandshakeTimeout: 10 * time.Second,
		WriteBufferSize: 32 << 10, // what is written is one frame each
	}
	way := ""
	if through != nil {
		way = " through the proxy " + through.Host
		d.Proxy = http.ProxyURL(plainProxy(through))
		if through.Scheme == "https" {
			d.NetDialContext = h.secureProxy(through)
		}
	}
	conn, answer, err := d.DialContext(ctx, address, nil)
	if err == nil {
		return conn, nil
	}
	switch {
	case err.Error() == http.StatusText(http.StatusProxyAuthRequired): // how the library tells a refused CONNECT
		err = errProxyRefused
	case answer != nil:
		err = fmt.Errorf("answered %d", answer.StatusCode)
	}
	shown := NewRedactor(URLSecrets(u)...).Error(h.redact.Error(err))
	return nil, errors.New(Line(fmt.Sprintf("open a socket at %s%s: %v", u.Host, way, shown), maxReason))
}

// plainProxy is the proxy as the library of sockets knows it: it speaks to one
// without TLS of its own, which secureProxy adds.
func plainProxy(u *url.URL) *url.URL {
	if u.Scheme != "https" {
		return u
	}
	p := *u
	p.Scheme = "http"
	if p.Port() == "" {
		p.Host = net.JoinHostPort(p.Hostname(), "443")
	}
	return &p
}

// secureProxy dials a proxy that speaks TLS itself.
func (h *HTTP) secureProxy(u *url.URL) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		raw, err := h.rt.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		c := tls.Client(raw, &tls.Config{MinVersion: tls.VersionTLS12, ServerName: u.Hostname()})
		if err := c.HandshakeContext(ctx); err != nil {
			return nil, errors.Join(err, raw.Close())
		}
		return c, nil
	}
}
