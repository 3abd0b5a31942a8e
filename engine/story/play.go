package story

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"dswatch/catalog"
	"dswatch/engine"
	"dswatch/event"
	"dswatch/rules"
	"dswatch/setting"
	"dswatch/words"
)

// Program is what a configuration makes of the rules.
type Program struct {
	Set      *rules.Set
	Rows     engine.Rows
	List     *catalog.Catalog
	Sinks    []string       // in the order of the configuration
	Location *time.Location // of schedules
}

// Reader reads the parts of a story that are written as elsewhere in the
// program. text stands after as many empty lines as are before it in the
// file, so that an error names the right one.
type Reader interface {
	// Program reads a configuration; a nil text is the operator's own.
	Program(file string, text []byte) (*Program, error)
	Facts(file string, text []byte) (event.Facts, error)
}

// Tale is a story with everything read that it refers to.
type Tale struct {
	*Story
	programs map[string]*Program // by the name of the section; "": at the beginning
	facts    map[string]event.Facts
}

// Load reads what s refers to.
func Load(s *Story, r Reader) (*Tale, error) {
	t := &Tale{Story: s, programs: map[string]*Program{}, facts: map[string]event.Facts{}}
	if len(s.configs) == 0 {
		p, err := r.Program(s.File, nil)
		if err != nil {
			return nil, err
		}
		t.programs[""] = p
	}
	for i, c := range s.configs {
		p, err := r.Program(s.File, c.text())
		if err != nil {
			return nil, err
		}
		t.programs[strings.Join(c.words[1:], "")] = p
		if i == 0 {
			t.programs[""] = p
		}
	}
	for _, f := range s.facts {
		known, err := r.Facts(s.File, f.text())
		if err != nil {
			return nil, err
		}
		for _, h := range f.hosts {
			t.facts[h] = known
		}
	}
	return t, t.check()
}

// check looks at the sinks that the story names.
func (t *Tale) check() error {
	var names []string
	for _, k := range slices.Sorted(maps.Keys(t.programs)) {
		for _, n := range t.programs[k].Sinks {
			if !slices.Contains(names, n) {
				names = append(names, n)
			}
		}
	}
	bad := func(line int, name string) error {
		return t.problem(line, "there is no sink %q; %s", setting.Clip(name), instead(name, names))
	}
	for _, l := range t.lines {
		if l.act.verb == sink && !slices.Contains(names, l.act.name) {
			return bad(l.number, l.act.name)
		}
	}
	for _, w := range t.wanted {
		for i, text := range w.lines {
			if strings.HasPrefix(text, also) {
				continue
			}
			for _, name := range strings.Split(strings.Fields(text)[1], ",") {
				if !slices.Contains(names, name) {
					return bad(w.numbers[i], name)
				}
			}
		}
	}
	return nil
}

// Languages are those in which something is wanted; without any, the one of
// the configuration.
func (t *Tale) Languages() (out []string) {
	for _, w := range t.wanted {
		out = append(out, w.language)
	}
	if len(out) == 0 {
		out = []string{t.programs[""].Set.Language}
	}
	return out
}

// Wants reports whether the story says what is wanted.
func (t *Tale) Wants() bool { return len(t.wanted) > 0 }

// Fault is what goes wrong while a story is told. The zero Fault is nothing.
type Fault struct {
	Restart int  // the program is restarted before its step of this number
	Kill    int  // the program is killed at its operation of this number
	After   bool // just after it rather than just before
	Loss    Loss // what the power takes with it that goes out at the kill
}

// Loss says which of the writes of the last instant had not reached the disk.
// Those that are lost of the statuses, the facts and the stream change what
// is told, because nobody knows any more what was decided: the lives of the
// model (engine.TestModel) have them.
type Loss uint8

// What may be lost without a difference, but for copies with the same id.
const (
	LostAcks     Loss = 1 << iota // of events: they come again
	LostOutbox                    // deliveries that wait
	LostReceipts                  // what the sinks confirmed

	losses = iota // how many there are
)

// Result is what a story led to.
type Result struct {
	Told   []Arrival // in order
	Steps  int       // of the engine: where a restart can be
	Ops    int       // operations: where a kill can be
	Broken []string  // promises that were not kept
	Moved  bool      // a fault struck where a restart may change when something is told, see upsets
}

