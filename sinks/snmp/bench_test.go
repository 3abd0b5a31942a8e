//go:build unix

package snmp

import (
	"log/slog"
	"net"
	"strconv"
	"syscall"
	"testing"
	"time"

	"dswatch/event"
	"dswatch/sinks"
	"dswatch/sinks/sinktest"

	"github.com/gosnmp/gosnmp"
)

// BenchmarkSend compares, in one run and with the same alert: a datagram of
// the same size, gosnmp's own SendTrap, and this sink. With -cpu 1 the
// numbers are for one core:
//
//	go test ./sinks/snmp -run '^$' -bench Send -cpu 1
//
// msg/s is by the clock, msg/cpu-s by the CPU time of the process, which a
// busy machine distorts less.
func BenchmarkSend(b *testing.B) {
	far, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		b.Fatal(err)
	}
	defer far.Close()
	address := far.LocalAddr().String()
	a := sinktest.Sample(1, event.Raised, "en")
	f, err := newForm("")
	if err != nil {
		b.Fatal(err)
	}
	measure := func(b *testing.B, send func() error) {
		before := cpu(b)
		for b.Loop() {
			if err := send(); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
		b.ReportMetric(float64(b.N)/(cpu(b)-before).Seconds(), "msg/cpu-s")
	}

	b.Run("raw UDP", func(b *testing.B) {
		c, err := net.Dial("udp", address)
		if err != nil {
			b.Fatal(err)
		}
		defer c.Close()
		datagram := f.encodeV2c(newNotice(a, 1), header{pdu: gosnmp.SNMPv2Trap, community: "public"})
		measure(b, func() error { _, err := c.Write(datagram); return err })
	})
	b.Run("gosnmp SendTrap v2c", func(b *testing.B) {
		host, port, _ := net.SplitHostPort(address)
		n, _ := strconv.Atoi(port)
		g := &gosnmp.GoSNMP{Target: host, Port: uint16(n), Version: gosnmp.Version2c, Community: "public", Timeout: time.Second}
		if err := g.Connect(); err != nil {
			b.Fatal(err)
		}
		defer g.Close()
		measure(b, func() error {
			_, err := g.SendTrap(gosnmp.SnmpTrap{Variables: f.bindings(newNotice(a, 1), 1, 1)})
			return err
		})
	})
	v3 := V3{User: "bert", AuthProtocol: "SHA-256", AuthPassword: "auth password", PrivProtocol: "AES", PrivPassword: "priv password"}
	for _, way := range []struct {
		name string
		set  func(*Config)
	}{
		{"v2c", func(c *Config) { c.Version = "2c" }},
		{"v1", func(c *Config) { c.Version = "1" }},
		{"v3 authNoPriv", func(c *Config) {
			c.Version, c.V3 = "3", V3{User: "bert", AuthProtocol: "SHA-256", AuthPassword: "auth password"}
		}},
		{"v3 authPriv", func(c *Config) { c.Version, c.V3 = "3", v3 }},
	} {
		b.Run(way.name, func(b *testing.B) {
			c := Defaults()
			c.Name, c.Address, c.Community = "nms", address, "public"
			way.set(&c)
			if c.Version == "3" {
				c.Community = ""
			}
			s, err := New(c, sinks.Env{StateDir: b.TempDir(), Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			ctx := b.Context()
			b.ReportAllocs()
			measure(b, func() error { return s.Send(ctx, a) })
		})
	}
}

// cpu is the CPU time that this process has used.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
