package bus_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"dswatch/bus"
	"dswatch/bus/bustest"
)

// TestLateConnectionIsClosed: a server that answers when nobody waits any more
// is not left with a connection that nobody knows of.
func TestLateConnectionIsClosed(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithCancel(t.Context())
	opened := make(chan error, 1)
	go func() {
		c := bustest.Config(t)
		c.URL = "nats://" + l.Addr().String()
		_, err := bus.Open(ctx, c, bus.Options{Log: bustest.Log(t)})
		opened <- err
	}()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	cancel()
	if err := <-opened; !errors.Is(err, context.Canceled) {
		t.Fatalf("open: %v", err)
	}
	if _, err := io.WriteString(conn, `INFO {"server_id":"x","version":"2.12.0","proto":1,"max_payload":1048576}`+"\r\n"); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	for in := bufio.NewReader(conn); ; {
		line, err := in.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return // closed
		}
		if err != nil {
			t.Fatalf("the connection is kept: %v", err)
		}
		if strings.HasPrefix(line, "PING") {
			if _, err := io.WriteString(conn, "PONG\r\n"); err != nil {
				t.Fatal(err)
			}
		}
	}
}
