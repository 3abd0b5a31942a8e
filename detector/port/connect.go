package port

import (
	"context"
	"crypto/tls"
	"dswatch/event"
	"dswatch/words"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"
)

func dial(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	d := net.Dialer{KeepAlive: -1}
	return d.DialContext(ctx, "tcp", to.String())
}

// connect makes a full TCP connection and closes it without reading or
// writing a byte.
func connect(ctx context.Context, to netip.AddrPort) answer {
	start := time.Now()
	c, err := dial(ctx, to)
	if err != nil {
		return ofError(ctx, err, to, start)
	}
	took := time.Since(start)
	c.Close()
	return up(words.PortAccepted.With(to.String(), span(took)))
}

// handshake makes a full TLS handshake and ends it with close_notify. A far
// end that shows its certificate speaks TLS and is up, also when it then
// refuses us for want of a client certificate.
func (h how) handshake(ctx context.Context, to netip.AddrPort) answer {
	start := time.Now()
	raw, err := dial(ctx, to)
	if err != nil {
		return ofError(ctx, err, to, start)
	}
	defer raw.Close()
	far := &tap{Conn: raw}
	var seen tls.ConnectionState
	var wantsCert bool
	c := tls.Client(far, &tls.Config{
		ServerName: h.serverName,
		// The certificates are self-signed, and no data is sent: there is
		// nothing to protect, and every version and suite is welcome.
		InsecureSkipVerify: true,
		MinVersion:         tls.VersionTLS10,
		CipherSuites:       suites(),
		// Without the large post-quantum share the hello fits one segment,
		// which agents of ten years ago may count on.
		CurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521},
		VerifyConnection: func(s tls.ConnectionState) error { seen = s; return nil },
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			wantsCert = true
			return &tls.Certificate{}, nil
		},
	})
	err = c.HandshakeContext(ctx)
	took := time.Since(start)
	if err == nil {
		c.Close() // sends close_notify
	}
	late := ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded)
	var op *net.OpError
	var notTLS tls.RecordHeaderError
	switch {
	case err != nil && late:
		return down(words.PortNoHandshake.With(to.String(), span(took)))
	case seen.Version != 0 && seen.Version < h.minVersion:
		return unknown(words.PortOldTLS.With(to.String(), tls.VersionName(seen.Version)))
	case seen.Version != 0:
		return up(describe(to, seen, wantsCert, err, took))
	case errors.As(err, &op) && op.Op == "remote error":
		return unknown(words.PortNoCommonTLS.With(to.String(), op.Err))
	case far.serverHello():
		// Its certificate cannot be read, or the like: TLS all the same.
		return up(words.PortHalfTLS.With(to.String(), shortly(err)))
	case errors.As(err, &notTLS):
		return down(words.PortNotTLS.With(to.String(), fmt.Sprintf("%q", far.begin())))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), faultOf(err) == faultRefused:
		return down(words.PortClosedEarly.With(to.String()))
	}
	return down(words.PortNotTLSError.With(to.String(), shortly(err)))
}

// describe says what a TLS far end showed of itself.
func describe(to netip.AddrPort, s tls.ConnectionState, wantsCert bool, err error, took time.Duration) event.Said {
	say := words.PortTLS.With(to.String(), tls.VersionName(s.Version), tls.CipherSuiteName(s.CipherSuite), span(took))
	if len(s.PeerCertificates) > 0 {
		c := s.PeerCertificates[0]
		until := words.PortCertificate
		if time.Now().After(c.NotAfter) {
			until = words.PortCertificateOver
		}
		say = say.And(until.With(fmt.Sprintf("%q", short(c.Subject.String())), c.NotAfter.UTC().Format(time.DateOnly)))
	}
	if wantsCert {
		say = say.And(words.PortAsksCertificate.With())
	}
	if err != nil {
		say = say.And(words.PortRefusedOurs.With(shortly(err)))
	}
	return say
}

// shortly is err with a text that is short and clean.
func shortly(err error) error { return errors.New(short(err.Error())) }

// suites lists every cipher suite there is: agents 10.0 and 11.0 (to update
// 4) offer CBC suites only.
func suites() []uint16 {
	var ids []uint16
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		ids = append(ids, s.ID)
	}
	return ids
}

// tap keeps the first bytes that the far end sent.
type tap struct {
	net.Conn
	head [16]byte
	n    int
}

func (t *tap) Read(b []byte) (int, error) {
	n, err := t.Conn.Read(b)
	t.n += copy(t.head[t.n:], b[:n])
	return n, err
}

func (t *tap) begin() []byte { return t.head[:t.n] }

// serverHello reports whether the far end began with that message: a
// handshake record (22) of TLS (major version 3) with a server_hello (2) in
// it, RFC 8446 sections 4 and 5.1.
func (t *tap) serverHello() bool {
	return t.n >= 6 && t.head[0] == 22 && t.head[1] == 3 && t.head[5] == 2
}
