package detector

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/robfig/cron/v3"

	"dswatch/event"
	"dswatch/words"
)

// Publisher takes events for good: when it returns nil they outlive this
// process. After an error some of them may have been taken; they are offered
// again with the same ids. Publish returns soon after ctx ends and does not
// keep or change the slice, which is used again.
type Publisher interface {
	Publish(ctx context.Context, events []event.Event) error
}

// Job is one detector with its items and its timing.
type Job struct {
	Name     string // unique; for people, in logs, details and metrics
	Schedule string // see ParseSchedule
	Timeout  time.Duration
	Jitter   time.Duration // longest random wait before a scheduled pass
	Keys     []event.Key   // every item the detector was made for, at least one unless Open
	Detector Detector

	// Again says that the job may look out of turn: at the end of the hold of
	// what is lost, so that whether that lasts is seen in time. Not where a look
	// is a burden to others: a manager, a far host, targets with a rate.
	Again bool

	// Open lets the detector report items beside Keys, at most MaxOpen, that
	// nobody knew before it looked. From then on they are the job's, until an
	// answer without error leaves one out: it is gone, which is told as
	// event.Gone, and not a loss.
	Open bool
	// Veils says that the detector may hide what it did not see behind one item,
	// see veil.go.
	Veils bool
	// Known are the items that an open job reported when the program last ran.
	Known []event.Key
}

// Options are what a Scheduler is made from.
type Options struct {
	Observer      string         // this host, as events name it
	Jobs          []Job          // none is allowed: Run then only waits
	Publisher     Publisher      // needed by Run, not by Pass
	Location      *time.Location // of expressions without CRON_TZ; default the host's time zone
	SnapshotEvery time.Duration  // between two full snapshots; default 5m
	Hold          time.Duration  // how long a loss must last before it is told (rules.hold)
	Log           *slog.Logger   // default: discard
	// Pulse is called at the start of Run and then every PulseEvery, by the
	// loop that publishes, when the timetable has come round; nil: nothing is.
	Pulse func(context.Context)
	Alive func() // called each time that loop goes round; nil: nothing is
}

// PulseEvery is the time between two calls of Options.Pulse.
const PulseEvery = 5 * time.Second

const (
	// MaxPending is how many unpublished changes of one item are kept.
	MaxPending = 16
	// MaxOpen is how many items beside its keys an open job may report: five
	// of each of 200,000 computers.
	MaxOpen = 1_000_000

	defaultSnapshotEvery = 5 * time.Minute
	// snapshotParts is in how many parts a large snapshot is published, over the
	// time between two: of 20,000 computers it is 100,000 events. A part has
	// snapshotPart at least.
	snapshotParts  = 30
	snapshotPart   = 4 * publishBatch
	publishTimeout = 10 * time.Second
	publishBatch   = 256
	firstRetry     = time.Second
	lastRetry      = 30 * time.Second
	// stopPatience bounds how long Run waits for passes after its context
	// ended, and again for the last publish.
	stopPatience = 5 * time.Second
)

// Scheduler runs jobs and publishes what changed. It is safe for concurrent use.
type Scheduler struct {
	opts  Options
	jobs  []*job
	wake  chan struct{}
	again chan bool // see Again
	pulse chan struct{}

	passes sync.WaitGroup // that Run has begun, but for those of cron

	mu      sync.Mutex
	items   map[id]*item
	pending []unpublished // in the order in which they were seen
	number  uint64        // of the newest that waited
	behind  *event.Key    // what many items are behind, see glance
	stats   Stats
	running bool
}

// Stats counts what happened since the Scheduler was made.
type Stats struct {
	Published     uint64 // events the Publisher took, snapshots included
	PublishErrors uint64 // attempts that failed
	Lost          uint64 // changes given up because MaxPending newer ones of the same item waited
	Pending       int    // changes that wait for the Publisher now
	Jobs          []JobStats
}

