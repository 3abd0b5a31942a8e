package app

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dswatch/event"
	"dswatch/test/receive"
)

// heard is what the far end of sink hook was told, as transitions of ids.
func (f *fleet) heard() (out []string) {
	for _, d := range f.hook.Received() {
		out = append(out, string(d.Alert.Transition)+" "+d.Alert.ID)
	}
	return out
}

// elsewhere is a route on which the sink that has another name hears of nothing
// by itself.
const elsewhere = "routes: [{sinks: [other]}]\n"

// TestRenameSink: a sink gets another name while an alert is open. It is
// listed as left over; once it is handed over the far end is told the end,
// and nothing twice, also after a restart.
func TestRenameSink(t *testing.T) {
	f := newFleet(t)
	f.losing()
	f.hook.Await(t, 1)
	f.other.Await(t, 1)
	f.stop()
	f.sinks = strings.Replace(f.sinks, "name: hook", "name: noc", 1)
	f.start(quickRules + elsewhere)
	left := func() int {
		t.Helper()
		all, err := f.a.Unpaired(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range all {
			if u.Sink != "hook" {
				t.Errorf("unpaired at %s", u.Sink)
			}
		}
		return len(all)
	}
	if n := left(); n != 1 {
		t.Errorf("%d alerts are left over, want 1", n)
	}
	for _, c := range [][3]string{
		{"hook", "nobody", "there is no sink"},
		{"other", "noc", "is still configured"},
	} {
		if _, err := f.a.RenameSink(t.Context(), c[0], c[1]); err == nil || !strings.Contains(err.Error(), c[2]) {
			t.Errorf("rename %s to %s: %v, want: %s", c[0], c[1], err, c[2])
		}
	}
	for _, want := range []int{1, 0} { // it may be done again
		if done, err := f.a.RenameSink(t.Context(), "hook", "noc"); err != nil || done.Alerts != want {
			t.Errorf("%+v, %v; want %d alerts", done, err, want)
		}
	}
	if n := left(); n != 0 {
		t.Errorf("%d alerts are left over after they were handed over", n)
	}
	f.restart(quickRules + elsewhere)
	f.tell(event.Process, "ds_nuagent.exe", event.Up)
	eventually(t, "the far end is told the end", func() bool { return len(f.heard()) > 1 })
	if got := f.heard(); len(got) != 2 || !strings.HasPrefix(got[0], "raised ") || got[1] != strings.Replace(got[0], "raised", "cleared", 1) {
		t.Errorf("the far end was told %q", got)
	}
}

// TestRenameOfASlackBot: what follows on an alert is told by its message, which
// the bot has written under another name.
func TestRenameOfASlackBot(t *testing.T) {
	f := newFleet(t)
	far := &receive.SlackAPI{}
	f.sinks += fmt.Sprintf("  - {name: chat, type: slack, bot_token: %s, channel: %s, api_url: %q}\n", receive.SlackToken, receive.SlackChannel, receive.StartSlackAPI(t, far).URL+"/api")
	f.losing()
	eventually(t, "Slack has its message", func() bool { return len(far.Posts()) == 1 })
	f.stop()
	f.sinks = strings.Replace(f.sinks, "name: chat", "name: room", 1)
	f.start(quickRules + elsewhere)
	if _, err := f.a.RenameSink(t.Context(), "chat", "room"); err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(filepath.Join(f.dir, "sinks", "chat", "*")); err != nil || len(left) > 0 {
		t.Errorf("the old name still keeps %q, %v", left, err)
	}
	f.tell(event.Process, "ds_nuagent.exe", event.Up)
	eventually(t, "the message says that it is over", func() bool { return strings.HasPrefix(far.Posts()[0].Header, "✅") })
	if n := len(far.Posts()); n != 1 {
		t.Errorf("%d messages, want 1", n)
	}
}

// TestRenameAndBack: the old name is forgotten once it was handed over, so a sink
// that gets it back is told nothing that was told before.
func TestRenameAndBack(t *testing.T) {
	f := newFleet(t)
	f.losing()
	f.hook.Await(t, 1)
	f.stop()
	names := [2]string{"hook", "noc"}
	for n := range 2 {
		f.sinks = strings.Replace(f.sinks, "name: "+names[n], "name: "+names[1-n], 1)
		f.start(quickRules + elsewhere)
		if n == 0 {
			f.tell(event.Process, "ds_nuagent.exe", event.Up)
			f.other.Await(t, 2)
		}
		if _, err := f.a.RenameSink(t.Context(), names[n], names[1-n]); err != nil {
			t.Fatal(err)
		}
		f.hook.Await(t, 2)
		f.stop()
	}
	f.start(quickRules + elsewhere)
	time.Sleep(300 * time.Millisecond)
	if got := f.heard(); len(got) != 2 || !strings.HasPrefix(got[1], "cleared ") {
		t.Errorf("the far end was told %q", got)
	}
}

// TestRenameSinkLate: an alert that ended before it was handed over is ended at
// the far end, too.
func TestRenameSinkLate(t *testing.T) {
	f := newFleet(t)
	f.losing()
	f.hook.Await(t, 1)
	f.stop()
	f.sinks = strings.Replace(f.sinks, "name: hook", "name: noc", 1)
	f.start(quickRules + elsewhere)
	f.tell(event.Process, "ds_nuagent.exe", event.Up)
	eventually(t, "the other sink is told the end", func() bool { return len(f.other.Received()) == 2 })
	if all, err := f.a.Unpaired(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("left over: %+v, %v", all, err)
	}
	if _, err := f.a.RenameSink(t.Context(), "hook", "noc"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the far end is told the end", func() bool {
		got := f.heard()
		return len(got) == 2 && strings.HasPrefix(got[1], "cleared ")
	})
}

// TestRemoveHost: what was open of a host that is no more is cleared, and it is
// listed no longer; nothing that dswatch would see again at once is removed.
func TestRemoveHost(t *testing.T) {
	f := newFleet(t)
	f.losing()
	f.hook.Await(t, 1)
	for host, want := range map[string]string{"hub": "runs on", "win99": "nothing is known"} {
		if _, err := f.a.RemoveHost(t.Context(), host); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want: %s", host, err, want)
		}
	}
	done, err := f.a.RemoveHost(t.Context(), "WIN01")
	if err != nil || done.Items != 1 {
		t.Errorf("%+v, %v", done, err)
	}
	f.hook.Await(t, 2)
	if got := f.heard(); !strings.HasPrefix(got[1], "cleared ") {
		t.Errorf("the far end was told %q", got)
	}
	st, err := f.a.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, it := range st.Items {
		if it.Key.Host == "win01" {
			t.Errorf("%s is still listed", it.Key)
		}
	}
	time.Sleep(time.Millisecond)
	f.tell(event.Process, "ds_nuagent.exe", event.Down)
	f.hook.Await(t, 3)
}

// losing starts the program and tells it that a process of the agent is lost.
func (f *fleet) losing() {
	f.t.Helper()
	f.start(quickRules)
	f.agent("20.0.0-7119")
	f.tell(event.Process, "ds_nuagent.exe", event.Up)
	f.tell(event.Process, "ds_nuagent.exe", event.Down)
}
