package facts

import (
	"strings"
	"testing"
	"time"
)

// removalEvent is event 1034 of MsiInstaller as `wevtutil qe /f:xml` prints it.
func removalEvent(id, at, product, status string) string {
	return `<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='MsiInstaller'/><EventID Qualifiers='0'>` + id +
		`</EventID><Level>4</Level><TimeCreated SystemTime='` + at + `'/><Channel>Application</Channel><Computer>WIN01</Computer></System>` +
		`<EventData><Data>` + product + `</Data><Data>20.0.4185</Data><Data>1033</Data><Data>` + status + `</Data><Data>Trend Micro Inc.</Data><Data>(NULL)</Data><Binary>7B</Binary></EventData></Event>`
}

func TestRemovalOf(t *testing.T) {
	const product = "Trend Micro Deep Security Agent"
	at := "2026-11-29T02:13:04.1234567Z"
	for name, c := range map[string]struct {
		log  string
		want bool
	}{
		"removed":            {removalEvent("1034", at, product, "0"), true},
		"behind another":     {removalEvent("1034", "2026-11-29T03:00:00Z", "Other Product", "0") + "\r\n" + removalEvent("1034", at, product, "0"), true},
		"other case":         {removalEvent("1034", at, strings.ToUpper(product), "0"), true},
		"failed":             {removalEvent("1034", at, product, "1603"), false},
		"installed":          {removalEvent("1033", at, product, "0"), false},
		"other product":      {removalEvent("1034", at, "Other Product", "0"), false},
		"nothing":            {"", false},
		"damaged":            {removalEvent("1034", at, product, "0")[:200], false},
		"damaged before it":  {"<Event><<>" + removalEvent("1034", at, product, "0"), false},
		"no time":            {removalEvent("1034", "yesterday", product, "0"), false},
		"longer than it may": {strings.Repeat(" ", maxInstallerLog) + removalEvent("1034", at, product, "0"), false},
	} {
		got, ok := removalOf(strings.NewReader(c.log), product)
		if ok != c.want {
			t.Errorf("%s: %v, want %v", name, ok, c.want)
		}
		if want := time.Date(2026, 11, 29, 2, 13, 4, 123456700, time.UTC); ok && !got.Equal(want) {
			t.Errorf("%s: at %s, want %s", name, got, want)
		}
	}
}