// JobStats counts the passes of one job.
type JobStats struct {
	Name     string
	Passes   uint64 // passes that looked, failed ones included
	Failures uint64 // passes that ended in an error, a panic or a timeout
	Skipped  uint64 // passes left out because the one before had not ended
	LastAt   time.Time
	LastTook time.Duration
	LastErr  string    // why the last pass failed, empty when it did not
	LastGood time.Time // when the last pass began that did not fail; zero: none has
	Told     Told      // empty: nobody tells, or it is not known yet
	TellErr  string    // of Polled: why the system does not tell
}

// job is a Job at work. Its fields are guarded by the Scheduler's mu.
type job struct {
	Job
	schedule cron.Schedule
	hold     time.Duration      // Options.Hold
	lost     int64              // the last look that saw something lost first, in nanoseconds since 1970; 0: none
	own      []*item            // those of Keys
	found    []*item            // of an open job, beside them
	most     int                // how many found may be
	veil     *event.Observation // what the hidden items are behind
	pass     uint32             // counts the answers in parts
	busy     bool               // a pass has begun and it, or its detector, has not ended
	late     bool               // busy, and the pass was given up: only the detector has not ended
	strange  bool               // told once that the detector answers for keys nobody asked for
	returned <-chan struct{}    // closed when the detector has ended that was started last
	looked   chan struct{}      // a pass has ended
	stats    JobStats
}

// NewScheduler checks every job. Two jobs may not share a key, because their
// answers would contradict each other.
func NewScheduler(o Options) (*Scheduler, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Location == nil {
		o.Location = time.Local
	}
	if o.SnapshotEvery == 0 {
		o.SnapshotEvery = defaultSnapshotEvery
	}
	if o.SnapshotEvery < 0 {
		return nil, fmt.Errorf("new scheduler: snapshot interval %s is negative", o.SnapshotEvery)
	}
	if o.Observer == "" {
		return nil, errors.New("new scheduler: no observer name")
	}
	s := &Scheduler{opts: o, wake: make(chan struct{}, 1), again: make(chan bool, 1), pulse: make(chan struct{}, 1), items: map[id]*item{}}
	names := map[string]bool{}
	for _, spec := range o.Jobs {
		j, err := newJob(spec)
		if err != nil {
			return nil, fmt.Errorf("new scheduler: job %q: %w", spec.Name, err)
		}
		j.hold = o.Hold
		if names[j.Name] {
			return nil, fmt.Errorf("new scheduler: two jobs are named %q", j.Name)
		}
		names[j.Name] = true
		for _, k := range j.Keys {
			name := idOf(k)
			if other := s.items[name]; other != nil {
				return nil, fmt.Errorf("new scheduler: %s is watched by job %q and again by job %q", k, other.job.Name, j.Name)
			}
			it := &item{id: name, job: j}
			s.items[name] = it
			j.own = append(j.own, it)
		}
		s.jobs = append(s.jobs, j)
	}
	for _, j := range s.jobs { // after everybody's keys: they count more than what was known
		for _, k := range j.Known {
			s.mine(j, k)
		}
	}
	return s, nil
}

func newJob(spec Job) (*job, error) {
	switch {
	case spec.Name == "":
		return nil, errors.New("has no name")
	case spec.Detector == nil:
		return nil, errors.New("has no detector")
	case len(spec.Keys) == 0 && !spec.Open:
		return nil, errors.New("has no keys; leave it out")
	case len(spec.Known) > 0 && !spec.Open:
		return nil, errors.New("has known keys and is not open")
	case spec.Timeout <= 0 || spec.Jitter < 0:
		return nil, fmt.Errorf("timeout %s must be above zero and jitter %s not below", spec.Timeout, spec.Jitter)
	}
	sched, err := ParseSchedule(spec.Schedule)
	if err != nil {
		return nil, err
	}
	for _, k := range spec.Keys {
		if err := k.Validate(); err != nil {
			return nil, err
		}
	}
	return &job{Job: spec, schedule: sched, most: MaxOpen, looked: make(chan struct{}, 1), stats: JobStats{Name: spec.Name}}, nil
}

