package webhook_test

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/textproto"
	"strconv"
	"testing"

	"dswatch/event"
	"dswatch/setting"
	"dswatch/sinks/sinktest"
	"dswatch/sinks/webhook"
)

// TestSendAllocatesLittle: a delivery costs no more than before what is said was
// data. Most of it is net/http's. The far end takes no memory for an answer.
func TestSendAllocatesLittle(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go answer(c)
		}
	}()
	a := sinktest.Sample(1, event.Raised, "en")
	for name, most := range map[string]float64{"": 43, secret: 57} {
		s := newSink(t, config("http://"+l.Addr().String(), func(c *webhook.Config) { c.Secret = setting.Secret(name) }))
		least := 1000.0
		for range 50 { // the race detector makes a sync.Pool forget now and then
			least = min(least, testing.AllocsPerRun(2, func() {
				if err := s.Send(t.Context(), a); err != nil {
					t.Fatal(err)
				}
			}))
		}
		if t.Logf("signed %v: %v", name != "", least); least > most {
			t.Errorf("signed %v: %v allocations, at most %v", name != "", least, most)
		}
	}
}

// answer takes requests and answers each.
func answer(c net.Conn) {
	defer c.Close()
	in, yes := bufio.NewReader(c), []byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	length := []byte(textproto.CanonicalMIMEHeaderKey("content-length") + ": ")
	for {
		n := 0
		for {
			line, err := in.ReadSlice('\n')
			if err != nil {
				return
			}
			if line = bytes.TrimSpace(line); len(line) == 0 {
				break
			}
			if value, ok := bytes.CutPrefix(line, length); ok {
				n, _ = strconv.Atoi(string(value))
			}
		}
		if _, err := in.Discard(n); err != nil && err != io.EOF {
			return
		}
		if _, err := c.Write(yes); err != nil {
			return
		}
	}
}
