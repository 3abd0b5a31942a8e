package port

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dswatch/event"
	"dswatch/words"
)

// selfSigned makes a certificate and its key.
func selfSigned(t testing.TB, subject string, until time.Time) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return signed(t, key, subject, until)
}

func signed(t testing.TB, key crypto.Signer, subject string, until time.Time) tls.Certificate {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: subject},
		NotBefore: until.Add(-24 * time.Hour), NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// serve accepts connections on loopback and hands each to handle; it counts
// them.
func serve(t testing.TB, handle func(net.Conn)) (port int, accepted *atomic.Int64) {
	t.Helper()
	l := listenAt(t, "127.0.0.1:0")
	accepted = new(atomic.Int64)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			accepted.Add(1)
			go func() {
				defer c.Close()
				handle(c)
			}()
		}
	}()
	return portOfListener(l), accepted
}

func TestTLSFarEnds(t *testing.T) {
	t.Parallel()
	soon := time.Now().Add(24 * time.Hour)
	cert := selfSigned(t, "agent one", soon)
	expired := selfSigned(t, "old", time.Date(2020, 2, 3, 0, 0, 0, 0, time.UTC))
	hostile := selfSigned(t, strings.Repeat("x\n", 2000), soon)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	withRSA := signed(t, rsaKey, "agent ten", soon)
	server := func(c *tls.Config) func(net.Conn) {
		if c.Certificates == nil {
			c.Certificates = []tls.Certificate{cert}
		}
		return func(raw net.Conn) {
			s := tls.Server(raw, c)
			io.Copy(io.Discard, s)
		}
	}
	says := func(text string) func(net.Conn) {
		return func(c net.Conn) {
			io.WriteString(c, text)
			io.Copy(io.Discard, c)
		}
	}
	hello := []byte{22, 3, 3, 0, 200, 2, 0xff, 0xff, 0xff} // a server_hello of 16 MiB
	for _, tc := range []struct {
		name   string
		handle func(net.Conn)
		min    string
		state  event.State
		says   string
	}{
		{"today's TLS", server(&tls.Config{}), "", event.Up, `; certificate "CN=agent one" expires ` + soon.UTC().Format(time.DateOnly)},
		{"CBC only, as agents 10 and 11", server(&tls.Config{Certificates: []tls.Certificate{withRSA}, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_256_CBC_SHA}}),
			"", event.Up, "speaks TLS 1.2, TLS_RSA_WITH_AES_256_CBC_SHA"},
		{"expired certificate", server(&tls.Config{Certificates: []tls.Certificate{expired}}), "", event.Up, `certificate "CN=old" expired 2020-02-03`},
		{"hostile subject", server(&tls.Config{Certificates: []tls.Certificate{hostile}}), "", event.Up, `certificate "CN=x`},
		{"client certificate wanted, TLS 1.3", server(&tls.Config{ClientAuth: tls.RequireAnyClientCert}), "", event.Up, "asks for a client certificate"},
		{"client certificate wanted, TLS 1.2", server(&tls.Config{ClientAuth: tls.RequireAnyClientCert, MaxVersion: tls.VersionTLS12}), "", event.Up,
			"asks for a client certificate; it refused ours (remote error: tls: "},
		{"version too low", server(&tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}), "", event.Unknown, "speaks TLS 1.1, lower than min_version"},
		{"low version welcome", server(&tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}), "1.0", event.Up, "speaks TLS 1.1"},
		{"min_version 1.3", server(&tls.Config{MaxVersion: tls.VersionTLS12}), "1.3", event.Unknown, "speaks TLS 1.2, lower than min_version"},
		{"alert", says("\x15\x03\x03\x00\x02\x02\x28"), "", event.Unknown, "no common version or suite was found (tls: handshake failure)"},
		{"hangs", func(c net.Conn) { io.Copy(io.Discard, c) }, "", event.Down, "accepted the connection, but made no TLS handshake within "},
		{"hangs in the handshake", says(string(hello[:7])), "", event.Down, "accepted the connection, but made no TLS handshake within "},
		{"closes", func(c net.Conn) { io.ReadFull(c, make([]byte, 5)) }, "", event.Down, "closed the connection before it spoke TLS"},
		{"resets", func(c net.Conn) { c.(*net.TCPConn).SetLinger(0); io.ReadFull(c, make([]byte, 5)) }, "", event.Down, "closed the connection before it spoke TLS"},
		{"another protocol", says("SSH-2.0-OpenSSH_9.2\r\n"), "", event.Down, `does not speak TLS: it begins with "SSH-2.0-OpenSSH_`},
		{"control characters", says("\x1b[2J\x00\xff\n"), "", event.Down, `does not speak TLS: it begins with "\x1b[2J\x00\xff\n"`},
		{"impossible server_hello", func(c net.Conn) {
			for { // never ends by itself
				b := append(bytes.Clone(hello), make([]byte, 196)...)
				if _, err := c.Write(b); err != nil {
					return
				}
			}
		}, "", event.Up, "speaks TLS; handshake not completed: "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			port, accepted := serve(t, tc.handle)
			target := Target{Host: "127.0.0.1", Port: port, Method: TLS, MinVersion: tc.min, Timeout: 20 * time.Second}
			if strings.HasPrefix(tc.name, "hangs") {
				target.Timeout = 200 * time.Millisecond
			}
			d := detect(t, target)
			o := pass(t, d)[0]
			if o.State != tc.state || !strings.Contains(words.English(o.Detail), tc.says) {
				t.Errorf("got %s, %q; want %s, %q", o.State, words.English(o.Detail), tc.state, tc.says)
			}
			if len(words.English(o.Detail)) > 600 || strings.ContainsAny(words.English(o.Detail), "\n\x00\x1b") {
				t.Errorf("detail is not fit to show: %d bytes, %q", len(words.English(o.Detail)), words.English(o.Detail))
			}
			if n := accepted.Load(); n != 1 {
				t.Errorf("%d connections, want 1", n)
			}
		})
	}
}