// Run looks at everything once, then by schedule, and publishes what changed.
// It returns nil once ctx has ended, running passes have ended too and what
// was still unpublished has been offered once more; each of the two waits is
// at most five seconds, and an error names the jobs that did not end.
func (s *Scheduler) Run(ctx context.Context) error {
	if s.opts.Publisher == nil {
		return errors.New("run scheduler: no publisher")
	}
	s.mu.Lock()
	again := s.running
	s.running = true
	s.mu.Unlock()
	if again {
		return errors.New("run scheduler: runs already")
	}

	var teller sync.WaitGroup
	teller.Go(func() { s.tell(ctx) })
	for _, j := range s.jobs {
		s.passes.Go(func() { s.pass(ctx, j) })
		if w, ok := j.Detector.(Watcher); ok {
			s.passes.Go(func() { s.watch(ctx, j, w) })
		}
	}
	s.beat()
	for c := s.cron(ctx); ; c = s.cron(ctx) {
		again := clockSet(ctx)
		over := c.Stop()
		if !again {
			<-over.Done() // passes return as soon as ctx ends, whatever their detectors do
			break
		}
	}
	s.passes.Wait()
	err := s.await(context.WithoutCancel(ctx))
	teller.Wait()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopPatience)
	defer cancel()
	return errors.Join(err, s.publishPending(last))
}

// cron starts what runs the jobs at their times.
func (s *Scheduler) cron(ctx context.Context) *cron.Cron {
	c := cron.New(cron.WithLocation(s.opts.Location), cron.WithLogger(cron.DiscardLogger))
	for _, j := range s.jobs {
		c.Schedule(j.schedule, cron.FuncJob(func() {
			if wait(ctx, jitter(j.Jitter)) {
				s.pass(ctx, j)
			}
		}))
	}
	if s.opts.Pulse != nil {
		c.Schedule(cron.Every(PulseEvery), cron.FuncJob(s.beat))
	}
	c.Start()
	return c
}

// clockSet waits until the wall clock was set, and reports whether it was before
// ctx ended. The cron runner compares wall-clock times: with a clock that was set
// back by an hour it would run nothing for that hour.
func clockSet(ctx context.Context) bool {
	const often, much = time.Second, 2 * time.Second
	for last := time.Now(); wait(ctx, often); {
		now := time.Now()
		if set(last, now).Abs() > much {
			return true
		}
		last = now
	}
	return false
}

// set is by how much the wall clock was set between two readings.
func set(from, to time.Time) time.Duration { return to.Round(0).Sub(from.Round(0)) - to.Sub(from) }

// Pass looks at everything once, all jobs side by side, and returns one
// observation for every item, in the order of the jobs and their keys; what an
// open job found comes after its keys. It publishes nothing.
func (s *Scheduler) Pass(ctx context.Context) []event.Observation {
	answers := make([][]event.Observation, len(s.jobs))
	var wg sync.WaitGroup
	for i, j := range s.jobs {
		wg.Go(func() {
			if !s.begin(j) {
				answers[i] = s.collect(s.unknown(j, words.PassBefore.With()))
				return
			}
			a, end := s.look(ctx, j)
			answers[i] = s.collect(a)
			end()
		})
	}
	wg.Wait()
	return slices.Concat(answers...)
}

// collect returns what was seen of the items that are not gone.
func (s *Scheduler) collect(all seen) (out []event.Observation) {
	for o, reason := range all {
		if reason != event.Gone {
			out = append(out, o)
		}
	}
	return out
}

// Last returns the newest observation of every item that was looked at,
// sorted by key.
func (s *Scheduler) Last() (out []event.Observation) {
	all := s.sorted()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, it := range all {
		if it.hidden {
			out = append(out, it.behind())
		} else {
			out = append(out, it.observation())
		}
	}
	return out
}

// sorted returns the items that were looked at, in the order of keys.
func (s *Scheduler) sorted() []*item {
	s.mu.Lock()
	out := make([]*item, 0, len(s.items))
	for _, it := range s.items {
		if it.last.state != "" || it.hidden {
			out = append(out, it)
		}
	}
	s.mu.Unlock()
	slices.SortFunc(out, func(a, b *item) int { return a.compare(b.id) })
	return out
}

