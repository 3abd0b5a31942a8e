package app

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dswatch/bus"
	"dswatch/bus/bustest"
	"dswatch/event"
	"dswatch/test/receive"
	"dswatch/web"
)

const quickRules = "rules: {hold: 0s, hold_up: 0s}\nwatch: {items: [{kind: process, name: own.exe, os: [windows]}]}\n"

// refused starts a program whose sink hook refuses everything.
func refused(t *testing.T, more string) *fleet {
	f := newFleet(t)
	f.start(quickRules + more)
	f.agent("20.0.0-5512")
	f.hook.Answer(400, nil)
	return f
}

func (f *fleet) letters(s web.Selection) []web.Letter {
	f.t.Helper()
	list, err := f.a.Letters(f.t.Context(), s)
	if err != nil {
		f.t.Fatal(err)
	}
	return list
}

func (f *fleet) replay(s web.Selection) web.Replayed {
	f.t.Helper()
	done, err := f.a.Replay(f.t.Context(), s)
	if err != nil {
		f.t.Fatal(err)
	}
	return done
}

// marked are the transitions that arrived as replays.
func marked(f *fleet) (out []string) {
	for _, d := range f.hook.Received() {
		if d.Alert.Replay {
			out = append(out, string(d.Alert.Transition))
		}
	}
	return out
}

func TestDeadLetters(t *testing.T) {
	f := refused(t, "")
	f.tell(event.Process, "own.exe", event.Down)
	eventually(t, "the raise is dead", func() bool { return len(f.letters(web.Selection{})) == 1 })
	f.tell(event.Process, "own.exe", event.Up)
	eventually(t, "the all-clear is dead", func() bool { return len(f.letters(web.Selection{})) == 2 })
	list := f.letters(web.Selection{})
	if x := list[0]; x.Sink != "hook" || x.Transition != event.Raised || x.Key.Name != "own.exe" || x.Class != "permanent" || !strings.Contains(x.Reason, "400") || x.Attempts != 1 || x.AlertID == "" {
		t.Errorf("%+v", x)
	}
	one, err := f.a.Letter(t.Context(), list[1].ID)
	if err != nil || !strings.Contains(string(one.Alert), `"transition":"cleared"`) {
		t.Errorf("%+v, %v", one, err)
	}
	for name, c := range map[string]struct {
		s    web.Selection
		want int
	}{
		"of the sink": {web.Selection{Sink: "hook"}, 2}, "of the other": {web.Selection{Sink: "other"}, 0},
		"by id": {web.Selection{IDs: []string{list[0].ID}}, 1}, "old ones": {web.Selection{OlderThan: time.Hour}, 0},
	} {
		if n := len(f.letters(c.s)); n != c.want {
			t.Errorf("%s: %d letters, want %d", name, n, c.want)
		}
	}
	for name, c := range map[string]struct {
		s    web.Selection
		want string
	}{
		"nothing":     {web.Selection{}, "nothing is selected"},
		"a wrong id":  {web.Selection{IDs: []string{"4711\x1b"}}, "no dead letter"},
		"a wrong one": {web.Selection{Sink: "hok"}, "there is no sink"},
	} {
		if _, err := f.a.Replay(t.Context(), c.s); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("replay of %s: %v", name, err)
		}
		if _, err := f.a.Drop(t.Context(), c.s); err == nil {
			t.Errorf("drop of %s is done", name)
		}
	}

	// The status counts what lies there, also after a restart.
	lying := func(want uint64) {
		t.Helper()
		st, err := f.a.Status(t.Context())
		if err != nil || st.Sinks[0].DeadLetters != want || st.Sinks[1].DeadLetters != 0 {
			t.Errorf("%+v, %v; want %d dead letters of hook", st.Sinks, err, want)
		}
	}
	lying(2)
	f.restart(quickRules)
	lying(2)

	// Refused again, within the window in which the streams remember ids.
	if done := f.replay(web.Selection{All: true}); done.Replayed != 2 || len(done.Kept) != 0 {
		t.Errorf("%+v", done)
	}
	eventually(t, "both are dead again", func() bool { return len(f.letters(web.Selection{})) == 2 })

	f.hook.Answer(0, nil)
	again := f.letters(web.Selection{})
	if again[0].ID == list[0].ID {
		t.Error("the old letters are still there")
	}
	// A part of an alert brings the rest with it.
	if done := f.replay(web.Selection{IDs: []string{again[0].ID}}); done.Replayed != 2 {
		t.Errorf("%+v", done)
	}
	eventually(t, "both arrived", func() bool { return len(f.hook.Received()) == 2 })
	if got := marked(f); !slices.Equal(got, []string{"raised", "cleared"}) {
		t.Errorf("arrived: %v", got)
	}
	if got := f.hook.Received(); got[0].DeliveryID != list[0].DeliveryID {
		t.Error("the replay has another idempotency key")
	}
	lying(0)
	if n := len(f.letters(web.Selection{})); n != 0 || len(marked(f)) != 2 || len(f.other.Received()) != 2 {
		t.Errorf("%d letters are left, the other sink was told %d times", n, len(f.other.Received()))
	}
}

