package main

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"dswatch/app"
	"dswatch/words"
)

// supervisor tells whoever started the program how it is: systemd, where it
// did, by the protocol of sd_notify(3); elsewhere it only looks whether a loop
// is stuck.
type supervisor struct {
	notify func(state string)
	stuck  func(error) // a loop is stuck, and nobody else ends the process; nil: systemd's watchdog does

	mu     sync.Mutex
	status string
	app    *app.App // nil before it is open
	ready  bool
}

const (
	// extendEvery is how often a start or a stop that goes on asks for more
	// time, extendBy how much.
	extendEvery = 5 * time.Second
	extendBy    = 30 * time.Second
	// lookEvery is how often the status is looked at.
	lookEvery = time.Second
)

func newSupervisor(stuck func(error)) *supervisor {
	return &supervisor{stuck: stuck, notify: func(state string) {
		_, _ = daemon.SdNotify(false, state) // nobody listens: nothing is lost
	}}
}

// run tells until ctx ends, which is after the program has stopped. Stopping
// ends when the program is asked to stop.
func (s *supervisor) run(ctx, stopping context.Context) {
	beat := lookEvery
	if limit, err := daemon.SdWatchdogEnabled(false); err == nil && limit > 0 {
		beat = min(beat, limit/3)
	}
	tick := time.NewTicker(beat)
	defer tick.Stop()
	var extended time.Time
	stops := stopping.Done()
	s.say("opening the message store")
	for {
		s.mu.Lock()
		a, ready := s.app, s.ready
		s.mu.Unlock()
		if (!ready || stops == nil) && time.Since(extended) > extendEvery {
			extended = time.Now()
			s.notify("EXTEND_TIMEOUT_USEC=" + strconv.FormatInt(extendBy.Microseconds(), 10))
		}
		if a != nil {
			s.look(a, stops == nil)
		}
		select {
		case <-ctx.Done():
			return
		case <-stops:
			stops = nil
			s.notify("STOPPING=1")
			s.say("stopping: what was seen is decided, what was decided is kept")
		case <-tick.C:
		}
	}
}

// look tells how the program is, and that its loops turn.
func (s *supervisor) look(a *app.App, stopping bool) {
	if err := a.Live(); err == nil {
		s.notify("WATCHDOG=1")
	} else if s.stuck != nil {
		s.stuck(err)
	}
	if stopping {
		return
	}
	if h := a.Health(); h.Current {
		s.say("watching; decisions are current")
	} else {
		s.say("watching; decisions are NOT CURRENT: " + plain(words.English(h.WhyStatements)))
	}
}

// say tells a status that is new.
func (s *supervisor) say(status string) {
	s.mu.Lock()
	changed := s.status != status
	s.status = status
	s.mu.Unlock()
	if changed {
		s.notify("STATUS=" + status)
	}
}

// opened takes the program.
func (s *supervisor) opened(a *app.App) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.app = a
}

// observing says that the program does what it is for.
func (s *supervisor) observing() {
	s.mu.Lock()
	s.ready = true
	s.mu.Unlock()
	s.notify("READY=1")
}