// Count returns how many items there are.
func (s *Scheduler) Count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.items)
}

// Forget tells the detectors that keep what is missing for a while that a host
// is no more. It takes effect with their next look.
func (s *Scheduler) Forget(host string) {
	for _, j := range s.jobs {
		if d, ok := j.Detector.(interface{ Forget(host string) }); ok {
			d.Forget(host)
		}
	}
}

// Stats returns the counters.
func (s *Scheduler) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.stats
	out.Pending = len(s.pending)
	for _, j := range s.jobs {
		out.Jobs = append(out.Jobs, j.stats)
	}
	return out
}

// await waits for the detectors that still run, together at most stopPatience.
func (s *Scheduler) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stopPatience)
	defer cancel()
	var late []string
	for _, j := range s.jobs {
		s.mu.Lock()
		returned := j.returned
		s.mu.Unlock()
		if returned == nil {
			continue
		}
		select {
		case <-returned:
		case <-ctx.Done():
			select {
			case <-returned:
			default:
				late = append(late, j.Name)
			}
		}
	}
	if late == nil {
		return nil
	}
	return fmt.Errorf("stop scheduler: detectors that have not ended after %s: %s", stopPatience, strings.Join(late, ", "))
}

// begin marks the job as busy, or counts a skipped pass.
func (s *Scheduler) begin(j *job) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if j.busy {
		j.stats.Skipped++
		return false
	}
	j.busy = true
	return true
}

// pass looks and takes note of the answer.
func (s *Scheduler) pass(ctx context.Context, j *job) {
	if !s.begin(j) {
		s.mu.Lock()
		late := j.late
		s.mu.Unlock()
		if late {
			s.record(s.unknown(j, words.StillLooking.With(j.Name, j.Timeout)))
		}
		return
	}
	answer, end := s.look(ctx, j)
	// An answer given while the program ends says nothing about the host.
	if ctx.Err() == nil {
		s.record(answer)
	}
	end()
	select {
	case j.looked <- struct{}{}:
	default: // nobody watches, or it is known already
	}
	s.lookAgain(ctx, j)
}

// seen is what came of one look: an observation of every item of the job, with
// the reason hidden those of what is behind its veil, and with event.Gone those
// of what an open job no longer has. It is gone through once.
type seen = iter.Seq2[event.Observation, event.Reason]

// answer is what a detector returned.
type answer struct {
	observations []event.Observation
	parts        iter.Seq[event.Observation] // of a Streamer
	err          error
}

// look asks the detector of a job that begin has marked as busy. The caller
// calls end when it has dealt with the observations; until then, and until
// the detector has returned, no other pass of the job begins.
func (s *Scheduler) look(ctx context.Context, j *job) (got seen, end func()) {
	start := time.Now()
	ctx, cancel := context.WithTimeout(ctx, j.Timeout)
	returned := make(chan struct{})
	s.mu.Lock()
	j.returned = returned
	s.mu.Unlock()
	var given answer // read only after returned is closed
	go func() {
		defer cancel() // after the close: an answer in time is never taken for a timeout
		defer close(returned)
		given = s.detect(ctx, j)
	}()

	var a answer
	select {
	case <-returned:
		a = given
	case <-ctx.Done():
		select { // an answer that came at the same moment is an answer
		case <-returned:
			a = given
		default:
			a.err = ctx.Err()
		}
	}
	if errors.Is(a.err, context.DeadlineExceeded) && ctx.Err() == context.DeadlineExceeded {
		a.err = words.Fail(words.NoAnswer.With(j.Timeout))
	}
	s.count(j, start, a.err)
	if a.err != nil && len(a.observations) > 0 { // what was seen all the same
		got = s.complete(j, start, a.observations, a.err)
	} else if a.err != nil {
		got = s.unknown(j, words.Of(a.err))
	} else if a.parts != nil {
		got = s.follow(j, start, a.parts)
	} else {
		got = s.complete(j, start, a.observations, nil)
	}
	return got, func() { s.release(j) }
}

