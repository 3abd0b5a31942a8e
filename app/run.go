package app

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"dswatch/bus"
	"dswatch/detector"
	"dswatch/engine"
	"dswatch/event"
	"dswatch/rules"
	"dswatch/setting"
	"dswatch/sinks"
	"dswatch/web"
	"dswatch/web/page"
	"dswatch/words"
)

// task is something that goes on until it is ended.
type task struct {
	cancel context.CancelFunc
	done   chan struct{}
}

func begin(ctx context.Context, run func(context.Context)) *task {
	ctx, cancel := context.WithCancel(ctx)
	t := &task{cancel, make(chan struct{})}
	go func() {
		defer close(t.done)
		run(ctx)
	}()
	return t
}

// end ends tasks side by side and waits for them. Nil ones are none.
func end(tasks ...*task) {
	for _, t := range tasks {
		if t != nil {
			t.cancel()
		}
	}
	for _, t := range tasks {
		if t != nil {
			<-t.done
		}
	}
}

// running is what is at work between the beginning and the end of Run. Each
// part can be replaced without the others.
type running struct {
	*App
	watches  context.Context // ends with Run's
	delivers context.Context // ends after it
	known    *knowledge
	news     chan struct{}
	engine   *task // nil where this process only observes
	drills   *task
	deaf     *task // tells past the outbox that nothing can be told
	web      *web.Server
	token    setting.Secret // of the local API
}

// lookout is one job at work.
type lookout struct {
	plan  detector.Plan
	job   detector.Job
	sched *detector.Scheduler
	task  *task
	err   error // of its end
}

// looking are the jobs at work.
func (a *App) looking() []*lookout {
	if all := a.looks.Load(); all != nil {
		return *all
	}
	return nil
}

// Run observes, decides and delivers until ctx ends, then stops in the order
// in which things flow: detectors, rules, sinks. The bus stays open for
// Close.
func (a *App) Run(ctx context.Context) error {
	l := a.conf()
	r := &running{App: a, watches: ctx, delivers: context.WithoutCancel(ctx), news: make(chan struct{}, 1)}
	r.known = newKnowledge(l, a.factsBefore(ctx), a.Log)
	a.memory.Store(&memory{r.known.presence, r.known.query, r.news})
	looks, err := r.newLooks(ctx, l, l.watch.plans, a.reportedBefore(ctx))
	if err != nil {
		return err
	}
	defer r.record(l)()
	// What is looked at under any configuration, and never replaced; the pulse
	// begins with the first.
	pulse := func(o *detector.Options) { o.Pulse, o.Alive = a.beatFirst, a.alive(loopScheduler) }
	own := []detector.Job{installation(r.known.presence), evidence(r.known.query, l.Config.Host), traces(r.known.traces)}
	if j := a.notices(l); j != nil {
		own = append(own, *j)
	}
	for _, job := range own {
		one := &lookout{plan: detector.Plan{Name: job.Name}, job: job}
		if one.sched, err = r.scheduler(l, pulse, job); err != nil {
			return err
		}
		looks, pulse = append(looks, one), nil
	}
	if err := r.apart(l, looks); err != nil {
		return err
	}
	a.looks.Store(&looks)
	reported, err := a.tellFacts(ctx, r.known)
	if err != nil { // a cluster without a quorum: this process observes, and waits for it
		a.Log.Warn("the facts about this host cannot be told yet", "error", err)
		select {
		case r.news <- struct{}{}:
		default: // they are asked for already
		}
	}
	if _, ok := reported.Get(event.Components); !ok {
		a.Log.Warn("no Deep Security component was found on this host, so no row of the vendor's list can alarm; declare it as watch.facts.components, such as [agent]")
	}
	r.startEngine(l)
	defer func() { end(r.engine) }()
	for _, w := range a.workers() {
		r.startWorker(w)
	}
	defer r.stopWorkers()
	_ = web.SetAddress(l.Config.Bus.Dir, "") // of a process that was killed, if there was one
	if r.web, err = r.startWeb(l); err != nil {
		return err
	}
	defer func() {
		_ = web.SetAddress(l.Config.Bus.Dir, "") // there may be none
		r.stopWeb(r.web)
	}()
	items := 0
	for _, one := range looks {
		items += len(one.job.Keys)
	}
	a.Log.Info("watching", "host", l.Config.Host, "items", items, "sinks", a.sinkNames(), "version", a.Version)

	facts := begin(ctx, func(ctx context.Context) { a.repeatFacts(ctx, r.known, r.news) })
	r.drills = begin(ctx, func(ctx context.Context) { a.runDrills(ctx, l) })
	ticks := begin(r.delivers, a.tick)
	alive := begin(r.delivers, a.keepAlive)
	defer end(ticks, alive)
	r.deaf = begin(ctx, newDeaf(a).run)
	for _, one := range looks {
		r.start(one)
	}
	a.reloads.open(r)
	if a.Observing != nil {
		a.Observing()
	}
	<-ctx.Done()
	a.reloads.close() // waits for one under way
	err = stopLooks(a.looking())
	end(facts, r.drills, r.deaf)
	a.drain()
	return err
}

// newLooks makes jobs.
func (r *running) newLooks(ctx context.Context, l *Loaded, plans []detector.Plan, earlier []event.Key) (looks []*lookout, err error) {
	for _, p := range plans {
		one := &lookout{plan: p}
		if one.job, err = p.Make(detector.Live{Log: r.Log, Folders: r.known.presence.Folders, Tell: r.tellReports, Known: earlier, Before: r.toldBefore(ctx), Secret: l.file.Again}); err == nil {
			one.sched, err = r.scheduler(l, nil, one.job)
		}
		if err != nil {
			for _, made := range looks {
				detector.Close(made.job)
			}
			return nil, err
		}
		looks = append(looks, one)
	}
	return looks, nil
}

