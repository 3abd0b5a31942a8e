package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"dswatch/event"
	"dswatch/guard"
	"dswatch/sinks"
	"dswatch/words"
)

// firstBeat is how long after the start the first heartbeat goes out: the
// rules have read by then what is open.
const firstBeat = 5 * time.Second

// beats sends a sink that wants one a sign of life until ctx ends. It goes past
// the outbox: one that comes late tells a lie, and one that waits behind a jam
// would hide that dswatch lives. So there is one attempt for each, and its
// count of what waits tells the jam.
func (a *App) beats(ctx context.Context, w *worker) {
	every := w.settings.Heartbeat
	numbers := a.numbersOf(w)
	wait := time.NewTimer(numbers.first(time.Now()))
	defer wait.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-wait.C:
			wait.Reset(every)
		}
		err := a.beat(ctx, w, numbers)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !failing:
			a.Log.Warn("a heartbeat was not delivered; the next is tried in time", "sink", w.name, "error", sinks.Line(err.Error(), 512))
		case err == nil && failing:
			a.Log.Info("heartbeats are delivered again", "sink", w.name)
		}
		failing = err != nil
	}
}

// beat sends one sign of life.
func (a *App) beat(ctx context.Context, w *worker, n *numbers) error {
	e, err := a.decider()
	if errors.Is(err, errStarting) {
		return err // it would count nothing
	}
	if err := a.stale(); err != nil {
		return err // it would say that all is well, which is not proven
	}
	seq, err := n.next(time.Now())
	if err != nil {
		return err
	}
	waiting, err := a.ledger.Outbox().Waiting(ctx, w.name)
	if err != nil {
		return err
	}
	counts := event.Counts{Waiting: waiting, Every: int(w.settings.Heartbeat.Round(time.Second) / time.Second)}
	if e != nil {
		counts.Open = e.CountOpen(w.name)
	}
	key := event.Key{Host: a.conf().Config.Host, Component: "dswatch", Kind: event.Host, Name: "dswatch"}
	one := event.Alert{
		ID: event.AlertID(key, event.RuleAlive, w.name), Seq: seq, Transition: event.Beat, Rule: event.RuleAlive, Key: key,
		State: event.Up, Severity: event.Info, Impact: event.NoticeLost, Language: a.conf().Config.Language,
		Observer: a.conf().Config.Host, StartedAt: a.started, At: time.Now(), Heartbeat: &counts,
	}
	counts.NotReloaded = a.reloads.failed()
	one.Heartbeat = &counts
	one.TitleStatements, one.TextStatements = words.Alive.With(one.Key.Host), words.AliveCounts.With(counts.Open, counts.Waiting, w.settings.Heartbeat)
	if counts.NotReloaded {
		one.TextStatements = one.TextStatements.And(words.NotReloaded.With())
	}
	a.conf().Config.voice().Tell(&one)
	return w.worker.Beat(ctx, one)
}

// numbers counts the heartbeats of one sink in a file.
type numbers struct {
	path  string
	every time.Duration
	log   *slog.Logger
	began bool // this process has sent one
}

func (a *App) numbersOf(w *worker) *numbers {
	return &numbers{
		path: filepath.Join(a.conf().Config.Bus.Dir, "sinks", w.name, "heartbeat"), every: w.settings.Heartbeat, log: a.Log.With("sink", w.name),
	}
}

// first is how long after the start the first heartbeat is due: when the far
// end expects it, so that a restart makes none too many.
func (n *numbers) first(now time.Time) time.Duration {
	_, last, err := n.read()
	if err != nil || last.After(now) {
		last = time.Time{}
	}
	return max(min(n.every, firstBeat), last.Add(n.every).Sub(now))
}

// next returns the next number, which is on the disk then: none is used twice.
// Counting alone would go back unnoticed when the state directory is restored
// from an older copy. So a start counts also those that were due since the last
// one that the file knows of. For the far end they are a gap, which they are
// when dswatch was down as well.
func (n *numbers) next(now time.Time) (int, error) {
	number, last, err := n.read()
	if err != nil {
		return 0, err
	}
	step := time.Duration(1)
	if since := now.Sub(last); !n.began && !last.IsZero() && since > n.every*3/2 {
		step = (since + n.every - 1) / n.every
		n.log.Warn("no heartbeat for a while: dswatch did not run, or its state directory is an older copy; the numbers that were due are left out",
			"last", number, "at", last, "left_out", int(step)-1)
	}
	number += int(step)
	if err := guard.Replace(n.path, fmt.Appendf(nil, "%d %s\n", number, now.UTC().Format(time.RFC3339Nano))); err != nil {
		return 0, fmt.Errorf("store the number of the heartbeat: %w", err)
	}
	n.began = true
	return number, nil
}

// read returns the last number and when it was used, zeros when there is none.
func (n *numbers) read() (number int, at time.Time, err error) {
	text, err := os.ReadFile(n.path)
	if errors.Is(err, os.ErrNotExist) {
		return 0, time.Time{}, nil
	}
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("read the number of the last heartbeat: %w", err)
	}
	count, when, timed := strings.Cut(strings.TrimSpace(string(text)), " ")
	number, err = strconv.Atoi(count)
	if err == nil && timed { // a number alone may be what somebody was asked to write
		at, err = time.Parse(time.RFC3339, when)
	}
	if err != nil || number < 0 || number > math.MaxInt32 {
		return 0, time.Time{}, fmt.Errorf("read the number of the last heartbeat: %s does not hold a number and a time; write a number above the last that the far end has seen", n.path)
	}
	return number, at, nil
}
