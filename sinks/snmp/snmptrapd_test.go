package snmp_test

import (
	"fmt"
	"log/slog"
	"testing"

	"dswatch/event"
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
					if c.V3.AuthProtocol != "" {
						c.V3.AuthPassword = authPassword
					}
					if c.V3.PrivProtocol != "" {
						c.V3.PrivPassword = privPassword
					}
				}), dir)
				for i, tr := range sinktest.Transitions() {
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
		"dswatchAlertEndedAt.0":    "0-0-0,0:0:0.0,.0:0",
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