// Play tells the story in a language.
func (t *Tale) Play(ctx context.Context, language string, fault Fault) (Result, error) {
	p := &player{Tale: t, language: language, w: newWorld(t.begin, fault), facts: maps.Clone(t.facts), program: t.programs[""]}
	if err := p.play(ctx); err != nil {
		return Result{}, err
	}
	r := Result{Told: p.w.told, Steps: p.steps, Ops: p.w.ops, Broken: p.w.log, Moved: p.moved}
	if p.run != nil {
		unpaired, err := p.engine.Unpaired(ctx, p.program.Sinks)
		if err != nil {
			return Result{}, err
		}
		for _, u := range unpaired {
			r.Broken = append(r.Broken, fmt.Sprintf("%s holds %s of %s open, which is over", u.Sink, u.Rule, u.Key))
		}
	}
	r.Broken = append(r.Broken, pairs(r.Told)...)
	order(r.Told)
	return r, nil
}

// pairs returns how the deliveries break the promises: one raised first, one
// cleared last, every transition once, at most one alert of a slot open.
func pairs(told []Arrival) (broken []string) {
	type at struct{ sink, what string }
	open := map[at]string{}
	last := map[at]event.Alert{}
	for _, d := range told {
		a := d.Alert
		if a.Transition == event.Beat {
			continue
		}
		id, slot := at{d.Sink, a.ID}, at{d.Sink, a.Slot()}
		before, known := last[id]
		say := func(what string) {
			broken = append(broken, fmt.Sprintf("%s %s: %s (%s) %s", brief(d.At), d.Sink, a.Title, a.Transition, what))
		}
		switch {
		case !known && a.Transition == event.Cleared:
			say("was never raised there")
		case !known && a.Transition != event.Raised:
			say("is the first that is told there")
		case known && before.Transition == event.Cleared:
			say("comes after it was cleared")
		case known && a.Seq <= before.Seq:
			say("came before")
		}
		if !a.Transition.Firing() {
			delete(open, slot)
		} else {
			if o := open[slot]; o != "" && o != a.ID {
				say("is raised while another one of the item is open")
			}
			open[slot] = a.ID
		}
		last[id] = a
	}
	return broken
}

// player tells one story.
type player struct {
	*Tale
	language string
	w        *world
	facts    map[string]event.Facts
	program  *Program
	engine   *engine.Engine
	run      *engine.Steps // nil: the program does not run
	steps    int
	noticed  time.Duration // of world.skew
	moved    bool
}

// upsets reports whether a program that starts anew now may tell something at
// another time than one that goes on, or not at all. There are two reasons.
// When the clock was set and nobody has noticed yet, what is stored does not
// say by how much, so deadlines are only bounded. And how long a host has been
// silent is not stored with every report: it is counted from the start, so a
// host that is about to be missed is given its time again. Everything else
// must be told at the same instant in the same words.
func (p *player) upsets() bool {
	if p.noticed != p.w.skew {
		return true
	}
	now, silent, anew := p.w.clock.Sub(p.begin), time.Duration(0), false
	for _, one := range p.programs {
		silent = max(silent, one.Set.Silent)
	}
	heard, missed := map[string]time.Duration{}, false
	silence := func(host string, until time.Duration) {
		last := heard[host] // a minute is the longest until somebody looks
		missed = missed || until-last >= silent && last < now && now <= last+silent+time.Minute
	}
	for h := range p.Tale.facts {
		heard[h] = 0
	}
	end := time.Duration(0)
	for _, l := range p.lines {
		end = l.at
		switch l.act.verb {
		case observe, learn:
			for _, h := range l.act.hosts {
				silence(h, l.at)
				heard[h] = l.at
			}
		case stop, start, restart, kill, reload:
			anew = true // the story itself moves it
		}
	}
	for h := range heard {
		silence(h, end)
	}
	return silent > 0 && (missed || anew)
}

// patience bounds how often the rules are asked at one instant.
const patience = 10_000

// begins starts the program and tells it the first facts.
func (p *player) begins(ctx context.Context) error {
	for _, h := range slices.Sorted(maps.Keys(p.facts)) {
		if err := p.report(h); err != nil {
			return err
		}
	}
	if err := p.boot(ctx); err != nil {
		return err
	}
	return p.settle(ctx)
}