// TestHugeBanner sends without end; a probe takes a bounded part of it.
func TestHugeBanner(t *testing.T) {
	t.Parallel()
	for _, m := range []Method{Connect, TLS} {
		t.Run(string(m), func(t *testing.T) {
			sent := make(chan int, 1)
			port, _ := serve(t, func(c net.Conn) {
				block, n := bytes.Repeat([]byte("220 welcome "), 5000), 0
				for {
					k, err := c.Write(block)
					if n += k; err != nil {
						sent <- n
						return
					}
				}
			})
			o := pass(t, detect(t, Target{Host: "127.0.0.1", Port: port, Method: m}))[0]
			if want := map[Method]event.State{Connect: event.Up, TLS: event.Down}[m]; o.State != want || len(words.English(o.Detail)) > 200 {
				t.Errorf("got %s, %q; want %s", o.State, words.English(o.Detail), want)
			}
			select {
			case n := <-sent: // what the kernel buffers of both ends take, and no more
				if n > 32<<20 {
					t.Errorf("the far end got rid of %d bytes", n)
				}
			case <-time.After(30 * time.Second):
				t.Error("the connection is still open")
			}
		})
	}
}

// TestTLSEndsCleanly proves the close_notify: the last record is an alert.
func TestTLSEndsCleanly(t *testing.T) {
	cert := selfSigned(t, "agent", time.Now().Add(time.Hour))
	ended := make(chan []byte, 1)
	port, _ := serve(t, func(raw net.Conn) {
		var got bytes.Buffer
		// TLS 1.3 would hide the type of a record.
		s := tls.Server(teeConn{raw, &got}, &tls.Config{Certificates: []tls.Certificate{cert}, MaxVersion: tls.VersionTLS12})
		io.Copy(io.Discard, s)
		ended <- got.Bytes()
	})
	pass(t, detect(t, Target{Host: "127.0.0.1", Port: port, Method: TLS}))
	var types []byte
	for b := <-ended; len(b) >= 5; b = b[5+int(binary.BigEndian.Uint16(b[3:])):] {
		types = append(types, b[0])
	}
	const alert = 21
	if n := len(types); n == 0 || types[n-1] != alert {
		t.Errorf("records of types %v, want an alert at the end", types)
	}
}

