package syslog_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"dswatch/sinks"
	"dswatch/sinks/sinktest"
	"dswatch/sinks/syslog"
	"dswatch/test/receive"

	"github.com/leodido/go-syslog/v4/rfc5424"
)

// collector is a syslog server under the test's control.
type collector struct {
	address string
	stop    func()

	mu      sync.Mutex
	got     []sinktest.Message
	conns   []net.Conn
	all     int // connections so far
	stopped bool
}

func (c *collector) add(body []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.got = append(c.got, sinktest.Message{Body: body})
}

func (c *collector) received() []sinktest.Message {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.got)
}

func (c *collector) connections() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.all
}

// cut ends every connection, at once: what was not read is lost.
func (c *collector) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		conn.Close()
	}
	c.conns = nil
}

// packets collects datagrams.
func packets(t testing.TB, network, address string) *collector {
	t.Helper()
	p, err := net.ListenPacket(network, address)
	if err != nil {
		t.Fatal(err)
	}
	if u, ok := p.(interface{ SetReadBuffer(int) error }); ok {
		u.SetReadBuffer(4 << 20)
	}
	c := &collector{address: p.LocalAddr().String()}
	c.stop = func() {
		p.Close()
		os.Remove(address) // of a Unix socket
	}
	t.Cleanup(c.stop)
	go func() {
		buf := make([]byte, 1<<17)
		for {
			n, _, err := p.ReadFrom(buf)
			if err != nil {
				return
			}
			c.add(slices.Clone(buf[:n]))
		}
	}()
	return c
}

// frames collects what comes over connections, by octet counting or by lines.
func frames(t testing.TB, l net.Listener, next func(*bufio.Reader) ([]byte, error)) *collector {
	t.Helper()
	c := &collector{address: l.Addr().String()}
	c.stop = func() {
		c.mu.Lock()
		c.stopped = true
		c.mu.Unlock()
		l.Close()
		c.cut()
	}
	t.Cleanup(c.stop)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			c.mu.Lock()
			if c.stopped {
				conn.Close()
			}
			c.conns = append(c.conns, conn)
			c.all++
			c.mu.Unlock()
			go func() {
				r := bufio.NewReader(conn)
				for {
					m, err := next(r)
					if err != nil {
						return
					}
					c.add(m)
				}
			}()
		}
	}()
	return c
}

func counted(r *bufio.Reader) ([]byte, error) {
	s, err := r.ReadString(' ')
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(strings.TrimSuffix(s, " "))
	if err != nil || n < 1 || s[0] == '0' {
		return nil, fmt.Errorf("length %q", s)
	}
	b := make([]byte, n)
	_, err = io.ReadFull(r, b)
	return b, err
}

func lined(r *bufio.Reader) ([]byte, error) {
	b, err := r.ReadBytes('\n')
	return b[:max(len(b)-1, 0)], err
}

