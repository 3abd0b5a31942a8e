package sinktest

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"dswatch/event"
	"dswatch/sinks"
)

// Golden compares text with testdata/NAME.txt, or writes it there.
func Golden(t *testing.T, name, text string, update bool) {
	t.Helper()
	file := filepath.Join("testdata", name+".txt")
	if update {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if text != string(want) {
		t.Errorf("got\n%s\nwant\n%s\n(go test -update in this package writes it)", text, want)
	}
}

// Throttled sends to a far end that takes a message every ten seconds, and
// wants the pause that it asks for.
func Throttled(t *testing.T, s sinks.Sink) {
	t.Helper()
	if err := s.Send(t.Context(), Sample(1, event.Raised, "en")); err != nil {
		t.Fatal(err)
	}
	err := s.Send(t.Context(), Sample(2, event.Raised, "en"))
	if d, ok := sinks.After(err); !ok || sinks.IsPermanent(err) || d > 10*time.Second {
		t.Errorf("wait %s: %v", d, err)
	}
}
