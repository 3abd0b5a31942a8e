package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"dswatch/bus"
	"dswatch/detector"
	"dswatch/engine"
	"dswatch/event"
	"dswatch/ledger"
	"dswatch/rules"
	"dswatch/sinks"
	"dswatch/web"
	"dswatch/words"
)

// Options are what a configuration does not say.
type Options struct {
	Version string
	Log     *slog.Logger
	// Observing is called once, when Run begins to observe; nil: nobody is told.
	Observing func()
}

// App is the program between Open and Close.
type App struct {
	Options
	inForce  atomic.Pointer[Loaded]
	started  time.Time
	bus      *bus.Bus
	ledger   *ledger.Ledger
	registry *prometheus.Registry
	workers  []*worker
	drills   *drills
	heart    *heart
	mending  atomic.Pointer[[]*worker]     // workers, once all are made
	source   *ledger.Source                // of the rules; nil before Run
	engine   atomic.Pointer[engine.Engine] // nil before Run, and where this process only observes

	memory atomic.Pointer[memory]

	scheduler atomic.Pointer[detector.Scheduler] // nil before Run

	web *web.Server
}

// worker is one sink with what empties its outbox.
type worker struct {
	name, kind string
	sink       sinks.Sink
	settings   sinks.Settings
	drilled    atomic.Pointer[web.Drill] // nil before the first one
	worker     *sinks.Worker
	place      *ledger.Place
}

const (
	// grace is how long each step of a shutdown may take.
	grace = 5 * time.Second
	// factsEvery is how often a host tells its facts, changed or not, so
	// that a hub that lost them learns them again.
	factsEvery = 10 * time.Minute
)

// Open opens the bus and makes the sinks. Nothing is observed or sent yet.
func Open(ctx context.Context, l *Loaded, o Options) (*App, error) {
	a := newApp(l, nil, o)
	b, err := bus.Open(ctx, l.Config.Bus, bus.Options{Log: o.Log, MadeAnew: a.madeAnew, Mended: func() { a.again(false) }})
	if err != nil {
		return nil, err
	}
	a.bus, a.ledger = b, ledger.On(b, l.Config.Bus)
	if err := a.makeWorkers(ctx); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	a.mending.Store(&a.workers)
	return a, nil
}

// newApp is an App of which nothing works yet but what only needs the bus.
func newApp(l *Loaded, b *bus.Bus, o Options) *App {
	a := &App{Options: o, started: time.Now(), registry: prometheus.NewRegistry()}
	if b != nil {
		a.bus, a.ledger = b, ledger.On(b, l.Config.Bus)
	}
	a.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), newUnpairedMetric(a))
	a.inForce.Store(l)
	a.heart = newHeart(a)
	a.mending.Store(&[]*worker{})
	a.registry.MustRegister(newPulseMetric(a))
	return a
}

// conf is the configuration in force.
func (a *App) conf() *Loaded { return a.inForce.Load() }

// makeWorkers makes every sink, and its place in the outbox.
func (a *App) makeWorkers(ctx context.Context) error {
	if a.conf().observes() {
		return nil
	}
	a.drills = newDrills(a.registry)
	metrics, err := sinks.NewMetrics(a.registry)
	if err != nil {
		return err
	}
	specs := a.conf().deliversTo()
	if err := a.forgetSinks(ctx, specs); err != nil {
		return err
	}
	for _, spec := range specs {
		name := spec.common.Name
		sink, err := spec.kind.New(spec.settings, sinks.Env{
			Name: name, Host: a.conf().Config.Host, Version: a.Version, StateDir: filepath.Join(a.conf().Config.Bus.Dir, "sinks", name), Log: a.Log.With("sink", name),
		})
		if err != nil {
			return fmt.Errorf("make sink %s: %w", name, err)
		}
		if sink, err = sinks.Titled(sink, spec.common, a.Log.With("sink", name)); err != nil {
			return fmt.Errorf("make sink %s: %w", name, err)
		}
		place, err := a.ledger.Open(ctx, name)
		if err != nil {
			return err
		}
		a.workers = append(a.workers, &worker{name: name, kind: spec.kind.Type, settings: spec.common, sink: sink, place: place, worker: sinks.NewWorker(sinks.WorkerOptions{
			Sink: sink, Settings: spec.common, Outbox: place.Queue, Receipts: place.Book,
			Dead: a.ledger.Dead(), History: place.Attempts, Log: a.Log, Metrics: metrics, Grace: grace,
			Pulses: a.heart.sinks[name], Turn: a.turn("the sink " + name),
		})})
	}
	return nil
}

// forgetSinks removes the outboxes of sinks that are no longer configured.
// On an external bus they may be another hub's.
func (a *App) forgetSinks(ctx context.Context, specs []sinkSpec) error {
	if a.conf().Config.Bus.URL != "" {
		return nil
	}
	names, err := a.ledger.Sinks(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		if slices.ContainsFunc(specs, func(s sinkSpec) bool { return s.common.Name == name }) {
			continue
		}
		dropped, err := a.ledger.Remove(ctx, name)
		if err != nil {
			return err
		}
		a.Log.Warn("a sink is no longer configured; what waited for it was dropped", "sink", name, "deliveries", dropped)
	}
	return nil
}

