package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"dswatch/detector"
	"dswatch/event"
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
