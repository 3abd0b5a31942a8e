package app

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"dswatch/bus"
	"dswatch/event"
	"dswatch/pulse"
	"dswatch/sinks"
	"dswatch/web"
	"dswatch/words"
)

// The stages that a change goes through; each sink has one of its own behind
// them.
const (
	stageScheduler = "scheduler"
	stageStore     = "store"
	stageRules     = "rules"
	stageOutbox    = "outbox"
)

// The loops that must turn.
const (
	loopScheduler = "the scheduler"
	loopRules     = "the rules"
	loopDeaf      = "the deaf notice"
)

// The queues before a stage, beside those of the jobs, which have their names.
const (
	flowChanges    = "changes"
	flowDeliveries = "deliveries"
)

func loopOf(sink string) string { return "the sink " + sink }

func stageOf(sink string) string { return "sink " + sink }

// heart sends the pulse and knows what it has proven.
type heart struct {
	board *pulse.Board
	loops *pulse.Loops
	rules chan func(context.Context)
	sinks map[string]chan func()
}

// newHeart is the heart of a configuration. Before is that of the one before it,
// whose loops go on; nil: there was none.
func newHeart(l *Loaded, before *heart) *heart {
	stages := []string{stageScheduler, stageStore}
	h := &heart{loops: pulse.NewLoops(time.Now), rules: make(chan func(context.Context), 1), sinks: map[string]chan func(){}}
	if before != nil {
		h.loops, h.rules = before.loops, before.rules
	}
	if !l.observes() {
		stages = append(stages, stageRules, stageOutbox)
		for _, name := range l.sinkNames() {
			stages = append(stages, stageOf(name))
			h.sinks[name] = make(chan func(), 1)
			if before != nil && before.sinks[name] != nil {
				h.sinks[name] = before.sinks[name]
			}
		}
	}
	h.board = pulse.NewBoard(time.Now, stages...)
	return h
}

// heart is that of the configuration in force.
func (a *App) heart() *heart { return a.beating.Load() }

func (a *App) alive(loop string) func() { return func() { a.heart().loops.Alive(loop) } }

// beatFirst is the pulse at its beginning, in the scheduler's loop.
func (a *App) beatFirst(ctx context.Context) {
	h := a.heart()
	h.board.Proven(stageScheduler)
	h.board.Flows(stageStore, a.unpublished())
	if a.conf().observes() {
		// Thousands of agents would be a load for their hub; what they have
		// seen is proven by what they publish.
		if err := a.bus.Reach(ctx); err != nil {
			h.board.Failed(stageStore, err)
			return
		}
		h.board.Proven(stageStore)
		return
	}
	// The loops behind turn all the same: that a disk is full must not make
	// them look stuck.
	next := a.beatRules
	if err := a.bus.Pulse(ctx, bus.EventPulse(event.Token(a.conf().Config.Host))); err != nil {
		h.board.Failed(stageStore, err)
		next = func(ctx context.Context) { a.beatSinks(ctx, false) }
	} else {
		h.board.Proven(stageStore)
		for _, one := range a.looking() { // what the store has refused to one of them, it may take now
			one.sched.Retry()
		}
	}
	select {
	case h.rules <- next:
	default: // the one before waits
	}
}

// unpublished are the changes that each job has seen and the store has not
// taken: each has its own loop, and the pulse goes through one of them only.
func (a *App) unpublished() map[string]pulse.Flow {
	all := map[string]pulse.Flow{}
	for _, one := range a.looking() {
		st := one.sched.Stats()
		all[one.plan.Name] = pulse.Flow{Waits: uint64(st.Pending), Done: st.Published}
	}
	return all
}

// beatRules goes on in the rules' loop.
func (a *App) beatRules(ctx context.Context) {
	h := a.heart()
	left, err := a.source.Backlog(ctx)
	if err != nil {
		h.board.Failed(stageRules, err)
		a.beatSinks(ctx, false)
		return
	}
	h.board.Flows(stageRules, map[string]pulse.Flow{flowChanges: {Waits: left.Waiting + uint64(left.Held), Done: left.Floor}})
	h.board.Proven(stageRules)
	var subjects []string
	for _, w := range a.workers() {
		subjects = append(subjects, bus.OutboxPulse(w.name))
	}
	if err := a.bus.Pulse(ctx, subjects...); err != nil {
		h.board.Failed(stageOutbox, err)
		a.beatSinks(ctx, false)
		return
	}
	h.board.Proven(stageOutbox)
	a.beatSinks(ctx, true)
}

