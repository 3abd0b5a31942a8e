package snmp

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"

	"dswatch/catalog"
	"dswatch/event"
	"dswatch/sinks"
	"dswatch/words"
)

// TestEveryRowIsWhole sends the loss of every row of the list in the default
// configuration: title, meaning and next step arrive whole, in one line each.
func TestEveryRowIsWhole(t *testing.T) {
	form := testForm(t, "")
	list, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
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
		for _, row := range list.Rows("") {
			systems := row.OS
			if len(systems) == 0 {
				systems = []string{event.Windows, event.Linux}
			}
			for _, os := range systems {
				for _, state := range []event.State{event.Down, event.Degraded, event.Unknown} {
					for _, language := range []string{"en", "ja"} {
						w, say := sinks.In(language), words.In(language, nil).Say
						a := event.Alert{
							ID: "0123456789abcdef01234567", Seq: 12, Turn: 3, Transition: event.Raised, Rule: event.RuleLoss,
							Key:   event.Key{Host: "web01.tokyo.example.co.jp", Component: row.Component, Kind: row.Kind, Name: row.Name},
							State: state, Severity: event.Critical, Impact: row.ImpactOf(os, state), Want: row.Want(), Language: language,
							Title: fmt.Sprintf("web01.tokyo.example.co.jp: %s %s %s", w.Kind(row.Kind), row.Name, w.StateOf(state)),
							Text:  say(row.Meaning(catalog.Sight{OS: os}, state)), Short: say(row.Short(catalog.Sight{OS: os}, state)), Next: say(row.NextStep(os, state)),
							Reason: strings.Repeat("reason. ", 40), Detail: strings.Repeat("detail. ", 40), Confirm: row.ConfirmOn(os), OS: os, AgentVersion: "20.0.2-1390.el8",
							Observer: "web01.tokyo.example.co.jp", StartedAt: time.Now(), At: time.Now(),
							AffectedCount: 3, Affected: []event.Affected{{Key: event.Key{Host: "web01.tokyo.example.co.jp", Component: event.Agent, Kind: event.Port, Name: "4118/tcp"}, State: event.Down}},
						}
						if a.Short == "" || a.Next == "" {
							t.Fatalf("%s %s on %s in %s: meaning %q, next step %q", row.ID(), state, os, language, a.Short, a.Next)
						}
						whole, n := newNotice(a, 1), newNotice(a, 1)
						n.fit(form, s.budget(u))
						for _, o := range []int{objTitle, objShort, objNext} {
							if n.values[o] != whole.values[o] {
								t.Errorf("v%s: %s %s on %s in %s: %s was cut to %q", version, row.ID(), state, os, language, objects()[o], n.values[o].text)
							}
						}
						for o, v := range n.values {
							if v.tag == gosnmp.OctetString && o != objStartedAt && o != objAt && o != objEndedAt && strings.ContainsAny(v.text, "\r\n") {
								t.Errorf("%s has a line break: %q", objects()[o], v.text)
							}
						}
					}
				}
			}
		}
	}
}
