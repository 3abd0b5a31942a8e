package app

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"dswatch/config"
	"dswatch/detector"
	"dswatch/event"
	"dswatch/web"
	"dswatch/words"
)

// A reload reads the whole configuration, compares it with the one in force,
// and makes changes of what differs. Everything that may refuse comes first:
// reading, what cannot change while dswatch runs, and making the new parts. Then
// the changes apply themselves. A crash in between is a restart with the new
// configuration.

// reloads lets one reload at a time work on what runs, and knows how the last
// one ended.
type reloads struct {
	mu      sync.Mutex
	running *running // nil: nothing runs
	state   web.ConfigState

	stateMu    sync.Mutex
	successful prometheus.Gauge
	at         prometheus.Gauge
}

func newReloads(reg prometheus.Registerer) *reloads {
	r := &reloads{
		successful: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "dswatch_config_last_reload_successful", Help: "Whether the configuration could be read the last time, at the start or at a reload: 1 yes, 0 no, and the one before is in force.",
		}),
		at: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "dswatch_config_last_reload_success_timestamp_seconds", Help: "When the configuration in force was read, in seconds since 1970.",
		}),
	}
	reg.MustRegister(r.successful, r.at)
	r.ended(nil)
	return r
}

// open lets reloads begin, close waits for one under way and lets none begin.
func (r *reloads) open(at *running) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running = at
}

func (r *reloads) close() { r.open(nil) }

// ended notes how a reload ended.
func (r *reloads) ended(err error) {
	r.stateMu.Lock()
	defer r.stateMu.Unlock()
	now := time.Now()
	if err != nil {
		r.state.Failed, r.state.Error = now, err.Error()
		r.successful.Set(0)
		return
	}
	r.state = web.ConfigState{Loaded: now}
	r.successful.Set(1)
	r.at.Set(float64(now.Unix()))
}

func (r *reloads) failed() bool { return !r.status().Failed.IsZero() }

func (r *reloads) status() web.ConfigState {
	r.stateMu.Lock()
	defer r.stateMu.Unlock()
	return r.state
}

// change is one part that differs. It knows how to apply itself.
type change struct {
	// discard gives up what was made for it; nil: nothing was.
	discard func()
	// before runs while the rules still decide by the old configuration, and
	// after when they decide by the new one. They must not fail: what can was
	// done when the change was made. Nil: nothing to do.
	before, after func(ctx context.Context)
}

// ErrNotYet is why nothing can be read again while nothing runs.
var ErrNotYet = words.Fail(words.StartingOrStopping.With())

var errNoFile = words.Fail(words.StartedWithoutFile.With())

// Reload reads the configuration again and applies what has changed. With an
// error nothing has.
func (a *App) Reload(ctx context.Context) (web.Reloaded, error) {
	a.reloads.mu.Lock()
	defer a.reloads.mu.Unlock()
	out := web.Reloaded{Changes: []string{}, Warnings: []string{}}
	r := a.reloads.running
	if r == nil {
		return out, ErrNotYet
	}
	ctx = context.WithoutCancel(ctx) // who asked may go, and nothing is done by halves
	next, differences, changes, err := r.compare(ctx)
	a.reloads.ended(err)
	if err != nil {
		a.Log.Error("the configuration was not read again; the one before stays in force", "error", err)
		a.past.reloaded(nil, nil, err)
		return out, err
	}
	for _, w := range next.Warnings {
		text := words.English(w)
		a.Log.Warn(text)
		out.Warnings = append(out.Warnings, text)
		out.WarningStatements = append(out.WarningStatements, words.Spell(w))
	}
	for _, d := range differences {
		a.Log.Info("the configuration has changed", "key", d.Path, "old", d.Old, "new", d.New)
		out.Changes = append(out.Changes, d.String())
	}
	r.apply(ctx, next, changes)
	a.past.reloaded(next, differences, nil)
	a.Log.Info("the configuration was read again", "changes", len(differences))
	return out, nil
}

// compare reads the file and makes the changes, or says why not.
func (r *running) compare(ctx context.Context) (next *Loaded, differences []config.Difference, changes []change, err error) {
	old := r.conf()
	if old.path == "" {
		return nil, nil, nil, errNoFile
	}
	if next, err = load(old.path, old.kinds); err != nil {
		return nil, nil, nil, err
	}
	if err = next.Refuses(); err != nil {
		return nil, nil, nil, err
	}
	if err = next.Weak(old); err != nil {
		return nil, nil, nil, err
	}
	differences = old.values.Differences(next.values)
	if err := fixed(old, next, differences); err != nil {
		return nil, nil, nil, err
	}
	if len(differences) == 0 {
		return next, nil, nil, nil
	}
	for _, part := range []func(context.Context, *Loaded, *Loaded, []config.Difference) ([]change, error){r.changeBus, r.changeSinks, r.changeLooks, r.changeWeb, r.changeRest} {
		made, err := part(ctx, old, next, differences)
		changes = append(changes, made...)
		if err != nil {
			for _, c := range changes {
				if c.discard != nil {
					c.discard()
				}
			}
			return nil, nil, nil, err
		}
	}
	return next, differences, changes, nil
}

