package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"dswatch/bus"
	"dswatch/engine"
	"dswatch/event"
	"dswatch/ledger"
	"dswatch/setting"
	"dswatch/sinks"
	"dswatch/web"
)

// Options are what a configuration does not say.
type Options struct {
	Version string
	Log     *slog.Logger
	// Observing is called once, when Run begins to observe; nil: nobody is told.
	Observing func()
	SetLog    func(Log) // lets a reload change level and format; nil: it cannot
}

// App is the program between Open and Close.
type App struct {
	Options
	inForce  atomic.Pointer[Loaded]
	reloads  *reloads
	started  time.Time
	bus      *bus.Bus
	ledger   *ledger.Ledger
	registry *prometheus.Registry
	sinks    atomic.Pointer[[]*worker] // never changed, only replaced
	metrics  *sinks.Metrics
	drills   *drills
	beating  atomic.Pointer[heart]
	source   *ledger.Source                // of one engine after the other: what it holds it must hand back; nil before Run
	engine   atomic.Pointer[engine.Engine] // nil before Run, and where this process only observes

	began *beginning // nil: nothing is kept of the store
	past  *recorder  // nil: this process keeps no history
	// lastRun is when a dswatch was last known to decide here before; zero: never.
	lastRun time.Time

	memory    atomic.Pointer[memory]
	lastFacts atomic.Pointer[event.Facts] // of this host, as they were told last; nil before Run
	deafness  atomic.Pointer[deaf]        // nil before Run

	looks     atomic.Pointer[[]*lookout] // never changed, only replaced; nil before Run
	decisions *prometheus.CounterVec     // likewise
}

// workers are the sinks of the configuration in force.
func (a *App) workers() []*worker {
	if all := a.sinks.Load(); all != nil {
		return *all
	}
	return nil
}

// worker is one sink with what empties its outbox.
type worker struct {
	name, kind string
	sink       sinks.Sink
	settings   sinks.Settings
	drilled    atomic.Pointer[web.Drill] // nil before the first one
	worker     *sinks.Worker
	place      *ledger.Place
	spec       sinkSpec
	tasks      []*task // its worker and its heartbeats
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
	if errors.As(err, new(*setting.Error)) && l.file != nil {
		err = below(l.file, "bus", err)
	}
	if err != nil {
		return nil, err
	}
	a.bus, a.ledger = b, ledger.On(b, l.Config.Bus)
	if !l.observes() {
		a.past, a.lastRun = newRecorder(a), a.lastAlive(ctx)
	}
	if l.Config.Bus.URL == "" {
		err = a.takeUp(ctx)
	}
	if err == nil {
		err = a.makeWorkers(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// newApp is an App of which nothing works yet but what only needs the bus.
func newApp(l *Loaded, b *bus.Bus, o Options) *App {
	a := &App{Options: o, started: time.Now(), registry: prometheus.NewRegistry()}
	a.reloads = newReloads(a.registry)
	if b != nil {
		a.bus, a.ledger = b, ledger.On(b, l.Config.Bus)
	}
	a.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), newUnpairedMetric(a), newFigures(a))
	a.inForce.Store(l)
	a.beating.Store(newHeart(l, nil))
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
	var err error
	if a.metrics, err = sinks.NewMetrics(a.registry); err != nil {
		return err
	}
	specs := a.conf().deliversTo()
	if err := a.forgetSinks(ctx, specs); err != nil {
		return err
	}
	var all []*worker
	for _, spec := range specs {
		w, err := a.newSink(a.conf(), spec)
		if err == nil {
			err = a.openWorker(ctx, w)
		}
		if err != nil {
			return err
		}
		all = append(all, w)
		a.sinks.Store(&all)
	}
	return nil
}

// newSink makes a sink. Nothing is sent, and its place in the outbox is not
// opened.
func (a *App) newSink(l *Loaded, spec sinkSpec) (*worker, error) {
	name, log := spec.common.Name, a.Log.With("sink", spec.common.Name)
	env := sinks.Env{
		Name: name, Host: l.Config.Host, Version: a.Version, StateDir: a.stateDir(l, name), Log: log,
		Language: l.voice(spec).Language, Page: l.Config.Web.URL, Alone: l.listens(),
	}
	sink, err := l.renewing(spec, env)
	if err == nil {
		sink, err = sinks.Titled(sink, spec.common, env)
	}
	if err != nil {
		return nil, fmt.Errorf("make sink %s: %w", name, err)
	}
	return &worker{name: name, kind: spec.kind.Type, settings: spec.common, sink: sinks.Spoken(sink, l.voice(spec)), spec: spec}, nil
}

// stateDir is where a sink keeps what its far end knows it by.
func (a *App) stateDir(l *Loaded, sink string) string {
	return filepath.Join(l.Config.Bus.Dir, "sinks", sink)
}

// openWorker opens the sink's place in the outbox.
func (a *App) openWorker(ctx context.Context, w *worker) (err error) {
	if w.place, err = a.ledger.Open(ctx, w.name); err != nil {
		return err
	}
	w.worker = sinks.NewWorker(sinks.WorkerOptions{
		Sink: w.sink, Settings: w.settings, Outbox: w.place.Queue, Receipts: w.place.Book,
		Dead: a.ledger.Dead(), History: w.place.Attempts, Log: a.Log, Metrics: a.metrics, Grace: grace,
		Pulses: a.heart().sinks[w.name], Alive: a.alive(loopOf(w.name)),
	})
	return nil
}

// close leaves the place and the connections of a sink.
func (w *worker) close(ctx context.Context) (err error) {
	if w.place != nil {
		err = w.place.Close(ctx)
	}
	if c, ok := w.sink.(io.Closer); ok {
		err = errors.Join(err, c.Close())
	}
	return err
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

// Close closes the outboxes, the sinks and the bus.
func (a *App) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*grace)
	defer cancel()
	var errs []error
	for _, w := range a.workers() {
		errs = append(errs, w.close(ctx))
	}
	if a.began != nil {
		a.began.second.Close()
	}
	return errors.Join(append(errs, a.bus.Close(ctx))...)
}
