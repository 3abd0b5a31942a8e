package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"dswatch/bus"
	"dswatch/engine"
	"dswatch/event"
	"dswatch/history"
	"dswatch/ledger"
	"dswatch/table"
	"dswatch/web"
	"dswatch/words"
)

// past is all that is kept of the last day.
func (f *fleet) past(s web.HistorySelection) (all []history.Entry) {
	f.t.Helper()
	s.Limit = 3 // so that there are pages
	for {
		page, err := f.a.History(f.t.Context(), s)
		if err != nil || page.Odd > 0 {
			f.t.Fatalf("%+v, %v", page, err)
		}
		all = append(all, page.Entries...)
		if s.After = page.Next; s.After == "" {
			return all
		}
	}
}

// TestHistory: what happens to an item, what people do, reloads and restarts are
// kept in order, also over a restart and in a store that moves.
func TestHistory(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.start(quickRules)
	f.agent("20.0.0-5512")
	f.tell(event.Process, "own.exe", event.Down)
	eventually(t, "the alert", func() bool { return len(f.hook.Received()) == 1 })
	id := f.hook.Received()[0].Alert.ID
	if err := f.a.Ack(t.Context(), id, web.Ack{Author: "max", Comment: "4711"}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.a.AddSilence(t.Context(), web.Silence{Match: []string{"name=other"}, Ends: time.Now().Add(time.Hour), Author: "eva", Comment: "work"}); err != nil {
		t.Fatal(err)
	}
	f.reload(quickRules + "log: {level: WARN}\n")
	f.tell(event.Process, "own.exe", event.Up)
	eventually(t, "the end", func() bool { return len(toldOf(f.hook, "own.exe")) == 3 })
	f.restart(quickRules)

	story := func() (out []string) {
		for _, e := range f.past(web.HistorySelection{}) {
			if e.Key.Name == "own.exe" || e.Key == (event.Key{}) {
				out = append(out, strings.TrimRight(fmt.Sprintf("%s %s%s %s", e.What, e.State, e.Transition, e.By), " "))
			}
		}
		return out
	}
	want := []string{"start", "state down", "alert downraised", "ack downacknowledged max", "silence  eva", "reload", "state up", "alert upcleared", "stop", "start"}
	eventually(t, "the history", func() bool { return len(story()) >= len(want) })
	if got := story(); !slices.Equal(got, want) {
		t.Errorf("kept\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if got := f.past(web.HistorySelection{Match: []string{"name=own.exe"}, What: []string{"state"}}); len(got) != 2 || got[0].Expected != "yes" || got[0].Impact == "" || got[0].Since.IsZero() {
		t.Errorf("of the item %+v", got)
	}
	if got := f.past(web.HistorySelection{What: []string{"start"}}); len(got) != 2 || !got[0].From.IsZero() || time.Since(got[1].From) > time.Minute || len(got[1].Looks) == 0 {
		t.Errorf("starts %+v", got)
	}
	if got := f.past(web.HistorySelection{Match: []string{"name=own.exe"}, Whole: true}); !slices.ContainsFunc(got, func(e history.Entry) bool { return e.Carried && e.State == event.Up }) {
		t.Errorf("no whole after the restart: %+v", got)
	}
	for _, e := range f.past(web.HistorySelection{}) {
		for _, language := range []string{"en", "ja"} {
			if text := HistoryText(words.In(language, time.UTC), e); text == "" || strings.Contains(text, "{") {
				t.Errorf("%s: %q", e.What, text)
			}
		}
	}
	f.reports()
	before := story()
	f.stop()
	l, o := f.offline()
	file := filepath.Join(t.TempDir(), "moved.json")
	if _, err := ExportStore(t.Context(), l, o, file); err != nil {
		t.Fatal(err)
	}
	f.dir = t.TempDir()
	f.write(quickRules)
	l, o = f.offline()
	if _, err := ImportStore(t.Context(), l, o, file); err != nil {
		t.Fatal(err)
	}
	f.start(quickRules)
	if got := story(); len(got) < len(before)+1 || !slices.Equal(got[:len(before)], before) {
		t.Errorf("moved\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(before, "\n"))
	}
	f.stop()
}

// reports makes the report of this month: one item was lost once, and is back.
func (f *fleet) reports() {
	f.t.Helper()
	now := time.Now().UTC()
	from, to, err := MonthOf(now.Format("2006-01"), now)
	if err != nil {
		f.t.Fatal(err)
	}
	r := MakeReport(f.past(ReportNeeds(from, to)), from, to, time.Now())
	found := false
	for _, h := range r.Hosts {
		for _, row := range h.Rows {
			if found = found || row.Key.Name == "own.exe"; row.Key.Name == "own.exe" && (row.Down == 0 || row.Losses != 1 || h.Alerts != 1 || row.Unknown == 0) {
				f.t.Errorf("report %+v of %+v", row, h)
			}
		}
	}
	if a := r.Alerts; !found || a.Raised != 1 || a.Acked.Count != 1 || a.Recovered.Count != 1 || a.CarriedOut != 0 || r.Observed.Stops != 1 {
		f.t.Errorf("found %v, alerts %+v, observed %+v", found, a, r.Observed)
	}
	var text, csv strings.Builder
	for _, language := range []string{"en", "ja"} {
		if err := WriteReport(&text, words.In(language, time.UTC), table.Form{Width: 80}, r); err != nil || strings.Contains(text.String(), "{") {
			f.t.Errorf("%v: %s", err, text.String())
		}
	}
	if err := WriteIntervals(&csv, r); err != nil || !strings.Contains(csv.String(), "own.exe,down,down,") {
		f.t.Errorf("%v: %s", err, csv.String())
	}
	f.t.Log(text.String())
}

// refusing is a place that takes nothing for a while.
type refusing struct {
	fails  bool
	stored []history.Entry
}

func (p *refusing) Append(_ context.Context, all []ledger.Batch) error {
	if p.fails {
		return bus.ErrNoSpace
	}
	for _, b := range all {
		if _, err := history.Decode(b.Data, func(e *history.Entry) error { p.stored = append(p.stored, *e); return nil }); err != nil {
			return err
		}
	}
	return nil
}

func (p *refusing) Mend(context.Context) error { return nil }

// TestHistoryThatCannotBeStored waits in memory, is bounded, is counted, and says
// what is missing once it can be stored.
func TestHistoryThatCannotBeStored(t *testing.T) {
	p := &refusing{fails: true}
	r := &recorder{place: p, log: slog.New(slog.DiscardHandler), kick: make(chan struct{}, 1), unwritten: prometheus.NewCounter(prometheus.CounterOpts{Name: "x"})}
	wholes := 0
	r.again = func() { wholes++ }
	k := event.Key{Host: "web01", Component: "agent", Kind: event.Process, Name: "ds_agent"}
	for i := range mostWaiting + 7 {
		r.Changed(engine.Change{Key: k, State: event.Up, Since: time.Unix(int64(i), 0)})
	}
	r.say(t.Context(), r.store(t.Context()))
	if r.Err() == nil || !errors.Is(r.Err(), bus.ErrNoSpace) {
		t.Errorf("it says %v", r.Err())
	}
	for range 5 {
		r.note(history.Entry{What: history.Stopped})
	}
	p.fails = false
	r.say(t.Context(), r.store(t.Context()))
	if n := len(p.stored); n != mostWaiting+5+1 || r.Err() != nil || wholes != 1 {
		t.Errorf("%d stored, %v, %d wholes", n, r.Err(), wholes)
	}
	gaps := 0
	for _, e := range p.stored {
		if e.What == history.Gap {
			gaps++
			if e.Count != 7 || e.From.IsZero() {
				t.Errorf("gap %+v", e)
			}
		}
	}
	if gaps != 1 {
		t.Errorf("%d gaps", gaps)
	}
}

// TestHistoryPacks: a whole of many items is one batch after the other, each small
// enough for every server.
func TestHistoryPacks(t *testing.T) {
	p := &refusing{}
	r := &recorder{place: p, log: slog.New(slog.DiscardHandler), kick: make(chan struct{}, 1), unwritten: prometheus.NewCounter(prometheus.CounterOpts{Name: "x"})}
	var all []engine.Change
	for i := range 5000 {
		all = append(all, engine.Change{Key: event.Key{Host: fmt.Sprintf("web%04d", i), Component: "agent", Kind: event.Process, Name: "ds_agent"}, State: event.Up, Since: time.Unix(int64(i), 0), Detail: event.Prose(strings.Repeat(fmt.Sprint(i), 800))})
	}
	r.Whole(all[:10], nil)
	r.Whole(all, nil) // the one before says nothing more
	r.pack(r.waiting)
	bytes, n := 0, 0
	for _, b := range r.batches {
		if len(b.Data) > batchBytes {
			t.Errorf("a batch of %d bytes", len(b.Data))
		}
		bytes += len(b.Data)
		_, _ = history.Decode(b.Data, func(*history.Entry) error { n++; return nil })
	}
	if n != 5001 {
		t.Errorf("%d entries in %d batches, %d bytes", n, len(r.batches), bytes)
	}
}