// fixed refuses what cannot change while dswatch runs: who it is, and where it
// keeps what it knows.
func fixed(old, next *Loaded, differences []config.Difference) error {
	var errs []error
	for _, d := range differences {
		if (d.Path == "host" || d.Path == "role" || strings.HasPrefix(d.Path, "bus.") || strings.HasPrefix(d.Path, "history.")) && !newContent(d) {
			errs = append(errs, words.Fail(words.CannotChange.With(next.file.Position(d.Path), d.Path, orNone(d.Old), orNone(d.New))))
		}
	}
	if old.observes() != next.observes() {
		errs = append(errs, words.Fail(words.CannotChangeRole.With(next.file.Position("sinks"))))
	}
	return errors.Join(errs...)
}

// newContent reports whether a file that is named has only a new content.
func newContent(d config.Difference) bool {
	return d.Old == d.New && strings.HasSuffix(d.Path, "_file")
}

func orNone(s string) string {
	if s == "" {
		return "not written"
	}
	return s
}

// apply lets the changes apply themselves, those of the rules in the middle.
func (r *running) apply(ctx context.Context, next *Loaded, changes []change) {
	old := r.conf()
	for _, c := range changes {
		if c.before != nil {
			c.before(ctx)
		}
	}
	decides := !reflect.DeepEqual(old.decides(), next.decides())
	if decides {
		end(r.engine) // what it has not acknowledged comes again
	}
	r.inForce.Store(next)
	if !slices.Equal(old.sinkNames(), next.sinkNames()) {
		r.beating.Store(newHeart(next, r.heart()))
	}
	for _, c := range changes {
		if c.after != nil {
			c.after(ctx)
		}
	}
	if decides {
		r.startEngine(next)
	}
}

// decides is all that the rules depend on.
func (l *Loaded) decides() any {
	host := l.Config.Host
	ways := []bool{l.watch.reports, l.watch.ways(detector.Way(host, detector.WayTargets)), l.watch.ways(detector.Way(host, detector.WayVSphere))}
	return []any{l.set, l.Catalog, l.watch.lists, l.watch.claimed, ways, l.sinkNames(), l.Config.Location().String()}
}

// sameSink reports whether nothing of a sink has changed.
func sameSink(name string, differences []config.Difference) bool {
	return !slices.ContainsFunc(differences, func(d config.Difference) bool { return strings.HasPrefix(d.Path, "sinks."+name+".") })
}

// changeSinks replaces what differs, begins what is new and ends what is gone.
// A sink that is replaced goes on where the one before it was: what waits in
// its outbox and what it was told stay.
func (r *running) changeSinks(_ context.Context, old, next *Loaded, differences []config.Difference) (changes []change, err error) {
	named := func(l *Loaded, name string) bool { return slices.Contains(l.sinkNames(), name) }
	var gone []*worker
	for _, w := range r.workers() {
		if !named(next, w.name) {
			gone = append(gone, w)
		}
	}
	if len(gone) > 0 {
		changes = append(changes, change{before: func(ctx context.Context) { r.leave(ctx, gone) }})
	}
	var fresh []*worker
	for _, spec := range next.deliversTo() {
		name := spec.common.Name
		if named(old, name) && sameSink(name, differences) && old.voice(spec).Equal(next.voice(spec)) && old.Config.Web.URL == next.Config.Web.URL {
			continue
		}
		w, err := r.newSink(next, spec)
		if err != nil {
			return changes, err
		}
		fresh = append(fresh, w)
		changes = append(changes, change{
			discard: func() { _ = w.close(context.Background()) }, // it has sent nothing
			after:   func(ctx context.Context) { r.replace(ctx, w) },
		})
	}
	if len(fresh) > 0 {
		changes = append(changes, change{before: func(context.Context) { r.retire(fresh) }})
	}
	return changes, nil
}

// retire ends the workers in whose place others come, side by side. What they
// have begun they end: it must not be told by both.
func (r *running) retire(fresh []*worker) {
	ctx, cancel := context.WithTimeout(r.watches, leaving) // who stops meanwhile does not wait
	defer cancel()
	var tasks []*task
	for _, before := range r.workers() {
		if slices.ContainsFunc(fresh, func(w *worker) bool { return w.name == before.name }) {
			before.worker.Retire(ctx.Done())
			tasks = append(tasks, before.tasks...)
		}
	}
	end(tasks...)
}

