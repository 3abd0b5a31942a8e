package syslog_test

import (
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"dswatch/event"
	"dswatch/sinks"
	"dswatch/sinks/sinktest"
	"dswatch/sinks/syslog"
	"dswatch/test/receive"

	"github.com/leodido/go-syslog/v4/rfc5424"
)

// config is a valid section for address.
func config(network, address string, more func(*syslog.Config)) syslog.Config {
	c := syslog.Defaults()
	c.Name, c.Type, c.Network, c.Address = "siem", "syslog", network, address
	if more != nil {
		more(&c)
	}
	return c
}

func newSink(t testing.TB, c syslog.Config) *syslog.Sink {
	t.Helper()
	s, err := syslog.New(c, sinks.Env{Name: c.Name, Host: "dswatch.example", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// tlsOf takes over the files of a side.
func tlsOf(p receive.PKI) sinks.TLS {
	return sinks.TLS{CAFile: p.CAFile, CertFile: p.CertFile, KeyFile: p.KeyFile}
}

// TestRsyslogd sends to the real receiver over every transport and reads
// back what it stored, as it came.
func TestRsyslogd(t *testing.T) {
	ca := receive.NewAuthority(t)
	hour := time.Now().Add(time.Hour)
	d := receive.StartRsyslogd(t, receive.SyslogOptions{TLS: ca.Issue(t, "siem.example", hour)})
	client := tlsOf(ca.Issue(t, "dswatch.example", hour))
	n := 0
	for name, c := range map[string]syslog.Config{
		"udp":         config("udp", d.UDP, nil),
		"tcp":         config("tcp", d.TCP, nil),
		"tcp newline": config("tcp", d.TCP, func(c *syslog.Config) { c.Framing = "newline" }),
		"tls":         config("tls", d.TLS, func(c *syslog.Config) { c.TLS = client }),
		"unix":        config("unix", d.Unix, nil),
	} {
		t.Run(name, func(t *testing.T) {
			s := newSink(t, c)
			for i, tr := range sinktest.Transitions() {
				a := sinktest.Sample(n, tr, []string{"en", "ja"}[i%2])
				if err := s.Send(t.Context(), a); err != nil {
					t.Fatal(err)
				}
				n++
				got := d.Await(t, n)[n-1]
				m, err := rfc5424.NewParser().Parse([]byte(got))
				if err != nil {
					t.Fatalf("%v: %q", err, got)
				}
				p := m.(*rfc5424.SyslogMessage)
				data := (*p.StructuredData)["dswatch@32473"]
				if data["id"] != a.ID || data["transition"] != string(tr) || data["detail"] != a.Detail || *p.Hostname != "dswatch.example" {
					t.Errorf("%q", got)
				}
				if !strings.HasPrefix(*p.Message, "\ufeff[") || !strings.Contains(*p.Message, a.Title) || !strings.Contains(strings.ReplaceAll(*p.Message, " ", ""), strings.ReplaceAll(a.Short+a.Next, " ", "")) || !strings.HasSuffix(*p.Message, a.Text) {
					t.Errorf("message %q", *p.Message)
				}
			}
		})
	}
}

// TestRestart: the receiver is stopped and started again while messages
// flow. Whatever Send called accepted is there.
func TestRestart(t *testing.T) {
	t.Parallel()
	ca := receive.NewAuthority(t)
	hour := time.Now().Add(time.Hour)
	d := receive.StartRsyslogd(t, receive.SyslogOptions{TLS: ca.Issue(t, "siem.example", hour)})
	for name, c := range map[string]syslog.Config{
		"tcp": config("tcp", d.TCP, nil),
		"tls": config("tls", d.TLS, func(c *syslog.Config) { c.TLS = tlsOf(ca.Issue(t, "dswatch.example", hour)) }),
	} {
		t.Run(name, func(t *testing.T) {
			s := newSink(t, c)
			accepted, refused := map[string]bool{}, 0
			send := func(i int) {
				a := sinktest.Sample(i, event.Raised, "en")
				a.ID = fmt.Sprintf("%s-%d", name, i)
				for until := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
					err := s.Send(t.Context(), a)
					if err == nil {
						accepted[a.ID] = true
						return
					}
					refused++
					if sinks.IsPermanent(err) || time.Now().After(until) {
						t.Fatalf("message %d: %v\n%s", i, err, d.Log())
					}
				}
			}
			for i := range 300 {
				if i%100 == 50 { // with the connection idle
					d.Restart(t)
				}
				if i%100 == 80 { // while messages flow
					done := make(chan struct{})
					go func() { defer close(done); d.Stop() }()
					for j := 0; ; j++ {
						select {
						case <-done:
						default:
							a := sinktest.Sample(i, event.Raised, "en")
							a.ID = fmt.Sprintf("%s-%d-%d", name, i, j)
							if s.Send(t.Context(), a) == nil {
								accepted[a.ID] = true
							}
							continue
						}
						break
					}
					d.Restart(t)
				}
				send(i)
			}
			missing := len(accepted)
			for until := time.Now().Add(30 * time.Second); missing > 0 && time.Now().Before(until); time.Sleep(10 * time.Millisecond) {
				all := strings.Join(d.Lines(t), "\n")
				missing = 0
				for id := range accepted {
					if !strings.Contains(all, `id="`+id+`"`) {
						missing++
					}
				}
			}
			if missing > 0 {
				t.Errorf("%d of %d accepted messages are missing", missing, len(accepted))
			}
			t.Logf("%d accepted, %d attempts failed", len(accepted), refused)
		})
	}
}

func copyFile(t testing.TB, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestCloseOverUDP: a sink that was closed keeps no socket.
func TestCloseOverUDP(t *testing.T) {
	far, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	s := newSink(t, config("udp", far.LocalAddr().String(), nil))
	if err := s.Send(t.Context(), sinktest.Sample(1, event.Raised, "en")); err != nil {
		t.Fatal(err)
	}
	_, from, err := far.ReadFrom(make([]byte, 1<<16))
	if err != nil {
		t.Fatal(err)
	}
	if c, err := net.ListenPacket("udp", from.String()); err == nil {
		c.Close()
		t.Fatal("the port it sent from was free already")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	c, err := net.ListenPacket("udp", from.String())
	if err != nil {
		t.Fatalf("its socket is open still: %v", err)
	}
	c.Close()
}