func listen(t testing.TB, network, address string) net.Listener {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// serverTLS demands a certificate of p's authority from every client.
func serverTLS(t testing.TB, p receive.PKI) *tls.Config {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(p.CertFile, p.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	ca, err := os.ReadFile(p.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	return &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert}
}

// cefValue takes the escapes of CEF away, but for those of line breaks: none may
// arrive.
var cefValue = strings.NewReplacer(`\\`, `\`, `\=`, `=`, `\|`, `|`)

// read reads a message of any body as its receiver would.
func read(m sinktest.Message) (sinktest.Told, error) {
	p, err := rfc5424.NewParser().Parse(m.Body)
	if err != nil {
		return sinktest.Told{}, err
	}
	s := p.(*rfc5424.SyslogMessage)
	told := sinktest.Told{Texts: []string{}, Cleared: *s.MsgID == "cleared"}
	switch msg := *s.Message; {
	case strings.HasPrefix(msg, "{"):
		var p sinks.Payload
		if err := json.Unmarshal([]byte(msg), &p); err != nil {
			return told, err
		}
		told.AlertID = p.Alert.ID
		told.Texts = []string{p.Alert.Title, p.Alert.Text, p.Alert.Short, p.Alert.Next, p.Alert.Key.Host, p.Alert.Key.Name, p.Alert.Detail}
	case strings.HasPrefix(msg, "CEF:0|"):
		_, rest, _ := strings.Cut(msg, "cs1=")
		told.AlertID, _, _ = strings.Cut(rest, " ")
		told.Texts = []string{cefValue.Replace(msg)}
	case strings.HasPrefix(msg, "LEEF:2.0|"):
		_, rest, _ := strings.Cut(msg, "^id=")
		told.AlertID, _, _ = strings.Cut(rest, "^")
		told.Texts = strings.Split(msg, "^")
	default:
		msg, ok := strings.CutPrefix(msg, "\ufeff")
		if !ok || s.StructuredData == nil {
			return told, errors.New("no byte order mark or no structured data")
		}
		data := (*s.StructuredData)["dswatch@32473"]
		told.AlertID = data["id"]
		told.Texts = append(told.Texts, msg)
		for _, v := range data {
			told.Texts = append(told.Texts, v)
		}
	}
	return told, nil
}

func TestConform(t *testing.T) {
	ca := receive.NewAuthority(t)
	hour := time.Now().Add(time.Hour)
	server, client := ca.Issue(t, "siem.example", hour), tlsOf(ca.Issue(t, "dswatch.example", hour))
	for name, c := range map[string]struct {
		network string
		far     func(t *testing.T) *collector
		set     func(*syslog.Config)
	}{
		"udp": {"udp", func(t *testing.T) *collector { return packets(t, "udp4", "127.0.0.1:0") }, nil},
		"tcp": {"tcp", func(t *testing.T) *collector { return frames(t, listen(t, "tcp4", "127.0.0.1:0"), counted) }, nil},
		"tcp newline": {"tcp", func(t *testing.T) *collector { return frames(t, listen(t, "tcp4", "127.0.0.1:0"), lined) },
			func(c *syslog.Config) { c.Framing = "newline" }},
		"tcp cef": {"tcp", func(t *testing.T) *collector { return frames(t, listen(t, "tcp4", "127.0.0.1:0"), counted) },
			func(c *syslog.Config) { c.Body = "cef" }},
		"tcp leef": {"tcp", func(t *testing.T) *collector { return frames(t, listen(t, "tcp4", "127.0.0.1:0"), lined) },
			func(c *syslog.Config) { c.Body, c.Framing = "leef", "newline" }},
		"tcp json": {"tcp", func(t *testing.T) *collector { return frames(t, listen(t, "tcp4", "127.0.0.1:0"), lined) },
			func(c *syslog.Config) { c.Body, c.Framing = "json", "newline" }},
		"tls": {"tls", func(t *testing.T) *collector {
			return frames(t, tls.NewListener(listen(t, "tcp4", "127.0.0.1:0"), serverTLS(t, server)), counted)
		}, func(c *syslog.Config) { c.TLS = client }},
		"unix datagram": {"unix", func(t *testing.T) *collector { return packets(t, "unixgram", filepath.Join(t.TempDir(), "s")) }, nil},
		"unix stream": {"unix", func(t *testing.T) *collector {
			return frames(t, listen(t, "unix", filepath.Join(t.TempDir(), "s")), counted)
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sinktest.Run(t, sinktest.Options{
				New: func(t *testing.T, far *sinktest.Far, env sinks.Env) sinks.Sink {
					s, err := syslog.New(config(c.network, far.Address, c.set), env)
					if err != nil {
						t.Fatal(err)
					}
					return s
				},
				Far: func(t *testing.T) *sinktest.Far {
					far := c.far(t)
					f := &sinktest.Far{Address: far.address, Received: far.received, Close: far.stop}
					if c.network == "tcp" || c.network == "tls" {
						f.Break = far.cut
					}
					return f
				},
				Read:    read,
				Lines:   name == "tcp json", // which has escapes of its own for them
				MaxSize: 2048,
			})
		})
	}
}

// TestEveryRowIsWhole: each loss of the list is understood from its message
// alone, in every format.
func TestEveryRowIsWhole(t *testing.T) {
	for name, set := range map[string]func(*syslog.Config){
		"text":    func(*syslog.Config) {},
		"json":    func(c *syslog.Config) { c.Body = "json" },
		"cef":     func(c *syslog.Config) { c.Body = "cef" },
		"leef":    func(c *syslog.Config) { c.Body = "leef" },
		"rfc3164": func(c *syslog.Config) { c.Format = "rfc3164" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := sinktest.Options{
				New: func(t *testing.T, far *sinktest.Far, env sinks.Env) sinks.Sink {
					s, err := syslog.New(config("tcp", far.Address, func(c *syslog.Config) { c.Framing = "newline"; set(c) }), env)
					if err != nil {
						t.Fatal(err)
					}
					return s
				},
				Far: func(t *testing.T) *sinktest.Far {
					far := frames(t, listen(t, "tcp4", "127.0.0.1:0"), lined)
					return &sinktest.Far{Address: far.address, Received: far.received, Close: far.stop}
				},
				Read: read, Brief: true,
			}
			if name == "rfc3164" {
				o.Read = func(m sinktest.Message) (sinktest.Told, error) {
					return sinktest.Told{Texts: []string{string(m.Body)}}, nil
				}
			}
			sinktest.Whole(t, o)
		})
	}
}

func await(t testing.TB, c *collector, n int) []sinktest.Message {
	t.Helper()
	for until := time.Now().Add(10 * time.Second); time.Now().Before(until); time.Sleep(time.Millisecond) {
		if got := c.received(); len(got) >= n {
			return got
		}
	}
	t.Fatalf("%d messages arrived, want %d", len(c.received()), n)
	return nil
}