// replace puts a sink at work, in the place of the one of its name if there is
// one, which has retired.
func (r *running) replace(ctx context.Context, w *worker) {
	before := r.without(w.name)
	if before != nil {
		w.drilled.Store(before.drilled.Load())
		if before.kind != w.kind {
			r.metrics.Forget(w.name)
			w.drilled.Store(nil)
		}
		if err := before.close(ctx); err != nil {
			r.Log.Warn("close a sink", "sink", w.name, "error", err)
		}
	}
	for r.openWorker(ctx, w) != nil { // the bus is away
		r.Log.Warn("the outbox of a sink cannot be opened; it is tried again", "sink", w.name, "wait", time.Second)
		select {
		case <-r.watches.Done():
			return // the next start opens it
		case <-time.After(time.Second):
		}
	}
	all := append(slices.Clone(r.workers()), w)
	slices.SortStableFunc(all, func(a, b *worker) int {
		names := r.conf().sinkNames()
		return slices.Index(names, a.name) - slices.Index(names, b.name)
	})
	r.sinks.Store(&all)
	r.startWorker(w)
}

// without takes a sink off the list and returns it; nil: there is none.
func (r *running) without(name string) (gone *worker) {
	var left []*worker
	for _, w := range r.workers() {
		if w.name == name {
			gone = w
		} else {
			left = append(left, w)
		}
	}
	r.sinks.Store(&left)
	return gone
}

// leaving is how long sinks that go have for what they are still to be told, and
// those that are replaced for what they have begun.
const leaving = 30 * time.Second

// leave tells sinks that go of the end of all that is open there, gives them
// time for that, all the same, and forgets them.
func (r *running) leave(ctx context.Context, gone []*worker) {
	wait, cancel := context.WithTimeout(ctx, leaving)
	defer cancel()
	defer context.AfterFunc(r.watches, cancel)() // who stops meanwhile does not wait
	for _, w := range gone {
		if e := r.App.engine.Load(); e != nil {
			if err := e.Leave(wait, w.name); err != nil {
				r.Log.Warn("a sink goes, and what is open there cannot be ended", "sink", w.name, "error", err)
			}
		}
	}
	for _, w := range gone {
		for wait.Err() == nil {
			if n, err := r.ledger.Outbox().Waiting(wait, w.name); err == nil && n == 0 {
				break
			}
			select {
			case <-wait.Done():
			case <-time.After(20 * time.Millisecond):
			}
		}
		r.forget(ctx, w)
	}
}

// forget ends a sink that goes.
func (r *running) forget(ctx context.Context, w *worker) {
	log := r.Log.With("sink", w.name)
	r.without(w.name)
	end(w.tasks...)
	place := w.place
	err := w.close(ctx)
	dropped := 0
	if err == nil && r.conf().Config.Bus.URL == "" { // on an external bus it may be another hub's
		if dropped, err = r.ledger.Remove(ctx, w.name); err == nil && dropped == 0 {
			err = r.ledger.Forget(ctx, place)
		}
	}
	r.metrics.Forget(w.name)
	r.App.drills.confirmed.DeleteLabelValues(w.name)
	switch {
	case err != nil:
		log.Warn("a sink goes, and something of it stays", "error", err)
	case dropped > 0:
		log.Warn("a sink is no longer configured, and did not take in time what waited for it; that was dropped, and what is open there stays open", "deliveries", dropped)
	}
}

// changeLooks replaces the jobs that differ.
func (r *running) changeLooks(ctx context.Context, old, next *Loaded, differences []config.Difference) ([]change, error) {
	var keep, gone []*lookout
	zone := old.Config.Location().String() != next.Config.Location().String()
	for _, one := range r.looking() {
		i := slices.IndexFunc(next.watch.plans, func(p detector.Plan) bool { return p.Name == one.plan.Name })
		switch {
		case one.plan.Make == nil: // what is installed is looked at in any case
			keep = append(keep, one)
		case i >= 0 && !zone && reflect.DeepEqual(one.plan.Spec, next.watch.plans[i].Spec) && !renewed(differences):
			keep = append(keep, one)
		default:
			gone = append(gone, one)
		}
	}
	var plans []detector.Plan
	for _, p := range next.watch.plans {
		if !slices.ContainsFunc(keep, func(l *lookout) bool { return l.plan.Name == p.Name }) {
			plans = append(plans, p)
		}
	}
	if len(plans) == 0 && len(gone) == 0 {
		return nil, nil
	}
	fresh, err := r.newLooks(ctx, next, plans, r.reportedBefore(ctx))
	if err != nil {
		return nil, err
	}
	discard := func() {
		for _, one := range fresh {
			detector.Close(one.job)
		}
	}
	all := append(keep, fresh...)
	if err := r.apart(next, all); err != nil {
		discard()
		return nil, err
	}
	return []change{{
		discard: discard,
		before: func(ctx context.Context) {
			if err := stopLooks(gone); err != nil {
				r.Log.Warn("stop what is looked at no more", "error", err)
			}
			r.tellGone(ctx, gone, all)
		},
		after: func(context.Context) {
			r.looks.Store(&all)
			for _, one := range fresh {
				r.start(one)
			}
		},
	}}, nil
}

