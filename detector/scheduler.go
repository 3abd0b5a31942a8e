package detector

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/robfig/cron/v3"

	"dswatch/event"
)

// Publisher takes events for good: when it returns nil they outlive this
// process. After an error some of them may have been taken; they are offered
// again with the same ids. Publish returns soon after ctx ends and does not
// keep or change the slice.
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

	// Open lets the detector report items beside Keys, at most MaxOpen, that
	// nobody knew before it looked. From then on they are the job's, until an
	// answer without error leaves one out: it is gone, which is told as
	// event.Gone, and not a loss.
	Open bool
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
	Log           *slog.Logger   // default: discard
}

const (
	// MaxPending is how many unpublished changes of one item are kept.
	MaxPending = 16
	// MaxOpen is how many items beside its keys an open job may report: five
	// of each of 200,000 computers.
	MaxOpen = 1_000_000

	defaultSnapshotEvery = 5 * time.Minute
	publishTimeout       = 10 * time.Second
	publishBatch         = 256
	firstRetry           = time.Second
	lastRetry            = 30 * time.Second
	// stopPatience bounds how long Run waits for passes after its context
	// ended, and again for the last publish.
	stopPatience = 5 * time.Second
)

// Scheduler runs jobs and publishes what changed. It is safe for concurrent use.
type Scheduler struct {
	opts Options
	jobs []*job
	wake chan struct{}

	mu      sync.Mutex
	owner   map[event.Key]*job
	last    map[event.Key]event.Observation
	pending []event.Event     // unpublished, in the order they were seen
	waiting map[event.Key]int // how many of pending are about the key
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
	LastErr  string // why the last pass failed, empty when it did not
}

// job is a Job at work. Its fields are guarded by the Scheduler's mu.
type job struct {
	Job
	schedule cron.Schedule
	found    []event.Key     // of an open job, beside Keys
	most     int             // how many found may be
	busy     bool            // a pass has begun and it, or its detector, has not ended
	late     bool            // busy, and the pass was given up: only the detector has not ended
	strange  bool            // told once that the detector answers for keys nobody asked for
	returned <-chan struct{} // closed when the detector has ended that was started last
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
	s := &Scheduler{opts: o, wake: make(chan struct{}, 1), owner: map[event.Key]*job{}, last: map[event.Key]event.Observation{}, waiting: map[event.Key]int{}}
	names := map[string]bool{}
	for _, spec := range o.Jobs {
		j, err := newJob(spec)
		if err != nil {
			return nil, fmt.Errorf("new scheduler: job %q: %w", spec.Name, err)
		}
		if names[j.Name] {
			return nil, fmt.Errorf("new scheduler: two jobs are named %q", j.Name)
		}
		names[j.Name] = true
		for _, k := range j.Keys {
			if other, ok := s.owner[k]; ok {
				return nil, fmt.Errorf("new scheduler: %s is watched by job %q and again by job %q", k, other.Name, j.Name)
			}
			s.owner[k] = j
		}
		s.jobs = append(s.jobs, j)
	}
	for _, j := range s.jobs { // after everybody's keys: they count more than what was known
		for _, k := range j.Known {
			s.adopt(j, k)
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
	return &job{Job: spec, schedule: sched, most: MaxOpen, stats: JobStats{Name: spec.Name}}, nil
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

	var passes, teller sync.WaitGroup
	teller.Go(func() { s.tell(ctx) })
	c := cron.New(cron.WithLocation(s.opts.Location), cron.WithLogger(cron.DiscardLogger))
	for _, j := range s.jobs {
		passes.Go(func() { s.pass(ctx, j) })
		c.Schedule(steady{j.schedule}, cron.FuncJob(func() {
			if wait(ctx, jitter(j.Jitter)) {
				s.pass(ctx, j)
			}
		}))
	}
	c.Start()
	<-ctx.Done()

	<-c.Stop().Done() // passes return as soon as ctx ends, whatever their detectors do
	passes.Wait()
	err := s.await(context.WithoutCancel(ctx))
	teller.Wait()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopPatience)
	defer cancel()
	return errors.Join(err, s.publishPending(last))
}

// Pass looks at everything once, all jobs side by side, and returns one
// observation for every item, in the order of the jobs and their keys; what an
// open job found comes after its keys. It publishes nothing.
func (s *Scheduler) Pass(ctx context.Context) []event.Observation {
	answers := make([][]event.Observation, len(s.jobs))
	var wg sync.WaitGroup
	for i, j := range s.jobs {
		wg.Go(func() {
			if !s.begin(j) {
				answers[i] = s.unknown(j, "the pass before has not ended; try again")
				return
			}
			a, end := s.look(ctx, j)
			answers[i] = a.observations
			end()
		})
	}
	wg.Wait()
	return slices.Concat(answers...)
}

// Last returns the newest observation of every item that was looked at,
// sorted by key.
func (s *Scheduler) Last() []event.Observation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sorted()
}