func (p *player) play(ctx context.Context) error {
	if err := p.begins(ctx); err != nil {
		return err
	}
	for _, l := range p.lines {
		if err := p.until(ctx, p.begin.Add(l.at)); err != nil {
			return fmt.Errorf("%s:%d: %w", p.File, l.number, err)
		}
		if err := p.act(ctx, l); err != nil {
			return err
		}
		if err := p.settle(ctx); err != nil {
			return fmt.Errorf("%s:%d: %w", p.File, l.number, err)
		}
	}
	return nil
}

// until lets time pass.
func (p *player) until(ctx context.Context, end time.Time) error {
	for ask := 0; p.run != nil; ask++ {
		wait := p.run.Until()
		if p.w.clock.Add(wait).After(end) {
			break
		}
		if wait > 0 {
			ask = 0
		}
		if ask > patience {
			return fmt.Errorf("the rules do not come to rest at %s", p.w.clock.Format(time.RFC3339))
		}
		p.w.pass(p.w.clock.Add(wait))
		if wait < time.Minute { // else nothing is due
			p.steps++
		}
		if err := p.step(ctx, func() error { return p.run.Tick(ctx) }); err != nil {
			return err
		}
		p.noticed = p.w.skew
		if err := p.settle(ctx); err != nil {
			return err
		}
	}
	p.w.pass(end)
	return ctx.Err()
}

// settle lets the engine take what there is, and the workers deliver.
func (p *player) settle(ctx context.Context) error {
	for ask := 0; p.run != nil; ask++ {
		if ask > patience {
			return fmt.Errorf("the rules do not come to rest at %s", p.w.clock.Format(time.RFC3339))
		}
		more := p.w.next < len(p.w.stream)
		if more {
			p.steps++
			if err := p.step(ctx, func() error { _, err := p.run.Take(ctx); return err }); err != nil {
				return err
			}
			p.noticed = p.w.skew
		}
		if p.w.news {
			p.w.news, more = false, true
			p.steps++
			if err := p.step(ctx, func() error { return p.run.Hear(ctx, p.w.quieted()) }); err != nil {
				return err
			}
			p.noticed = p.w.skew
		}
		p.w.deliver()
		if !more {
			break
		}
	}
	return nil
}

// step asks the engine for one step. A fault may strike before or within it.
func (p *player) step(ctx context.Context, do func() error) error {
	if p.steps == p.w.fault.Restart {
		p.w.fault.Restart = 0
		p.moved = p.moved || p.upsets()
		if err := p.boot(ctx); err != nil {
			return err
		}
	}
	return p.survive(ctx, do())
}

// survive starts the program again where err says that it was killed.
func (p *player) survive(ctx context.Context, err error) error {
	if errors.Is(err, errKilled) && p.w.dead {
		p.moved = p.moved || p.upsets()
		return p.boot(ctx)
	}
	if err != nil {
		return fmt.Errorf("the rules failed: %w", err)
	}
	return nil
}

// boot makes a new engine from what is stored.
func (p *player) boot(ctx context.Context) error {
	for range 3 { // it may be killed while it starts
		p.w.dead, p.w.news = false, false
		set := *p.program.Set
		set.Language = p.language
		p.engine = engine.NewEngine(engine.Parts{
			Set: &set, Rows: p.program.Rows, Sinks: p.program.Sinks, Source: p.w, Statuses: store{p.w, p.w.statuses}, Facts: store{p.w, p.w.facts},
			Outbox: p.w, Receipts: confirmed{p.w}, Silences: hushes{p.w}, Log: slog.New(complaints{p.w}),
			Now: func() time.Time { return p.w.clock }, Wall: p.w.wall,
		})
		run, err := p.engine.Start(ctx, p.w.quieted())
		if err == nil {
			p.run, p.noticed = run, p.w.skew
			return nil
		}
		if !errors.Is(err, errKilled) {
			return fmt.Errorf("the rules failed to start: %w", err)
		}
	}
	return errors.New("the rules do not start")
}

