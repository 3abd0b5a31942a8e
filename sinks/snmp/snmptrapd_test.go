package snmp_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dswatch/event"
	"dswatch/machine"
	"dswatch/sinks"
	"dswatch/sinks/sinktest"
	"dswatch/sinks/snmp"
	"dswatch/test/receive"
)

// config is a valid section for address.
func config(address string, more func(*snmp.Config)) snmp.Config {
	c := snmp.Defaults()
	c.Name, c.Type, c.Address, c.Community = "nms", "snmp", address, "public"
	if more != nil {
		more(&c)
	}
	if c.Version == "3" {
		c.Community = ""
	}
	return c
}

func newSink(t testing.TB, c snmp.Config, dir string) *snmp.Sink {
	t.Helper()
	s, err := snmp.New(c, sinks.Env{Name: c.Name, Host: "dswatch.example", StateDir: dir, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func mib(t testing.TB) string {
	t.Helper()
	text, err := snmp.MIB("")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

const engineID = "0x80001f8805000102030405060708090a0b"

// TestSnmptrapd sends every transition to the real receiver and reads back
// what it printed by the names of the MIB.
func TestSnmptrapd(t *testing.T) {
	const authPassword, privPassword = "auth password 1", "priv password 2"
	type way struct {
		name string
		set  func(*snmp.Config)
		user receive.SNMPUser
	}
	ways := []way{
		{name: "v1", set: func(c *snmp.Config) { c.Version = "1" }},
		{name: "v2c", set: func(c *snmp.Config) { c.Version = "2c" }},
		{name: "v3 noAuthNoPriv", set: func(c *snmp.Config) { c.Version = "3" }},
	}
	for _, auth := range []string{"MD5", "SHA", "SHA-224", "SHA-256", "SHA-384", "SHA-512"} {
		ways = append(ways, way{
			name: "v3 " + auth,
			set:  func(c *snmp.Config) { c.Version, c.V3.AuthProtocol = "3", auth },
			user: receive.SNMPUser{AuthProtocol: auth},
		})
		for _, priv := range []string{"DES", "AES", "AES-192", "AES-256"} {
			ways = append(ways, way{
				name: "v3 " + auth + " " + priv,
				set: func(c *snmp.Config) {
					c.Version, c.V3.AuthProtocol, c.V3.PrivProtocol = "3", auth, priv
				},
				user: receive.SNMPUser{AuthProtocol: auth, PrivProtocol: priv},
			})
		}
	}
	// One receiver for all, with one user for each way.
	o := receive.SNMPOptions{MIB: mib(t)}
	for i := range ways {
		u := &ways[i].user
		u.Name = fmt.Sprintf("user%d", i)
		if u.AuthProtocol != "" {
			u.AuthPassword = `"` + authPassword + `"`
		}
		if u.PrivProtocol != "" {
			u.PrivPassword = `"` + privPassword + `"`
		}
		trap := *u
		trap.EngineID = engineID
		o.Users = append(o.Users, *u, trap)
	}
	d := receive.StartSnmptrapd(t, o)
	n := 0
	dir := t.TempDir() // one engine for all users
	for _, w := range ways {
		for _, inform := range []bool{false, true} {
			name := w.name + " trap"
			if inform {
				name = w.name + " inform"
			}
			if inform && w.name == "v1" {
				continue
			}
			t.Run(name, func(t *testing.T) {
				s := newSink(t, config(d.Address, func(c *snmp.Config) {
					w.set(c)
					c.Inform = inform
					if c.Version != "3" {
						return
					}
					c.V3.User, c.V3.EngineID = w.user.Name, engineID
					c.MaxSize = 4096 // what is cut is another test's
					if c.V3.AuthProtocol != "" {
						c.V3.AuthPassword = authPassword
					}
					if c.V3.PrivProtocol != "" {
						c.V3.PrivPassword = privPassword
					}
				}), dir)
				all := sinktest.Transitions()
				if w.user.AuthProtocol != "" { // what differs is the envelope
					all = []event.Transition{event.Raised, event.Cleared}
				}
				for i, tr := range all {
					a := sinktest.Sample(n, tr, []string{"en", "ja"}[i%2])
					if err := s.Send(t.Context(), a); err != nil {
						t.Fatal(err)
					}
					n++
					got := d.Await(t, n)[n-1]
					want := expected(a)
					want["dswatchSequence.0"] = fmt.Sprint(i + 1)
					if w.name == "v1" {
						delete(want, "dswatchSequence.0") // v1 has no Counter64
						want["enterprise"] = "dswatchMIB"
					}
					for k, v := range want {
						if got[k] != v {
							t.Errorf("%s: %s is %q, want %q", tr, k, got[k], v)
						}
					}
					if _, has := got["dswatchSequence.0"]; has == (w.name == "v1") {
						t.Errorf("dswatchSequence is there: %v", has)
					}
				}
			})
		}
	}
	if t.Failed() {
		t.Log(d.Log())
	}
}

// expected is what snmptrapd prints for a, by hand from MIB and sample.
func expected(a event.Alert) receive.Trap {
	e := receive.Trap{
		"snmpTrapOID.0":            "dswatchRaised",
		"dswatchAlertId.0":         a.ID,
		"dswatchAlertSeq.0":        fmt.Sprint(a.Seq),
		"dswatchAlertTransition.0": string(a.Transition),
		"dswatchAlertSeverity.0":   "critical",
		"dswatchAlertState.0":      string(a.State),
		"dswatchAlertPrevious.0":   string(a.Previous),
		"dswatchAlertImpact.0":     "managementLost",
		"dswatchAlertHost.0":       a.Key.Host,
		"dswatchAlertComponent.0":  "agent",
		"dswatchAlertKind.0":       "process",
		"dswatchAlertName.0":       "ds_agent",
		"dswatchAlertRule.0":       "loss",
		"dswatchAlertFound.0":      fmt.Sprint(a.Found),
		"dswatchAlertWant.0":       "2",
		"dswatchAlertStartedAt.0":  "2026-11-22,3:4:5.0,+0:0",
		"dswatchAlertEndedAt.0":    "0-0-0,0:0:0.0",
		"dswatchAlertTitle.0":      a.Title,
		"dswatchAlertText.0":       a.Text,
		"dswatchAlertReason.0":     a.Reason,
		"dswatchAlertDetail.0":     a.Detail,
		"dswatchAlertConfirm.0":    a.Confirm,
		"dswatchAlertLanguage.0":   a.Language,
		"dswatchAlertOs.0":         "linux",
		"dswatchAlertTest.0":       "false",
		"dswatchAlertReplay.0":     "false",
	}
	if a.Transition == event.Cleared {
		e["snmpTrapOID.0"] = "dswatchCleared"
		e["dswatchAlertEndedAt.0"] = "2026-11-22,7:9:5.0,+0:0"
	}
	return e
}

// TestSnmptrapdOthers reads what is more than a step of one firing by the
// names of the MIB, and the kinds that no list has.
func TestSnmptrapdOthers(t *testing.T) {
	t.Parallel()
	d := receive.StartSnmptrapd(t, receive.SNMPOptions{MIB: mib(t)})
	s := newSink(t, config(d.Address, nil), t.TempDir())
	n := 0
	for name, want := range map[string]receive.Trap{
		"acknowledged":   {"snmpTrapOID.0": "dswatchAcknowledged", "dswatchAlertTransition.0": "acknowledged", "dswatchAlertAckAuthor.0": "kim.park", "dswatchAlertAckComment.0": "ticket 4711"},
		"unacknowledged": {"snmpTrapOID.0": "dswatchUnacknowledged", "dswatchAlertTransition.0": "unacknowledged", "dswatchAlertAckAuthor.0": "", "dswatchAlertText.0": "Nobody looks after it any more; lee withdrew the acknowledgement: end of shift"},
		"flapping":       {"snmpTrapOID.0": "dswatchFlapping", "dswatchAlertTransition.0": "raised", "dswatchAlertRule.0": "flapping"},
		"settled":        {"snmpTrapOID.0": "dswatchCleared", "dswatchAlertTransition.0": "cleared", "dswatchAlertRule.0": "flapping"},
		"digest":         {"snmpTrapOID.0": "dswatchDigest", "dswatchAlertTransition.0": "raised", "dswatchAlertAffectedCount.0": "2500"},
		"digest over":    {"snmpTrapOID.0": "dswatchCleared", "dswatchAlertTransition.0": "cleared", "dswatchAlertAffectedCount.0": "2500"},
		"heartbeat": {"snmpTrapOID.0": "dswatchHeartbeat", "dswatchAlertTransition.0": "heartbeat", "dswatchAlertSeq.0": "4711", "dswatchAlertKind.0": "host",
			"dswatchHeartbeatOpen.0": "7031", "dswatchHeartbeatWaiting.0": "8042", "dswatchHeartbeatEvery.0": "300 seconds"},
	} {
		if err := s.Send(t.Context(), sinktest.Others("en")[name]); err != nil {
			t.Fatal(err)
		}
		n++
		got := d.Await(t, n)[n-1]
		for k, v := range want {
			if got[k] != v {
				t.Errorf("%s: %s is %q, want %q", name, k, got[k], v)
			}
		}
		if list := got["dswatchAlertAffected.0"]; strings.HasPrefix(name, "digest") && !strings.HasSuffix(list, " more") {
			t.Errorf("%s: the list ends with %.80q", name, list)
		}
	}
	for _, k := range event.Kinds() {
		a := sinktest.Sample(1, event.Raised, "en")
		a.Key.Kind = k
		if err := s.Send(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		n++
		if got := d.Await(t, n)[n-1]["dswatchAlertKind.0"]; got != string(k) {
			t.Errorf("kind %s arrived as %s", k, got)
		}
	}
}

// v3 is a user of the strongest level that net-snmp has.
var v3 = snmp.V3{User: "bert", AuthProtocol: "SHA-256", AuthPassword: "auth password 1", PrivProtocol: "AES-256", PrivPassword: "priv password 2"}

func known(engine string) receive.SNMPUser {
	return receive.SNMPUser{
		Name: v3.User, AuthProtocol: v3.AuthProtocol, AuthPassword: `"` + v3.AuthPassword.Reveal() + `"`,
		PrivProtocol: v3.PrivProtocol, PrivPassword: `"` + v3.PrivPassword.Reveal() + `"`, EngineID: engine,
	}
}

// TestRestoredState: the receiver drops, without a word, every trap whose
// boots are lower than it has seen. Sinks that start again, lose their state
// or get an old copy of it are still heard.
func TestRestoredState(t *testing.T) {
	t.Parallel()
	d := receive.StartSnmptrapd(t, receive.SNMPOptions{MIB: mib(t), Users: []receive.SNMPUser{known(engineID)}})
	start := func(dir string) *snmp.Sink {
		return newSink(t, config(d.Address, func(c *snmp.Config) {
			c.Version, c.V3 = "3", v3
			c.V3.EngineID = engineID
		}), dir)
	}
	n := 0
	heard := func(what, dir string) {
		t.Helper()
		s := start(dir)
		a := sinktest.Sample(n, event.Raised, "en")
		if err := s.Send(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		n++
		if got := d.Await(t, n)[n-1]["dswatchAlertId.0"]; got != a.ID {
			t.Errorf("%s: alert %s arrived, want %s", what, got, a.ID)
		}
	}
	dir, old := t.TempDir(), t.TempDir()
	heard("first start", dir)
	if err := os.CopyFS(old, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	heard("another start", dir)
	time.Sleep(2100 * time.Millisecond) // boots follow the clock by seconds; the second start was a second ahead
	heard("start from an old copy", old)
	time.Sleep(1100 * time.Millisecond)
	heard("start without state", t.TempDir())
}

// TestTwoClones: a machine that was copied with its state and the one that it
// was copied from send v3 traps in turns, and the receiver hears both.
func TestTwoClones(t *testing.T) {
	t.Parallel()
	if (machine.Here() == machine.Identity{}) {
		t.Fatal("this machine has no identity, so a copy of it cannot be told")
	}
	far := "127.0.0.1:9" // until the receiver is told which engines there are
	start := func(dir string) (sink *snmp.Sink, id string) {
		s := newSink(t, config(far, func(c *snmp.Config) { c.Version, c.V3 = "3", v3 }), dir)
		_ = s.Send(t.Context(), sinktest.Sample(99, event.Raised, "en")) // opens the engine, whoever hears it
		b, err := os.ReadFile(filepath.Join(dir, "engine.json"))
		var state map[string]any
		if err = errors.Join(err, json.Unmarshal(b, &state)); err != nil {
			t.Fatal(err)
		}
		return s, "0x" + state["engine_id"].(string)
	}
	dir, copied := t.TempDir(), t.TempDir()
	_, first := start(dir)
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(map[string]any{"engine_id": first[2:], "boots": 7, "machine": machine.Identity{System: "another", Firmware: "another"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(copied, "engine.json"), b, 0o600); err != nil { // as it is seen on the clone
		t.Fatal(err)
	}
	_, second := start(copied)
	if first == second {
		t.Fatalf("both are %s", first)
	}
	d := receive.StartSnmptrapd(t, receive.SNMPOptions{MIB: mib(t), Users: []receive.SNMPUser{known(first), known(second)}})
	far = d.Address
	one, _ := start(dir)
	clone, _ := start(copied)
	const before = 2 // that opened the engines
	for n := range 6 {
		s := one
		if n%2 == 1 {
			s = clone
		}
		a := sinktest.Sample(n, event.Raised, "en")
		if err := s.Send(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		if got := d.Await(t, before+n+1)[before+n]["dswatchAlertId.0"]; got != a.ID {
			t.Errorf("alert %d: %s arrived, want %s", n, got, a.ID)
		}
	}
}

// TestLowerBootsAreDropped shows that the receiver is as strict as
// TestRestoredState needs it to be.
func TestLowerBootsAreDropped(t *testing.T) {
	t.Parallel()
	d := receive.StartSnmptrapd(t, receive.SNMPOptions{MIB: mib(t), Users: []receive.SNMPUser{known(engineID)}})
	for i, c := range []struct {
		boots string
		heard bool
	}{{"1000000000", true}, {"900000000", false}, {"1000000005", true}} {
		dir := t.TempDir()
		state := `{"engine_id":"` + engineID[2:] + `","boots":` + c.boots + `}`
		if err := os.WriteFile(filepath.Join(dir, "engine.json"), []byte(state), 0o600); err != nil {
			t.Fatal(err)
		}
		s := newSink(t, config(d.Address, func(c *snmp.Config) {
			c.Version, c.V3 = "3", v3
			c.V3.EngineID = engineID
		}), dir)
		if err := s.Send(t.Context(), sinktest.Sample(i, event.Raised, "en")); err != nil {
			t.Fatal(err)
		}
	}
	got := d.Await(t, 2)
	if got[0]["dswatchAlertHost.0"] != "web00" || got[1]["dswatchAlertHost.0"] != "web02" {
		t.Errorf("heard of %s and %s, want web00 and web02", got[0]["dswatchAlertHost.0"], got[1]["dswatchAlertHost.0"])
	}
}

// TestInformReceiverRestarts: a new run of the receiver has other boots and
// another time, which the sink must learn without losing anything.
func TestInformReceiverRestarts(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"2c", "3"} {
		t.Run(version, func(t *testing.T) {
			d := receive.StartSnmptrapd(t, receive.SNMPOptions{MIB: mib(t), Users: []receive.SNMPUser{known("")}})
			s := newSink(t, config(d.Address, func(c *snmp.Config) {
				c.Inform, c.Version, c.Retries = true, version, 1
				c.Timeout = 2 * time.Second
				if version == "3" {
					c.V3 = v3
				}
			}), t.TempDir())
			for i := range 3 {
				if err := s.Send(t.Context(), sinktest.Sample(i, event.Raised, "ja")); err != nil {
					t.Fatal(err)
				}
				d.Stop()
				if err := s.Send(t.Context(), sinktest.Sample(100+i, event.Raised, "en")); err == nil || sinks.IsPermanent(err) {
					t.Errorf("nobody listens, and Send says %v", err)
				}
				d.Restart(t)
			}
			if err := s.Send(t.Context(), sinktest.Sample(3, event.Raised, "ja")); err != nil {
				t.Fatal(err)
			}
			if got := d.Await(t, 4); len(got) != 4 {
				t.Errorf("%d notifications, want 4", len(got))
			}
		})
	}
}

// TestInformHints: the receiver's reports become the operator's next step.
func TestInformHints(t *testing.T) {
	t.Parallel()
	plain := receive.SNMPUser{Name: "plain"}
	d := receive.StartSnmptrapd(t, receive.SNMPOptions{MIB: mib(t), Users: []receive.SNMPUser{known(""), plain}})
	for name, c := range map[string]struct {
		set  func(*snmp.Config)
		want string
	}{
		"user":          {func(c *snmp.Config) { c.V3.User = "nobody" }, "check v3.user"},
		"auth password": {func(c *snmp.Config) { c.V3.AuthPassword = "another password" }, "check both"},
		"auth protocol": {func(c *snmp.Config) { c.V3.AuthProtocol = "SHA" }, "check both"},
		"level":         {func(c *snmp.Config) { c.V3.User = "plain" }, "check auth_protocol and priv_protocol"},
		// net-snmp does not answer what it cannot decrypt to a PDU, nor
		// another community.
		"priv password": {func(c *snmp.Config) { c.V3.PrivPassword = "another password" }, "user"},
		"community":     {func(c *snmp.Config) { c.Version, c.Community, c.V3 = "2c", "another", snmp.V3{} }, "community"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSink(t, config(d.Address, func(cfg *snmp.Config) {
				cfg.Inform, cfg.Version, cfg.Retries, cfg.V3 = true, "3", 0, v3
				cfg.Timeout = time.Second
				c.set(cfg)
			}), t.TempDir())
			err := s.Send(t.Context(), sinktest.Sample(1, event.Raised, "en"))
			if err == nil || sinks.IsPermanent(err) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			} else {
				t.Log(err)
			}
		})
	}
}
