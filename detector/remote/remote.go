package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"golang.org/x/sync/semaphore"

	"dswatch/detector"
	"dswatch/detector/facts"
	"dswatch/event"
	"dswatch/words"
)

// factsEvery is how often the facts are asked for and told, changed or not.
const factsEvery = 10 * time.Minute

// Parallel is how many hosts are asked at the same moment, so that a
// thousand answers are not in memory at once.
const Parallel = 64

// Logins is how many log in to one address at the same moment: OpenSSH drops
// some beyond ten (MaxStartups).
const Logins = 4

// Target is one host and what to look for.
type Target struct {
	TargetConfig // resolved
	Items        []Item
}

// Options are what a target's configuration does not say.
type Options struct {
	Observer string              // this host, as facts name it
	Timeout  time.Duration       // of one look: dial, handshake and commands
	Confirm  time.Duration       // between a fresh loss and the look that confirms it
	Gate     *semaphore.Weighted // shared by all targets; nil: no bound
	// Door is shared by all targets of one address: a server drops those beyond
	// ten that log in at the same moment. Nil: no bound.
	Door *semaphore.Weighted
	// Tell takes what is known about the host. When it fails, the report comes
	// again with the next look. Nil: nothing is told.
	Tell func(ctx context.Context, r event.FactsReport) error
	// Before is what was told about the host when the program last ran.
	Before event.Facts
	Log    *slog.Logger // default: discard
}

// Detector looks at one host. It implements detector.Detector and io.Closer.
type Detector struct {
	target Target
	system system
	opts   Options

	conn   *connection // nil until the first look, and after an error
	before map[event.Key]event.State
	hung   map[string]hang // by command

	learned   *facts.Learned
	presence  *presence           // nil: nobody can tell what is installed
	installed []event.Observation // of presence, of this look
	found     event.Facts         // discovered
	asked     time.Time
	told      event.Facts
	toldAt    time.Time
	denied    []string // contradictions that were logged
}

// hang is a command that did not end, how often in a row, and how long it is
// left alone.
type hang struct {
	times int
	at    time.Time
	until time.Time
}

// A command that hung is left alone for firstPause, then for twice as long
// each time, at most lastPause: the host is in trouble already.
const (
	firstPause = 5 * time.Minute
	lastPause  = time.Hour
)

// New checks the target. It does not connect yet.
func New(t Target, o Options) (*Detector, error) {
	s, ok := systems[t.OS]
	if !ok {
		return nil, fmt.Errorf("new remote detector: %s: %q cannot be looked at over SSH", t.Host, t.OS)
	}
	for _, it := range t.Items {
		if s.kinds[it.Key.Kind] == nil {
			return nil, fmt.Errorf("new remote detector: %s cannot be seen on %s", it.Key, t.OS)
		}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	d := &Detector{target: t, system: s, opts: o, before: map[event.Key]event.State{}, hung: map[string]hang{}, learned: facts.NewLearned(t.Host, o.Before)}
	if t.OS == event.Linux && slices.Contains(t.Components, event.Agent) {
		d.presence = newPresence(t.Host, o.Before)
	}
	return d, nil
}

// Keys are the items that Detect answers for.
func (d *Detector) Keys() (keys []event.Key) {
	for _, it := range d.target.Items {
		keys = append(keys, it.Key)
	}
	return append(append(keys, d.presenceKeys()...), d.Way())
}

func (d *Detector) presenceKeys() (keys []event.Key) {
	if d.presence == nil {
		return nil
	}
	return slices.DeleteFunc(d.presence.Keys(), func(k event.Key) bool { return k.Component != event.Agent })
}

// Patience is how long Detect may take at most while others take their turn:
// two looks, the wait in between, and the looks of those before it in the
// queue.
func Patience(o Options, targets int) time.Duration {
	rounds := time.Duration((targets + Parallel - 1) / Parallel)
	return 2*o.Timeout*max(rounds, 1) + o.Confirm + time.Second
}

// Close ends the connection.
func (d *Detector) Close() error {
	d.drop()
	return nil
}

func (d *Detector) drop() {
	if d.conn != nil {
		d.conn.close()
		d.conn = nil
	}
}

// Way is the item that tells whether the host can be looked at.
func (d *Detector) Way() event.Key { return detector.Way(d.target.Host, detector.WaySSH) }

// Detect looks once, and again after Confirm when something is missing that
// was there. An error is about the whole host, or a command that hung; what was
// seen all the same is returned with it.
func (d *Detector) Detect(ctx context.Context) ([]event.Observation, error) {
	d.tell(ctx) // what is declared counts from the start, also of a host that cannot be reached
	seen, err := d.look(ctx)
	if err == nil && slices.ContainsFunc(seen, d.fresh) && d.opts.Confirm > 0 {
		wait := time.NewTimer(d.opts.Confirm)
		defer wait.Stop()
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-wait.C:
		}
		seen, err = d.look(ctx)
	}
	for _, o := range seen {
		d.learned.Observe(o)
		if o.State != event.Unknown { // after a gap a loss is as fresh as before it
			d.before[o.Key] = o.State
		}
	}
	d.tell(ctx)
	if err != nil {
		err = fmt.Errorf("look at %s over SSH: %w", d.target.Host, err)
	}
	return d.withWay(seen, err), err
}

