package app

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"dswatch/bus"
	"dswatch/bus/bustest"
	"dswatch/event"
	"dswatch/rules"
	"dswatch/web"
)

// TestSilencesShown: what is silenced is shown with why and until when, also
// where the alert was open before; a window with its end; and an edit counts.
func TestSilencesShown(t *testing.T) {
	f := newFleet(t)
	opened := time.Now().UTC().Add(-time.Minute)
	f.start(quickRules + fmt.Sprintf("maintenance: [{name: patch-night, match: [name=dsa.exe], schedule: \"%d %d * * *\", duration: 1h, time_zone: UTC}]\n", opened.Minute(), opened.Hour()))
	f.agent("20.0.0-7119")
	f.tell(event.Process, "own.exe", event.Up)
	f.tell(event.Process, "dsa.exe", event.Up)
	f.tell(event.Process, "own.exe", event.Down)
	f.tell(event.Process, "dsa.exe", event.Down)
	alert := func(name string) (one web.Alert) {
		t.Helper()
		all, err := f.a.Alerts(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range all {
			if a.Key.Name == name {
				one = a
			}
		}
		return one
	}
	eventually(t, "one is open, one in the window", func() bool { return alert("own.exe").ID != "" && alert("dsa.exe").Silence != "" })
	end := opened.Truncate(time.Minute).Add(time.Hour)
	if a := alert("dsa.exe"); a.Silence != "window/patch-night" || !a.Silenced.Ends.Equal(end) || a.ID != "" || a.Severity != event.Critical {
		t.Errorf("in the window: %+v %+v, want until %s", a, a.Silenced, end)
	}
	if a := alert("own.exe"); a.Silenced != nil {
		t.Errorf("not silenced yet: %+v", a)
	}
	ends := time.Now().Add(time.Hour).UTC()
	s, err := f.a.AddSilence(t.Context(), web.Silence{Match: []string{"name=own.exe"}, Ends: ends, Author: "山田", Comment: "夜間作業"})
	if err != nil || s.Items == nil || *s.Items != 1 || *s.Lost != 1 {
		t.Fatalf("%+v, %v", s, err)
	}
	eventually(t, "the open one is shown as silenced", func() bool {
		a := alert("own.exe")
		return a.Silence == s.ID && a.Silenced.Author == "山田" && a.Silenced.Comment == "夜間作業" && a.Silenced.Ends.Equal(ends)
	})
	st, err := f.a.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range st.Items {
		if want := map[string]string{"own.exe": s.ID, "dsa.exe": "window/patch-night"}[i.Key.Name]; i.Silence != want {
			t.Errorf("status: %s is kept quiet by %q, want %q", i.Key, i.Silence, want)
		}
	}
	if y := f.why("process/dsa.exe", "en"); !y.Rules[0].Silence.Ends.Equal(end) {
		t.Errorf("why: %+v", y.Rules[0].Silence)
	}

	after, err := f.a.EditSilence(t.Context(), s.ID[:4], web.SilenceEdit{Match: []string{"name=other.exe"}, Author: "lee"})
	if err != nil || *after.Items != 0 || len(after.History) != 2 || after.History[1].By != "lee" {
		t.Fatalf("%+v, %v", after, err)
	}
	eventually(t, "it is not silenced any more", func() bool { return alert("own.exe").Silenced == nil })
	now := time.Now().UTC().Add(-time.Minute)
	again, err := f.a.AddSilence(t.Context(), web.Silence{Match: []string{"name=own.exe"}, Every: fmt.Sprintf("%d %d * * *", now.Minute(), now.Hour()), Lasts: 3600, TimeZone: "UTC", Author: "kim", Comment: "x"})
	closes := now.Truncate(time.Minute).Add(time.Hour)
	if err != nil || again.State != "active" || !again.Ends.IsZero() || !again.Closes.Equal(closes) {
		t.Fatalf("%+v, %v", again, err)
	}
	eventually(t, "one that comes again counts while it is open", func() bool {
		s := alert("own.exe").Silenced
		return s != nil && s.ID == again.ID && s.Ends.Equal(closes)
	})
	if err := f.a.ExpireSilence(t.Context(), again.ID, "kim"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it was expired", func() bool { return alert("own.exe").Silenced == nil })
	for want, s := range map[string]web.Silence{
		"give at least a minute": {Every: "0 2 * * *", Lasts: 1 << 40},
		"does not come once":     {Every: "0 2 * * *", Lasts: 60, TimeZone: "UTC", Starts: closes.Truncate(24 * time.Hour).Add(27 * time.Hour), Ends: closes.Truncate(24 * time.Hour).Add(28 * time.Hour)},
	} {
		s.Match, s.Author, s.Comment = []string{"name=own.exe"}, "kim", "x"
		if _, err := f.a.AddSilence(t.Context(), s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	f.restart(f.config)
	list, err := f.a.Silences(t.Context())
	list = slices.DeleteFunc(list, func(s web.Silence) bool { return s.ID == again.ID })
	if err != nil || len(list) != 2 || list[0].Match[0] != `name="other.exe"` || len(list[0].History) != 2 || list[1].ID != "window/patch-night" || list[1].State != "active" {
		t.Errorf("after a restart: %+v, %v", list, err)
	}
	for id, want := range map[string]string{"window/patch-night": "below maintenance", "zz": "no silence has the id", "": "no silence has the id"} {
		if _, err := f.a.EditSilence(t.Context(), id, web.SilenceEdit{Comment: "x", Author: "lee"}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", id, err)
		}
	}
}

// TestSilencesOfTwo: what the rules note of a silence never undoes what
// somebody has changed meanwhile, and what cannot be read spoils no list.
func TestSilencesOfTwo(t *testing.T) {
	l, err := Parse("x.yaml", []byte("host: h\nsinks: [{name: out, type: stdout}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	b := bustest.New(t)
	a := newApp(l, b, Options{})
	store := a.ledger.Silences()
	in, err := a.AddSilence(t.Context(), web.Silence{Match: []string{"host=a"}, Author: "kim", Comment: "x"})
	if err != nil {
		t.Fatal(err)
	}
	seen, _, err := store.Get(t.Context(), in.ID) // by the rules
	if err != nil {
		t.Fatal(err)
	}
	if err := a.ExpireSilence(t.Context(), in.ID, "lee"); err != nil {
		t.Fatal(err)
	}
	begun := seen
	begun.Began = time.Now()
	begun.History = append(begun.History, rules.Entry{At: time.Now(), By: "dswatch", What: "its first alert has come"})
	if err := store.Save(t.Context(), begun); err != nil {
		t.Fatal(err)
	}
	if now, _, err := store.Get(t.Context(), in.ID); err != nil || now.Ends.IsZero() || now.History[1].By != "lee" {
		t.Errorf("the expired one came back: %+v, %v", now, err)
	}
	if _, err := b.Bucket(bus.Silences).Put(t.Context(), "old1", []byte(`{"id":"old1","match":["host=\"\""]}`)); err != nil {
		t.Fatal(err)
	}
	list, err := a.Silences(t.Context())
	if err != nil || len(list) != 2 || list[1].State != "unreadable" {
		t.Errorf("%+v, %v", list, err)
	}
	if err := a.ExpireSilence(t.Context(), "old1", "lee"); err != nil {
		t.Error(err)
	}
	if list, err := a.Silences(t.Context()); err != nil || len(list) != 1 {
		t.Errorf("%+v, %v", list, err)
	}
}

// TestSilenceWithoutProcess: against an external bus the commands need no
// process of this host.
func TestSilenceWithoutProcess(t *testing.T) {
	server := bustest.NewServer(t, nil)
	l, err := Parse("x.yaml", fmt.Appendf(nil, "host: h\nbus: {url: %q, dir: %q}\nweb: {listen: \"\"}\nsinks: [{name: out, type: stdout}]\n", server.URL, t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	r := Silencer(l)
	s, err := r.AddSilence(ctx, web.Silence{Match: []string{"host=web01"}, Ends: time.Now().Add(time.Hour), Author: "kim", Comment: "x"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.EditSilence(ctx, s.ID, web.SilenceEdit{Comment: "y", Author: "lee"}); err != nil {
		t.Error(err)
	}
	if err := r.ExpireSilence(ctx, s.ID, "lee"); err != nil {
		t.Error(err)
	}
	list, err := r.Silences(ctx)
	if err != nil || len(list) != 1 || list[0].State != "ended" || list[0].Comment != "y" || len(list[0].History) != 3 {
		t.Errorf("%+v, %v", list, err)
	}
	l.Config.Bus.URL = ""
	if _, err := r.Silences(ctx); err == nil || !strings.Contains(err.Error(), "start it with: dswatch run") {
		t.Errorf("of an embedded bus: %v", err)
	}
}