// release ends the busy mark of j now if its detector has returned, else
// once it does.
func (s *Scheduler) release(j *job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-j.returned:
		j.busy = false
	default:
		j.late = true
		go func() {
			<-j.returned
			s.mu.Lock()
			defer s.mu.Unlock()
			j.busy, j.late = false, false
		}()
	}
}

// detect calls the detector; a panic becomes an error.
func (s *Scheduler) detect(ctx context.Context, j *job) (a answer) {
	defer func() {
		if p := recover(); p != nil {
			s.opts.Log.Error("detector panicked", "job", j.Name, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			a = answer{err: words.Fail(words.Panicked.With(fmt.Sprint(p)))}
		}
	}()
	if d, ok := j.Detector.(Streamer); ok {
		parts, err := d.Stream(ctx)
		return answer{parts: parts, err: err}
	}
	o, err := j.Detector.Detect(ctx)
	return answer{observations: o, err: err}
}

// count keeps the job's figures, and logs when it begins or ceases to fail.
func (s *Scheduler) count(j *job, start time.Time, err error) {
	s.mu.Lock()
	failedBefore := j.stats.LastErr != ""
	j.stats.Passes++
	j.stats.LastAt, j.stats.LastTook, j.stats.LastErr = start, time.Since(start), ""
	if err != nil {
		j.stats.Failures++
		j.stats.LastErr = plain(err.Error())
	} else {
		j.stats.LastGood = start
	}
	reason := j.stats.LastErr
	s.mu.Unlock()
	switch {
	case err != nil && !failedBefore:
		s.opts.Log.Warn("detector cannot look", "job", j.Name, "error", reason)
	case err == nil && failedBefore:
		s.opts.Log.Info("detector looks again", "job", j.Name)
	}
}

// unknown answers for every item of j.
func (s *Scheduler) unknown(j *job, why event.Said) seen {
	now, why := time.Now(), why.Clip(event.MaxDetail)
	return func(yield func(event.Observation, event.Reason) bool) {
		for it := range s.all(j) {
			if !yield(s.unseen(it, now, why), "") {
				return
			}
		}
	}
}

// all goes through the items of j, its own first.
func (s *Scheduler) all(j *job) iter.Seq[*item] {
	s.mu.Lock()
	defer s.mu.Unlock()
	own, found := slices.Values(j.own), slices.Values(j.found)
	return func(yield func(*item) bool) {
		for _, some := range []iter.Seq[*item]{own, found} {
			for it := range some {
				if !yield(it) {
					return
				}
			}
		}
	}
}

// unseen answers for an item that was not seen.
func (s *Scheduler) unseen(it *item, now time.Time, why event.Said) event.Observation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return event.Observation{Key: it.key(), State: event.Unknown, Want: int(it.last.want), Detail: why, At: now}
}

// complete makes one valid observation of each item of j out of what its
// detector answered. With an error that is not the whole: what it left out is
// not gone.
func (s *Scheduler) complete(j *job, start time.Time, answered []event.Observation, err error) seen {
	byItem := make(map[*item]event.Observation, len(answered))
	veiled := false
	for _, o := range answered {
		it := s.mine(j, o.Key)
		if it == nil {
			continue
		}
		o = valid(o, start)
		veiled = s.veil(j, &o) || veiled
		if before, ok := byItem[it]; ok && !before.Same(o) {
			o = event.Observation{Key: o.Key, State: event.Unknown, Detail: words.AnsweredTwice.With(), At: start}
		}
		byItem[it] = o
	}
	why := words.Unanswered.With()
	if err != nil {
		why = words.Of(err)
	}
	gone := s.leave(j, func(it *item) bool { _, ok := byItem[it]; return ok || err != nil || veiled })
	return func(yield func(event.Observation, event.Reason) bool) {
		for _, it := range gone {
			if !yield(s.left(j, it, start), event.Gone) {
				return
			}
		}
		for it := range s.all(j) {
			o, ok := byItem[it]
			reason := event.Reason("")
			switch {
			case !ok && veiled:
				o, reason = s.unanswered(it), hidden
			case !ok:
				o = s.unseen(it, start, why)
			}
			if !yield(o, reason) {
				return
			}
		}
	}
}

