package app

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dswatch/event"
	"dswatch/rules"
	"dswatch/test/receive"
)

// TestStoreOfTheFirstVersion reads a directory that commit 64fc8e6 wrote: one
// alert that somebody looks after, one that sink hook has confirmed and sink
// away has not, a silence. What was open stays open under its id, nobody is
// told anew what he was told, and the end goes to both.
func TestStoreOfTheFirstVersion(t *testing.T) {
	const (
		driver  = "f8ea397a61f3aa124787653f"
		process = "15d6d82a8e95da9679abc5df"
	)
	f := newFleet(t)
	unpack(t, filepath.Join("testdata", "store-64fc8e6.tar.gz"), f.dir)
	f.host, f.sinks = "web01", strings.Replace(f.sinks, "name: other", "name: away", 1)
	f.start("watch: {facts: {os: linux, components: [agent], agent_version: 20.0.1.700}}\nrules: {hold: 1s, repeat: 0s}\n")
	open := map[string]*event.Ack{}
	e, err := f.a.decider()
	if err != nil {
		t.Fatal(err)
	}
	e.Items(func(st rules.Status, _ rules.Snapshot) {
		st.Slots(func(_ string, slot rules.Slot) {
			if slot.Phase == rules.Firing {
				open[slot.ID] = slot.Ack
			}
		})
	})
	if len(open) != 2 || open[driver] == nil || open[driver].Author != "alice" || open[driver].Comment != "on it" {
		t.Errorf("open alerts: %+v", open)
	}
	if ack, found := open[process]; !found || ack != nil {
		t.Errorf("alert %s: found %v, %+v", process, found, ack)
	}
	if s := e.Silenced("lktofe4bg2"); s.Author != "bob" || !s.Active(time.Now()) {
		t.Errorf("silence %+v", s)
	}
	up := event.Observation{Key: event.Key{Host: "web01", Component: "agent", Kind: event.Process, Name: "ds_agent"}, State: event.Up, Found: 1, Want: 1, At: time.Now()}
	if err := f.a.ledger.Publish(t.Context(), []event.Event{event.NewState("web01", event.Change, up)}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "both hear the end", func() bool {
		return ended(f.hook, process) && ended(f.other, process)
	})
	if got := f.hook.Received(); len(got) != 1 {
		t.Errorf("hook was told %d times, want the end alone", len(got))
	}
	left, err := e.Unpaired(t.Context(), []string{"hook", "away"})
	if err != nil || len(left) != 0 {
		t.Errorf("unpaired: %+v, %v", left, err)
	}
}

// ended reports whether the far end was told that the alert is over, after it
// was told that it began or without.
func ended(w *receive.Webhook, id string) bool {
	for _, d := range w.Received() {
		if d.Alert.ID == id && d.Alert.Transition == event.Cleared {
			return true
		}
	}
	return false
}

// unpack puts what is in a tar archive below dir.
func unpack(t *testing.T, archive, dir string) {
	t.Helper()
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(dir, filepath.FromSlash(h.Name))
		if h.Typeflag == tar.TypeDir {
			err = os.MkdirAll(name, 0o700)
		} else {
			var data []byte
			if data, err = io.ReadAll(r); err == nil {
				err = os.WriteFile(name, data, 0o600)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
