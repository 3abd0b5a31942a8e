package app

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dswatch/event"
	"dswatch/test/receive"
	"dswatch/web"
)

const kim = "U0000000KIM"

// chatFleet is a fleet with a Slack that people answer in.
func chatFleet(t *testing.T) (*fleet, *receive.SlackAPI) {
	f, far := newFleet(t), &receive.SlackAPI{}
	f.sinks = fmt.Sprintf("sinks:\n  - {name: chat, type: slack, bot_token: %s, channel: %s, api_url: %q, app_token: %s, operators: [%s]}\n",
		receive.SlackToken, receive.SlackChannel, receive.StartSlackAPI(t, far).URL+"/api", receive.SlackAppToken, kim)
	return f, far
}

const chatRules = "rules: {hold: 0s, hold_up: 0s, storm: {alerts: 0}}\nwatch: {items: [{kind: process, name: own.exe}]}\n"

func (f *fleet) ofHosts(s event.State, from, to int) {
	f.t.Helper()
	var events []event.Event
	for i := from; i < to; i++ {
		k := event.Key{Host: fmt.Sprintf("h%03d", i), Component: "custom", Kind: event.Process, Name: "own.exe"}
		events = append(events, event.NewState("hub", event.Change, event.Observation{Key: k, State: s, Want: 1, At: time.Now()}))
	}
	if err := f.a.ledger.Publish(f.t.Context(), events); err != nil {
		f.t.Fatal(err)
	}
}

// answerable are the messages with buttons, by host.
func answerable(far *receive.SlackAPI) map[string]receive.SlackPost {
	out := map[string]receive.SlackPost{}
	for _, p := range far.Posts() {
		if i := strings.Index(p.Shown(), "h0"); len(p.Buttons) > 0 && i >= 0 {
			out[p.Shown()[i:i+4]] = p
		}
	}
	return out
}

// listening waits for the socket.
func (f *fleet) listening() {
	f.t.Helper()
	eventually(f.t, "a connection to Slack", func() bool {
		st, err := f.a.Status(f.t.Context())
		return err == nil && st.Sinks[0].Listening != nil && st.Sinks[0].Listening.Open
	})
}

func press(t *testing.T, far *receive.SlackAPI, p receive.SlackPost, action string) bool {
	t.Helper()
	for _, b := range p.Buttons {
		if strings.HasSuffix(b.ActionID, "."+action) {
			return far.Press(t, receive.SlackPress{User: kim, Name: "kim", Post: p, Button: b})
		}
	}
	t.Fatalf("no button %s: %+v", action, p.Buttons)
	return false
}

// TestAnswerFromSlack: each button does what it says, once, and says so.
func TestAnswerFromSlack(t *testing.T) {
	f, far := chatFleet(t)
	f.start(chatRules)
	f.listening()
	f.ofHosts(event.Down, 0, 1)
	eventually(t, "the message", func() bool { return len(answerable(far)) == 1 })
	p := answerable(far)["h000"]
	if !press(t, far, p, "why") {
		t.Fatal("why is not taken")
	}
	eventually(t, "the reason", func() bool { return len(far.Whispers()) == 1 })
	if w := far.Whispers()[0]; w.User != kim || !strings.Contains(w.Text, "h000/custom/process/own.exe") || !strings.Contains(w.Text, "Decisions") {
		t.Errorf("%+v", w)
	}
	if !press(t, far, p, "ack") {
		t.Fatal("ack is not taken")
	}
	eventually(t, "it is acknowledged", func() bool {
		all, err := f.a.Alerts(t.Context())
		return err == nil && slices.ContainsFunc(all, func(a web.Alert) bool {
			return a.Key.Host == "h000" && a.Ack != nil && a.Ack.Author == "kim (Slack "+kim+")"
		})
	})
	if !press(t, far, p, "silence") {
		t.Fatal("silence is not taken")
	}
	eventually(t, "it is said below the message", func() bool {
		posts := far.Posts()
		last := posts[len(posts)-1]
		return last.ThreadTS == p.TS && strings.Contains(last.Text, "kim (Slack "+kim+") has silenced h000/custom/process/own.exe until")
	})
	all, err := f.a.Silences(t.Context())
	if err != nil || len(all) != 1 || all[0].State != "active" || all[0].Ends.Sub(all[0].Starts) != time.Hour || all[0].Author != "kim (Slack "+kim+")" {
		t.Fatalf("%+v, %v", all, err)
	}
	if want := `host="h000" component="custom" kind="process" name="own.exe"`; strings.Join(all[0].Match, " ") != want {
		t.Error(all[0].Match)
	}
	if err := f.a.ExpireSilence(t.Context(), all[0].ID, "kim"); err != nil {
		t.Fatal(err)
	}
	f.ofHosts(event.Up, 0, 1)
	eventually(t, "it is over", func() bool { return len(answerable(far)) == 0 })
	told := len(far.Whispers())
	for n, action := range []string{"ack", "silence"} {
		if !press(t, far, p, action) { // somebody has not seen yet that it is over
			t.Fatal("not taken")
		}
		eventually(t, "it is said that it is over", func() bool { return len(far.Whispers()) == told+n+1 })
		if w := far.Whispers()[told+n]; !strings.Contains(w.Text, "no longer open") {
			t.Errorf("%s: %+v", action, w)
		}
	}
	if all, _ := f.a.Silences(t.Context()); len(all) != 1 {
		t.Errorf("%+v", all)
	}
	if _, _, refused := far.Sockets(); len(refused)+len(far.Refused()) > 0 {
		t.Error(refused, far.Refused())
	}
}

