package snmp_test

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dswatch/event"
	"dswatch/sinks"
	"dswatch/sinks/sinktest"
	"dswatch/sinks/snmp"

	"github.com/gosnmp/gosnmp"

	"dswatch/setting"
)

// station is a management station on loopback. It keeps what arrives and
// answers informs of version 2c.
type station struct {
	conn *net.UDPConn
	hang atomic.Bool
	drop atomic.Int32                  // so many informs get no answer
	edit func(*gosnmp.SnmpPacket) bool // changes an answer before it is sent; false: none

	mu  sync.Mutex
	got []sinktest.Message
	ids map[uint32]bool
}

func newStation(t testing.TB) *station {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	c.SetReadBuffer(4 << 20)
	st := &station{conn: c, ids: map[uint32]bool{}}
	t.Cleanup(func() { c.Close() })
	go st.listen()
	return st
}

func (st *station) address() string { return st.conn.LocalAddr().String() }

func (st *station) listen() {
	buf := make([]byte, 65535)
	for {
		n, from, err := st.conn.ReadFromUDP(buf)
		if err != nil {
			return
		}
		b := slices.Clone(buf[:n])
		p, err := (&gosnmp.GoSNMP{}).UnmarshalTrap(slices.Clone(b), false)
		st.mu.Lock()
		if err != nil || p.PDUType != gosnmp.InformRequest || !st.ids[p.RequestID] {
			st.got = append(st.got, sinktest.Message{Body: b})
		}
		if err == nil {
			st.ids[p.RequestID] = true
		}
		st.mu.Unlock()
		if err != nil || p.PDUType != gosnmp.InformRequest || st.hang.Load() || st.drop.Add(-1) >= 0 {
			continue
		}
		p.PDUType = gosnmp.GetResponse
		if st.edit != nil && !st.edit(p) {
			continue
		}
		if answer, err := p.MarshalMsg(); err == nil {
			st.conn.WriteToUDP(answer, from)
		}
	}
}

// received returns the messages, an inform that was sent again only once.
func (st *station) received() []sinktest.Message {
	st.mu.Lock()
	defer st.mu.Unlock()
	return slices.Clone(st.got)
}

// read decodes a message of version 1 or 2c and checks that it is what the
// MIB says.
func read(m sinktest.Message) (sinktest.Told, error) {
	return readWith(&gosnmp.GoSNMP{}, m)
}

func readWith(g *gosnmp.GoSNMP, m sinktest.Message) (sinktest.Told, error) {
	p, err := g.UnmarshalTrap(slices.Clone(m.Body), false)
	if err != nil {
		return sinktest.Told{}, err
	}
	told := sinktest.Told{Texts: []string{}}
	root := "." + snmp.DefaultEnterprise
	vars := p.Variables
	which := ""
	// The numbers of the objects in the order of a message, as the MIB lists them.
	order := []int{
		19, 38, 37, 5, 4, 6, 9, 12, 17, 2, 20, 3, 7, 8, 10, 11, 13, 14, 15, 16, 18,
		30, 31, 22, 21, 23, 24, 25, 26, 27, 28, 29, 32, 33, 34, 35, 36, 39, 1,
	}
	if p.PDUType == gosnmp.Trap {
		if p.Enterprise != root || p.GenericTrap != 6 {
			return told, fmt.Errorf("enterprise %s, generic trap %d", p.Enterprise, p.GenericTrap)
		}
		which, order = fmt.Sprint(p.SpecificTrap), order[:38] // without Counter64
	} else {
		if len(vars) < 2 || vars[0].Name != ".1.3.6.1.2.1.1.3.0" || vars[1].Name != ".1.3.6.1.6.3.1.1.4.1.0" {
			return told, errors.New("sysUpTime.0 and snmpTrapOID.0 do not come first")
		}
		which = strings.TrimPrefix(vars[1].Value.(string), root+".0.")
		vars = vars[2:]
	}
	if len(vars) < 32 {
		return told, fmt.Errorf("%d objects, want 32 or more", len(vars))
	}
	for i, v := range vars {
		for i >= 32 && i < len(order) && v.Name != fmt.Sprintf("%s.1.%d.0", root, order[i]) {
			order = slices.Delete(order, i, i+1) // it says nothing
		}
		if i >= len(order) {
			return told, fmt.Errorf("object %s is more than the MIB lists, or not in order", v.Name)
		}
		if want := fmt.Sprintf("%s.1.%d.0", root, order[i]); v.Name != want {
			return told, fmt.Errorf("object %s, want %s", v.Name, want)
		}
		if v.Type == gosnmp.Gauge32 {
			told.Texts = append(told.Texts, fmt.Sprint(v.Value))
		}
		if b, ok := v.Value.([]byte); ok {
			if slices.Contains([]int{16, 17, 18}, order[i]) {
				if none := order[i] == 18 && !slices.Contains(b, 0x07); len(b) != 11 && !(none && len(b) == 8) {
					return told, fmt.Errorf("date of %d bytes", len(b))
				}
				continue
			}
			told.Texts = append(told.Texts, string(b))
			if order[i] == 2 {
				told.AlertID = string(b)
			}
		}
	}
	told.Cleared = which == "2"
	return told, nil
}

