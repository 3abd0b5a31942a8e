package webhook_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"dswatch/event"
	"dswatch/setting"
	"dswatch/sinks"
	"dswatch/sinks/sinktest"
	"dswatch/sinks/webhook"
)

// TestAccept: a 200 counts only where its body matches accept, and never
// where it says no in JSON.
func TestAccept(t *testing.T) {
	for name, c := range map[string]struct {
		accept, answer string
		denied         bool
	}{
		"anything":       {"", "whatever", false},
		"says no":        {"", `{"ok":false,"error":"quota"}`, true},
		"matches":        {`^accepted \d+`, "accepted 17", false},
		"does not match": {`^accepted \d+`, "queued", true},
		"nothing":        {`.`, "", true},
		"no in spite of": {`quota`, `{"success":false,"error":"quota"}`, true},
	} {
		t.Run(name, func(t *testing.T) {
			far := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, c.answer) }))
			defer far.Close()
			cfg := webhook.Defaults()
			cfg.Name, cfg.Type, cfg.URL, cfg.Accept = "hook", "webhook", setting.Secret(far.URL), c.accept
			s, err := webhook.New(cfg, sinks.Env{Name: "hook"})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			err = s.Send(t.Context(), sinktest.Sample(1, event.Raised, "en"))
			if (err != nil) != c.denied || err != nil && c.answer != "" && !strings.Contains(err.Error(), c.answer) {
				t.Errorf("%v", err)
			}
		})
	}
	cfg := webhook.Defaults()
	cfg.Name, cfg.Type, cfg.URL, cfg.Accept = "hook", "webhook", "http://127.0.0.1:1", "("
	if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), "accept") {
		t.Errorf("a broken expression: %v", err)
	}
}
