package app

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"dswatch/catalog"
	"dswatch/detector"
	"dswatch/event"
	"dswatch/sinks/snmp"
	"dswatch/table"
	"dswatch/test/receive"
	"dswatch/words"
)

// work is a configuration for each kind that looks at nothing by default, on
// one system at least. Nobody listens at these addresses.
var work = map[string]string{
	"service": `watch: {items: [{kind: service, name: cron.service, os: [linux]}]}`,
	"remote":  `detectors: {remote: {user: u, agent: true, targets: [{host: sol01, address: 127.0.0.1, port: 1, os: solaris}]}}`,
	"vsphere": `detectors: {vsphere: {url: "https://127.0.0.1:1", user: u, password: secret-1, hosts: [esx01]}}`,
	"manager": `detectors: {manager: {url: "https://127.0.0.1:1", api_key: secret-2}}`,
}

// nobody takes every event and keeps none.
type nobody struct{}

func (nobody) Publish(context.Context, []event.Event) error { return nil }

// TestDetectorKinds holds every kind of detector to what the program asks of
// it: it is made of its defaults, looks, tells of every item once, runs, ends
// when it is told to, may be closed twice, leaves no goroutine, and what is
// wrong in its section is refused with its key.
func TestDetectorKinds(t *testing.T) {
	for _, k := range AllKinds().Detectors {
		t.Run(k.Type, func(t *testing.T) { conforms(t, k, work[k.Type]) })
	}
}

// conforms is the test of one kind. Busy is a configuration that gives it work;
// empty: its defaults do.
func conforms(t *testing.T, k detector.Kind, busy string) {
	read := func(config string) (*Loaded, error) {
		return parse("kind.yaml", []byte("host: here\n"+config+"\n"), Kinds{Detectors: []detector.Kind{k}})
	}
	if k.Doc == "" || k.Settings() == k.Settings() {
		t.Errorf("the kind says %q of itself, and two sections of it must not be one", k.Doc)
	}
	if _, err := read(""); err != nil {
		t.Errorf("its defaults are refused: %v", err)
	}
	for key, bad := range map[string]string{
		"schedule": "whenever", "timeout": "0s", "jitter": "9000h", "no_such_key": "1",
	} {
		_, err := read(fmt.Sprintf("detectors: {%s: {%s: %s}}", k.Type, key, bad))
		if want := "detectors." + k.Type + "." + key; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %s is answered with %v, want an error at %s", key, bad, err, want)
		}
	}

	ignore := goleak.IgnoreCurrent()
	l, err := read(busy)
	if err != nil {
		t.Fatal(err)
	}
	live := detector.Live{
		Log:     slog.New(slog.NewTextHandler(io.Discard, nil)),
		Folders: func(string) []string { return nil },
		Tell:    func(context.Context, []event.FactsReport) error { return nil },
	}
	for _, round := range []string{"first", "second"} { // what the first left behind must not be in the way
		jobs, err := l.watch.jobs(live)
		if err != nil || len(jobs) == 0 {
			t.Fatalf("%s round: %d jobs, %v; a kind that has none by default needs one in this test that gives it work", round, len(jobs), err)
		}
		for _, j := range jobs {
			looks(t, j)
		}
		s, err := detector.NewScheduler(detector.Options{Observer: "here", Jobs: jobs, Publisher: nobody{}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		eventually(t, "each job has looked", func() bool {
			for _, j := range s.Stats().Jobs {
				if j.Passes == 0 {
					return false
				}
			}
			return true
		})
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("%s round: it ended with %v", round, err)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("%s round: it has not ended 20s after it was told to", round)
		}
		for _, j := range jobs {
			if c, ok := j.Detector.(io.Closer); ok {
				for n := range 2 {
					if err := c.Close(); err != nil {
						t.Errorf("%s round: job %s, closed %d times: %v", round, j.Name, n+1, err)
					}
				}
			}
		}
	}
	goleak.VerifyNone(t, ignore)
}

// looks asks a job's detector once. What it cannot see is an error or unknown.
func looks(t *testing.T, j detector.Job) {
	ctx, cancel := context.WithTimeout(t.Context(), j.Timeout)
	defer cancel()
	seen := map[event.Key]int{}
	if s, ok := j.Detector.(detector.Streamer); ok {
		parts, err := s.Stream(ctx)
		if err != nil {
			return
		}
		for o := range parts {
			seen[o.Key]++
		}
	} else {
		all, err := j.Detector.Detect(ctx)
		if err != nil {
			return
		}
		for _, o := range all {
			seen[o.Key]++
		}
	}
	for _, key := range j.Keys {
		if seen[key] != 1 {
			t.Errorf("job %s tells of %s %d times in one look, want once", j.Name, key, seen[key])
		}
		delete(seen, key)
	}
	if len(seen) > 0 && !j.Open {
		t.Errorf("job %s tells of what it was not asked for: %v", j.Name, seen)
	}
}

