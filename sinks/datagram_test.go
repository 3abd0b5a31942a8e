package sinks_test

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"dswatch/sinks"
)

func TestDatagramRefused(t *testing.T) {
	far, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	address := far.LocalAddr().String()
	d := sinks.NewDatagram("udp", address, nil)
	defer d.Close()
	if err := d.Write(t.Context(), []byte("one")); err != nil {
		t.Fatal(err)
	}
	far.Close()
	for range 3 {
		err := d.Write(t.Context(), []byte("two"))
		if !errors.Is(err, syscall.ECONNREFUSED) || !strings.Contains(err.Error(), "check that the receiver") {
			t.Errorf("nobody listens, and Write says %v", err)
		}
	}
	again, err := net.ListenPacket("udp4", address)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if err := d.Write(t.Context(), []byte("three")); err != nil {
		t.Errorf("it listens again, and Write says %v", err)
	}
}

// TestDatagramAsksForTheAddressAgain: a far end that is known by its name may
// move. An address is what it is.
func TestDatagramAsksForTheAddressAgain(t *testing.T) {
	far, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	_, port, _ := net.SplitHostPort(far.LocalAddr().String())
	for host, asks := range map[string]bool{"localhost": true, "127.0.0.1": false} {
		t.Run(host, func(t *testing.T) {
			d := sinks.NewDatagram("udp", net.JoinHostPort(host, port), nil)
			defer d.Close()
			conn := func() net.Conn {
				t.Helper()
				c, err := d.Conn(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				return c
			}
			first := conn()
			d.Age(5*time.Minute - time.Second)
			if conn() != first {
				t.Error("it has another socket before five minutes are over")
			}
			d.Age(2 * time.Second)
			second := conn()
			if (second != first) != asks {
				t.Errorf("another socket after five minutes: %v, want %v", second != first, asks)
			}
			if _, err := second.Write([]byte("x")); err != nil {
				t.Errorf("the socket cannot be used: %v", err)
			}
			if _, err := first.Write([]byte("x")); (err != nil) != asks {
				t.Errorf("the first socket says %v", err)
			}
		})
	}
}

// TestDatagramHonoursContext: a Unix receiver that does not read blocks the
// writer, which a UDP one never does.
func TestDatagramHonoursContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	far, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	d := sinks.NewDatagram("unixgram", path, nil)
	defer d.Close()
	full := func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		for {
			if err := d.Write(ctx, make([]byte, 4096)); err != nil {
				return err
			}
		}
	}
	if err := full(); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want the deadline", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(30*time.Millisecond, cancel)
	if err := d.Write(ctx, make([]byte, 4096)); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want the cancel", err)
	}
	buf := make([]byte, 4096)
	for { // what is there fits again once it was read
		far.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		if _, err := far.Read(buf); err != nil {
			break
		}
	}
	if err := d.Write(t.Context(), []byte("after")); err != nil {
		t.Error(err)
	}
	far.SetReadDeadline(time.Now().Add(30 * time.Second))
	if n, err := far.Read(buf); err != nil || string(buf[:n]) != "after" {
		t.Errorf("%q, %v", buf[:n], err)
	}
}

// TestDatagramHears: what comes back reaches the listener of each socket,
// which ends with it.
func TestDatagramHears(t *testing.T) {
	far, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	heard := make(chan string, 1)
	ended := make(chan error, 1)
	d := sinks.NewDatagram("udp", far.LocalAddr().String(), func(c net.Conn) {
		buf := make([]byte, 64)
		for {
			n, err := c.Read(buf)
			if err != nil {
				ended <- err
				return
			}
			heard <- string(buf[:n])
		}
	})
	if err := d.Write(t.Context(), []byte("ask")); err != nil {
		t.Fatal(err)
	}
	_, from, err := far.ReadFromUDP(make([]byte, 64))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := far.WriteToUDP([]byte("answer"), from); err != nil {
		t.Fatal(err)
	}
	if got := <-heard; got != "answer" {
		t.Errorf("heard %q", got)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("the listener ended with %v", err)
	}
	if err := d.Close(); err != nil {
		t.Errorf("a second close: %v", err)
	}
}

// TestDatagramCannotDial: where there is nobody yet, the error is told.
func TestDatagramCannotDial(t *testing.T) {
	d := sinks.NewDatagram("unixgram", filepath.Join(t.TempDir(), "none"), nil)
	defer d.Close()
	if err := d.Write(t.Context(), []byte("x")); err == nil {
		t.Error("written to nobody")
	}
}

// ending is a connection whose writer's time ends with the write.
type ending struct {
	net.Conn
	end context.CancelFunc
}

func (e ending) Write(b []byte) (int, error)        { e.end(); return len(b), nil }
func (e ending) SetWriteDeadline(t time.Time) error { return nil }

// TestWrittenIsWritten: what was written before the time was over, is written.
func TestWrittenIsWritten(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	if err := sinks.WriteWithin(ctx, ending{end: cancel}, []byte("x")); err != nil {
		t.Error(err)
	}
}
