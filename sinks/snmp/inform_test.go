package snmp

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dswatch/event"
	"dswatch/sinks"

	"github.com/gosnmp/gosnmp"
)

// manager answers whatever answer makes of each datagram.
func manager(t testing.TB, answer func([]byte) [][]byte) string {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	go func() {
		buf := make([]byte, maxSize)
		for {
			n, from, err := c.ReadFromUDP(buf)
			if err != nil {
				return
			}
			for _, b := range answer(slices.Clone(buf[:n])) {
				c.WriteToUDP(b, from)
			}
		}
	}()
	return c.LocalAddr().String()
}

func informer(t testing.TB, address string, set func(*Config)) *Sink {
	t.Helper()
	c := Defaults()
	c.Name, c.Address, c.Community, c.Inform, c.Timeout = "nms", address, "public", true, 2*time.Second
	if set != nil {
		set(&c)
	}
	s, err := New(c, sinks.Env{StateDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// respond answers an inform of version 2c.
func respond(t testing.TB, b []byte, edit func(*gosnmp.SnmpPacket)) []byte {
	t.Helper()
	p, err := (&gosnmp.GoSNMP{}).UnmarshalTrap(b, false)
	if err != nil {
		t.Error(err)
		return nil
	}
	p.PDUType = gosnmp.GetResponse
	if edit != nil {
		edit(p)
	}
	out, err := p.MarshalMsg()
	if err != nil {
		t.Error(err)
	}
	return out
}

var sample = event.Alert{ID: "a1", Seq: 1, Transition: event.Raised, Severity: event.Warning, State: event.Down}

func TestInformIsSentAgain(t *testing.T) {
	var asked atomic.Int32
	var first []byte
	s := informer(t, manager(t, func(b []byte) [][]byte {
		if asked.Add(1) == 1 {
			first = b
		}
		if asked.Load() < 3 {
			return nil
		}
		if string(b) != string(first) {
			t.Error("the repetition is another request, so the receiver would take it as a second alert")
		}
		return [][]byte{respond(t, b, nil)}
	}), func(c *Config) { c.Retries = 2; c.Timeout = 600 * time.Millisecond })
	if err := s.Send(t.Context(), sample); err != nil {
		t.Fatal(err)
	}
	if n := asked.Load(); n != 3 {
		t.Errorf("%d requests, want 3", n)
	}
}

func TestInformWithoutAnswer(t *testing.T) {
	var asked atomic.Int32
	s := informer(t, manager(t, func([]byte) [][]byte { asked.Add(1); return nil }), func(c *Config) { c.Retries = 3; c.Timeout = 200 * time.Millisecond })
	err := s.Send(t.Context(), sample)
	if err == nil || sinks.IsPermanent(err) || sinks.Classify(err) != sinks.ClassTimeout {
		t.Errorf("%v", err)
	}
	for end := time.Now().Add(10 * time.Second); asked.Load() < 4 && time.Now().Before(end); {
		time.Sleep(time.Millisecond) // the last one may still be on its way
	}
	if n := asked.Load(); n != 4 {
		t.Errorf("%d requests, want 4", n)
	}
	if n := len(s.asker.waiting); n != 0 {
		t.Errorf("%d requests still wait", n)
	}
}

func TestInformAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		answer    func(testing.TB, []byte) [][]byte
		want      string // "" is success
		permanent bool
	}{
		"accepted": {answer: func(t testing.TB, b []byte) [][]byte { return [][]byte{respond(t, b, nil)} }},
		"too big": {
			answer: func(t testing.TB, b []byte) [][]byte {
				return [][]byte{respond(t, b, func(p *gosnmp.SnmpPacket) { p.Error = gosnmp.TooBig })}
			},
			want: "lower max_size", permanent: true,
		},
		"refused": {
			answer: func(t testing.TB, b []byte) [][]byte {
				return [][]byte{respond(t, b, func(p *gosnmp.SnmpPacket) { p.Error = gosnmp.AuthorizationError })}
			},
			want: "AuthorizationError",
		},
		"noise, then accepted": {answer: func(t testing.TB, b []byte) [][]byte {
			return [][]byte{{0}, []byte("hello"), b, b[:len(b)/2], slices.Repeat([]byte{0x30, 0x84, 0xff}, 20),
				respond(t, slices.Clone(b), func(p *gosnmp.SnmpPacket) { p.RequestID++ }), respond(t, b, nil), respond(t, slices.Clone(b), nil)}
		}},
		"an echo is no answer": {answer: func(_ testing.TB, b []byte) [][]byte { return [][]byte{b} }, want: "no response"},
		"another's answer": {answer: func(t testing.TB, b []byte) [][]byte {
			return [][]byte{respond(t, b, func(p *gosnmp.SnmpPacket) { p.RequestID++ })}
		}, want: "no response"},
		"version 1": {answer: func(t testing.TB, b []byte) [][]byte {
			return [][]byte{respond(t, b, func(p *gosnmp.SnmpPacket) { p.Version = gosnmp.Version1 })}
		}, want: "no response"},
	} {
		t.Run(name, func(t *testing.T) {
			s := informer(t, manager(t, func(b []byte) [][]byte { return c.answer(t, b) }), func(c *Config) { c.Timeout = 300 * time.Millisecond; c.Retries = 0 })
			err := s.Send(t.Context(), sample)
			if c.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || sinks.IsPermanent(err) != c.permanent {
				t.Errorf("%v, permanent %v", err, sinks.IsPermanent(err))
			}
		})
	}
}

// TestInformRefused: nobody listens, and that is known at once, not after
// the timeout.
func TestInformRefused(t *testing.T) {
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	address := c.LocalAddr().String()
	c.Close()
	for _, version := range []string{"2c", "3"} {
		s := informer(t, address, func(c *Config) {
			c.Version, c.Timeout = version, 10*time.Second
			if version == "3" {
				c.Community, c.V3.User = "", "bert"
			}
		})
		start := time.Now()
		err := s.Send(t.Context(), sample)
		if err == nil || sinks.IsPermanent(err) || !strings.Contains(err.Error(), "refused") {
			t.Errorf("version %s: %v", version, err)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("version %s: took %s", version, took)
		}
	}
}

func TestInformHonoursContext(t *testing.T) {
	s := informer(t, manager(t, func([]byte) [][]byte { return nil }), func(c *Config) { c.Timeout = 10 * time.Second })
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if err := s.Send(ctx, sample); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// TestForgedAnswers: somebody who can send from the receiver's address, but
// has no key, cannot make an inform look delivered nor move the clock.
func TestForgedAnswers(t *testing.T) {
	const engine = "\x80\x00\x1f\x88\x05engine"
	var boots atomic.Int64
	boots.Store(-1)
	forged := func(p gosnmp.SnmpPacket, flags gosnmp.SnmpV3MsgFlags, id string) []byte {
		usm := &gosnmp.UsmSecurityParameters{
			AuthoritativeEngineID: id, AuthoritativeEngineBoots: 7, AuthoritativeEngineTime: 7, UserName: "bert",
			AuthenticationProtocol: gosnmp.NoAuth, PrivacyProtocol: gosnmp.NoPriv,
		}
		if flags&gosnmp.AuthNoPriv != 0 {
			usm.AuthenticationProtocol = gosnmp.SHA256
			usm.SecretKey = []byte{} // what gosnmp falls to for an engine whose keys it cannot derive
		}
		p.Version, p.SecurityModel, p.MsgFlags, p.SecurityParameters = gosnmp.Version3, gosnmp.UserSecurityModel, flags, usm
		b, err := p.MarshalMsg()
		if err != nil {
			t.Error(err)
		}
		return b
	}
	report := func(id uint32, counter string) gosnmp.SnmpPacket {
		return gosnmp.SnmpPacket{PDUType: gosnmp.Report, MsgID: id, RequestID: id,
			Variables: []gosnmp.SnmpPDU{{Name: counter + ".0", Type: gosnmp.Counter32, Value: uint32(1)}}}
	}
	for name, answer := range map[string]func(id uint32) []byte{
		"response without authentication": func(id uint32) []byte {
			return forged(gosnmp.SnmpPacket{PDUType: gosnmp.GetResponse, MsgID: id, RequestID: id}, gosnmp.NoAuthNoPriv, engine)
		},
		"response with an empty key": func(id uint32) []byte {
			return forged(gosnmp.SnmpPacket{PDUType: gosnmp.GetResponse, MsgID: id, RequestID: id}, gosnmp.AuthNoPriv, engine)
		},
		"response of another engine with an empty key": func(id uint32) []byte {
			return forged(gosnmp.SnmpPacket{PDUType: gosnmp.GetResponse, MsgID: id, RequestID: id}, gosnmp.AuthNoPriv, engine+"2")
		},
		"time without authentication": func(id uint32) []byte {
			return forged(report(id, notInTimeWindows), gosnmp.NoAuthNoPriv, engine)
		},
	} {
		t.Run(name, func(t *testing.T) {
			plain := &gosnmp.GoSNMP{SecurityParameters: &gosnmp.UsmSecurityParameters{AuthenticationProtocol: gosnmp.SHA256, AuthenticationPassphrase: "wrong password"}}
			s := informer(t, manager(t, func(b []byte) [][]byte {
				// The message id is readable whatever the keys are.
				p, err := plain.SnmpDecodePacket(b)
				if err != nil && p == nil {
					t.Error(err)
					return nil
				}
				if p.MsgFlags&gosnmp.AuthNoPriv == 0 {
					return [][]byte{forged(report(p.MsgID, unknownEngineIDs), gosnmp.NoAuthNoPriv, engine)}
				}
				return [][]byte{answer(p.MsgID)}
			}), func(c *Config) {
				c.Version, c.Community, c.Timeout, c.Retries = "3", "", 300*time.Millisecond, 0
				c.V3 = V3{User: "bert", AuthProtocol: "SHA-256", AuthPassword: "the password"}
			})
			err := s.Send(t.Context(), sample)
			if err == nil || sinks.Classify(err) != sinks.ClassTimeout {
				t.Errorf("%v, want a timeout", err)
			}
		})
	}
}

// FuzzAnswers: whatever comes back, nothing panics and nothing but a real
// response counts.
func FuzzAnswers(f *testing.F) {
	n := newNotice(sample, 1)
	form := testForm(f, "")
	f.Add(form.encodeV2c(n, header{pdu: gosnmp.GetResponse, community: "public", request: 7}))
	u, err := newUser(V3{User: "bert", AuthProtocol: "SHA", AuthPassword: "password 1", PrivProtocol: "AES", PrivPassword: "password 2"}, "\x80\x00\x1f\x88\x05engine", new(atomic.Uint64))
	if err != nil {
		f.Fatal(err)
	}
	for _, pdu := range []gosnmp.PDUType{gosnmp.GetResponse, gosnmp.Report, gosnmp.InformRequest} {
		f.Add(u.seal(form, n, header{pdu: pdu, request: 7, uptime: 1, which: 1}, envelope{boots: 1, time: 2, context: u.engine}))
	}
	f.Add([]byte{0x30, 0x03, 0x02, 0x01, 0x03})
	r := newRemote("127.0.0.1:1", u.cfg, u.salt)
	r.user = u
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := readV2c(slices.Clone(b)); err == nil {
			refusal(p)
		}
		if p, err := r.read(slices.Clone(b)); err == nil {
			if c := reported(p); c == "" {
				refusal(p)
			} else {
				reportError(c)
				r.learn(p)
				r.user = u
			}
		}
	})
}

// TestEngineOfAnAnswer: an engine id has 5 to 32 bytes.
func TestEngineOfAnAnswer(t *testing.T) {
	for size, good := range map[int]bool{0: false, 4: false, 5: true, 32: true, 33: false} {
		r := newRemote("127.0.0.1:162", V3{User: "u"}, new(atomic.Uint64))
		err := r.learn(&gosnmp.SnmpPacket{SecurityParameters: &gosnmp.UsmSecurityParameters{AuthoritativeEngineID: strings.Repeat("e", size)}})
		if u, _, _ := r.engine(); (err == nil) != good || (u != nil) != good {
			t.Errorf("%d bytes: %v, known: %v", size, err, u != nil)
		}
	}
	if newRemote("127.0.0.1:162", V3{User: "u"}, new(atomic.Uint64)).learn(&gosnmp.SnmpPacket{}) == nil {
		t.Error("an answer without security parameters was learned from")
	}
}
