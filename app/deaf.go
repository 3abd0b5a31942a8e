package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"dswatch/event"
	"dswatch/guard"
	"dswatch/rules"
	"dswatch/setting"
	"dswatch/sinks"
	"dswatch/words"
)

const (
	// deafDefault is how long nothing may be proven before every sink is told.
	deafDefault = 30 * time.Second
	// deafRetry is the pause after a sink did not take the notice.
	deafRetry = 5 * time.Second
	// pingEvery is the time between two calls of ping_url, pingTime the time
	// for one.
	pingEvery = time.Minute
	pingTime  = 10 * time.Second
	// notesSize is the size of the file of notes, which is written in place:
	// that needs no space on a full disk.
	notesSize = 4 << 10
)

// notes is what has to outlive a restart while nothing can be stored: the
// notice that is open, and at which sinks. They lie beside bus.dir.
type notes struct {
	ID    string     `json:"id,omitempty"` // of the alert; empty: none is open
	Since time.Time  `json:"since,omitzero"`
	Why   string     `json:"why,omitempty"`           // in English
	Said  event.Said `json:"why_statements,omitzero"` // Why as data; empty: a version before wrote the notes
	Told  []string   `json:"told,omitempty"`          // sinks that may hold it open

	Ack     *event.Ack       `json:"ack,omitempty"`    // who looks after it, or took that back
	Looked  event.Transition `json:"looked,omitempty"` // which of the two; empty: nobody has said so
	Lookers int              `json:"lookers,omitempty"`
	Heard   []string         `json:"heard,omitempty"` // sinks that were told of it

	Last *past `json:"last,omitempty"` // the notice before, which is over
}

// past is a notice that is over.
type past struct {
	ID    string     `json:"id"`
	Since time.Time  `json:"since"`
	Ended time.Time  `json:"ended"`
	Why   string     `json:"why"`
	Said  event.Said `json:"why_statements,omitzero"`
}

// deaf tells every sink past the outbox when a change would not be told.
type deaf struct {
	app   *App
	after time.Duration
	file  *os.File // nil: there is none, and a notice is repeated after a restart

	mu    sync.Mutex
	notes notes
	open  bool // the notice is to be open; else it is to be cleared
	seen  bool // by this process; else it is only known from the notes
	wake  chan struct{}
}

// notesPath is outside bus.dir, which may be what is broken.
func (a *App) notesPath() string {
	if dir := os.Getenv("RUNTIME_DIRECTORY"); dir != "" { // of systemd; only this program's
		return filepath.Join(strings.SplitN(dir, ":", 2)[0], "deaf")
	}
	return filepath.Clean(a.conf().Config.Bus.Dir) + ".deaf"
}

func newDeaf(a *App) *deaf {
	d := &deaf{app: a, after: a.conf().Config.Deaf, wake: make(chan struct{})}
	defer a.deafness.Store(d)
	if d.after == 0 {
		d.after = deafDefault
	}
	f, err := guard.Open(a.notesPath(), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		level := slog.LevelDebug
		if refusal := (*guard.Refusal)(nil); errors.As(err, &refusal) {
			level = slog.LevelWarn
		}
		a.Log.Log(context.Background(), level, "no file for what has to outlive a restart while nothing can be stored", "error", err)
		return d
	}
	d.file = f
	text, _ := io.ReadAll(io.LimitReader(f, notesSize))
	if json.Unmarshal(bytes.TrimRight(text, "\x00 \n"), &d.notes) != nil {
		d.notes = notes{}
	}
	d.open = d.notes.ID != "" // until it is proven that it is over
	if len(text) < notesSize {
		d.keep()
	}
	return d
}

// keep stores the notes in place. The caller holds mu, or nobody else knows d.
func (d *deaf) keep() {
	if d.file == nil {
		return
	}
	text, err := json.Marshal(d.notes)
	if err == nil && len(text) < notesSize {
		page := bytes.Repeat([]byte{' '}, notesSize)
		copy(page, text)
		if _, err = d.file.WriteAt(page, 0); err == nil {
			err = d.file.Sync()
		}
	}
	if err != nil {
		d.app.Log.Debug("keep notes beside bus.dir", "error", err)
	}
}

