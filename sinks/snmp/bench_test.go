package snmp

import (
	"log/slog"
	"net"
	"strconv"
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
	rate := func(b *testing.B) { b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s") }

	b.Run("raw UDP", func(b *testing.B) {
		c, err := net.Dial("udp", address)
		if err != nil {
			b.Fatal(err)
		}
		defer c.Close()
		datagram := f.encodeV2c(newNotice(a, 1), header{pdu: gosnmp.SNMPv2Trap, community: "public"})
		for b.Loop() {
			if _, err := c.Write(datagram); err != nil {
				b.Fatal(err)
			}
		}
		rate(b)
	})
	b.Run("gosnmp SendTrap v2c", func(b *testing.B) {
		host, port, _ := net.SplitHostPort(address)
		n, _ := strconv.Atoi(port)
		g := &gosnmp.GoSNMP{Target: host, Port: uint16(n), Version: gosnmp.Version2c, Community: "public", Timeout: time.Second}
		if err := g.Connect(); err != nil {
			b.Fatal(err)
		}
		defer g.Close()
		for b.Loop() {
			if _, err := g.SendTrap(gosnmp.SnmpTrap{Variables: f.bindings(newNotice(a, 1), 1, 1)}); err != nil {
				b.Fatal(err)
			}
		}
		rate(b)
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
			for b.Loop() {
				if err := s.Send(ctx, a); err != nil {
					b.Fatal(err)
				}
			}
			rate(b)
		})
	}
}