// follow is complete for an answer in parts: each is dealt with as it comes,
// so the whole is never held. Of two answers for one item the first counts.
func (s *Scheduler) follow(j *job, start time.Time, parts iter.Seq[event.Observation]) seen {
	j.pass++ // one pass at a time
	return func(yield func(event.Observation, event.Reason) bool) {
		veiled := false
		for o := range parts {
			it := s.mine(j, o.Key)
			if it == nil || it.pass == j.pass {
				continue
			}
			it.pass = j.pass
			o = valid(o, start)
			veiled = s.veil(j, &o) || veiled
			if !yield(o, "") {
				return
			}
		}
		answered := func(it *item) bool { return it.pass == j.pass }
		if veiled {
			for it := range s.all(j) {
				if !answered(it) && !yield(s.unanswered(it), hidden) {
					return
				}
			}
			return
		}
		for _, it := range s.leave(j, answered) {
			if !yield(s.left(j, it, start), event.Gone) {
				return
			}
		}
		for _, it := range j.own {
			if !answered(it) && !yield(s.unseen(it, start, words.Unanswered.With()), "") {
				return
			}
		}
	}
}

// valid makes o fit to be told.
func valid(o event.Observation, start time.Time) event.Observation {
	if o.At.IsZero() {
		o.At = start
	}
	o.Detail = o.Detail.Clip(event.MaxDetail)
	if err := o.Validate(); err != nil {
		return event.Observation{Key: o.Key, State: event.Unknown, Detail: words.AnswerInvalid.With(err), At: start}
	}
	return o
}

// leave takes from an open job what it found once and that does not stay.
func (s *Scheduler) leave(j *job, stays func(*item) bool) (gone []*item) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j.found = slices.DeleteFunc(j.found, func(it *item) bool {
		if stays(it) {
			return false
		}
		it.job = nil
		if it.waiting == 0 {
			delete(s.items, it.id)
		}
		gone = append(gone, it)
		return true
	})
	return gone
}

// left is the last observation of an item that is gone.
func (s *Scheduler) left(j *job, it *item, now time.Time) event.Observation {
	return s.unseen(it, now, words.NoLongerReported.With(j.Name))
}

// mine returns the item k if the answer for it is j's to give, else nil. An
// open job takes what is new.
func (s *Scheduler) mine(j *job, k event.Key) *item {
	name := idOf(k)
	s.mu.Lock()
	it := s.items[name]
	if it == nil || it.job == nil {
		it = s.adopt(j, k, it)
	}
	s.mu.Unlock()
	if it == nil || it.job != j {
		s.dropped(j, k)
		return nil
	}
	return it
}

// adopt makes k an item of j, if j is open and may have it. Was is what is
// kept of it, if it is gone and events of it wait. The caller holds mu.
func (s *Scheduler) adopt(j *job, k event.Key, was *item) *item {
	if !j.Open || len(j.found) >= j.most || k.Validate() != nil {
		return nil
	}
	if was == nil {
		was = &item{id: idOf(k)}
		s.items[was.id] = was
	}
	was.job, was.pass = j, 0
	j.found = append(j.found, was)
	return was
}

// dropped tells about an answer nobody asked for, or one too many of an open
// job, once for each job aloud.
func (s *Scheduler) dropped(j *job, k event.Key) {
	s.mu.Lock()
	level := slog.LevelWarn
	if j.strange {
		level = slog.LevelDebug
	}
	j.strange = true
	s.mu.Unlock()
	s.opts.Log.Log(context.Background(), level, "detector answered for an item that is not its own", "job", j.Name, "item", plain(k.String()))
}

