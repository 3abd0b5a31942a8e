package setting_test

import (
	"strings"
	"testing"

	"dswatch/setting"
)

func TestNearest(t *testing.T) {
	valid := []string{"address", "community", "host", "hold", "name", "tls", "webhook_url", "url"}
	for word, want := range map[string]string{
		"adress": "address", "addresss": "address", "adderss": "address", "comunity": "community", "COMMUNITY": "community",
		"webhook-url": "webhook_url", "webhookurl": "webhook_url", "hots": "host", "hlod": "hold", "tsl": "tls", "uri": "url",
		"nmae": "name", "": "", "x": "", "zzz": "", "port": "", "frobnicate": "", strings.Repeat("a", 1000): "",
	} {
		if got := setting.Nearest(word, valid); got != want {
			t.Errorf("Nearest(%.20q) = %q, want %q", word, got, want)
		}
	}
	if got := setting.Nearest("a", nil); got != "" {
		t.Errorf("of none: %q", got)
	}
}