// TestAlertsTellWhoHasHeard: a sink that refused everything was not told, nor
// was one that does not answer.
func TestAlertsTellWhoHasHeard(t *testing.T) {
	f := newFleet(t)
	f.start(quickRules)
	f.agent("20.0.0-5512")
	want := func(when, told, waiting, refused string) {
		t.Helper()
		eventually(t, when, func() bool {
			list, err := f.a.Alerts(t.Context())
			if err != nil || len(list) != 1 {
				return false
			}
			a := list[0]
			return fmt.Sprint(a.Told, a.Waiting, a.Refused) == fmt.Sprintf("[%s] [%s] [%s]", told, waiting, refused)
		})
	}
	f.hook.Answer(400, nil)
	f.tell(event.Process, "own.exe", event.Down)
	want("hook has refused it", "other", "", "hook")
	f.hook.Answer(0, nil)
	f.replay(web.Selection{All: true})
	want("it was replayed", "hook other", "", "")
	f.hook.Answer(400, nil)
	f.tell(event.Process, "own.exe", event.Degraded)
	eventually(t, "the change is dead", func() bool { return len(f.letters(web.Selection{})) == 1 })
	want("hook has refused a change only", "hook other", "", "")
	f.tell(event.Process, "own.exe", event.Up)
	eventually(t, "it is over", func() bool { list, err := f.a.Alerts(t.Context()); return err == nil && len(list) == 0 })
	f.other.Answer(503, nil)
	f.hook.Answer(0, nil)
	f.tell(event.Process, "own.exe", event.Down)
	want("other does not answer", "hook", "other", "")
	f.other.Answer(0, nil)
	want("both have heard", "hook other", "", "")
}

// TestReplayOfWhatIsOpen: the raise goes, and its all-clear follows of itself.
func TestReplayOfWhatIsOpen(t *testing.T) {
	f := refused(t, "")
	f.tell(event.Process, "own.exe", event.Down)
	eventually(t, "the raise is dead", func() bool { return len(f.letters(web.Selection{})) == 1 })
	f.hook.Answer(0, nil)
	f.replay(web.Selection{Sink: "hook"})
	eventually(t, "it arrived", func() bool { return len(f.hook.Received()) == 1 })
	f.tell(event.Process, "own.exe", event.Up)
	eventually(t, "so did its all-clear", func() bool { return len(f.hook.Received()) == 2 })
	if got := transitions(f.hook); !slices.Equal(got, []string{"raised own.exe", "cleared own.exe"}) {
		t.Errorf("%v", got)
	}
}

// TestReplayOfWhatNothingWouldEnd keeps a raise whose all-clear was dropped.
func TestReplayOfWhatNothingWouldEnd(t *testing.T) {
	f := refused(t, "")
	f.tell(event.Process, "own.exe", event.Down)
	eventually(t, "the raise is dead", func() bool { return len(f.letters(web.Selection{})) == 1 })
	f.tell(event.Process, "own.exe", event.Up)
	eventually(t, "the all-clear is dead", func() bool { return len(f.letters(web.Selection{})) == 2 })
	list := f.letters(web.Selection{})
	if n, err := f.a.Drop(t.Context(), web.Selection{IDs: []string{list[1].ID}}); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	f.hook.Answer(0, nil)
	done := f.replay(web.Selection{All: true})
	if done.Replayed != 0 || len(done.Kept) != 1 || !strings.Contains(done.Kept[0].Why, "all-clear") {
		t.Errorf("%+v", done)
	}
	if n := len(f.letters(web.Selection{})); n != 1 {
		t.Errorf("%d letters, want the kept one", n)
	}
}