// Run observes, decides and delivers until ctx ends, then stops in the order
// in which things flow: detectors, rules, sinks. The bus stays open for
// Close.
func (a *App) Run(ctx context.Context) error {
	known, news := newKnowledge(a.conf().Config, a.factsBefore(ctx), a.Log), make(chan struct{}, 1)
	a.memory.Store(&memory{known.presence, news})
	jobs, err := a.conf().watch.jobs(detector.Live{Log: a.Log, Folders: known.presence.Folders, Tell: a.tellReports, Known: a.reportedBefore(ctx), Secret: a.conf().file.Again})
	if err != nil {
		return err
	}
	jobs = append(jobs, installation(known.presence), evidence(known.query, a.conf().Config.Host))
	sched, err := detector.NewScheduler(detector.Options{
		Observer: a.conf().Config.Host, Jobs: jobs, Publisher: learning{a.ledger, known.learned, news}, Location: a.conf().Config.Location(), Log: a.Log,
		Hold:  a.conf().Config.Rules.Hold,
		Pulse: a.beatFirst, Turn: a.turn("the scheduler"),
	})
	if err != nil {
		return err
	}
	a.scheduler.Store(sched)
	told, err := a.tellFacts(ctx, known)
	if err != nil {
		return err
	}
	if _, ok := told.Get(event.Components); !ok {
		a.Log.Warn("no Deep Security component was found on this host, so no row of the vendor's list can alarm; declare it as watch.facts.components, such as [agent]")
	}
	deciding, stopDeciding := context.WithCancel(context.WithoutCancel(ctx))
	defer stopDeciding()
	var decides sync.WaitGroup
	if !a.conf().observes() {
		a.source = a.ledger.Source()
		engine := a.newEngine()
		a.engine.Store(engine)
		decides.Go(func() { engine.Run(deciding) })
	}
	stopWorkers := a.startWorkers(context.WithoutCancel(ctx))
	defer stopWorkers()
	stopBeats := a.startBeats(ctx)
	defer stopBeats()
	if err := a.startWeb(); err != nil {
		return err
	}
	defer a.stopWeb()
	a.Log.Info("watching", "host", a.conf().Config.Host, "items", countKeys(jobs), "sinks", a.sinkNames(), "version", a.Version)

	if a.Observing != nil {
		a.Observing()
	}
	var observes sync.WaitGroup
	observes.Go(func() { a.repeatFacts(ctx, known, news) })
	observes.Go(func() { a.runDrills(ctx) })
	observes.Go(func() { newDeaf(a).run(ctx) })
	err = sched.Run(ctx)
	observes.Wait()
	detector.Close(jobs...)
	a.drain()
	stopDeciding()
	decides.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// drain gives the rules a moment to decide what the detectors saw last.
func (a *App) drain() {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	for a.engine.Load() != nil {
		left, err := a.bus.Pending(ctx, bus.Events, "rules")
		if err != nil || left.Waiting+uint64(left.Held) == 0 {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (a *App) newEngine() *engine.Engine {
	decisions := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "dswatch_decisions_total", Help: "Decisions of the rules engine by rule and outcome.",
	}, []string{"rule", "outcome"})
	a.registry.MustRegister(decisions)
	return engine.NewEngine(engine.Parts{
		Set:    a.conf().set,
		Host:   a.conf().Config.Host,
		Rows:   newRows(a.conf()),
		Sinks:  a.sinkNames(),
		Source: a.source,
		Pulses: a.heart.rules, Turn: a.turn("the rules"),
		Statuses: a.ledger.Statuses(), Facts: a.ledger.Facts(),
		Outbox: a.ledger.Outbox(), Receipts: a.ledger.Receipts(), Silences: a.ledger.Silences(),
		Log: a.Log,
		OnDecision: func(k event.Key, d rules.Decision) {
			decisions.WithLabelValues(d.Rule, string(d.Outcome)).Inc()
			a.Log.Debug("decided", "item", k.String(), "rule", d.Rule, "outcome", d.Outcome, "why", words.English(d.Why))
		},
	})
}

// startWorkers starts every sink's worker. What it returns stops them and
// waits until attempts under way have ended.
func (a *App) startWorkers(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	for _, w := range a.workers {
		running.Go(func() { w.worker.Run(ctx) })
	}
	return func() { cancel(); running.Wait() }
}

func countKeys(jobs []detector.Job) (n int) {
	for _, j := range jobs {
		n += len(j.Keys)
	}
	return n
}

func (a *App) sinkNames() []string {
	var names []string
	for _, w := range a.workers {
		names = append(names, w.name)
	}
	return names
}

func (a *App) startWeb() error {
	if a.conf().Config.Web.Listen == "" {
		return nil
	}
	token, err := web.Token(a.conf().Config.Bus.Dir, true)
	if err != nil {
		return err
	}
	a.web, err = web.Start(web.Parts{Config: a.conf().Config.Web, Token: token, Program: a, Healthy: a, Silencer: a, Alerts: a, Outbox: a, Memory: a, Metrics: a.registry, Log: a.Log})
	return err
}

func (a *App) stopWeb() {
	if a.web == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	if err := a.web.Stop(ctx); err != nil {
		a.Log.Warn("stop the local api", "error", err)
	}
}

// Close closes the outboxes, the sinks and the bus.
func (a *App) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*grace)
	defer cancel()
	var errs []error
	for _, w := range a.workers {
		errs = append(errs, w.place.Close(ctx))
		if c, ok := w.sink.(io.Closer); ok {
			errs = append(errs, c.Close())
		}
	}
	return errors.Join(append(errs, a.bus.Close(ctx))...)
}
