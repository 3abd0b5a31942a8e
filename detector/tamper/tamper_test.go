package tamper

import (
	"context"
	"errors"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"dswatch/detector/service"
	"dswatch/event"
	"dswatch/words"
)

// watched is a Watch of a host with an agent whose service manager answers
// what is in starts.
func watched(before event.Facts, starts map[string]string) *Watch {
	w := New(Options{Host: "h", Folders: func(c string) []string {
		if c == event.Agent {
			return []string{"/nowhere/ds_agent"}
		}
		return nil
	}, Before: before, Drivers: func() []string { return nil }, Running: func() bool { return true }})
	w.starts = func(_ context.Context, names []string) (map[string]string, error) {
		if starts == nil {
			return nil, errors.New("no bus")
		}
		out := maps.Clone(starts)
		maps.DeleteFunc(out, func(n, _ string) bool { return !slices.Contains(names, n) })
		return out, nil
	}
	return w
}

func see(t *testing.T, w *Watch, row string) (event.State, string) {
	t.Helper()
	seen, err := w.Detect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range seen {
		if err := o.Validate(); err != nil {
			t.Errorf("%s: %v", o.Key, err)
		}
		if o.Key.Component == event.Agent && o.Key.Name == row {
			return o.State, words.In("en", nil).Say(o.Detail)
		}
	}
	t.Fatalf("%s is not among %v", row, seen)
	return "", ""
}

// TestStarts: a service that began with the host and does so no more is told
// of, one that never did is not.
func TestStarts(t *testing.T) {
	if len(services[runtime.GOOS]) == 0 {
		t.Skip("no services are known on " + runtime.GOOS)
	}
	for name, c := range map[string]struct {
		before, now string
		want        event.State
	}{
		"as before":                       {"enabled", "enabled", event.Up},
		"disabled":                        {"enabled", "disabled", event.Down},
		"masked":                          {"generated", "masked", event.Down},
		"deleted":                         {"enabled", service.Gone, event.Down},
		"set to manual":                   {"automatic", "manual", event.Down},
		"was disabled when first seen":    {"disabled", "disabled", event.Up},
		"was disabled, is masked":         {"disabled", "masked", event.Up},
		"enabled by somebody":             {"disabled", "enabled", event.Up},
		"another way to begin":            {"generated", "enabled", event.Up},
		"for this boot only":              {"enabled", "enabled-runtime", event.Up},
		"never seen, and disabled":        {"", "disabled", event.Up},
		"never seen, and not there":       {"", service.Gone, event.Up},
		"nobody tells":                    {"enabled", "", event.Up},
		"a state that nobody knows of":    {"enabled", "indirect", event.Up},
		"delayed, as Windows calls it so": {"automatic", "automatic", event.Up},
	} {
		t.Run(name, func(t *testing.T) {
			now := map[string]string{}
			if c.before != "" {
				now["ds_agent"] = c.before
			}
			w := watched(nil, now)
			if state, detail := see(t, w, startsRow); state != event.Up {
				t.Errorf("at first: %s, %s", state, detail)
			}
			if delete(now, "ds_agent"); c.now != "" {
				now["ds_agent"] = c.now
			}
			for range 2 { // it lasts
				state, detail := see(t, w, startsRow)
				if state != c.want || c.want == event.Down && !strings.Contains(detail, "ds_agent is "+c.now+" now; it was "+c.before) {
					t.Errorf("%s, %q; want %s", state, detail, c.want)
				}
			}
			f, _ := w.Facts(t.Context())
			again := watched(f, now) // dswatch was started anew meanwhile
			if state, detail := see(t, again, startsRow); state != c.want {
				t.Errorf("after a restart: %s, %q; want %s", state, detail, c.want)
			}
			if now["ds_agent"] = c.before; c.before != "" && !off(c.before) {
				if state, detail := see(t, again, startsRow); state != event.Up {
					t.Errorf("set back: %s, %q", state, detail)
				}
			}
		})
	}
}

// TestStartsUnknown: who cannot be asked is unknown, and what was seen stays.
func TestStartsUnknown(t *testing.T) {
	known := event.Facts{event.StartsAgent: {Value: "ds_agent=enabled", Origin: "service manager", At: time.Now()}}
	w := watched(known, nil)
	if state, detail := see(t, w, startsRow); state != event.Unknown || !strings.Contains(detail, "no bus") {
		t.Errorf("%s, %q; want unknown, with the reason", state, detail)
	}
	if f, _ := w.Facts(t.Context()); f[event.StartsAgent].Value != "ds_agent=enabled" {
		t.Errorf("%v is remembered, want what was seen", f)
	}
}

// TestForgottenWithIt: what is not installed any more is not looked at, and its
// next installation is seen for the first time.
func TestForgottenWithIt(t *testing.T) {
	now := map[string]string{"ds_agent": "enabled"}
	w := watched(nil, now)
	see(t, w, startsRow)
	there := w.folders
	w.folders = func(string) []string { return nil }
	now["ds_agent"] = service.Gone
	if state, detail := see(t, w, startsRow); state != event.Up {
		t.Errorf("not installed: %s, %q", state, detail)
	}
	if f, _ := w.Facts(t.Context()); len(f) != 0 {
		t.Errorf("%v is remembered of what is not installed", f)
	}
	w.folders, now["ds_agent"] = there, "disabled"
	if state, detail := see(t, w, startsRow); state != event.Up {
		t.Errorf("installed again, and never started by itself: %s, %q", state, detail)
	}
}

// FuzzBefore: what was stored may be anything.
func FuzzBefore(f *testing.F) {
	f.Add("ds_agent=enabled;x=y")
	f.Add(";=;==")
	f.Fuzz(func(t *testing.T, value string) {
		w := watched(event.Facts{event.StartsAgent: {Value: value, Origin: "x", At: time.Now()}}, map[string]string{"ds_agent": "disabled"})
		see(t, w, startsRow)
	})
}