// TestReplayOfAnEarlierAlert: a real Alertmanager knows alerts by their labels,
// so the all-clear of an alert from before would end the one that is open.
func TestReplayOfAnEarlierAlert(t *testing.T) {
	am := receive.StartAlertmanager(t, receive.AlertmanagerOptions{})
	to, err := url.Parse(am.URL)
	if err != nil {
		t.Fatal(err)
	}
	var refuse atomic.Bool
	through := httputil.NewSingleHostReverseProxy(to)
	door := receive.StartHTTP(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if refuse.Load() {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		through.ServeHTTP(w, r)
	}))
	f := newFleet(t)
	f.sinks = fmt.Sprintf("sinks:\n  - {name: am, type: alertmanager, urls: [%q]}\n", door.URL)
	f.start(quickRules)
	f.agent("20.0.0-5512")
	holds := func(n int) func() bool { return func() bool { return len(am.Open(t)) == n } }

	f.tell(event.Process, "own.exe", event.Down)
	eventually(t, "it is open", holds(1))
	refuse.Store(true)
	f.tell(event.Process, "own.exe", event.Up)
	eventually(t, "the all-clear is dead", func() bool { return len(f.letters(web.Selection{})) == 1 })
	refuse.Store(false)
	first := am.Open(t)[0].Annotations["alert_id"]
	f.tell(event.Process, "own.exe", event.Down)
	eventually(t, "the second is open", func() bool { return am.Open(t)[0].Annotations["alert_id"] != first })

	slot := event.Alert{Key: f.letters(web.Selection{})[0].Key, Rule: event.RuleLoss}.Slot()
	eventually(t, "its receipt is there", func() bool { return f.a.workers()[0].place.Book.Told(slot).AlertID != first })

	done := f.replay(web.Selection{All: true})
	if done.Replayed != 0 || len(done.Kept) != 1 || !strings.Contains(done.Kept[0].Why, "would end that one") {
		t.Fatalf("%+v", done)
	}
	if open := am.Open(t); len(open) != 1 || open[0].Annotations["alert_id"] == first {
		t.Errorf("open: %+v", open)
	}
	f.tell(event.Process, "own.exe", event.Up)
	eventually(t, "nothing is open", holds(0))
	if done := f.replay(web.Selection{All: true}); done.Replayed != 1 || len(done.Kept) != 0 {
		t.Errorf("once that is over: %+v", done)
	}
	eventually(t, "no letter is left", func() bool { return len(f.letters(web.Selection{})) == 0 })
}

// TestReplayRightAfterAnAllClear: the far end has the all-clear, and its receipt
// is not stored yet. The replay goes, and after that all-clear.
func TestReplayRightAfterAnAllClear(t *testing.T) {
	am := receive.StartAlertmanager(t, receive.AlertmanagerOptions{})
	to, err := url.Parse(am.URL)
	if err != nil {
		t.Fatal(err)
	}
	var refuse, hold atomic.Bool
	goOn := make(chan struct{})
	through := httputil.NewSingleHostReverseProxy(to)
	door := receive.StartHTTP(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if refuse.Load() {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		if !hold.Load() {
			through.ServeHTTP(w, r)
			return
		}
		answer := httptest.NewRecorder()
		through.ServeHTTP(answer, r)
		<-goOn // accepted, and the sender does not know yet
		w.WriteHeader(answer.Code)
	}))
	f := newFleet(t)
	f.sinks = fmt.Sprintf("sinks:\n  - {name: am, type: alertmanager, urls: [%q]}\n", door.URL)
	f.start(quickRules)
	f.agent("20.0.0-5512")
	open := func(n int) func() bool { return func() bool { return len(am.Open(t)) == n } }

	f.tell(event.Process, "own.exe", event.Down)
	eventually(t, "the first is open", open(1))
	refuse.Store(true)
	f.tell(event.Process, "own.exe", event.Up)
	eventually(t, "its all-clear is dead", func() bool { return len(f.letters(web.Selection{})) == 1 })
	refuse.Store(false)
	l := f.letters(web.Selection{})[0]
	f.tell(event.Process, "own.exe", event.Down)
	slot := event.Alert{Key: l.Key, Rule: event.RuleLoss}.Slot()
	eventually(t, "the receipt of the second is there", func() bool { return f.a.worker("am").place.Book.Told(slot).AlertID != l.AlertID })
	if done := f.replay(web.Selection{All: true}); done.Replayed != 0 || len(done.Kept) != 1 {
		t.Errorf("while the second is open: %+v", done)
	}
	hold.Store(true)
	f.tell(event.Process, "own.exe", event.Up)
	eventually(t, "nothing is open", open(0))
	if r := f.a.worker("am").place.Book.Told(slot); r.Transition == event.Cleared {
		t.Fatalf("the receipt is there already: %+v", r)
	}
	if done := f.replay(web.Selection{All: true}); done.Replayed != 1 || len(done.Kept) != 0 {
		t.Errorf("right after the all-clear: %+v", done)
	}
	hold.Store(false)
	close(goOn)
	eventually(t, "nothing waits", func() bool { n, err := f.a.ledger.Outbox().Waiting(t.Context(), "am"); return err == nil && n == 0 })
	if n, open := len(f.letters(web.Selection{})), am.Open(t); n != 0 || len(open) != 0 {
		t.Errorf("%d letters, open %+v", n, open)
	}
}