// TestItemKinds holds the table of kinds of items to what is said of each: a
// word in both languages, a number in the MIB that no other has, and a way to
// confirm what is told of it.
func TestItemKinds(t *testing.T) {
	mib, err := snmp.MIB("")
	if err != nil {
		t.Fatal(err)
	}
	var reference bytes.Buffer
	if err := Reference(&reference); err != nil {
		t.Fatal(err)
	}
	list, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	rows := list.Rows("")
	for _, k := range []event.Key{ // Rows does not have what only others tell of
		{Component: event.Agent, Kind: event.Heartbeat, Name: "agent"}, {Component: event.Agent, Kind: event.Module, Name: "anti_malware"},
		{Component: event.Agent, Kind: event.Installation, Name: "installed"}, {Component: event.Agent, Kind: event.Evidence, Name: "anti_malware_engine"},
		{Component: event.Agent, Kind: event.Tamper, Name: "starts"}, {Component: "dswatch", Kind: event.Store, Name: "began_anew"},
	} {
		r := list.Find(k, "")
		if r == nil {
			t.Fatalf("there is no row of %s", k)
		}
		rows = append(rows, r)
	}
	// What the engine makes of hosts has no row of the list.
	without := []event.Kind{event.Host}

	var listed []string
	numbers := map[int]event.Kind{5: "none"}
	for _, k := range event.Kinds() {
		en, ja := words.In("en", nil).Kind(k), words.In("ja", nil).Kind(k)
		if en == "" || ja == "" || en == ja {
			t.Errorf("%s is %q in English and %q in Japanese; give it both in words/dictionary.go", k, en, ja)
		}
		if other, twice := numbers[k.Number()]; twice {
			t.Errorf("%s has the number %d of %s", k, k.Number(), other)
		}
		numbers[k.Number()] = k
		if want := fmt.Sprintf("  %s(%d)", k, k.Number()); !strings.Contains(mib, want) {
			t.Errorf("DSWATCH-MIB has no %s", strings.TrimSpace(want))
		}
		if k.Listed() {
			listed = append(listed, string(k))
			for _, os := range []string{event.Windows, event.Linux, event.Solaris, event.ESXi, event.AIX} {
				name := "x"
				if k == event.Port {
					name = "1/tcp"
				}
				got := catalog.Row{Kind: k, Name: name}.ConfirmOn(os)
				if k != event.Process && got == (catalog.Row{Kind: event.Process, Name: name}).ConfirmOn(os) {
					t.Errorf("a %s is confirmed on %s as a process is: %s", k, os, got)
				}
			}
			continue
		}
		n := 0
		for _, r := range rows {
			if r.Kind == k {
				n++
				if r.ConfirmOn("") == "" || len(r.Confirm) == 0 {
					t.Errorf("%s has no command to confirm", r.ID())
				}
			}
		}
		if (n == 0) != slices.Contains(without, k) {
			t.Errorf("the list has %d rows of kind %s", n, k)
		}
	}
	last := len(listed) - 1
	if want := strings.Join(listed[:last], ", ") + " or " + listed[last]; !strings.Contains(reference.String(), want) {
		t.Errorf("the reference of watch.items[].kind does not say %q; see catalog.Row", want)
	}
}

// cage is a detector of a kind that is not in the program. Its items are there
// while a file of their name is.
type cage struct {
	dir   string
	items []detector.Item
}

func (c cage) Detect(context.Context) (all []event.Observation, err error) {
	for _, it := range c.items {
		o := event.Observation{Key: it.Key, State: event.Down, Want: 1, At: time.Now()}
		if _, err := os.Stat(filepath.Join(c.dir, it.Key.Name)); err == nil {
			o.State, o.Found = event.Up, 1
		}
		all = append(all, o)
	}
	return all, nil
}