// record keeps the observations and queues an event for each that is new.
func (s *Scheduler) record(got seen) {
	news := false
	for o, reason := range got {
		news = s.note(o, reason) || news
	}
	if news {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
}

// note is record for one observation. It reports whether there is something
// to publish.
func (s *Scheduler) note(o event.Observation, reason event.Reason) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	it := s.items[idOf(o.Key)]
	if reason == event.Gone && it == nil {
		it = &item{id: idOf(o.Key)}
		s.items[it.id] = it // until that is published
	}
	switch {
	case reason != hidden:
	case it == nil || it.job == nil:
		return false
	case it.last.state != "" || it.job.Open: // else nobody may know that there is such an item
		it.hidden = true
		return false
	}
	before := it.observation()
	known := before.State != ""
	again := it.hidden && o.State != event.Up // what was told may not count any more
	it.hidden = false
	was := it.lost
	lasts := reason != event.Gone && it.loses(o, s.opts.Hold)
	if was == 0 && it.lost != 0 && it.job != nil {
		it.job.lost = max(it.job.lost, it.lost)
	}
	if known && reason != event.Gone && before.Same(o) {
		it.last = s.glance(o)
		if lasts || again {
			s.queue(it, event.Snapshot, o)
		}
		return lasts || again
	}
	if it.unsaid && it.first == nil {
		it.first = &before
	}
	it.last, it.veils = s.glance(o), o.Veils != ""
	o.Again = it.promise()
	switch {
	case reason == event.Gone:
		it.last, it.lost, it.lasts = glance{}, 0, false
		s.queue(it, reason, o)
	case known:
		s.queue(it, event.Change, o)
	case it.unsaid:
		s.queue(it, event.Snapshot, o)
	default:
		// The first look at an item changes nothing; together the first
		// looks are the snapshot at the start.
		it.unsaid = true
		s.wait(it, nil)
	}
	return true
}

// queue appends an event, and gives up the oldest one of its item if too many
// wait.
func (s *Scheduler) queue(it *item, reason event.Reason, o event.Observation) {
	if it.waiting >= MaxPending {
		oldest := slices.IndexFunc(s.pending, func(u unpublished) bool { return u.item == it })
		s.settled(s.pending[oldest])
		s.pending = slices.Delete(s.pending, oldest, oldest+1)
		s.stats.Lost++
	}
	e := it.event(s.opts.Observer, reason, o)
	s.wait(it, &e)
}

func (s *Scheduler) wait(it *item, e *event.Event) {
	s.number++
	s.pending = append(s.pending, unpublished{s.number, e, it})
	it.waiting++
}

// tell publishes changes as they come and snapshots as they fall due, large ones
// in parts, until ctx ends.
func (s *Scheduler) tell(ctx context.Context) {
	snapshots := time.NewTicker(s.opts.SnapshotEvery)
	defer snapshots.Stop()
	next := time.NewTimer(0) // part of the snapshot
	next.Stop()
	defer next.Stop()
	retry := time.NewTimer(0)
	retry.Stop()
	defer retry.Stop()
	var rest []*item // of the snapshot, not told yet
	part := 0        // how many of them are told together
	due, failing, delay := false, false, firstRetry
	for {
		s.turn()
		select {
		case <-ctx.Done():
			return
		case <-s.pulse:
			s.opts.Pulse(ctx)
			continue
		case whole := <-s.again:
			if whole {
				rest, due = s.sorted(), true
				part = len(rest)
			}
		case <-s.wake:
			if failing { // the retry will take it along
				continue
			}
		case <-snapshots.C:
			rest, due = s.sorted(), true
			part = max(snapshotPart, (len(rest)+snapshotParts-1)/snapshotParts)
			if failing {
				continue
			}
		case <-next.C:
			due = true
			if failing {
				continue
			}
		case <-retry.C:
		}
		err := s.publishPending(ctx)
		if err == nil && due {
			now := rest[:min(part, len(rest))]
			if err = s.publishSnapshot(ctx, now); err == nil {
				rest, due = rest[len(now):], false
			}
			if len(rest) > 0 {
				next.Reset(s.opts.SnapshotEvery / snapshotParts)
			} else {
				rest = nil
			}
		}
		if ctx.Err() != nil {
			return
		}
		switch {
		case err != nil:
			if !failing {
				s.opts.Log.Warn("cannot publish; changes wait", "error", err)
			}
			failing = true
			retry.Reset(delay)
			delay = min(2*delay, lastRetry)
		case failing:
			s.opts.Log.Info("publishes again")
			failing, delay = false, firstRetry
		}
	}
}

