package app

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"dswatch/bus"
	"dswatch/catalog"
	"dswatch/detector"
	"dswatch/detector/facts"
	"dswatch/detector/tamper"
	"dswatch/engine"
	"dswatch/event"
	"dswatch/rules"
	"dswatch/web"
	"dswatch/web/client"
	"dswatch/words"
)

// knowledge is what is known about this host: declared, discovered, learned.
type knowledge struct {
	mu         sync.Mutex
	declared   event.Facts // guarded by mu: a reload may change it
	presence   *facts.Presence
	traces     *tamper.Watch
	learned    *facts.Learned
	sources    []facts.Source
	query      *facts.Query
	before     event.Facts // what was told when the program last ran
	stamp      string      // of what tells the version, when last asked
	stamps     facts.Bounded[string]
	dues       facts.Bounded[bool]
	list       *catalog.Catalog
	last       event.Facts // guarded by mu: what the sources told last
	log        *slog.Logger
	complained []string // complaints in the log already
}

// newKnowledge remembers what was learned before, if anything.
func newKnowledge(l *Loaded, before event.Facts, log *slog.Logger) *knowledge {
	c := l.Config
	k := &knowledge{list: l.Catalog, declared: c.declared(), presence: facts.NewPresence(c.Host, "/", before), learned: facts.NewLearned(c.Host, before), before: before, log: log}
	k.presence.Declared(k.declared)
	k.traces = tamper.New(tamper.Options{Host: c.Host, Folders: k.presence.Folders, Before: before, Drivers: k.drivers, Running: k.learned.Up})
	k.query = facts.NewQuery(k.learned)
	k.sources = append([]facts.Source{k.presence, k.traces}, append(facts.Sources(), facts.Transaction{Root: "/", Agent: k.learned}, k.learned, k.query, facts.Evidence{Query: k.query, Host: c.Host})...)
	k.sources = facts.Patient(k.sources...)
	return k
}

// declare takes what the configuration says from now on.
func (k *knowledge) declare(declared event.Facts) {
	k.mu.Lock()
	k.declared = declared
	k.mu.Unlock()
	k.presence.Declared(declared)
}

// drivers are those of the agent that are expected now, where the agent's own
// word is among what says so; none where it says nothing.
func (k *knowledge) drivers() (names []string) {
	k.mu.Lock()
	known := k.last
	k.mu.Unlock()
	asked := false
	for _, f := range known {
		asked = asked || f.Value == event.On && strings.HasPrefix(f.Origin, facts.QueryOrigin)
	}
	if !asked {
		return nil
	}
	for _, r := range k.list.Rows(runtime.GOOS) {
		if r.Component == event.Agent && r.Kind == event.Driver && r.Evaluate(known).Expected == catalog.Yes {
			names = append(names, r.Name)
		}
	}
	return names
}

// stale reports whether the sources may have changed since they were asked.
func (k *knowledge) stale() bool {
	if k.stamped() != k.stamp {
		return true
	}
	due, err := k.dues.Ask(stampPatience, func() (bool, error) { return k.query.Due(), nil })
	return err == nil && due
}

// stampPatience is how long the files that tell what may have changed are waited
// for: those of a file system that does not answer are as they were.
const stampPatience = 2 * time.Second

func (k *knowledge) stamped() string {
	stamp, err := k.stamps.Ask(stampPatience, func() (string, error) { return facts.Stamp("/"), nil })
	if err != nil {
		return k.stamp
	}
	return stamp
}

// now asks every source. What is wrong with them is logged once.
func (k *knowledge) now(ctx context.Context) event.Facts {
	k.stamp = k.stamped() // before: what changes meanwhile is asked again
	discovered, err := facts.Discover(ctx, k.sources...)
	if errors.Is(err, facts.ErrHangs) {
		discovered = k.before.Merge(discovered)
	}
	k.mu.Lock()
	declared := k.declared
	k.mu.Unlock()
	complaints := facts.Contradictions(declared, discovered)
	if err != nil {
		complaints = append(complaints, "some facts about this host could not be discovered: "+err.Error())
	}
	for _, c := range complaints {
		if !slices.Contains(k.complained, c) {
			k.log.Warn(c)
		}
	}
	k.complained = complaints
	all := discovered.Merge(declared)
	k.mu.Lock()
	k.last = all
	k.mu.Unlock()
	return all
}