// TestOneMoreKind adds a kind of item with its words and its number in the
// MIB, and a kind of detector, and needs no other place: they are configured,
// refused, described, checked, and told in both languages and as a trap.
func TestOneMoreKind(t *testing.T) {
	const canary = event.Kind("canary")
	t.Cleanup(event.TryKind(event.KindFacts{Kind: canary, Number: 12, Listed: true}))
	t.Cleanup(words.TryKind(canary, words.Both{EN: "canary", JA: "カナリア"}))
	dir := t.TempDir()
	kinds := AllKinds()
	kinds.Detectors = append(kinds.Detectors, detector.NewRowKind(canary, "Canaries in their cages.", func(items []detector.Item) (detector.Detector, error) {
		return cage{dir, items}, nil
	}))
	conforms(t, kinds.Detectors[len(kinds.Detectors)-1], "watch: {items: [{kind: canary, name: tweety}]}")

	const text = `
host: mine
web: {listen: ""}
rules: {hold: 0s}
detectors:
  process: {schedule: "@every 1h"}
  driver: {schedule: "@every 1h"}
  port: {schedule: "@every 1h"}
  canary: {schedule: "@every 1s", timeout: 1s}
watch:
  items: [{kind: canary, name: tweety, confirm: {linux: ls cage}}]
`
	l, err := parse("mine.yaml", []byte(text), kinds)
	if err != nil {
		t.Fatal(err)
	}

	_, err = parse("mine.yaml", []byte(strings.Replace(text, "{kind: canary", "{kind: canari", 1)), kinds)
	if err == nil || !strings.Contains(err.Error(), "did you mean canary?") {
		t.Errorf("a mistyped kind is answered with %v", err)
	}
	var reference, schema, shown bytes.Buffer
	for name, err := range map[string]error{"reference": kinds.reference(&reference), "schema": kinds.schema(&schema), "show": l.Show(&shown)} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, b := range map[string]*bytes.Buffer{"reference": &reference, "schema": &schema} {
		if !strings.Contains(b.String(), "Canaries in their cages.") {
			t.Errorf("the %s does not describe detectors.canary", name)
		}
	}
	if !strings.Contains(shown.String(), "canary:") {
		t.Errorf("the effective configuration does not show detectors.canary")
	}

	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	for language, word := range map[string]string{"en": "canary", "ja": "カナリア"} {
		l, err := parse("mine.yaml", []byte(text+"language: "+language), kinds)
		if err != nil {
			t.Fatal(err)
		}
		res, err := Check(t.Context(), l, nil, quiet)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(res.Items, func(it CheckItem) bool { return it.Kind == canary })
		if i < 0 || res.Items[i].State != event.Down || res.Items[i].Expected != catalog.Yes {
			t.Fatalf("check does not tell of the canary: %+v", res.Items)
		}
		var shown bytes.Buffer
		if err := res.WriteTable(&shown, table.Form{}, true); err != nil || !strings.Contains(shown.String(), word) {
			t.Errorf("%s: %v: the table has no %s:\n%s", language, err, word, &shown)
		}
	}

	for language, want := range map[string][2]string{
		"en": {"mine: canary tweety is down", "mine: canary tweety is back"},
		"ja": {"mine: カナリア tweety が停止しています", "mine: カナリア tweety が復旧しました"},
	} {
		t.Run(language, func(t *testing.T) { tells(t, kinds, text+"language: "+language, filepath.Join(dir, "tweety"), want) })
	}
}

// tells runs the program until the canary is back, whose file is named, and
// looks at what a trap and a webhook say.
func tells(t *testing.T, kinds Kinds, config, file string, want [2]string) {
	mib, err := snmp.MIB("")
	if err != nil {
		t.Fatal(err)
	}
	trapd := receive.StartSnmptrapd(t, receive.SNMPOptions{MIB: strings.Replace(mib, "  tamper(11)", "  tamper(11),\n        canary(12)", 1)})
	hook := &receive.Webhook{}
	l, err := parse("mine.yaml", fmt.Appendf(nil, "%s\nbus: {dir: %q}\nroutes: [{match: [kind=canary], sinks: [nms, hook]}]\nsinks:\n"+
		"  - {name: nms, type: snmp, address: %q, version: 2c, community: public}\n  - {name: hook, type: webhook, url: %q}\n",
		config, t.TempDir(), trapd.Address, receive.StartWebhook(t, hook).URL), kinds)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	a, err := Open(ctx, l, Options{Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}()
	for i, title := range want {
		got := hook.Await(t, i+1)[i].Alert
		if got.Title != title || got.Key.Kind != "canary" {
			t.Errorf("told is %q of kind %s, want %q", got.Title, got.Key.Kind, title)
		}
		if i == 0 && got.Confirm != "ls cage" {
			t.Errorf("it is confirmed with %q", got.Confirm)
		}
		trap := trapd.Await(t, i+1)[i]
		if trap["dswatchAlertKind.0"] != "canary" || trap["dswatchAlertName.0"] != "tweety" || trap["dswatchAlertTitle.0"] != title {
			t.Errorf("the trap has %v, want %q", trap, title)
		}
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
}
