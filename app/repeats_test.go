package app

import (
	"strings"
	"testing"

	"dswatch/words"
)

// TestNeverRepeated warns where Alertmanager would take what lasts for over.
func TestNeverRepeated(t *testing.T) {
	const am = "sinks: [{name: am, type: alertmanager, urls: ['http://192.0.2.30:9093']}, {name: out, type: stdout}]\n"
	for text, want := range map[string]bool{
		"": false, "rules: {repeat: 0s}\n": true,
		"routes: [{sinks: [am, out], repeat: 0s}]\n":                                                true,
		"rules: {repeat: 0s}\nroutes: [{sinks: [am, out], repeat: 4h}]\n":                           false,
		"routes: [{sinks: [out], repeat: 0s, escalate: {after: 15m, sinks: [am]}}]\n":               true,
		"routes: [{match: [kind=port], sinks: [out], repeat: 0s, continue: true}, {sinks: [am]}]\n": false,
	} {
		l, err := Parse("x.yaml", []byte("host: h\n"+text+am))
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(strings.Join(words.In("en", nil).Lines(l.Warnings), "\n"), "sinks[0].ends_after: alerts are not repeated to sink am"); got != want {
			t.Errorf("%q: warnings %q", text, l.Warnings)
		}
	}
}
