package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"dswatch/bus"
	"dswatch/event"
	"dswatch/sinks"
)

// firstBeat is how long after the start the first heartbeat goes out: the
// rules have read by then what is open.
const firstBeat = 5 * time.Second

// startBeats sends every sink that wants one a sign of life, until what it
// returns is called. It goes past the outbox: one that comes late tells a
// lie, and one that waits behind a jam would hide that dswatch lives. So
// there is one attempt for each, and its count of what waits tells the jam.
func (a *App) startBeats(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	for _, w := range a.workers {
		if w.settings.Heartbeat > 0 {
			running.Go(func() { a.beats(ctx, w) })
		}
	}
	return func() { cancel(); running.Wait() }
}

func (a *App) beats(ctx context.Context, w *worker) {
	every := w.settings.Heartbeat
	next := time.After(min(every, firstBeat))
	t := time.NewTicker(every)
	defer t.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-next:
		case <-t.C:
		}
		err := a.beat(ctx, w)
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
func (a *App) beat(ctx context.Context, w *worker) error {
	seq, err := nextNumber(filepath.Join(a.Bus.Dir, "sinks", w.name, "heartbeat"))
	if err != nil {
		return err
	}
	left, err := a.bus.Pending(ctx, bus.Outbox, w.name)
	if err != nil {
		return err
	}
	counts := event.Counts{Waiting: int(left.Waiting) + left.Held, Every: int(w.settings.Heartbeat.Round(time.Second) / time.Second)}
	if e := a.engine.Load(); e != nil {
		counts.Open = e.CountOpen(w.name)
	}
	key := event.Key{Host: a.Host, Component: "dswatch", Kind: event.Host, Name: "dswatch"}
	one := event.Alert{
		ID: event.AlertID(key, event.RuleAlive, w.name), Seq: seq, Transition: event.Beat, Rule: event.RuleAlive, Key: key,
		State: event.Up, Severity: event.Info, Impact: event.NoticeLost, Language: a.Language,
		Observer: a.Host, StartedAt: a.started, At: time.Now(), Heartbeat: &counts,
	}
	one.Title, one.Text = sinks.In(a.Language).Beat(a.Host, counts)
	return w.worker.Beat(ctx, one)
}

// nextNumber counts up the number in the file at path, which is on the disk
// when it returns: no number is ever used twice.
func nextNumber(path string) (int, error) {
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return 0, fmt.Errorf("read the number of the last heartbeat: %w", err)
	}
	n := 0
	if err == nil {
		if n, err = strconv.Atoi(strings.TrimSpace(string(text))); err != nil || n < 0 {
			return 0, fmt.Errorf("read the number of the last heartbeat: %s does not hold a number; write one above the last that the far end has seen", path)
		}
	}
	n++
	if err := sinks.ReplaceFile(path, []byte(strconv.Itoa(n)+"\n")); err != nil {
		return 0, fmt.Errorf("store the number of the heartbeat: %w", err)
	}
	return n, nil
}