// apart refuses jobs that share an item: their answers would contradict each
// other.
func (r *running) apart(l *Loaded, looks []*lookout) error {
	var jobs []detector.Job
	for _, one := range looks {
		jobs = append(jobs, one.job)
	}
	_, err := r.scheduler(l, nil, jobs...)
	return err
}

func (r *running) scheduler(l *Loaded, more func(*detector.Options), jobs ...detector.Job) (*detector.Scheduler, error) {
	o := detector.Options{
		Observer: l.Config.Host, Jobs: jobs, Publisher: learning{r.ledger, r.known.learned, r.news}, Location: l.Config.Location(), Log: r.Log,
		Hold: l.Config.Rules.Hold,
	}
	if more != nil {
		more(&o)
	}
	return detector.NewScheduler(o)
}

func (r *running) start(one *lookout) {
	one.task = begin(r.watches, func(ctx context.Context) {
		one.err = one.sched.Run(ctx)
		detector.Close(one.job)
	})
}

// stopLooks stops jobs side by side. What was seen is published before it
// returns, as far as the bus takes it.
func stopLooks(looks []*lookout) (err error) {
	var tasks []*task
	for _, one := range looks {
		tasks = append(tasks, one.task)
	}
	end(tasks...)
	for _, one := range looks {
		err = errors.Join(err, one.err)
	}
	return err
}

func (r *running) startEngine(l *Loaded) {
	if l.observes() {
		return
	}
	if r.source == nil {
		r.App.source = r.ledger.Source()
	}
	e := r.newEngine(l)
	r.App.engine.Store(e)
	r.engine = begin(r.delivers, func(ctx context.Context) {
		e.Run(ctx)
		r.heart().loops.End(loopRules) // until the next one turns
	})
}

func (r *running) startWorker(w *worker) {
	w.tasks = append(w.tasks, begin(r.delivers, func(ctx context.Context) {
		w.worker.Run(ctx)
		r.heart().loops.End(loopOf(w.name))
	}))
	if l, ok := w.sink.(sinks.Listener); ok {
		if _, hears := l.Listening(); hears {
			w.tasks = append(w.tasks, begin(r.watches, func(ctx context.Context) { r.listen(ctx, l, w) }))
		}
	}
	if w.settings.Heartbeat > 0 {
		w.tasks = append(w.tasks, begin(r.watches, func(ctx context.Context) { r.beats(ctx, w) }))
	}
}

func (r *running) stopWorkers() {
	var tasks []*task
	for _, w := range r.workers() {
		tasks = append(tasks, w.tasks...)
	}
	end(tasks...)
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

func (a *App) newEngine(l *Loaded) *engine.Engine {
	if a.decisions == nil {
		a.decisions = prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "dswatch_decisions_total", Help: "Decisions of the rules engine by rule and outcome.",
		}, []string{"rule", "outcome"})
		a.registry.MustRegister(a.decisions)
	}
	p := engine.Parts{
		Set:    l.set,
		Host:   l.Config.Host,
		Rows:   newRows(l),
		Sinks:  l.sinkNames(),
		Source: a.source,
		Pulses: a.heart().rules, Alive: a.alive(loopRules),
		Statuses: a.ledger.Statuses(), Facts: a.ledger.Facts(),
		Outbox: a.ledger.Outbox(), Receipts: a.ledger.Receipts(), Silences: a.ledger.Silences(),
		Log: a.Log, Flushed: time.Duration(l.Config.Bus.Sync),
		OnDecision: func(k event.Key, d rules.Decision) {
			a.decisions.WithLabelValues(d.Rule, string(d.Outcome)).Inc()
			a.past.decided(k, d)
			a.Log.Debug("decided", "item", k.String(), "rule", d.Rule, "outcome", d.Outcome, "why", words.English(d.Why))
		},
	}
	if a.past != nil {
		p.Past = a.past
	}
	if a.began != nil {
		p.Journal, p.LookFirst = a.began.second, a.began.looks
		a.began.looks = 0 // of the first engine only
	}
	return engine.NewEngine(p)
}

// startWorkers starts every sink's worker. What it returns stops them and
// waits until attempts under way have ended.
func (a *App) startWorkers(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	for _, w := range a.workers() {
		running.Go(func() { w.worker.Run(ctx) })
	}
	return func() { cancel(); running.Wait() }
}

func (a *App) sinkNames() []string {
	var names []string
	for _, w := range a.workers() {
		names = append(names, w.name)
	}
	return names
}

// startWeb listens; the token is that of this start, also after a reload.
func (r *running) startWeb(l *Loaded) (_ *web.Server, err error) {
	if r.token == "" {
		if r.token, err = web.NewToken(l.Config.Bus.Dir); err != nil {
			return nil, err
		}
	}
	a := r.App
	look, err := page.New(page.Parts{Source: &looker{App: a}, Token: r.token, People: web.NewPeople(r.token, l.Config.Web), Log: a.Log})
	if err != nil {
		return nil, err
	}
	return web.Start(web.Parts{Config: l.Config.Web, Dir: l.Config.Bus.Dir, Token: r.token, Program: a, Healthy: a, Silencer: a, Alerts: a, Outbox: a, Reloader: a, Memory: a, Past: a, Page: look, Metrics: a.registry, Log: a.Log}), nil
}

func (r *running) stopWeb(s *web.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		r.Log.Warn("stop the local api", "error", err)
	}
}