// beatSinks ends in the loop of each sink's worker. Without a stored pulse it
// proves nothing.
func (a *App) beatSinks(ctx context.Context, stored bool) {
	h := a.heart()
	for _, w := range a.workers() {
		proven := func() {}
		if stored {
			if left, err := w.place.Queue.Backlog(ctx); err != nil {
				h.board.Failed(stageOf(w.name), err)
			} else {
				waits, done := w.worker.Flow(left.Waiting)
				h.board.Flows(stageOf(w.name), map[string]pulse.Flow{flowDeliveries: {Waits: waits, Done: done}})
				proven = func() { h.board.Proven(stageOf(w.name)) }
			}
		}
		select {
		case h.sinks[w.name] <- proven:
		default:
		}
		w.place.Queue.Nudge()
	}
}

// tick counts the time in which this process runs, until ctx ends. It waits for
// nothing else, not even for the log.
func (a *App) tick(ctx context.Context) {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			h := a.heart()
			h.loops.Tick()
			h.board.Tick()
		}
	}
}

// verdict says whether a change would be told now. What the bus knows, counts
// before the next pulse.
func (a *App) verdict() pulse.Verdict {
	if a.bus != nil {
		a.heart().board.Failed(stageStore, a.bus.Err())
	}
	return a.heart().board.Verdict()
}

// Health says what the program has proven of itself. With Live it makes App a
// web.Healthy.
func (a *App) Health() web.Health {
	v, voice := a.verdict(), a.conf().Config.voice()
	out := web.Health{Role: "standalone", Current: v.Current, Since: v.Since, Stages: []web.Stage{}}
	if a.conf().observes() {
		out.Role = "agent"
	}
	for _, s := range v.Stages {
		one := web.Stage{Name: s.Name, Proven: s.Proven}
		if why := reason(s.Why); !why.Empty() {
			one.Why, one.WhyStatements = voice.Say(why), words.Spell(why)
		}
		out.Stages = append(out.Stages, one)
	}
	if a.bus != nil {
		for _, d := range a.bus.Damages() {
			out.Unreadable = append(out.Unreadable, d.Bucket+"/"+d.Key)
		}
	}
	if why := notCurrent(v); !why.Empty() {
		out.Why, out.WhyStatements = voice.Say(why), words.Spell(why)
	}
	return out
}

// mostReason is how much of an error a reason has: it is kept in the file of
// notes.
const mostReason = 300

// reason says why a stage is not current; nothing: it is.
func reason(r pulse.Reason) event.Said {
	switch {
	case r.Failed != nil:
		said := words.Of(r.Failed)
		if said.Len() > mostReason {
			said = words.Quoted.With(errors.New(sinks.Line(r.Failed.Error(), mostReason)))
		}
		return said
	case r.Never:
		return words.NotProvenYet.With()
	case r.Jam.Queue != "":
		queue := words.Quoted.Phrase(errors.New(r.Jam.Queue))
		switch r.Jam.Queue {
		case flowChanges:
			queue = words.QueueOfChanges.Phrase()
		case flowDeliveries:
			queue = words.QueueOfDeliveries.Phrase()
		}
		return words.NothingMoves.With(int(r.Jam.Waits), queue, r.Jam.For)
	case r.Unproven:
		return words.NotProven.With(pulse.Fresh)
	}
	return event.Said{}
}

// notCurrent says the stage and the reason; nothing: all is current.
func notCurrent(v pulse.Verdict) event.Said {
	stage, why := v.Why()
	if stage == "" {
		return event.Said{}
	}
	return words.AtStage.With(stage, words.Fail(reason(why)))
}

// Live says which of our own loops is stuck, so that only a restart helps.
func (a *App) Live() error { return a.heart().loops.Live() }

// stale is why a heartbeat is not sent as if all were well.
func (a *App) stale() error {
	v := a.verdict()
	if v.Current {
		return nil
	}
	return words.Fail(words.DecisionsStale.With(words.Fail(notCurrent(v))))
}

// pulseMetric shows when each stage was proven last: a time, because an age
// would freeze with the process.
type pulseMetric struct {
	app              *App
	desc, unreadable *prometheus.Desc
}

func newPulseMetric(a *App) pulseMetric {
	unreadable := prometheus.NewDesc("dswatch_store_unreadable_records", "Stored records that could not be read since the start.", nil, nil)
	return pulseMetric{app: a, unreadable: unreadable, desc: prometheus.NewDesc("dswatch_pulse_last_success_timestamp_seconds",
		"When a change was last proven to get through this stage, in seconds since 1970; 0: never since the start.", []string{"stage"}, nil)}
}

func (m pulseMetric) Describe(c chan<- *prometheus.Desc) { c <- m.desc; c <- m.unreadable }

func (m pulseMetric) Collect(c chan<- prometheus.Metric) {
	for _, s := range m.app.verdict().Stages {
		at := 0.0
		if !s.Proven.IsZero() {
			at = float64(s.Proven.UnixMilli()) / 1000
		}
		c <- prometheus.MustNewConstMetric(m.desc, prometheus.GaugeValue, at, s.Name)
	}
	c <- prometheus.MustNewConstMetric(m.unreadable, prometheus.GaugeValue, float64(len(m.app.Health().Unreadable)))
}