// act lets one line happen.
func (p *player) act(ctx context.Context, l line) error {
	a := l.act
	switch a.verb {
	case observe:
		return p.observe(l)
	case learn:
		for _, h := range a.hosts {
			known := maps.Clone(p.facts[h])
			for _, c := range a.facts {
				if delete(known, c.name); c.value != "" {
					known[c.name] = event.Fact{Value: c.value, Origin: "declared"}
				}
			}
			p.facts[h] = known
			if err := p.report(h); err != nil {
				return p.problem(l.number, "%s", err)
			}
		}
	case silence:
		p.w.silence(a.hush(p.w.wall(), p.program.Location))
	case expire:
		s := p.w.silences[a.name]
		if s.Ended(p.w.wall()) || s.Every == "" && !s.Active(p.w.wall()) {
			return p.problem(l.number, "the silence %s is over already; it ended at %s", a.name, brief(s.Ends.Sub(p.begin)))
		}
		p.w.silence(s.End(p.w.wall(), "story", words.SilenceExpired.With()))
	case ackn, unack:
		return p.acknowledge(ctx, l)
	case host:
		return p.leave(ctx, l)
	case clock:
		p.w.skew += a.length
	case sink:
		p.w.refuses[a.name] = !a.accepts
	case kill:
		if a.name != "" {
			p.w.killAt = Op(a.name)
			return nil
		}
		return p.again(ctx, l)
	case restart:
		return p.again(ctx, l)
	case reload:
		p.program = p.programs[a.name]
		return p.again(ctx, l)
	case stop:
		if p.run == nil {
			return p.problem(l.number, "it does not run; write start first")
		}
		p.run = nil
	case start:
		if p.run != nil {
			return p.problem(l.number, "it runs already; write stop first, or restart")
		}
		return p.survive(ctx, p.boot(ctx))
	}
	return nil
}

// again starts the program anew.
func (p *player) again(ctx context.Context, l line) error {
	if p.run == nil {
		return p.problem(l.number, "the program does not run; write start first")
	}
	return p.boot(ctx)
}

// report tells what is known about a host.
func (p *player) report(h string) error {
	_, data, err := event.EncodeFacts(event.FactsReport{Host: h, Observer: h, Facts: p.facts[h], At: p.w.wall()})
	if err != nil {
		return err
	}
	p.w.stream = append(p.w.stream, data)
	return nil
}

// observe tells of the items of a line.
func (p *player) observe(l line) error {
	for _, h := range l.act.hosts {
		items, err := p.items(l, h)
		if err != nil {
			return err
		}
		for _, it := range items {
			o := event.Observation{Key: it.key, State: l.act.state, Want: it.want, Detail: event.Prose(l.act.text), At: p.w.wall(), Behind: l.act.behind}
			if l.act.again > 0 {
				o.Again = o.At.Add(l.act.again)
			}
			switch {
			case l.act.counts:
				o.Found, o.Want = l.act.found, l.act.want
			case o.State == event.Up:
				o.Found = o.Want
			case o.State == event.Degraded:
				o.Found = max(1, o.Want-1)
			}
			if err := o.Validate(); err != nil {
				return p.problem(l.number, "%s", err)
			}
			data, err := event.NewState(h, event.Change, o).Encode()
			if err != nil {
				return p.problem(l.number, "%s", err)
			}
			p.w.stream = append(p.w.stream, data)
		}
	}
	return nil
}

// item is something of a host.
type item struct {
	key  event.Key
	want int
}