// TestReplayIntoAStoreThatRefuses keeps every letter until it is out again.
func TestReplayIntoAStoreThatRefuses(t *testing.T) {
	store := bustest.NewServer(t, nil)
	f := newFleet(t)
	f.url = store.URL
	f.start(quickRules)
	f.agent("20.0.0-5512")
	f.hook.Answer(400, nil)
	f.tell(event.Process, "own.exe", event.Down)
	eventually(t, "the raise is dead", func() bool { return len(f.letters(web.Selection{})) == 1 })
	f.tell(event.Process, "own.exe", event.Up)
	eventually(t, "the all-clear is dead", func() bool { return len(f.letters(web.Selection{})) == 2 })
	f.hook.Answer(0, nil)

	store.Limit(t, bus.Outbox, 1)
	done, err := f.a.Replay(t.Context(), web.Selection{All: true})
	if err == nil || done.Replayed != 0 {
		t.Errorf("%+v, %v", done, err)
	}
	if n := len(f.letters(web.Selection{})); n != 2 {
		t.Fatalf("%d letters are left, want both", n)
	}
	store.Limit(t, bus.Outbox, -1)
	if done := f.replay(web.Selection{All: true}); done.Replayed != 2 {
		t.Errorf("once the store takes them: %+v", done)
	}
	eventually(t, "both arrived", func() bool { return len(f.hook.Received()) == 2 })
}

// TestUnreadableLetters can be seen and dropped, and change nothing else.
func TestUnreadableLetters(t *testing.T) {
	f := newFleet(t)
	f.start(quickRules)
	for _, data := range []string{"{", `{"sink":"hook","delivery_id":"x.1","reason":"r\u001b[31m","data":"e30="}`} {
		if err := f.a.bus.Publish(t.Context(), bus.Message{Subject: "dswatch.dead.hook", Data: []byte(data)}); err != nil {
			t.Fatal(err)
		}
	}
	list := f.letters(web.Selection{})
	if len(list) != 2 || list[0].DeliveryID != "" || list[1].DeliveryID != "" {
		t.Fatalf("%+v", list)
	}
	if done := f.replay(web.Selection{All: true}); done.Replayed != 0 || len(done.Kept) != 2 {
		t.Errorf("%+v", done)
	}
	if n, err := f.a.Drop(t.Context(), web.Selection{Sink: "hook"}); n != 2 || err != nil {
		t.Error(n, err)
	}
}

func TestResync(t *testing.T) {
	f := newFleet(t)
	f.start(quickRules + "routes: [{match: [component=custom], sinks: [hook, other]}, {sinks: [other]}]\n")
	f.agent("20.0.0-5512")
	f.tell(event.Process, "own.exe", event.Down)
	f.tell(event.Process, "dsa.exe", event.Down) // the other sink's alone
	eventually(t, "told", func() bool { return len(f.hook.Received()) == 1 && len(f.other.Received()) == 2 })
	others := len(f.other.Received())
	for i := range 2 { // as often as one likes
		eventually(t, "nothing waits", func() bool {
			n := 0
			if err := f.a.ledger.Outbox().Pending(t.Context(), "hook", func([]byte, uint64) { n++ }); err != nil {
				t.Fatal(err)
			}
			return n == 0
		})
		done, err := f.a.Resync(t.Context(), "hook")
		if err != nil || done.Alerts != 1 || done.Waiting != 0 {
			t.Fatalf("%+v, %v", done, err)
		}
		eventually(t, "told again", func() bool { return len(f.hook.Received()) == 2+i })
	}
	got := f.hook.Received()
	if a, b := got[0], got[1]; a.Alert.Replay || !b.Alert.Replay || a.DeliveryID != b.DeliveryID {
		t.Errorf("first %v %s, then %v %s", a.Alert.Replay, a.DeliveryID, b.Alert.Replay, b.DeliveryID)
	}
	f.tell(event.Process, "own.exe", event.Up)
	eventually(t, "the all-clear", func() bool { return len(f.hook.Received()) == 4 })
	if done, err := f.a.Resync(t.Context(), "hook"); err != nil || done.Alerts != 0 {
		t.Errorf("nothing is open, and %+v, %v", done, err)
	}
	if n := len(f.other.Received()); n > others+1 {
		t.Errorf("the other sink heard %d things of it", n-others-1)
	}
	if _, err := f.a.Resync(t.Context(), "nobody"); err == nil || !strings.Contains(err.Error(), "hook, other") {
		t.Error(err)
	}
}