// teeConn copies what is read.
type teeConn struct {
	net.Conn
	w io.Writer
}

func (c teeConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.w.Write(b[:n])
	return n, err
}

func TestServerName(t *testing.T) {
	cert := selfSigned(t, "agent", time.Now().Add(time.Hour))
	names := make(chan string, 1)
	port, _ := serve(t, func(raw net.Conn) {
		tls.Server(raw, &tls.Config{GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
			names <- h.ServerName
			return &cert, nil
		}}).Handshake()
	})
	for _, tc := range []struct{ host, name, want string }{
		{"127.0.0.1", "", ""},
		{"127.0.0.1", "web01.example.com", "web01.example.com"},
		{"LOCALHOST", "", "localhost"},
	} {
		pass(t, detect(t, Target{Host: tc.host, Port: port, Method: TLS, ServerName: tc.name}))
		if got := <-names; got != tc.want {
			t.Errorf("host %s, server_name %q: sent %q, want %q", tc.host, tc.name, got, tc.want)
		}
	}
}

func TestOneProbeForManyRows(t *testing.T) {
	port, accepted := serve(t, func(c net.Conn) { io.Copy(io.Discard, c) })
	var ts []Target
	for _, component := range []string{"agent", "appliance", "relay"} {
		ts = append(ts, Target{Key: key("web01", component, "4118/tcp"), Host: "127.0.0.1", Port: port, Method: Connect})
	}
	ts[1].Host = "::ffff:127.0.0.1" // the same address in another spelling
	d := detect(t, ts...)
	for range 3 {
		for _, o := range pass(t, d) {
			if o.State != event.Up {
				t.Errorf("%s is %s, %q", o.Key, o.State, words.English(o.Detail))
			}
		}
	}
	eventually(t, func() bool { return accepted.Load() >= 3 })
	if n := accepted.Load(); n != 3 {
		t.Errorf("%d connections in 3 passes, want 3", n)
	}
}

// TestOddCertificates: keys that our side likes less than the agent does.
func TestOddCertificates(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)} // no subject
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	broken := bytes.Clone(der)
	broken[0] ^= 0xff
	for _, tc := range []struct {
		name string
		der  []byte
		says string
	}{
		{"no subject", der, `certificate ""`},
		{"not a certificate", broken, "speaks TLS; handshake not completed: tls: failed to parse certificate"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			port, _ := serve(t, func(raw net.Conn) {
				s := tls.Server(raw, &tls.Config{MaxVersion: tls.VersionTLS12, Certificates: []tls.Certificate{{Certificate: [][]byte{tc.der}, PrivateKey: key}}})
				io.Copy(io.Discard, s)
			})
			o := pass(t, detect(t, Target{Host: "127.0.0.1", Port: port, Method: TLS}))[0]
			if o.State != event.Up || !strings.Contains(words.English(o.Detail), tc.says) {
				t.Errorf("got %s, %q; want up, %q", o.State, words.English(o.Detail), tc.says)
			}
		})
	}
}

func eventually(t testing.TB, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Error("did not happen within 30s")
}

// writePEM writes the certificate and its key as openssl reads them.
func writePEM(t testing.TB, c tls.Certificate) (cert, key string) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, b := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: c.Certificate[0]}, key: {Type: "PRIVATE KEY", Bytes: der}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// FuzzTap feeds arbitrary first bytes to the TLS probe's reader.
func FuzzTap(f *testing.F) {
	f.Add([]byte{22, 3, 3, 0, 200, 2, 0, 0, 1})
	f.Add([]byte("SSH-2.0-OpenSSH"))
	f.Fuzz(func(t *testing.T, b []byte) {
		near, far := net.Pipe()
		go func() { far.Write(b); far.Close() }()
		tp := &tap{Conn: near}
		got, err := io.ReadAll(tp)
		if err != nil || !bytes.Equal(got, b) || !bytes.HasPrefix(b, tp.begin()) {
			t.Fatalf("read %x, %v and kept %x of %x", got, err, tp.begin(), b)
		}
		if tp.serverHello() && binary.BigEndian.Uint16(b) != 22<<8|3 {
			t.Error("not a handshake record")
		}
	})
}