// renewed reports whether the content of a file that a detector reads, such as
// a certificate, has changed.
func renewed(differences []config.Difference) bool {
	return slices.ContainsFunc(differences, func(d config.Difference) bool { return strings.HasPrefix(d.Path, "detectors.") && d.Old == d.New })
}

// changeBus logs in anew at the message server when a certificate, a password or
// the like has a new content.
func (r *running) changeBus(_ context.Context, _, next *Loaded, differences []config.Difference) ([]change, error) {
	if !slices.ContainsFunc(differences, func(d config.Difference) bool { return strings.HasPrefix(d.Path, "bus.") }) {
		return nil, nil
	}
	logIn, err := r.bus.Renewal(next.Config.Bus)
	if err != nil {
		return nil, below(next.file, "bus", err)
	}
	return []change{{after: func(context.Context) { logIn() }}}, nil
}

// tellGone says of the items that nobody looks at any more that they are gone,
// so that what is open of them ends.
func (r *running) tellGone(ctx context.Context, gone, all []*lookout) {
	left := map[event.Key]bool{}
	for _, one := range all {
		for _, k := range one.job.Keys {
			left[k] = true
		}
	}
	var events []event.Event
	for _, one := range gone {
		for _, o := range one.sched.Last() {
			if !left[o.Key] && !one.job.Open {
				o.At = time.Now()
				events = append(events, event.NewState(r.conf().Config.Host, event.Gone, o))
			}
		}
	}
	for len(events) > 0 {
		err := r.ledger.Publish(ctx, events)
		if err == nil {
			return
		}
		r.Log.Warn("what is looked at no more cannot be told yet", "items", len(events), "error", err)
		select {
		case <-r.watches.Done():
			return
		case <-time.After(time.Second):
		}
	}
}

// changeWeb listens at the new address before the old one is left, unless they
// are in each other's way.
func (r *running) changeWeb(_ context.Context, old, next *Loaded, _ []config.Difference) ([]change, error) {
	if reflect.DeepEqual(old.Config.Web, next.Config.Web) {
		return nil, nil
	}
	s, err := r.startWeb(next)
	if err != nil {
		return nil, err
	}
	if err := s.Fault(); errors.Is(err, syscall.EADDRINUSE) && r.web.Addr() != "" {
		r.stopWeb(s)
		return []change{{after: func(context.Context) {
			r.stopWeb(r.web)
			if r.web, err = r.startWeb(next); err != nil || r.web.Fault() != nil {
				r.Log.Error("the local api cannot listen at its new address yet", "error", errors.Join(err, r.web.Fault()))
			}
		}}}, nil
	} else if err != nil {
		r.stopWeb(s)
		r.web.Return()
		return nil, err
	}
	return []change{{
		discard: func() { r.stopWeb(s); r.web.Return() },
		after: func(context.Context) {
			before := r.web
			r.web = s
			if next.Config.Web.Listen == "" {
				_ = web.SetAddress(old.Config.Bus.Dir, "") // there may be none
			}
			go r.stopWeb(before) // which may be serving who asked for this
		},
	}}, nil
}

// changeRest takes over what only has to be said.
func (r *running) changeRest(_ context.Context, old, next *Loaded, _ []config.Difference) (changes []change, _ error) {
	if old.Config.Log != next.Config.Log && r.SetLog != nil {
		changes = append(changes, change{after: func(context.Context) { r.SetLog(next.Config.Log) }})
	}
	if !reflect.DeepEqual(old.Config.declared(), next.Config.declared()) {
		changes = append(changes, change{after: func(context.Context) {
			r.known.declare(next.Config.declared())
			select {
			case r.news <- struct{}{}:
			default: // they are asked for already
			}
		}})
	}
	changes = append(changes, change{after: func(context.Context) {
		end(r.drills, r.deaf) // they know sinks, times and the time zone
		r.deaf = begin(r.watches, newDeaf(r.App).run)
		r.drills = begin(r.watches, func(ctx context.Context) { r.runDrills(ctx, next) })
	}})
	return changes, nil
}

// valuesOf are the values of a configuration, those of a sink by its name.
func valuesOf(l *Loaded) config.Values {
	out := config.Values{}
	for path, v := range config.Flatten(l.kinds.rootOf(l.Config).pointer(), "") {
		if !strings.HasPrefix(path, "sinks[") {
			out[path] = v
		}
	}
	for _, s := range l.sinks {
		for path, v := range config.Flatten(s.settings, "sinks."+s.common.Name) {
			out[path] = v
		}
	}
	return out
}