// sighting is what one look at everything told.
type sighting struct {
	seen  []event.Observation
	facts map[string]event.Facts // of each host, by its token
	// agentDown says that this host's agent is installed and was not asked,
	// because its main process is not up.
	agentDown bool
}

// look observes everything once: on this host, on those that are looked at
// from here, and what the manager tells. What a running process knows of a host
// counts; nil: none was asked.
func look(ctx context.Context, l *Loaded, process *web.Known, log *slog.Logger) (*sighting, error) {
	own := event.Token(l.Config.Host)
	before := event.Facts{}
	if process != nil {
		before = process.Hosts[0].Facts
	}
	k := newKnowledge(l, before, log)
	_, _ = facts.Discover(ctx, k.sources[0]) // the processes are judged by the folders of what is present; what is wrong is told below
	var mu sync.Mutex
	known := map[string]event.Facts{}
	jobs, err := l.watch.jobs(detector.Live{Log: log, Secret: l.file.Again, Folders: k.presence.Folders, Tell: func(_ context.Context, reports []event.FactsReport) error {
		mu.Lock()
		defer mu.Unlock()
		for _, r := range reports {
			known[event.Token(r.Host)] = known[event.Token(r.Host)].Merge(r.Facts)
		}
		return nil
	}})
	if err != nil {
		return nil, err
	}
	jobs = append(jobs, installation(k.presence), traces(k.traces))
	host := l.Config.Host
	sched, err := detector.NewScheduler(detector.Options{Observer: host, Jobs: jobs, Location: l.Config.Location()})
	if err != nil {
		return nil, err
	}
	seen := sched.Pass(ctx)
	detector.Close(jobs...)
	if process != nil { // the agent is not asked a second time
		for _, h := range process.Hosts {
			known[event.Token(h.Host)] = h.Facts
		}
		known[own] = before.Merge(l.Config.declared())
		return &sighting{seen: append(seen, process.Said...), facts: known}, nil
	}
	for _, o := range seen {
		k.learned.Observe(o)
	}
	known[own] = known[own].Merge(k.now(ctx))                         // the host knows better than the manager
	said, _ := facts.Evidence{Query: k.query, Host: host}.Detect(ctx) // never fails
	has, _ := known[own].Has(event.Agent)
	return &sighting{seen: append(seen, said...), facts: known, agentDown: has && !k.learned.Up()}, nil
}

// learning lets the facts learn from what the detectors publish. It
// implements detector.Publisher.
type learning struct {
	detector.Publisher
	learned *facts.Learned
	news    chan<- struct{}
}

func (p learning) Publish(ctx context.Context, events []event.Event) error {
	if err := p.Publisher.Publish(ctx, events); err != nil {
		return err
	}
	for _, e := range events {
		// An outage may be an upgrade, which only the facts can tell.
		lost := e.Reason == event.Change && (e.Observation.State.Lost() && e.Key().Component == event.Agent || e.Key().Kind == event.Installation)
		if p.learned.Observe(e.Observation) || lost {
			select {
			case p.news <- struct{}{}:
			default: // they are asked for already
			}
		}
	}
	return nil
}

// tellFacts publishes what is known about this host, and returns it.
func (a *App) tellFacts(ctx context.Context, k *knowledge) (event.Facts, error) {
	known := k.now(ctx)
	a.lastFacts.Store(&known)
	return known, a.ledger.PublishFacts(ctx, a.conf().Config.Host, event.FactsReport{Host: a.conf().Config.Host, Observer: a.conf().Config.Host, Facts: known, At: time.Now()})
}

