package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dswatch/bus"
	"dswatch/event"
	"dswatch/test/receive"
	"dswatch/web"
)

// ofStore is what a sink was told of dswatch's own store.
func ofStore(w *receive.Webhook) (out []event.Alert) {
	for _, d := range w.Received() {
		if d.Alert.Key.Component == "dswatch" && d.Alert.Key.Name == "store" {
			out = append(out, d.Alert)
		}
	}
	return out
}

// loseStore takes the store away. What it returns brings it back.
func (f *fleet) loseStore() (bringBack func()) {
	f.t.Helper()
	err := os.Rename(f.dir, f.dir+".away")
	if err == nil {
		err = os.WriteFile(f.dir, nil, 0o600) // none can be made in its place
	}
	if err != nil {
		f.t.Fatal(err)
	}
	return func() {
		f.t.Helper()
		if err := errors.Join(os.Remove(f.dir), os.Rename(f.dir+".away", f.dir)); err != nil {
			f.t.Fatal(err)
		}
	}
}

// TestDeafNoticeIsAnItem: the notice goes where it is routed, is listed,
// explained, acknowledged and told so, and can be silenced.
func TestDeafNoticeIsAnItem(t *testing.T) {
	t.Parallel()
	const routes = "deaf: 10s\nroutes:\n  - {match: [component=dswatch], sinks: [hook]}\n  - {sinks: [other]}\n"
	f := newFleet(t)
	f.start(quickRules + routes)
	eventually(t, "it is current", func() bool { return f.a.Health().Current })
	back := f.loseStore()
	eventually(t, "the notice", func() bool { return len(ofStore(f.hook)) == 1 })
	raised := ofStore(f.hook)[0]
	if raised.Severity != event.Critical || !strings.Contains(raised.Title, "cannot store") || !strings.Contains(raised.Title, f.dir) {
		t.Errorf("the notice is %+v", raised)
	}
	all, err := f.a.Alerts(t.Context())
	if err != nil || len(all) != 1 || all[0].ID != raised.ID || !slices.Equal(all[0].Told, []string{"hook"}) {
		t.Errorf("the alerts are %+v, %v", all, err)
	}
	if err := f.a.Ack(t.Context(), raised.ID[:6], web.Ack{Author: "kim", Comment: "on it"}); err != nil {
		t.Error(err)
	}
	eventually(t, "the acknowledgement is told", func() bool {
		all := ofStore(f.hook)
		return len(all) == 2 && all[1].Transition == event.Acknowledged && all[1].Ack.Author == "kim" && all[1].Seq == 2
	})
	for of, language := range map[string]string{raised.ID[:8]: "en", "process/store": "ja"} {
		why, err := f.a.Why(t.Context(), of, language)
		if err != nil || len(why) != 1 || why[0].State != event.Down || why[0].Rules[0].Ack.Comment != "on it" || len(why[0].Trail) != 2 || !strings.Contains(why[0].Trail[0].Why, f.dir) {
			t.Errorf("why %s: %+v, %v", of, why, err)
		}
	}
	back()
	eventually(t, "the all-clear", func() bool {
		all := ofStore(f.hook)
		return len(all) == 3 && all[2].Transition == event.Cleared && all[2].Seq == 3 && all[2].ID == raised.ID
	})
	if all, err := f.a.Alerts(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("alerts after the all-clear: %+v, %v", all, err)
	}
	if why, err := f.a.Why(t.Context(), raised.ID, "en"); err != nil || why[0].State != event.Up || why[0].Rules[0].Phase != "settled" {
		t.Errorf("why after the all-clear: %+v, %v", why, err)
	}
	if _, err := f.a.AddSilence(t.Context(), web.Silence{Match: []string{"component=dswatch", "name=store"}, Ends: time.Now().Add(time.Hour), Author: "kim", Comment: "the disk is replaced"}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the silence is known", func() bool { return len(f.a.engine.Load().KnownSilences()) == 1 })
	back = f.loseStore()
	eventually(t, "it is deaf and listed as silenced", func() bool {
		all, err := f.a.Alerts(t.Context())
		return err == nil && len(all) == 1 && all[0].Silenced != nil && all[0].Silenced.Author == "kim"
	})
	time.Sleep(time.Second)
	back()
	eventually(t, "it is current again", func() bool { return f.a.Health().Current })
	if n := len(ofStore(f.hook)); n != 3 {
		t.Errorf("%d were told of the silenced notice", n-3)
	}
	if n := len(ofStore(f.other)); n != 0 {
		t.Errorf("a sink that it is not routed to was told %d times", n)
	}
}

// TestDeafInAWindow: a maintenance window keeps the notice quiet as it does any
// other alert, and the list says which.
func TestDeafInAWindow(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.start(quickRules + fmt.Sprintf("deaf: 10s\nmaintenance:\n  - {name: patches, schedule: \"0 %d * * *\", duration: 6h, match: [component=dswatch]}\n", time.Now().Add(-time.Hour).Hour()))
	eventually(t, "it is current", func() bool { return f.a.Health().Current })
	back := f.loseStore()
	eventually(t, "it is deaf and listed as silenced", func() bool {
		all, err := f.a.Alerts(t.Context())
		return err == nil && len(all) == 1 && all[0].Silenced != nil && all[0].Silenced.ID == "window/patches"
	})
	time.Sleep(time.Second)
	back()
	eventually(t, "it is current again", func() bool { return f.a.Health().Current })
	if n := len(ofStore(f.hook)); n != 0 {
		t.Errorf("%d were told", n)
	}
}

// TestDeafNoticeOutlivesARestart: the notice of the process before is not told
// again, and its end is told to who was told of it.
func TestDeafNoticeOutlivesARestart(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	text, err := json.Marshal(notes{ID: "0123456789abcdef", Since: time.Now().Add(-time.Hour), Why: "store: no space left on device", Told: []string{"hook"}})
	if err == nil {
		err = os.WriteFile(filepath.Clean(f.dir)+".deaf", text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	f.start(quickRules)
	eventually(t, "the all-clear", func() bool { return len(ofStore(f.hook)) > 0 })
	f.restart(quickRules)
	eventually(t, "it is current", func() bool { return f.a.Health().Current })
	time.Sleep(2 * time.Second)
	got := ofStore(f.hook)
	if len(got) != 1 || got[0].ID != "0123456789abcdef" || got[0].Transition != event.Cleared || len(ofStore(f.other)) > 0 {
		t.Errorf("told were %+v and %+v", got, ofStore(f.other))
	}
}

// TestPingURL: it is called when all is well, with /fail and the reason when
// it is not, and never with /fail because it has just started.
func TestPingURL(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var got []string
	far := receive.StartHTTP(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		got = append(got, r.URL.Path+" "+string(b))
	}))
	calls := func() []string { mu.Lock(); defer mu.Unlock(); return slices.Clone(got) }
	f := newFleet(t)
	f.start(quickRules + fmt.Sprintf("deaf: 10s\nping_url: %q\n", far.URL+"/check/"))
	eventually(t, "the first call", func() bool { return len(calls()) > 0 })
	back := f.loseStore()
	failed := func(s string) bool {
		return strings.HasPrefix(s, "/check/fail ") && strings.Contains(s, "store: ") && strings.Contains(s, f.dir)
	}
	eventually(t, "a call that fails", func() bool { return slices.ContainsFunc(calls(), failed) })
	back()
	eventually(t, "a call that all is well again", func() bool { return calls()[len(calls())-1] == "/check " })
	if all := calls(); all[0] != "/check " {
		t.Errorf("the calls are %q", all)
	}
}

// stored lets do work on the store of a program that is stopped.
func (f *fleet) stored(do func(*bus.Bus)) {
	f.t.Helper()
	cfg := bus.Defaults()
	cfg.Dir = f.dir
	b, err := bus.Open(f.t.Context(), cfg, bus.Options{})
	if err != nil {
		f.t.Fatal(err)
	}
	do(b)
	if err := b.Close(f.t.Context()); err != nil {
		f.t.Fatal(err)
	}
}

// stoppedWithALoss is a program that has told one loss and has stopped.
func stoppedWithALoss(t *testing.T) *fleet {
	t.Helper()
	f := newFleet(t)
	f.start(quickRules)
	f.agent("20.0.0-5512")
	f.tell(event.Process, "own.exe", event.Down)
	eventually(t, "the alert", func() bool { return len(f.hook.Received()) == 1 })
	f.stop()
	return f
}

// TestUnreadableRecords puts records into items, facts, silences and receipts
// that make no sense: they are named, and what else there is goes on.
func TestUnreadableRecords(t *testing.T) {
	t.Parallel()
	f := stoppedWithALoss(t)
	f.stored(func(b *bus.Bus) {
		for _, name := range []string{bus.Items, bus.Facts, bus.Silences} {
			if _, err := b.Bucket(name).Put(t.Context(), "bad", []byte("{no record")); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := b.Bucket(bus.Receipts).Put(t.Context(), "hook.7", []byte("{no page")); err != nil {
			t.Fatal(err)
		}
	})
	f.start(quickRules)
	eventually(t, "all are named", func() bool {
		named := f.a.Health().Unreadable
		for _, want := range []string{"dswatch_items/bad", "dswatch_facts/bad", "dswatch_silences/bad", "dswatch_receipts/hook.7"} {
			if !slices.Contains(named, want) {
				return false
			}
		}
		return true
	})
	f.tell(event.Process, "own.exe", event.Up)
	eventually(t, "the all-clear", func() bool { return len(f.hook.Received()) == 2 })
	got := f.hook.Received()
	if got[0].Alert.ID != got[1].Alert.ID || got[1].Alert.Transition != event.Cleared {
		t.Errorf("told were %+v", got)
	}
}

// TestLostRecordsAreExplained removes the receipts, then the items of a stopped
// program: the log says what that means.
func TestLostRecordsAreExplained(t *testing.T) {
	t.Parallel()
	for bucket, want := range map[string]string{
		bus.Receipts: "nothing is stored of what a sink was told",
		bus.Items:    "nothing is stored of what was known of items",
	} {
		t.Run(bucket, func(t *testing.T) {
			t.Parallel()
			log := &records{}
			f := newFleet(t)
			f.start(quickRules)
			f.agent("20.0.0-5512")
			f.tell(event.Process, "own.exe", event.Down)
			eventually(t, "the alert", func() bool { return len(f.hook.Received()) == 1 && len(f.other.Received()) == 1 })
			f.stop()
			f.stored(func(b *bus.Bus) {
				var keys []string
				if err := b.Bucket(bucket).Load(t.Context(), func(key string, _ []byte, _ uint64) error { keys = append(keys, key); return nil }); err != nil {
					t.Fatal(err)
				}
				for _, key := range keys {
					if err := b.Bucket(bucket).Delete(t.Context(), key); err != nil {
						t.Fatal(err)
					}
				}
			})
			if err := os.RemoveAll(f.dir + "-open"); err != nil { // the journal has them, too
				t.Fatal(err)
			}
			f.log = log
			f.start(quickRules)
			eventually(t, want, func() bool { return strings.Contains(log.String(), want) })
		})
	}
}

// TestSinksTestTellsOfTheRules: a test that arrives says that the rules, which it
// goes past, send nothing.
func TestSinksTestTellsOfTheRules(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.start(quickRules)
	eventually(t, "it is current", func() bool { return f.a.Health().Current })
	test := func(want string) bool {
		f.a.heart().board.Failed(stageRules, errors.New("they stand still"))
		if want == "" {
			f.a.heart().board.Proven(stageRules)
		}
		all, err := f.a.TestSinks(t.Context(), []string{"hook"})
		if err != nil || len(all) != 1 || !all[0].Confirmed {
			t.Fatalf("%+v, %v", all, err)
		}
		return want == "" && all[0].Warning == "" || want != "" && strings.Contains(all[0].Warning, want)
	}
	// A pulse may come in between.
	eventually(t, "a warning", func() bool { return test("they stand still") })
	eventually(t, "no warning", func() bool { return test("") })
}