// withWay adds the item of the host as a whole to what was seen. What was not
// seen because of it is behind it; where that is all, it veils all.
func (d *Detector) withWay(seen []event.Observation, err error) []event.Observation {
	way := event.Observation{Key: d.Way(), State: event.Up, Found: 1, Want: 1, Detail: words.LoggedIn.With(d.target.User), At: time.Now()}
	var hung *hungError
	if err != nil && !errors.As(err, &hung) {
		way.State, way.Found, way.Detail = event.Unknown, 0, words.Of(err)
		if len(seen) == 0 {
			way.Veils = detector.WaySSH
			return []event.Observation{way}
		}
	}
	for _, it := range d.target.Items[len(seen):] {
		o := verdict{state: event.Unknown, want: max(1, it.Want)}.of(it, way.At)
		if way.State == event.Unknown {
			o.Behind, o.Detail = way.Key, way.Detail
		} else {
			o.Detail = words.NotAskedFor.With(err)
		}
		seen = append(seen, o)
	}
	for i, k := range d.presenceKeys() {
		o := event.Observation{Key: k, State: event.Unknown, Want: 1, At: way.At, Behind: way.Key, Detail: way.Detail}
		if len(d.installed) > i {
			o = d.installed[i]
		} else if way.State != event.Unknown {
			o.Behind, o.Detail = event.Key{}, words.NotAskedFor.With(err)
		}
		seen = append(seen, o)
	}
	return append(seen, way)
}

// fresh reports whether o is a loss of something that was there.
func (d *Detector) fresh(o event.Observation) bool {
	before := d.before[o.Key]
	return o.State.Lost() && (before == event.Up || before == event.Degraded && o.State == event.Down)
}

// look asks for every kind once.
func (d *Detector) look(ctx context.Context) ([]event.Observation, error) {
	if d.opts.Gate != nil {
		if err := d.opts.Gate.Acquire(ctx, 1); err != nil {
			return nil, fmt.Errorf("wait for its turn: %w", err)
		}
		defer d.opts.Gate.Release(1)
	}
	ctx, cancel := context.WithTimeout(ctx, d.opts.Timeout)
	defer cancel()
	kept := d.conn != nil
	out, err := d.once(ctx)
	if err != nil && kept && ctx.Err() == nil { // the kept connection was closed meanwhile
		out, err = d.once(ctx)
	}
	return out, err
}

// login connects, and waits at the door of the server.
func (d *Detector) login(ctx context.Context) error {
	if d.opts.Door != nil {
		if err := d.opts.Door.Acquire(ctx, 1); err != nil {
			return fmt.Errorf("wait for others to log in: %w", err)
		}
		defer d.opts.Door.Release(1)
	}
	conn, err := connect(ctx, d.target.TargetConfig)
	if err != nil {
		return err
	}
	d.conn, d.asked = conn, time.Time{}
	end := context.AfterFunc(ctx, conn.abort)
	defer end()
	conn.findBound(ctx, d.system.env)
	return nil
}

// command runs one command, unless it hung not long ago.
func (d *Detector) command(ctx context.Context, command string) ([]byte, error) {
	if h := d.hung[command]; time.Now().Before(h.until) {
		return nil, &answerError{err: words.Fail(words.CommandLeftAlone.With(bare(command), h.at, h.times, h.until))}
	}
	out, err := d.conn.run(ctx, command, d.system.env)
	var hung *hungError
	if !errors.As(err, &hung) {
		if err == nil || wasAnswer(err) {
			delete(d.hung, command)
		}
		return out, err
	}
	h := d.hung[command]
	h.at = time.Now()
	h.until = h.at.Add(min(firstPause<<min(h.times, 10), lastPause))
	h.times++
	d.hung[command] = h
	return out, words.FailWith(err, words.CommandHung.With(err, h.until))
}