// factsLook is how often a look is taken whether the facts may have changed.
// With the 10 seconds that a loss waits for its pass it is well under the
// default hold: the facts tell of an upgrade before the loss is told.
const factsLook = 2 * time.Second

// repeatFacts tells the facts every now and then, and when something
// happened that may have changed them.
func (a *App) repeatFacts(ctx context.Context, k *knowledge, news <-chan struct{}) {
	t := time.NewTicker(factsEvery)
	defer t.Stop()
	look := time.NewTicker(factsLook)
	defer look.Stop()
	for owed := false; ; {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
			if !owed && !k.stale() {
				continue
			}
		case <-t.C:
		case <-news:
		}
		_, err := a.tellFacts(ctx, k)
		if err != nil && !owed && ctx.Err() == nil {
			a.Log.Warn("the facts about this host cannot be told; that is tried again until they are", "error", err)
		}
		owed = err != nil
	}
}

// factsBefore returns what this host was known for when the program last ran.
func (a *App) factsBefore(ctx context.Context) event.Facts {
	host := a.conf().Config.Host
	for _, key := range []string{event.Token(host), strings.ToLower(host)} { // earlier versions kept some under the name itself
		value, _, err := a.bus.Bucket(bus.Facts).Get(ctx, key)
		if err != nil {
			continue // the first start, or nothing readable: it is discovered again
		}
		if r, err := event.DecodeFacts(value); err == nil && strings.EqualFold(r.Host, host) {
			return r.Facts
		}
	}
	return nil
}

// reportedBefore returns the items that came with what this host's jobs saw
// when the program last ran: of the manager's computers, and of networks.
// Where they cannot be read it is as at the first start.
func (a *App) reportedBefore(ctx context.Context) []event.Key {
	if !a.conf().watch.remembers {
		return nil
	}
	var keys []event.Key
	host := a.conf().Config.Host
	err := a.ledger.Statuses().Load(ctx, func(r engine.Record) error {
		st, err := rules.DecodeStatus(r.Value)
		if err == nil && !st.Gone && st.Observer == host && (detector.Reported(st.Key) || detector.IsWay(st.Key)) {
			keys = append(keys, st.Key)
		}
		return nil
	})
	if err != nil {
		a.Log.Warn("the items that were seen before cannot be read; a computer that was removed from the manager meanwhile keeps its alerts", "error", err)
	}
	return keys
}

// toldBefore returns what the observer had told about hosts when the program
// last ran. What cannot be read is as never told.
func (a *App) toldBefore(ctx context.Context) func(observer string) iter.Seq[event.FactsReport] {
	return func(observer string) iter.Seq[event.FactsReport] {
		return func(yield func(event.FactsReport) bool) {
			enough := errors.New("enough")
			err := a.ledger.Facts().Load(ctx, func(r engine.Record) error {
				report, err := event.DecodeFacts(r.Value)
				if err == nil && report.Observer == observer && !yield(report) {
					return enough
				}
				return nil
			})
			if err != nil && !errors.Is(err, enough) {
				a.Log.Warn("what was known of other hosts cannot be read; a computer that was deactivated in the manager meanwhile is not told of", "error", err)
			}
		}
	}
}

// tellReports publishes what is learned of other hosts. It is this host that
// tells it.
func (a *App) tellReports(ctx context.Context, reports []event.FactsReport) error {
	return a.ledger.PublishFacts(ctx, a.conf().Config.Host, reports...)
}

// memory is what is remembered of this host, and who is to be told of changes.
type memory struct {
	presence *facts.Presence
	query    *facts.Query
	news     chan<- struct{}
}