// TestResyncOfWhatSomebodyLooksAfter tells that it is raised, and then that
// somebody looks after it; once nobody does, that it is raised.
func TestResyncOfWhatSomebodyLooksAfter(t *testing.T) {
	f := newFleet(t)
	f.start(quickRules)
	f.agent("20.0.0-5512")
	f.tell(event.Process, "own.exe", event.Down)
	f.hook.Await(t, 1)
	first := f.hook.Received()[0].Alert
	n := 1
	keys := map[string]event.Transition{} // a receiver that forgets its alerts and drops copies by their key
	resync := func(when string, want ...event.Transition) {
		t.Helper()
		clear(keys)
		eventually(t, "nothing waits", func() bool { n, err := f.a.ledger.Outbox().Waiting(t.Context(), "hook"); return err == nil && n == 0 })
		if done, err := f.a.Resync(t.Context(), "hook"); err != nil || done.Alerts != 1 || done.Waiting != 0 {
			t.Fatalf("%s: %+v, %v", when, done, err)
		}
		f.hook.Await(t, n+len(want))
		for _, d := range f.hook.Received()[n:] {
			if n++; len(want) == 0 || d.Alert.Transition != want[0] || !d.Alert.Replay || d.Alert.ID != first.ID {
				t.Errorf("%s: %s, replay %v, want %v", when, d.Alert.Transition, d.Alert.Replay, want)
				return
			}
			if key := d.Header.Get("Idempotency-Key"); keys[key] != "" || key != d.DeliveryID {
				t.Errorf("%s: %s has the key %s (%s) of %q", when, want[0], key, d.DeliveryID, keys[key])
			} else {
				keys[key] = want[0]
			}
			if raised := want[0] == event.Raised; raised != (d.Alert.Ack == nil) || raised != (d.Alert.Title == first.Title && d.Alert.Text == first.Text) || d.Alert.State == event.Up {
				t.Errorf("%s: %s is %+v", when, want[0], d.Alert)
			}
			want = want[1:]
		}
	}
	resync("raised", event.Raised)
	if err := f.a.Ack(t.Context(), first.ID, web.Ack{Author: "kim", Comment: "on it"}); err != nil {
		t.Fatal(err)
	}
	n++
	f.hook.Await(t, n)
	resync("acknowledged", event.Raised, event.Acknowledged)
	resync("once more", event.Raised, event.Acknowledged)
	if err := f.a.Withdraw(t.Context(), first.ID, web.Ack{Author: "kim"}); err != nil {
		t.Fatal(err)
	}
	n++
	f.hook.Await(t, n)
	resync("withdrawn", event.Raised)
	f.tell(event.Process, "own.exe", event.Up)
	n++
	f.hook.Await(t, n)
	if last := f.hook.Received()[n-1].Alert; last.Transition != event.Cleared || last.Replay {
		t.Errorf("then %+v", last)
	}
}

// TestResyncOfWhatWaits tells nothing twice that waits in the outbox.
func TestResyncOfWhatWaits(t *testing.T) {
	f := newFleet(t)
	f.start(quickRules)
	f.agent("20.0.0-5512")
	f.hook.Answer(503, nil)
	f.tell(event.Process, "own.exe", event.Down)
	eventually(t, "the other sink is told", func() bool { return len(f.other.Received()) == 1 })
	done, err := f.a.Resync(t.Context(), "hook")
	if err != nil || done.Alerts != 0 || done.Waiting != 1 {
		t.Errorf("%+v, %v", done, err)
	}
	f.hook.Answer(0, nil)
	f.hook.Await(t, 1)
	time.Sleep(100 * time.Millisecond)
	if got := fmt.Sprint(transitions(f.hook)); got != "[raised own.exe]" {
		t.Error(got)
	}
}
