package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"runtime"
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
	"dswatch/sinks/stdout"
	"dswatch/web"
)

// Options are what a configuration does not say.
type Options struct {
	Version string
	Log     *slog.Logger
}

// App is the program between Open and Close.
type App struct {
	*Loaded
	Options
	started  time.Time
	bus      *bus.Bus
	ledger   *ledger.Ledger
	registry *prometheus.Registry
	workers  []*worker
	drills   *drills
	engine   atomic.Pointer[engine.Engine] // nil before Run, and where this process only observes

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
	a := &App{Loaded: l, Options: o, started: time.Now(), registry: prometheus.NewRegistry()}
	a.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), newUnpairedMetric(a))
	b, err := bus.Open(ctx, l.Bus, bus.Options{Log: o.Log, MadeAnew: a.madeAnew, Mended: func() { a.again(false) }})
	if err != nil {
		return nil, err
	}
	a.bus, a.ledger = b, ledger.On(b, l.Bus)
	if err := a.makeWorkers(ctx); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// observes reports whether this process only observes: on an external bus,
// a configuration without sinks leaves the decisions to the hub.
func (l *Loaded) observes() bool { return l.Bus.URL != "" && len(l.sinks) == 0 }

// makeWorkers makes every sink, and its place in the outbox.
func (a *App) makeWorkers(ctx context.Context) error {
	if a.observes() {
		return nil
	}
	a.drills = newDrills(a.registry)
	metrics, err := sinks.NewMetrics(a.registry)
	if err != nil {
		return err
	}
	specs := a.sinks
	if len(specs) == 0 {
		specs = []sinkSpec{standardOutput()}
	}
	if err := a.forgetSinks(ctx, specs); err != nil {
		return err
	}
	for _, spec := range specs {
		name := spec.common.Name
		sink, err := spec.kind.New(spec.settings, sinks.Env{
			Name: name, Host: a.Host, Version: a.Version, StateDir: filepath.Join(a.Bus.Dir, "sinks", name), Log: a.Log.With("sink", name),
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
		})})
	}
	return nil
}

// standardOutput is the sink of a configuration without sinks.
func standardOutput() sinkSpec {
	kind := stdout.Kind()
	settings := kind.Settings().(*stdout.Config)
	settings.Name, settings.Type = kind.Type, kind.Type
	return sinkSpec{kind: kind, settings: settings, common: settings.Settings}
}

// forgetSinks removes the outboxes of sinks that are no longer configured.
// On an external bus they may be another hub's.
func (a *App) forgetSinks(ctx context.Context, specs []sinkSpec) error {
	if a.Bus.URL != "" {
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
	known, news := newKnowledge(a.Loaded, a.factsBefore(ctx), a.Log), make(chan struct{}, 1)
	before := a.reportedBefore(ctx)
	jobs, err := a.jobs(runtime.GOOS, before)
	if err != nil {
		return err
	}
	jobs = append(jobs, a.installation(known.presence))
	if jobs, err = a.withManager(jobs, before, a.tellReports); err != nil {
		return err
	}
	if jobs, err = a.withRemote(jobs, a.tellReports, a.Log); err != nil {
		return err
	}
	if jobs, err = a.withVSphere(jobs, a.tellReports); err != nil {
		return err
	}
	sched, err := detector.NewScheduler(detector.Options{
		Observer: a.Host, Jobs: jobs, Publisher: learning{a.ledger, known.learned, news}, Location: a.Location(), Log: a.Log,
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
	if !a.observes() {
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
	a.Log.Info("watching", "host", a.Host, "items", countKeys(jobs), "sinks", a.sinkNames(), "version", a.Version)

	var observes sync.WaitGroup
	observes.Go(func() { a.repeatFacts(ctx, known, news) })
	observes.Go(func() { a.runDrills(ctx) })
	err = sched.Run(ctx)
	observes.Wait()
	closeDetectors(jobs)
	a.drain()
	stopDeciding()
	decides.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// closeDetectors ends the connections that some kinds keep.
func closeDetectors(jobs []detector.Job) {
	for _, j := range jobs {
		if c, ok := j.Detector.(io.Closer); ok {
			_ = c.Close() // nothing is written through it
		}
	}
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
		Set:      a.set,
		Host:     a.Host,
		Rows:     newRows(a.Loaded),
		Sinks:    a.sinkNames(),
		Source:   a.ledger.Source(),
		Statuses: a.ledger.Statuses(), Facts: a.ledger.Facts(),
		Outbox: a.ledger.Outbox(), Receipts: a.ledger.Receipts(), Silences: a.ledger.Silences(),
		Log: a.Log,
		OnDecision: func(k event.Key, d rules.Decision) {
			decisions.WithLabelValues(d.Rule, string(d.Outcome)).Inc()
			a.Log.Debug("decided", "item", k.String(), "rule", d.Rule, "outcome", d.Outcome, "why", d.Why)
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

// Location is the configured time zone, or that of the operating system.
func (l *Loaded) Location() *time.Location {
	if l.TimeZone == "" {
		return time.Local
	}
	loc, err := time.LoadLocation(l.TimeZone)
	if err != nil {
		return time.Local // Validate has refused it
	}
	return loc
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
	if a.Web.Listen == "" {
		return nil
	}
	token, err := web.Token(a.Bus.Dir, true)
	if err != nil {
		return err
	}
	a.web, err = web.Start(web.Parts{Config: a.Web, Token: token, Program: a, Silencer: a, Alerts: a, Outbox: a, Metrics: a.registry, Log: a.Log})
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