// run looks every second until ctx ends.
func (d *deaf) run(ctx context.Context) {
	if d.file != nil {
		defer d.file.Close()
	}
	defer func() { d.app.heart().loops.End(loopDeaf) }()
	var telling sync.WaitGroup
	defer telling.Wait()
	for _, w := range d.app.workers() {
		telling.Go(func() { d.tell(ctx, w) })
	}
	if d.app.conf().Config.PingURL.Reveal() != "" {
		telling.Go(func() { d.ping(ctx) })
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		h := d.app.heart()
		h.loops.Alive(loopDeaf)
		switch v := d.app.verdict(); {
		case !v.Current && h.board.Stale() >= d.after:
			d.set(true, notCurrent(v))
			d.app.past.hears(false, h.board.Stale(), notCurrent(v))
		case v.Current:
			d.set(false, event.Said{})
			d.app.past.hears(true, 0, event.Said{})
		}
	}
}

// set opens or ends the notice.
func (d *deaf) set(open bool, why event.Said) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if open == d.open && open == d.seen {
		return
	}
	d.open, d.seen = open, open
	if open {
		now := time.Now()
		if d.notes.ID == "" {
			stamp := now.UTC().Format(time.RFC3339)
			if d.file == nil {
				stamp = now.UTC().Format(time.DateOnly) // the same after a restart, as far as can be
			}
			d.notes = notes{Last: d.notes.Last, ID: event.AlertID(d.key(), event.RuleLoss, stamp), Since: now, Why: sinks.Line(words.English(why), 512), Said: why}
		}
		d.app.Log.Error("changes are not told any more; every sink is told so", "since", now.Add(-d.after), "why", words.English(why))
		d.keep()
	} else if d.notes.ID != "" {
		d.app.Log.Info("changes are told again", "since", d.notes.Since)
		d.notes.Last = &past{d.notes.ID, d.notes.Since, time.Now(), d.notes.Why, d.notes.Said}
		if len(d.notes.Told) == 0 {
			d.notes = notes{Last: d.notes.Last}
		}
		d.keep()
	}
	close(d.wake)
	d.wake = make(chan struct{})
}

func (d *deaf) key() event.Key {
	return event.Key{Host: d.app.conf().Config.Host, Component: "dswatch", Kind: event.Process, Name: "store"}
}

// owes returns what the sink is to be told now, if anything: the notice where
// it is routed and nothing silences it, who looks after it, and its end.
func (d *deaf) owes(sink string) (a event.Alert, owed bool, changed <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	changed = d.wake
	told := slices.Contains(d.notes.Told, sink)
	a = d.alert()
	switch {
	case d.notes.ID == "" || !d.open && !told:
		return a, false, changed
	case d.open && !told:
		owed = d.seen && slices.Contains(d.app.deafTo(), sink) && d.app.silencedBy(d.subject()) == nil
	case d.open:
		owed = d.notes.Looked != "" && !slices.Contains(d.notes.Heard, sink)
		a.Seq, a.Transition, a.At = 1+d.notes.Lookers, d.notes.Looked, time.Now()
		if d.notes.Looked == event.Acknowledged {
			a.Ack = d.notes.Ack
		} else {
			a.Withdrawn = d.notes.Ack
		}
	default:
		owed = true
		a.Seq, a.Transition, a.State, a.Previous, a.Found, a.At = 2+d.notes.Lookers, event.Cleared, event.Up, event.Down, 1, time.Now()
		a.EndedAt, a.NextStatements = a.At, event.Said{}
		a.TitleStatements, a.TextStatements = words.DeafOverTitle.With(a.Key.Host), words.DeafOver.With()
	}
	d.app.conf().Config.voice().Tell(&a)
	return a, owed, changed
}