func (s *Scheduler) sorted() []event.Observation {
	out := make([]event.Observation, 0, len(s.last))
	for _, o := range s.last {
		out = append(out, o)
	}
	slices.SortFunc(out, func(a, b event.Observation) int { return cmp.Compare(a.Key.String(), b.Key.String()) })
	return out
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
			s.record(seen{observations: s.unknown(j, fmt.Sprintf("the look of %s has still not ended after more than %s", j.Name, j.Timeout))})
		}
		return
	}
	answer, end := s.look(ctx, j)
	// An answer given while the program ends says nothing about the host.
	if ctx.Err() == nil {
		s.record(answer)
	}
	end()
}

// seen is what came of one look.
type seen struct {
	observations []event.Observation // one of every item of the job
	gone         []event.Observation // the last of what an open job no longer has
}

// answer is what a detector returned.
type answer struct {
	observations []event.Observation
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
		a.err = fmt.Errorf("no answer within %s; if the host is only slow, raise the timeout of this detector", j.Timeout)
	}
	s.count(j, start, a.err)
	if a.err != nil {
		got.observations = s.unknown(j, a.err.Error())
	} else {
		got = s.complete(j, start, a.observations)
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
			a = answer{err: fmt.Errorf("detector panicked: %v; the log has the stack, please report it", p)}
		}
	}()
	o, err := j.Detector.Detect(ctx)
	return answer{o, err}
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
func (s *Scheduler) unknown(j *job, why string) []event.Observation {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, why := time.Now(), plain(why)
	out := make([]event.Observation, 0, len(j.Keys)+len(j.found))
	for _, keys := range [][]event.Key{j.Keys, j.found} {
		for _, k := range keys {
			out = append(out, event.Observation{Key: k, State: event.Unknown, Want: s.last[k].Want, Detail: why, At: now})
		}
	}
	return out
}

// complete makes one valid observation of each item of j out of what its
// detector answered without an error.
func (s *Scheduler) complete(j *job, start time.Time, answered []event.Observation) seen {
	byKey := make(map[event.Key]event.Observation, len(answered))
	for _, o := range answered {
		if !s.mine(j, o.Key) {
			continue
		}
		if o.At.IsZero() {
			o.At = start
		}
		o.Detail = plain(o.Detail)
		if err := o.Validate(); err != nil {
			o = event.Observation{Key: o.Key, State: event.Unknown, Detail: plain("the detector's answer is not valid: " + err.Error()), At: start}
		}
		if before, ok := byKey[o.Key]; ok && !before.Same(o) {
			o = event.Observation{Key: o.Key, State: event.Unknown, Detail: "the detector answered twice and differently", At: start}
		}
		byKey[o.Key] = o
	}
	s.mu.Lock()
	var gone []event.Observation
	j.found = slices.DeleteFunc(j.found, func(k event.Key) bool {
		if _, ok := byKey[k]; ok {
			return false
		}
		delete(s.owner, k)
		gone = append(gone, event.Observation{Key: k, State: event.Unknown, Want: s.last[k].Want, Detail: "no longer reported by " + j.Name, At: start})
		return true
	})
	s.mu.Unlock()
	all := s.unknown(j, "the detector did not answer for this item")
	for i, o := range all {
		if got, ok := byKey[o.Key]; ok {
			all[i] = got
		}
	}
	return seen{all, gone}
}

// mine reports whether the answer for k is j's to give. An open job takes
// what is new.
func (s *Scheduler) mine(j *job, k event.Key) bool {
	s.mu.Lock()
	mine := s.owner[k] == j || s.adopt(j, k)
	s.mu.Unlock()
	if !mine {
		s.dropped(j, k)
	}
	return mine
}

