package syslog_test

import (
	"net"
	"testing"

	"dswatch/event"
	"dswatch/sinks/sinktest"
	"dswatch/sinks/syslog"
)

// TestSendAllocatesLittle: a message costs no more than before what is said was
// data. Most of it is the socket's.
func TestSendAllocatesLittle(t *testing.T) {
	u, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	a := sinktest.Sample(1, event.Raised, "en")
	for body, most := range map[string]float64{"text": 18, "cef": 19, "json": 18} {
		s := newSink(t, config("udp", u.LocalAddr().String(), func(c *syslog.Config) { c.Body = body }))
		least := 100.0
		for range 50 { // the race detector makes a sync.Pool forget now and then
			least = min(least, testing.AllocsPerRun(2, func() {
				if err := s.Send(t.Context(), a); err != nil {
					t.Fatal(err)
				}
			}))
		}
		if t.Logf("%s: %v", body, least); least > most {
			t.Errorf("%s: %v allocations, at most %v", body, least, most)
		}
	}
}