// alert is the notice as it was raised. The caller holds mu.
func (d *deaf) alert() event.Alert {
	c := &d.app.conf().Config
	return event.Alert{
		ID: d.notes.ID, Seq: 1, Transition: event.Raised, Rule: event.RuleLoss, Key: d.key(), State: event.Down, Previous: event.Up, Want: 1,
		Severity: d.severity(), Impact: event.NoticeLost, Language: c.Language, Observer: c.Host, StartedAt: d.notes.Since, At: d.notes.Since,
		ReasonStatements: words.Of(words.Cause(d.notes.Said, d.notes.Why)),
		TitleStatements:  words.DeafTitle.With(c.Host, words.Part(d.notes.Said, d.notes.Why)),
		TextStatements:   words.DeafText.With(), NextStatements: words.DeafNext.With(),
	}
}

func (d *deaf) severity() event.Severity {
	if d.app.conf().Config.Deaf > 0 { // asked for
		return event.Critical
	}
	return event.Info
}

func (d *deaf) subject() *rules.Subject {
	return &rules.Subject{Key: d.key(), Rule: event.RuleLoss, Severity: d.severity()}
}

// tell keeps one sink informed, past its outbox.
func (d *deaf) tell(ctx context.Context, w *worker) {
	failing := false
	for {
		a, owed, changed := d.owes(w.name)
		var again <-chan time.Time
		if owed {
			err := w.worker.Beat(ctx, a)
			if err == nil {
				d.note(w.name, a.Transition)
				failing = false
				continue
			}
			if ctx.Err() != nil {
				return
			}
			if !failing {
				d.app.Log.Warn("a sink could not be told that changes are not told", "sink", w.name, "error", sinks.Line(err.Error(), 512))
			}
			failing = true
			again = time.After(deafRetry)
		}
		if again == nil && d.waits(w.name) { // a silence or an hour of a route may end
			again = time.After(deafRetry)
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case <-again:
		}
	}
}

// waits reports whether the notice is open and the sink was not told of it.
func (d *deaf) waits(sink string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.open && d.notes.ID != "" && !slices.Contains(d.notes.Told, sink)
}

// note remembers what a sink has accepted.
func (d *deaf) note(sink string, t event.Transition) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch t {
	case event.Raised:
		d.notes.Told = append(d.notes.Told, sink)
	case event.Cleared:
		d.notes.Told = slices.DeleteFunc(d.notes.Told, func(name string) bool { return name == sink })
	default:
		d.notes.Heard = append(d.notes.Heard, sink)
	}
	if len(d.notes.Told) == 0 && !d.open {
		d.notes = notes{Last: d.notes.Last}
	}
	d.keep()
}

// ping calls ping_url, with /fail and the reason when changes are not told. It
// begins once that is proven, or is not in time: a start is no failure.
func (d *deaf) ping(ctx context.Context) {
	client := &http.Client{Timeout: pingTime}
	failing, began := false, false
	for wait := time.Duration(0); ; {
		d.mu.Lock()
		changed := d.wake
		d.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case <-time.After(wait):
		}
		why := d.app.stale()
		d.mu.Lock()
		began = began || why == nil || d.open
		d.mu.Unlock()
		if !began {
			wait = time.Second
			continue
		}
		wait = pingEvery
		err := d.pingOnce(ctx, client, why)
		if err != nil && !failing && ctx.Err() == nil {
			d.app.Log.Warn("ping_url does not answer", "error", err)
		}
		failing = err != nil
	}
}

// pingURL is the one to call now: a file that holds it is read each time.
func (l *Loaded) pingURL() setting.Secret {
	if again := l.file.Again("ping_url"); again != nil {
		if u, err := again(); err == nil {
			return u
		}
	}
	return l.Config.PingURL
}

func (d *deaf) pingOnce(ctx context.Context, client *http.Client, why error) error {
	target, body := strings.TrimSuffix(d.app.conf().pingURL().Reveal(), "/"), ""
	if why != nil {
		target, body = target+"/fail", d.app.conf().Config.voice().Error(why)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(body))
	if err != nil {
		return errors.New("it is not a URL")
	}
	resp, err := client.Do(req)
	if err != nil {
		return errors.New("no answer from its host") // the error has the URL, which is a secret
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	if resp.StatusCode >= 300 {
		return fmt.Errorf("it answered %s", resp.Status)
	}
	return nil
}