// adopt makes k an item of j, if j is open and may have it. The caller holds
// mu, or is alone.
func (s *Scheduler) adopt(j *job, k event.Key) bool {
	if _, taken := s.owner[k]; taken || !j.Open || len(j.found) >= j.most || k.Validate() != nil {
		return false
	}
	s.owner[k] = j
	j.found = append(j.found, k)
	return true
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
	s.mu.Lock()
	defer s.mu.Unlock()
	news := len(got.gone) > 0
	for _, o := range got.gone {
		delete(s.last, o.Key)
		s.queue(event.NewState(s.opts.Observer, event.Gone, o))
	}
	for _, o := range got.observations {
		before, known := s.last[o.Key]
		s.last[o.Key] = o
		if known && before.Same(o) {
			continue
		}
		// The first look at an item changes nothing; together the first
		// looks are the snapshot at the start.
		reason := event.Snapshot
		if known {
			reason = event.Change
		}
		s.queue(event.NewState(s.opts.Observer, reason, o))
		news = true
	}
	if news {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
}

// queue appends e, and gives up the oldest event of its item if too many wait.
func (s *Scheduler) queue(e event.Event) {
	if s.waiting[e.Key()] >= MaxPending {
		oldest := slices.IndexFunc(s.pending, func(p event.Event) bool { return p.Key() == e.Key() })
		s.pending = slices.Delete(s.pending, oldest, oldest+1)
		s.waiting[e.Key()]--
		s.stats.Lost++
	}
	s.pending = append(s.pending, e)
	s.waiting[e.Key()]++
}

// tell publishes changes as they come and snapshots as they fall due, until
// ctx ends.
func (s *Scheduler) tell(ctx context.Context) {
	snapshots := time.NewTicker(s.opts.SnapshotEvery)
	defer snapshots.Stop()
	retry := time.NewTimer(0)
	retry.Stop()
	defer retry.Stop()
	due, failing, delay := false, false, firstRetry
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
			if failing { // the retry will take it along
				continue
			}
		case <-snapshots.C:
			due = true
			if failing {
				continue
			}
		case <-retry.C:
		}
		err := s.publishPending(ctx)
		if err == nil && due {
			err = s.publishSnapshot(ctx)
			due = err != nil
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

// publishPending offers what waits, oldest first, and takes from the queue
// what was accepted. Only one call at a time is made.
func (s *Scheduler) publishPending(ctx context.Context) error {
	for {
		s.mu.Lock()
		batch := slices.Clone(s.pending[:min(len(s.pending), publishBatch)])
		s.mu.Unlock()
		if len(batch) == 0 {
			return nil
		}
		if err := s.publish(ctx, batch); err != nil {
			return err
		}
		sent := make(map[string]bool, len(batch))
		for _, e := range batch {
			sent[e.ID] = true
		}
		s.mu.Lock()
		// While the Publisher worked, the oldest events of some items may have
		// been given up, so at most as many as were sent stand in front. What is
		// behind them is not moved: the first look at a fleet is long.
		n := 0
		for n < len(s.pending) && sent[s.pending[n].ID] {
			if k := s.pending[n].Key(); s.waiting[k] > 1 {
				s.waiting[k]--
			} else {
				delete(s.waiting, k)
			}
			n++
		}
		clear(s.pending[:n])
		s.pending = s.pending[n:]
		s.mu.Unlock()
	}
}

// publishSnapshot offers the newest look at every item. Nothing of it is
// queued: when it fails, the next try takes newer looks.
func (s *Scheduler) publishSnapshot(ctx context.Context) error {
	s.mu.Lock()
	var events []event.Event
	for _, o := range s.sorted() {
		// A change that came since the queue was emptied goes first, as a change.
		if s.waiting[o.Key] == 0 {
			events = append(events, event.NewState(s.opts.Observer, event.Snapshot, o))
		}
	}
	s.mu.Unlock()
	for batch := range slices.Chunk(events, publishBatch) {
		if err := s.publish(ctx, batch); err != nil {
			return err
		}
	}
	return nil
}

func (s *Scheduler) publish(ctx context.Context, events []event.Event) error {
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
