package snmp_test

import (
	"strings"
	"testing"

	"dswatch/event"
	"dswatch/sinks/sinktest"
	"dswatch/sinks/snmp"
	"dswatch/test/receive"
)

// TestTshark has an independent dissector read every version.
func TestTshark(t *testing.T) {
	t.Parallel()
	hostile := sinktest.Sample(1, event.Raised, "ja")
	hostile.Title = "a\nb\x00c\xff\u202e"
	hostile.Text = strings.Repeat("監視", 2000)
	for name, c := range map[string]struct {
		set  func(*snmp.Config)
		want map[string]string
	}{
		"v1":         {func(c *snmp.Config) { c.Version = "1" }, map[string]string{"snmp.version": "0", "snmp.generic_trap": "6", "snmp.specific_trap": "1"}},
		"v2c":        {func(c *snmp.Config) {}, map[string]string{"snmp.version": "1", "snmp.data": "7"}},
		"v2c inform": {func(c *snmp.Config) { c.Inform = true }, map[string]string{"snmp.version": "1", "snmp.data": "6"}},
		"v3": {func(c *snmp.Config) {
			c.Version, c.V3 = "3", snmp.V3{
				User: "bert", AuthProtocol: "SHA", AuthPassword: "auth password", PrivProtocol: "AES", PrivPassword: "priv password", EngineID: engineID,
			}
		}, map[string]string{"snmp.msgVersion": "3", "snmp.data": "7", "snmp.v3.auth": "1", "snmp.v3.flags.report": "0"}},
	} {
		t.Run(name, func(t *testing.T) {
			st := newStation(t)
			s := newSink(t, config(st.address(), c.set), t.TempDir())
			var sent [][]byte
			for _, a := range []event.Alert{sinktest.Sample(0, event.Raised, "en"), hostile} {
				if err := s.Send(t.Context(), a); err != nil {
					t.Fatal(err)
				}
			}
			for _, m := range await(t, st, 2) {
				sent = append(sent, m.Body)
			}
			o := receive.DissectOptions{
				Port: 162, Protocol: "snmp", Fields: []string{"snmp.name"},
				Prefer: []string{`uat:snmp_users:"","bert","SHA1","auth password","AES","priv password"`},
			}
			for f := range c.want {
				o.Fields = append(o.Fields, f)
			}
			for i, got := range receive.Dissect(t, o, sent...) {
				for f, v := range c.want {
					if got[f] != v {
						t.Errorf("message %d: %s is %q, want %q", i, f, got[f], v)
					}
				}
				last := snmp.DefaultEnterprise + ".1.1.0"
				if name == "v1" { // without Counter64
					last = snmp.DefaultEnterprise + ".1.29.0"
				}
				if !strings.HasSuffix(got["snmp.name"], last) {
					t.Errorf("message %d: objects %s, want the last to be %s", i, got["snmp.name"], last)
				}
			}
		})
	}
}