// items returns what a line names on a host. What no list has (any more) is
// looked for on the lists of the other configurations.
func (p *player) items(l line, host string) ([]item, error) {
	known := p.facts[host]
	os, _ := known.Get(event.OS)
	var all []item
	if l.act.item == "all" {
		for _, r := range p.program.List.Rows(os.Value) {
			k := event.Key{Host: host, Component: r.Component, Kind: r.Kind, Name: r.Name}
			if _, v := p.program.Rows.Find(k, known); v.Expected == catalog.Yes {
				all = append(all, item{k, r.Want()})
			}
		}
		if len(all) == 0 {
			return nil, p.problem(l.number, "nothing is expected on %s, so all is nothing; look at its facts", host)
		}
		return all, nil
	}
	lists := []*Program{p.program}
	for _, name := range slices.Sorted(maps.Keys(p.programs)) {
		lists = append(lists, p.programs[name])
	}
	var valid []string
	for _, one := range lists {
		var found []item
		for _, r := range one.List.Rows(os.Value) {
			valid = append(valid, r.ID())
			if l.act.item != r.ID() && l.act.item != r.Component+"/"+r.ID() {
				continue
			}
			k := event.Key{Host: host, Component: r.Component, Kind: r.Kind, Name: r.Name}
			if has, sure := known.Has(r.Component); sure && !has && slices.Contains(event.Components.Allowed(), r.Component) && l.act.item == r.ID() {
				continue // another component's row of the same name
			}
			found = append(found, item{k, r.Want()})
		}
		if len(found) > 1 {
			return nil, p.problem(l.number, "%s is of several components; write %s/%s", l.act.item, found[0].key.Component, l.act.item)
		}
		if len(found) == 1 {
			return found, nil
		}
	}
	kind, name, _ := strings.Cut(l.act.item, "/")
	for _, component := range event.Components.Allowed() { // what the manager's API reports stands beside the list
		k := event.Key{Host: host, Component: component, Kind: event.Kind(kind), Name: name}
		if r := p.program.List.Find(k, os.Value); r != nil {
			return []item{{k, r.Want()}}, nil
		}
	}
	if k, err := event.ParseKey(host + "/" + l.act.item); err == nil && !slices.Contains(event.Components.Allowed(), k.Component) {
		return []item{{k, 1}}, nil // the author names an item that no list has
	}
	slices.Sort(valid)
	return nil, p.problem(l.number, "%q is on no list for %s; %s", setting.Clip(l.act.item), host, instead(l.act.item, slices.Compact(valid)))
}

// acknowledge says that somebody looks after the open alerts of an item, or
// does not any more.
func (p *player) acknowledge(ctx context.Context, l line) error {
	taken, state := l.act.verb == unack, "not yet acknowledged, so there is nothing to acknowledge"
	say := (*engine.Steps).Acknowledge
	if taken {
		state, say = "acknowledged, so there is nothing to withdraw", (*engine.Steps).Withdraw
	}
	for _, h := range l.act.hosts {
		items, err := p.items(l, h)
		if err != nil {
			return err
		}
		done := false
		for _, it := range items {
			for _, id := range p.open(it.key, taken) {
				done = true
				by := event.Ack{Author: l.act.author, Comment: l.act.text, At: p.w.wall()}
				var refused error
				err := p.step(ctx, func() (err error) { refused, err = say(p.run, ctx, id, by); return err })
				if err != nil {
					return err
				}
				if slices.Contains(p.open(it.key, taken), id) { // it was killed before it was stored: he says it again
					refused, err = say(p.run, ctx, id, by)
				}
				if refused != nil || err != nil {
					return p.problem(l.number, "%s", errors.Join(refused, err))
				}
			}
		}
		if !done {
			return p.problem(l.number, "no alert of %s on %s is open and %s", l.act.item, h, state)
		}
	}
	return nil
}

// leave ends what is known of a host that is no more, or has another name.
func (p *player) leave(ctx context.Context, l line) error {
	give := func() (refused, err error) {
		if hosts := l.act.hosts; len(hosts) == 2 {
			return p.run.RenameHost(ctx, hosts[0], hosts[1], words.Spell(words.HostRenamed.With(hosts[1])))
		}
		return p.run.RemoveHost(ctx, l.act.hosts[0], words.Spell(words.HostRemoved.With()))
	}
	var refused error
	lives := p.engine
	if err := p.step(ctx, func() (err error) { refused, err = give(); return err }); err != nil {
		return err
	}
	if p.engine != lives { // it was killed: he gives the command again, which may have been done
		_, err := give()
		return err
	}
	if refused != nil {
		return p.problem(l.number, "%s", refused)
	}
	return nil
}

// open returns the ids of the alerts of an item that somebody, or nobody,
// looks after.
func (p *player) open(k event.Key, taken bool) (ids []string) {
	p.engine.Items(func(st rules.Status, _ rules.Snapshot) {
		if st.Key != k {
			return
		}
		st.Slots(func(_ string, slot rules.Slot) {
			if slot.Phase == rules.Firing && (slot.Ack != nil) == taken {
				ids = append(ids, slot.ID)
			}
		})
	})
	return ids
}
