package snmp

import (
	"strings"
	"testing"

	"github.com/gosnmp/gosnmp"

	"dswatch/sinks/sinktest"
)

// TestEveryRowIsWhole writes the loss of every row of the list in the default
// configuration: title, meaning and next step are whole, in one line each.
func TestEveryRowIsWhole(t *testing.T) {
	form := testForm(t, "")
	rows := sinktest.Rows(t)
	for _, version := range []string{"1", "2c", "3"} {
		cfg := Defaults()
		cfg.Version = version
		cfg.Name, cfg.Address = "nms", "192.0.2.20"
		var u *user
		if version == "3" {
			cfg.V3 = V3{User: "dswatch", AuthProtocol: "SHA-256", AuthPassword: "auth password", PrivProtocol: "AES", PrivPassword: "priv password"}
			var err error
			if u, err = newUser(cfg.V3, strings.Repeat("e", 17), nil); err != nil {
				t.Fatal(err)
			}
		}
		s := &Sink{cfg: cfg, form: form}
		for _, r := range rows {
			r.Reason, r.Detail = strings.Repeat("reason. ", 40), strings.Repeat("detail. ", 40)
			if r.Short == "" || r.Next == "" {
				t.Fatalf("%s: meaning %q, next step %q", r.Of, r.Short, r.Next)
			}
			whole, n := newNotice(r.Alert, 1), newNotice(r.Alert, 1)
			n.fit(form, s.budget(u))
			for _, o := range []int{objTitle, objShort, objNext} {
				if n.values[o] != whole.values[o] {
					t.Errorf("v%s: %s: %s was cut to %q", version, r.Of, objects()[o], n.values[o].text)
				}
			}
			for o, v := range n.values {
				if v.tag == gosnmp.OctetString && o != objStartedAt && o != objAt && o != objEndedAt && strings.ContainsAny(v.text, "\r\n") {
					t.Errorf("%s: %s has a line break: %q", r.Of, objects()[o], v.text)
				}
			}
		}
	}
}