// Again publishes what waits at once, where it waits because the Publisher
// failed: it is said to work again. With whole, a snapshot follows: what was
// published before may be lost.
func (s *Scheduler) Again(whole bool) {
	s.beat()
	for {
		select {
		case s.again <- whole:
			return
		case before := <-s.again: // not taken yet
			whole = whole || before
		}
	}
}

// Retry publishes at once what waits because the Publisher failed: it has just
// taken something else.
func (s *Scheduler) Retry() {
	select {
	case s.again <- false:
	default: // it is asked for already
	}
}

// publishPending offers what waits, oldest first, and takes from the queue
// what was accepted. Only one call at a time is made.
func (s *Scheduler) publishPending(ctx context.Context) error {
	batch := make([]event.Event, 0, publishBatch)
	for {
		batch = batch[:0]
		s.mu.Lock()
		last := uint64(0)
		for _, u := range s.pending[:min(len(s.pending), publishBatch)] {
			batch, last = append(batch, u.told(s.opts.Observer)), u.number
		}
		s.mu.Unlock()
		if len(batch) == 0 {
			return nil
		}
		if err := s.publish(ctx, batch); err != nil {
			return err
		}
		s.mu.Lock()
		// While the Publisher worked, the oldest events of some items may have
		// been given up, so at most as many as were sent stand in front. What is
		// behind them is not moved: the first look at a fleet is long.
		n := 0
		for n < len(s.pending) && s.pending[n].number <= last {
			s.settled(s.pending[n])
			n++
		}
		clear(s.pending[:n])
		if s.pending = s.pending[n:]; len(s.pending) == 0 {
			s.pending = nil // with the room that the first look took
		}
		s.mu.Unlock()
	}
}

// publishSnapshot offers the newest look at these items. Nothing of it is
// queued: when it fails, the next try takes newer looks.
func (s *Scheduler) publishSnapshot(ctx context.Context, items []*item) error {
	batch := make([]event.Event, 0, publishBatch)
	for some := range slices.Chunk(items, publishBatch) {
		batch = batch[:0]
		s.mu.Lock()
		for _, it := range some {
			// A change that came since the queue was emptied goes first, as a
			// change; what is hidden is told by what it is behind; and one that has
			// gone since the snapshot began is none of it.
			if it.waiting == 0 && !it.hidden && it.last.state != "" {
				batch = append(batch, it.event(s.opts.Observer, event.Snapshot, it.observation()))
			}
		}
		s.mu.Unlock()
		if len(batch) == 0 {
			continue
		}
		if err := s.publish(ctx, batch); err != nil {
			return err
		}
	}
	return nil
}

// beat asks for one call of Options.Pulse.
func (s *Scheduler) beat() {
	if s.opts.Pulse == nil {
		return
	}
	select {
	case s.pulse <- struct{}{}:
	default: // the one before waits
	}
}

func (s *Scheduler) turn() {
	if s.opts.Alive != nil {
		s.opts.Alive()
	}
}

func (s *Scheduler) publish(ctx context.Context, events []event.Event) error {
	s.turn()
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	err := s.opts.Publisher.Publish(ctx, events)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.stats.PublishErrors++
		return fmt.Errorf("publish %d events: %w", len(events), err)
	}
	s.stats.Published += uint64(len(events))
	return nil
}

// jitter returns a random duration below most.
func jitter(most time.Duration) time.Duration {
	if most <= 0 {
		return 0
	}
	return rand.N(most)
}

// wait sleeps for d and reports whether ctx is still alive.
func wait(ctx context.Context, d time.Duration) bool {
	if d == 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