// timeLeft reports whether a command would still have a fair part of the time
// of a look.
func (d *Detector) timeLeft(ctx context.Context) bool {
	end, bounded := ctx.Deadline()
	return !bounded || time.Until(end) > d.opts.Timeout/4
}

// once connects if need be and runs the commands. An error is about the
// connection, which is dropped then; what was seen before it is returned too.
func (d *Detector) once(ctx context.Context) ([]event.Observation, error) {
	if d.conn == nil {
		if err := d.login(ctx); err != nil {
			return nil, err
		}
	}
	var lost, slow error
	ends := true // what a kind is read from ended with a whole line
	run := func(command string) ([]byte, error) {
		if lost != nil {
			return nil, lost
		}
		if slow != nil && !d.timeLeft(ctx) { // none is to be blamed for what another took
			return nil, &answerError{err: words.Fail(words.NotAskedFor.With(slow))}
		}
		out, err := d.command(ctx, command)
		switch {
		case err == nil:
			ends = ends && bytes.HasSuffix(out, []byte("\n"))
		case !wasAnswer(err):
			lost = err
		case errors.As(err, new(*hungError)):
			slow = err
		}
		return out, err
	}
	at := time.Now()
	d.installed = nil
	sights := map[event.Kind]sight{}
	failed := map[event.Kind]error{}
	cut := map[event.Kind]bool{}
	out := make([]event.Observation, 0, len(d.target.Items))
	for _, it := range d.target.Items {
		kind := it.Key.Kind
		if sights[kind] == nil && failed[kind] == nil {
			ends = true
			sights[kind], failed[kind] = d.system.kinds[kind](run, d.system)
			cut[kind] = !ends
		}
		if err := failed[kind]; err != nil {
			if lost != nil && !errors.As(lost, new(*hungError)) {
				break // the rest is behind the connection
			}
			out = append(out, verdict{state: event.Unknown, want: max(1, it.Want), detail: words.Of(err)}.of(it, at))
			continue
		}
		v := sights[kind].judge(it, d.system) // which may ask once more
		if lost != nil {
			break
		}
		if cut[kind] && v.state.Lost() {
			v.state, v.detail = event.Unknown, words.AnswerCut.With().And(v.detail)
		}
		out = append(out, v.of(it, at))
	}
	if lost == nil && d.presence != nil {
		d.presence.run = run
		d.installed, _ = d.presence.Detect(ctx) // never fails
		d.presence.run = nil
	}
	if lost != nil {
		d.drop()
		d.installed = nil
		return out, lost
	}
	if at.Sub(d.asked) >= factsEvery {
		found := d.system.discover(run, at)
		if lost != nil {
			d.drop()
			return out, nil // everything was seen; the facts come with the next connection
		}
		d.found, d.asked = found, at
	}
	return out, nil
}

// tell tells the facts that are new, or were told long ago.
func (d *Detector) tell(ctx context.Context) {
	declared := d.target.Declared()
	learned, _ := d.learned.Facts(ctx) // never fails
	known := d.found.Merge(learned)
	if d.presence != nil {
		installed, _ := d.presence.Facts(ctx) // what is wrong is said of the item
		known = known.Merge(installed)
	}
	known = known.Merge(declared)
	for _, c := range facts.Contradictions(declared, d.found) {
		if !slices.Contains(d.denied, c) {
			d.denied = append(d.denied, c)
			d.opts.Log.Warn("declared and discovered facts of a remote target differ", "host", d.target.Host, "what", c)
		}
	}
	now := time.Now()
	if d.opts.Tell == nil || d.told != nil && known.Equal(d.told) && now.Sub(d.toldAt) < factsEvery {
		return
	}
	if err := d.opts.Tell(ctx, event.FactsReport{Host: d.target.Host, Observer: d.opts.Observer, Facts: known, At: now}); err != nil {
		d.opts.Log.Warn("tell the facts of a remote target", "host", d.target.Host, "error", err)
		return
	}
	d.told, d.toldAt = known, now
}