// Known is what this process knows, see web.Known.
func (a *App) Known(context.Context) (web.Known, error) {
	out := web.Known{Hosts: []web.HostFacts{}, Said: []event.Observation{}}
	l, own := a.conf(), a.lastFacts.Load()
	if own == nil {
		return out, words.Fail(words.IsStarting.With())
	}
	e := a.engine.Load()
	for _, host := range append([]string{l.Config.Host}, slices.Sorted(maps.Keys(l.watch.lists))...) {
		var f event.Facts
		if e != nil {
			f = e.FactsOf(host)
		}
		if f == nil && host == l.Config.Host {
			f = *own
		}
		if f != nil {
			out.Hosts = append(out.Hosts, web.HostFacts{Host: host, Facts: f})
		}
	}
	for _, one := range a.looking() {
		if one.plan.Name == string(event.Evidence) {
			out.Said = append(out.Said, one.sched.Last()...)
		}
	}
	return out, nil
}

// unasked says what nobody knows because the agent is not asked; nil: it is.
func (a *App) unasked() *web.Unasked {
	m := a.memory.Load()
	if m == nil || m.query.Unhelped() == nil {
		return nil
	}
	p := web.ProblemOf(m.query.Unhelped())
	out := &web.Unasked{Error: p.Error, ErrorStatements: p.Statements, Blind: []event.Key{}}
	e, host := a.engine.Load(), a.conf().Config.Host
	if e == nil {
		return out
	}
	known := e.FactsOf(host)
	told := event.Facts{} // as if the agent had been asked
	for _, n := range toldByAgent {
		told[n] = event.Fact{Value: event.On}
	}
	told[event.Edition] = event.Fact{Value: event.DeepSecurity}
	answered := told.Merge(known)
	e.Items(func(s rules.Status, snap rules.Snapshot) {
		if s.Key.Host == host && snap.Row != nil && snap.Row.Evaluate(known).Expected == catalog.Unknown && snap.Row.Evaluate(answered).Expected != catalog.Unknown {
			out.Blind = append(out.Blind, s.Key)
		}
	})
	for _, k := range m.query.Keys(host) {
		if _, said := known[event.Evidenced(k.Name)]; !said {
			out.Blind = append(out.Blind, k)
		}
	}
	return out
}

// processPatience is how long check waits for a running process.
const processPatience = 5 * time.Second

// askProcess asks the running process of the configuration what it knows; nil:
// there is none, or the error says why not.
func askProcess(ctx context.Context, l *Loaded) (*web.Known, error) {
	ctx, cancel := context.WithTimeout(ctx, processPatience)
	defer cancel()
	known, err := Client(l).Known(ctx)
	switch {
	case errors.Is(err, client.ErrNotRunning):
		return nil, nil
	case err != nil:
		return nil, err
	case len(known.Hosts) == 0 || event.Token(known.Hosts[0].Host) != event.Token(l.Config.Host):
		return nil, words.Fail(words.WatchesAnother.With())
	}
	return &known, nil
}

// Forget ends the memory that the component was installed on this host, or on
// one that is looked at from here: its rows are expected no more, unless it is
// found again. It implements web.Memory.
func (a *App) Forget(_ context.Context, host, component string) error {
	m := a.memory.Load()
	switch {
	case !slices.Contains(facts.Components(), component):
		return words.Fail(words.ForgetNoComponent.With(words.Inner(component), facts.Components()))
	case a.forgetElsewhere(host, component): // the next look tells it
		return nil
	case m == nil || event.Token(host) != event.Token(a.conf().Config.Host):
		return words.Fail(words.ForgetOtherHost.With(a.conf().Config.Host, host))
	case !m.presence.Forget(component):
		return words.Fail(words.ForgetNothing.With(component, host))
	}
	select {
	case m.news <- struct{}{}:
	default: // the facts are asked for already
	}
	return nil
}

// forgetElsewhere asks the jobs that remember what is installed on another host.
func (a *App) forgetElsewhere(host, component string) bool {
	return slices.ContainsFunc(a.looking(), func(one *lookout) bool {
		r, ok := one.job.Detector.(detector.Rememberer)
		return ok && r.Forget(host, component)
	})
}