// TestClicksDuringAStorm: 100 clicks while hundreds of changes are told, with two
// refreshes, a restart and, in the long form, a half-open connection. Each that
// Slack shows as taken acts once, and none by halves.
func TestClicksDuringAStorm(t *testing.T) {
	const clicks = 100
	f, far := chatFleet(t)
	f.start(chatRules)
	f.listening()
	f.ofHosts(event.Down, 0, clicks)
	eventually(t, "the messages", func() bool { return len(answerable(far)) == clicks })
	posts := answerable(far)
	action := func(n int) string { return []string{"ack", "silence"}[n%2] }
	taken, again := make([]bool, clicks), make([]bool, clicks)
	var pressing, storm sync.WaitGroup
	const phases = 4 // before, between and after the steps below
	begun := make([]chan struct{}, phases)
	for i := range begun {
		begun[i] = make(chan struct{})
	}
	close(begun[0])
	for n := range clicks {
		pressing.Go(func() {
			<-begun[n*phases/clicks]
			time.Sleep(time.Duration(n%(clicks/phases)) * 50 * time.Millisecond)
			taken[n] = press(t, far, posts[fmt.Sprintf("h%03d", n)], action(n))
		})
	}
	storming := make(chan struct{})
	var running sync.Mutex // a program is there
	storm.Go(func() {
		for round := 0; ; round++ {
			running.Lock()
			f.ofHosts([]event.State{event.Down, event.Up}[round%2], 200, 260)
			running.Unlock()
			select {
			case <-storming:
				return
			case <-time.After(200 * time.Millisecond):
			}
		}
	})
	steps := []func(){
		func() { far.Refresh(300 * time.Millisecond) },
		func() { running.Lock(); defer running.Unlock(); f.restart(chatRules); f.listening() },
		func() { far.Refresh(0) },
	}
	for i, step := range steps {
		time.Sleep(time.Second)
		step()
		close(begun[i+1])
	}
	if os.Getenv("DSWATCH_SOAK") != "" {
		time.Sleep(time.Second)
		far.Freeze() // is noticed after 40 s
	}
	pressing.Wait()
	if os.Getenv("DSWATCH_SOAK") != "" {
		_, before, _ := far.Sockets()
		for until := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
			if _, opened, _ := far.Sockets(); opened > before {
				break
			}
			if time.Now().After(until) {
				t.Fatal("a half-open connection was not noticed")
			}
		}
		far.Thaw()
		for n := range clicks { // by the new one, those that were lost
			if again[n] = !taken[n]; again[n] { // another click: the first may have acted, too, without being shown as taken
				taken[n] = press(t, far, posts[fmt.Sprintf("h%03d", n)], action(n))
			}
		}
	}
	close(storming)
	storm.Wait()
	acted := func() map[int]int {
		acks, silences := map[string]int{}, map[string]int{}
		for _, p := range far.Posts() {
			if strings.Contains(p.Header, "[ACKNOWLEDGED]") {
				acks[p.ThreadTS]++
			}
		}
		all, err := f.a.Silences(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range all {
			silences[strings.Join(s.Match, " ")]++
		}
		out := map[int]int{}
		for n := range clicks {
			host := fmt.Sprintf("h%03d", n)
			out[n] = acks[posts[host].TS] + silences[fmt.Sprintf(`host=%q component="custom" kind="process" name="own.exe"`, host)]
		}
		return out
	}
	eventually(t, "all that were taken have acted", func() bool {
		done := acted()
		for n, yes := range taken {
			if yes && done[n] == 0 {
				return false
			}
		}
		return true
	})
	time.Sleep(500 * time.Millisecond)
	done, shown := acted(), 0
	list, err := f.a.Alerts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	acked := map[string]bool{}
	for _, a := range list {
		acked[a.Key.Host] = a.Ack != nil
	}
	for n, yes := range taken {
		if yes {
			shown++
		}
		most := 1
		if again[n] {
			most = 2
		}
		if done[n] > most || yes && done[n] == 0 {
			t.Errorf("click %d (%s): taken %v, pressed %d times, acted %d times", n, action(n), yes, most, done[n])
		}
		if n%2 == 0 && acked[fmt.Sprintf("h%03d", n)] != (done[n] > 0) {
			t.Errorf("click %d: acknowledged by halves", n)
		}
	}
	if shown < clicks/2 {
		t.Errorf("only %d of %d clicks were taken", shown, clicks)
	}
	_, opened, refused := far.Sockets()
	t.Logf("%d of %d clicks taken, each acted once; %d connections", shown, clicks, opened)
	if len(refused)+len(far.Refused()) > 0 {
		t.Error(refused, far.Refused())
	}
}

// TestSlackBesideOthers: with a bus that others use, nobody listens, no message
// has buttons, and the configuration is told so.
func TestSlackBesideOthers(t *testing.T) {
	f, _ := chatFleet(t)
	f.url = "nats://127.0.0.1:1"
	f.write(chatRules)
	l, err := Load(f.dir + "/fleet.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	for _, w := range l.Warnings {
		fmt.Fprintln(&b, l.Config.voice().Say(w))
	}
	if !strings.Contains(b.String(), "app_token, which counts only where dswatch is alone") {
		t.Error(b.String())
	}
}