func TestConformTraps(t *testing.T) {
	for _, version := range []string{"1", "2c"} {
		t.Run(version, func(t *testing.T) {
			conform(t, read, func(c *snmp.Config) { c.Version, c.Community = version, "very-private" })
		})
	}
}

func TestConformInforms(t *testing.T) {
	conform(t, read, func(c *snmp.Config) { c.Inform, c.Community, c.Retries = true, "very-private", 10 })
}

func TestConformV3Traps(t *testing.T) {
	g := &gosnmp.GoSNMP{
		Version: gosnmp.Version3, SecurityModel: gosnmp.UserSecurityModel, MsgFlags: gosnmp.AuthPriv,
		SecurityParameters: &gosnmp.UsmSecurityParameters{
			UserName: "bert", AuthenticationProtocol: gosnmp.SHA256, PrivacyProtocol: gosnmp.AES256C,
			AuthenticationPassphrase: "auth password", PrivacyPassphrase: "priv password",
		},
	}
	conform(t, func(m sinktest.Message) (sinktest.Told, error) { return readWith(g, m) }, func(c *snmp.Config) {
		c.Version = "3"
		c.V3 = snmp.V3{User: "bert", AuthProtocol: "SHA-256", AuthPassword: "auth password", PrivProtocol: "AES-256-C", PrivPassword: "priv password"}
	})
}

func conform(t *testing.T, read func(sinktest.Message) (sinktest.Told, error), set func(*snmp.Config)) {
	t.Helper()
	c := config("", set)
	o := sinktest.Options{
		New: func(t *testing.T, far *sinktest.Far, env sinks.Env) sinks.Sink {
			s, err := snmp.New(config(far.Address, set), env)
			if err != nil {
				t.Fatal(err)
			}
			return s
		},
		Far: func(t *testing.T) *sinktest.Far {
			st := newStation(t)
			far := &sinktest.Far{Address: st.address(), Received: st.received, Close: func() { st.conn.Close() }}
			if c.Inform {
				far.Hang = func() { st.hang.Store(true) }
			}
			return far
		},
		Read:    read,
		Lines:   true,
		MaxSize: int(c.MaxSize),
	}
	for _, s := range []setting.Secret{c.Community, c.V3.AuthPassword, c.V3.PrivPassword} {
		if s != "" {
			o.Secrets = append(o.Secrets, s.Reveal())
		}
	}
	sinktest.Run(t, o)
}

// TestMaxSize fills messages to the brim in the worst case of every setting.
func TestMaxSize(t *testing.T) {
	v3 := snmp.V3{
		User: strings.Repeat("u", 32), Context: strings.Repeat("c", 32), EngineID: strings.Repeat("ab", 32),
		AuthProtocol: "SHA-512", AuthPassword: "auth password", PrivProtocol: "DES", PrivPassword: "priv password",
	}
	for name, set := range map[string]func(*snmp.Config){
		"v1":            func(c *snmp.Config) { c.Version = "1" },
		"v2c":           func(c *snmp.Config) { c.Version = "2c" },
		"v2c community": func(c *snmp.Config) { c.Community = setting.Secret(strings.Repeat("c", 127)) },
		"v3":            func(c *snmp.Config) { c.Version, c.V3 = "3", v3 },
	} {
		for _, size := range []setting.Size{1400, 1472, 65507} {
			for _, enterprise := range []string{"", "1.3.6.1.4.1.4294967295.4294967295"} {
				t.Run(fmt.Sprintf("%s %s %.20s", name, size, enterprise), func(t *testing.T) {
					st := newStation(t)
					s := newSink(t, config(st.address(), func(c *snmp.Config) {
						set(c)
						c.MaxSize, c.Enterprise = size, enterprise
					}), t.TempDir())
					a := sinktest.Sample(1, event.Raised, "ja")
					long := strings.Repeat("監視", 3000)
					a.Title, a.Text, a.Reason, a.Detail, a.Confirm = long, long, long, long, long
					a.ID = strings.Repeat("i", 128)
					a.Key.Name, a.Key.Host, a.Key.Component = long[:510], long[:510], long[:510]
					if err := s.Send(t.Context(), a); err != nil {
						t.Fatal(err)
					}
					got := await(t, st, 1)[0].Body
					if len(got) > int(size) {
						t.Errorf("%d bytes, at most %s are allowed", len(got), size)
					}
					if size < 65507 && len(got) < int(size)-150 {
						t.Errorf("%d bytes of %s: room was wasted", len(got), size)
					}
				})
			}
		}
	}
}

func await(t testing.TB, st *station, n int) []sinktest.Message {
	t.Helper()
	for until := time.Now().Add(10 * time.Second); time.Now().Before(until); time.Sleep(time.Millisecond) {
		if got := st.received(); len(got) >= n {
			return got
		}
	}
	t.Fatalf("%d messages arrived, want %d", len(st.received()), n)
	return nil
}
