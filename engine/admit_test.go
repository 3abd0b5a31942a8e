package engine

import (
	"strings"
	"testing"

	"dswatch/event"
)

// TestAdmit refuses a name with the token of another host, and knows a host by
// other spellings of its name.
func TestAdmit(t *testing.T) {
	e := &Engine{Parts: Parts{Limits: DefaultLimits}, hosts: map[string]*host{}, named: map[string]*host{}}
	e.host("Web01.example.com")
	forged := "web01-example.com" // as if its digest began alike
	e.hosts[event.Token(forged)] = e.hosts[event.Token("web01.example.com")]
	for name, want := range map[string]string{
		"web01.EXAMPLE.com": "", "db01": "", forged: `has the token of "web01.example.com"`,
	} {
		if err := e.admit(name); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}
