package syslog

import (
	"bufio"
	"net"
	"strings"
	"testing"

	"dswatch/event"
	"dswatch/sinks"
	"dswatch/sinks/sinktest"
)

// TestHangUp: a test is confirmed only by a receiver that stays after it.
func TestHangUp(t *testing.T) {
	for name, stays := range map[string]bool{
		"stays":    true,
		"hangs up": false,
	} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go func() {
				for {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					_, _ = bufio.NewReader(conn).ReadString(' ')
					if !stays {
						conn.Close()
						continue
					}
					defer conn.Close()
				}
			}()
			cfg := Defaults()
			cfg.Name, cfg.Network, cfg.Address = "siem", "tcp", l.Addr().String()
			s, err := New(cfg, sinks.Env{Name: "siem", Host: "dswatch.example"})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			a := sinktest.Sample(1, event.Raised, "en")
			a.Test = true
			err = s.Send(t.Context(), a)
			if (err == nil) != stays || err != nil && !strings.Contains(err.Error(), "other framing") {
				t.Errorf("%v", err)
			}
		})
	}
}
