package bus

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"dswatch/setting"
)

// Message is one message to store.
type Message struct {
	Subject string // dswatch.event.web01.process; its first tokens choose the stream
	ID      string // the same ID within the stream's window is stored once; empty: always stored
	Again   bool   // of one without ID: to store it twice does no harm
	Data    []byte
}

// PublishError says which messages of one Publish were not confirmed. The
// server may still have stored some of them; publishing those again with the
// same IDs is safe.
type PublishError struct {
	Failed []int // indexes, ascending
	Err    error // why the first of them failed
	first  string
	of     int
}

func (e *PublishError) Error() string {
	return fmt.Sprintf("publish %d of %d messages, first %s: %v", len(e.Failed), e.of, e.first, e.Err)
}

func (e *PublishError) Unwrap() error { return e.Err }

// Errors of Publish and of the buckets, to be found with errors.Is.
var (
	// ErrNoSpace means that the disk under bus.dir is nearly full.
	ErrNoSpace = errors.New("too little space for the message store")
	// ErrNotConnected means that the external server cannot be reached now.
	ErrNotConnected = errors.New("not connected to the NATS server")
	// ErrNotConfirmed means that the server has not confirmed in time; what
	// was sent may be stored or not.
	ErrNotConfirmed = errors.New("the server has not confirmed")
	// ErrNotReady means that the external server answers but cannot store yet,
	// as a cluster that has no quorum.
	ErrNotReady = errors.New("the NATS server cannot store now")
	// ErrBroken means that the embedded store has failed and is being mended.
	ErrBroken = errors.New("the message store has failed")
	// ErrMadeAnew means that a stream was lost and made again: positions begin
	// anew, and what was read from it counts no more.
	ErrMadeAnew = errors.New("the stream was made anew")
	// ErrNoHistory means that the server has no stream for history.
	ErrNoHistory = errors.New("the message server does not keep history")
	// ErrConflict means that a key has another revision than expected.
	ErrConflict = errors.New("the key was changed by someone else")
	// ErrClosed means that the bus or the consumer is closed.
	ErrClosed = errors.New("closed")
)

// Publish stores msgs in order and returns when all are stored. On failure
// the error is a *PublishError. Messages of one call go to the server without
// waiting for each other, so one call with many is much faster than many calls;
// when a cluster changes its leader in between, some may be stored later than
// those that follow.
func (b *Bus) Publish(ctx context.Context, msgs ...Message) error {
	_, err := b.Store(ctx, msgs...)
	return err
}

// Store is Publish that also returns the sequence of each message in its
// stream; 0 for one that failed.
func (b *Bus) Store(ctx context.Context, msgs ...Message) ([]uint64, error) {
	if len(msgs) == 0 {
		return nil, nil
	}
	if err := b.lacks(msgs[0].Subject); err != nil {
		return make([]uint64, len(msgs)), err
	}
	reqs := make([]request, len(msgs))
	for i, m := range msgs {
		reqs[i] = request{subject: m.Subject, stream: streamOf(m.Subject), id: m.ID, again: m.Again, data: m.Data, expect: Any}
	}
	answers := b.pub.send(ctx, reqs)
	var failed *PublishError
	at := make([]uint64, len(msgs))
	for i, a := range answers {
		if a.err == nil {
			at[i] = a.seq
			continue
		}
		if failed == nil {
			failed = &PublishError{Err: a.err, first: setting.Clip(msgs[i].Subject), of: len(msgs)}
		}
		failed.Failed = append(failed.Failed, i)
	}
	if failed == nil {
		return at, nil
	}
	return at, failed
}

// lacks says why what is published to the subject cannot be stored, though all
// else can; nil: it can.
func (b *Bus) lacks(subject string) error {
	if streamOf(subject) != History {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.noHistory
}

// request is one message on its way to a stream.
type request struct {
	subject string
	stream  string // that takes the subject; empty: unknown
	id      string
	data    []byte
	again   bool   // it may be stored twice, as the value of a key, which replaces the one before
	expect  uint64 // the last sequence the subject must have, or Any
	deleted bool   // the message marks its subject as deleted
	rollup  bool   // the message takes the place of all of its subject
}

// answer is what the server said to one request.
type answer struct {
	stream string
	seq    uint64
	copy   bool // it was stored before, under that sequence
	err    error
}

const (
	// chunk is how many messages share a lane, lanes how many chunks can be
	// unconfirmed at once. More is not faster, and the server remembers the
	// way to 512 reply subjects: as long as all answers come to fewer than
	// that, it need not look for the way each time.
	chunk = 64
	lanes = 7
	// patience is how long the server may stay silent before what it has not
	// confirmed counts as failed. A disk that is busy answers late; a store
	// that is broken never.
	patience = 10 * time.Second
	// retryWait and retries bound how long a message is offered again when
	// nobody answers for its stream, as while a cluster elects a leader.
	retryWait = 250 * time.Millisecond
	retries   = 20
)

// errUnsure is the answer to a message of a run that did not come out.
var errUnsure = errors.New("not confirmed by the end of its run")

// errRetry wraps an answer that means "not now".
type errRetry struct{ error }

func (e errRetry) Unwrap() error { return e.error }

// publisher sends messages without waiting for each answer. The library has
// the like; this one needs half the memory and a third of the time per
// message, gives the answers of a batch in order, and fails at once when the
// connection is lost.
type publisher struct {
	nc       atomic.Pointer[nats.Conn]
	inbox    string              // answers come to inbox + lane + "." + index
	free     chan uint64         // lanes that no call uses
	ready    func() error        // why nothing can be published now
	hint     func() string       // the next step when the server stays silent
	missing  func(stream string) // told a stream that nobody answers for
	patience time.Duration       // patience, shorter in tests

	// sole is set with the embedded server, where nobody else writes. Then a
	// run of messages for one stream is confirmed by its last one: if that
	// got the sequence that was due, so did those before it. This saves a
	// tenth of the processor time of a state change; see ADR 13, also for the
	// server's own batches.
	sole    bool
	sending sync.Mutex // held for a chunk, so that runs do not mix

	mu    sync.Mutex
	calls map[uint64]*call  // by lane
	next  uint64            // the next lane that was never used
	last  map[string]uint64 // by stream: its last sequence, as answers told
}

// call is one chunk that waits for answers.
type call struct {
	lane     uint64
	mu       sync.Mutex
	answers  []answer
	answered []bool
	from     []int // of a message that answers for a run: where the run begins
	left     int
	done     chan struct{} // closed when every answer is there
}

func newPublisher(ready func() error, hint func() string, missing func(stream string)) *publisher {
	p := &publisher{
		missing: missing,
		inbox:   nats.NewInbox() + ".", free: make(chan uint64, lanes), next: lanes,
		ready: ready, hint: hint, patience: patience, calls: map[uint64]*call{}, last: map[string]uint64{},
	}
	for i := range uint64(lanes) {
		p.free <- i
	}
	return p
}

// attach sends through nc from now on.
func (p *publisher) attach(nc *nats.Conn) error {
	sub, err := nc.Subscribe(p.inbox+"*.*", p.answer)
	if err != nil {
		return fmt.Errorf("subscribe to confirmations: %w", err)
	}
	if err := sub.SetPendingLimits(-1, -1); err != nil {
		return fmt.Errorf("subscribe to confirmations: %w", err)
	}
	p.nc.Store(nc)
	return nil
}

// follow says which sequence a stream is at, and returns which one it was at
// as far as is known here.
func (p *publisher) follow(stream string, last uint64) (before uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before = p.last[stream]
	p.last[stream] = last
	return before
}

// send offers reqs to the server and returns one answer for each.
func (p *publisher) send(ctx context.Context, reqs []request) []answer {
	out := make([]answer, len(reqs))
	todo := make([]int, len(reqs))
	for i := range todo {
		todo[i] = i
	}
	for try := 0; ; try++ {
		retry, unsure := p.once(ctx, reqs, todo, out, p.sole)
		if len(unsure) > 0 {
			// Some of a run were there already, or were not stored. Each one
			// is asked for; what is stored is not stored again.
			more, _ := p.once(ctx, reqs, unsure, out, false)
			retry = append(retry, more...)
		}
		if todo = retry; len(todo) == 0 {
			return out
		}
		for _, i := range todo {
			if errors.Is(out[i].err, jetstream.ErrNoStreamResponse) {
				p.missing(reqs[i].stream)
				break
			}
		}
		again := try < retries
		if again {
			select {
			case <-time.After(retryWait):
			case <-ctx.Done():
				again = false
			}
		}
		if !again {
			for _, i := range todo {
				out[i].err = out[i].err.(errRetry).error
			}
			return out
		}
	}
}

// once sends the requests that todo names, with runs or each for itself, waits,
// fills out and returns those that may be tried again and those of a run that
// did not come out.
func (p *publisher) once(ctx context.Context, reqs []request, todo []int, out []answer, runs bool) (retry, unsure []int) {
	var calls []*call
	var fail error
	for at := 0; at < len(todo); at += chunk {
		part := todo[at:min(at+chunk, len(todo))]
		var lane uint64
		if fail == nil {
			lane, fail = p.lane(ctx)
		}
		if fail != nil {
			for _, i := range part {
				out[i] = answer{err: fail}
			}
			continue
		}
		calls = append(calls, p.start(lane, reqs, part, runs))
	}
	timer := time.NewTimer(p.patience)
	defer timer.Stop()
	for n, c := range calls {
		p.wait(ctx, c, timer)
		for k, i := range todo[n*chunk : min(n*chunk+chunk, len(todo))] {
			out[i] = c.answers[k]
			if _, ok := out[i].err.(errRetry); ok {
				retry = append(retry, i)
			} else if out[i].err == errUnsure {
				unsure = append(unsure, i)
			}
		}
	}
	return retry, unsure
}

// lane waits for a free one.
func (p *publisher) lane(ctx context.Context) (uint64, error) {
	if err := p.ready(); err != nil {
		return 0, err
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	select {
	case n := <-p.free:
		return n, nil
	default:
	}
	timer := time.NewTimer(p.patience)
	defer timer.Stop()
	select {
	case n := <-p.free:
		return n, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-timer.C:
		return 0, p.silence()
	}
}

// idle waits until nothing is on its way, and keeps all lanes so that nothing
// will be.
func (p *publisher) idle(ctx context.Context) error {
	for range lanes {
		select {
		case <-p.free:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (p *publisher) silence() error {
	return fmt.Errorf("%w within %s%s", ErrNotConfirmed, p.patience, p.hint())
}

// start sends one chunk. Its lane is free again when the last answer is there.
func (p *publisher) start(lane uint64, reqs []request, part []int, runs bool) *call {
	c := &call{lane: lane, answers: make([]answer, len(part)), answered: make([]bool, len(part)), left: len(part), done: make(chan struct{})}
	for k, i := range part {
		if err := reqs[i].check(p.nc.Load().MaxPayload()); err != nil {
			c.answers[k], c.answered[k] = answer{err: err}, true
			c.left--
		}
	}
	if c.left == 0 {
		p.free <- lane
		close(c.done)
		return c
	}
	silent := make([]bool, len(part)) // somebody behind answers for it
	if runs {
		c.from = make([]int, len(part))
		findRuns(reqs, part, c, silent)
	}
	p.mu.Lock()
	p.calls[lane] = c
	p.mu.Unlock()
	// A connection that was lost between lane and here has failed the calls that
	// there were, and not this one.
	if err := p.ready(); err != nil {
		p.fail(c, err)
		return c
	}

	prefix := p.inbox + strconv.FormatUint(lane, 10) + "."
	// The connection copies what it sends, so one message and one value per
	// header serve the whole chunk.
	var msgID, expect [1]string
	m := nats.Msg{Header: nats.Header{}}
	p.sending.Lock()
	defer p.sending.Unlock()
	for k, i := range part {
		if !c.sent(k) {
			continue
		}
		r := &reqs[i]
		clear(m.Header)
		if r.id != "" {
			msgID[0] = r.id
			m.Header[jetstream.MsgIDHeader] = msgID[:]
		}
		if r.expect != Any {
			expect[0] = strconv.FormatUint(r.expect, 10)
			m.Header[jetstream.ExpectedLastSubjSeqHeader] = expect[:]
		}
		if r.deleted {
			m.Header[kvOperation] = []string{kvDelete}
			m.Header[jetstream.MsgTTLHeader] = []string{markerAge.String()}
		}
		if r.rollup {
			m.Header[jetstream.MsgRollup] = []string{jetstream.MsgRollupSubject}
		}
		m.Subject, m.Reply, m.Data = r.subject, "", r.data
		if !silent[k] {
			m.Reply = prefix + strconv.Itoa(k)
		}
		if err := p.nc.Load().PublishMsg(&m); err != nil {
			// Only a closed connection refuses what check let through, so
			// nothing that follows is sent either.
			p.fail(c, plain(err))
			return c
		}
	}
	return c
}

// wait returns when c is complete: answered, given up by ctx, or without any
// answer for the time of patience.
func (p *publisher) wait(ctx context.Context, c *call, timer *time.Timer) {
	select {
	case <-c.done:
		return
	default:
	}
	timer.Reset(p.patience)
	for before := c.unanswered(); ; {
		select {
		case <-c.done:
			return
		case <-ctx.Done():
			p.fail(c, fmt.Errorf("%w: %w", ErrNotConfirmed, ctx.Err()))
		case <-timer.C:
			now := c.unanswered()
			if now == before {
				p.fail(c, p.silence())
			}
			before = now
			timer.Reset(p.patience)
		}
	}
}

func (c *call) unanswered() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.left
}

// set notes the answer to message k of c; the first one counts. due is the
// sequence that the message gets if it is the next in its stream.
func (p *publisher) set(c *call, k int, a answer, due uint64) {
	c.mu.Lock()
	if k < 0 || k >= len(c.answered) || c.answered[k] {
		c.mu.Unlock()
		return
	}
	c.settle(k, a)
	if c.from != nil {
		c.settleRun(k, a, due)
	}
	last := c.left == 0
	c.mu.Unlock()
	if last {
		p.complete(c, c.lane)
	}
}

// sent reports whether message k goes to the server.
func (c *call) sent(k int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.answered[k]
}

func (c *call) settle(k int, a answer) {
	c.answers[k], c.answered[k] = a, true
	c.left--
}

// settleRun answers for the messages before k that k answers for. due is what
// k would have got without them.
func (c *call) settleRun(k int, a answer, due uint64) {
	before := uint64(0)
	for i := c.from[k]; i < k; i++ {
		if !c.answered[i] {
			before++
		}
	}
	whole := a.err == nil && !a.copy && a.seq == due+before
	for i := c.from[k]; i < k; i++ {
		if c.answered[i] {
			continue
		}
		if whole {
			c.settle(i, answer{seq: a.seq - before})
		} else {
			c.settle(i, answer{err: errUnsure})
		}
		before--
	}
}

// fail answers with err what is unanswered in c.
func (p *publisher) fail(c *call, err error) {
	c.mu.Lock()
	was := c.left
	for k := range c.answered {
		if !c.answered[k] {
			c.answers[k], c.answered[k] = answer{err: err}, true
		}
	}
	c.left = 0
	c.mu.Unlock()
	if was > 0 {
		// Answers may come yet; they must not be taken for those of another
		// call, so nobody gets this lane again.
		p.mu.Lock()
		fresh := p.next
		p.next++
		p.mu.Unlock()
		p.complete(c, fresh)
	}
}

// complete ends a call and frees a lane in its place.
func (p *publisher) complete(c *call, lane uint64) {
	p.mu.Lock()
	delete(p.calls, c.lane)
	p.mu.Unlock()
	p.free <- lane
	close(c.done)
}

// failAll fails everything unanswered: the connection is gone, and with it
// the answers.
func (p *publisher) failAll(err error) {
	p.mu.Lock()
	calls := slices.Collect(maps.Values(p.calls))
	p.mu.Unlock()
	for _, c := range calls {
		p.fail(c, err)
	}
}

// answer takes one confirmation from the server.
func (p *publisher) answer(m *nats.Msg) {
	number, index, ok := strings.Cut(m.Subject[len(p.inbox):], ".")
	if !ok {
		return
	}
	lane, err1 := strconv.ParseUint(number, 10, 64)
	k, err2 := strconv.Atoi(index)
	if err1 != nil || err2 != nil {
		return
	}
	a := parseAnswer(m)
	p.mu.Lock()
	due := p.last[a.stream] + 1
	if a.err == nil && !a.copy {
		p.last[a.stream] = a.seq
	}
	c := p.calls[lane]
	p.mu.Unlock()
	if c != nil {
		p.set(c, k, a, due)
	}
}

var (
	ackStart = []byte(`{"stream":"`)
	ackSeq   = []byte(`","seq":`)
	ackEnd   = []byte(`}`)
)

// parseAnswer reads a confirmation. The usual one is read without a JSON
// decoder, which took a tenth of the time of a publish.
func parseAnswer(m *nats.Msg) answer {
	if rest, ok := bytes.CutPrefix(m.Data, ackStart); ok {
		if name, rest, ok := bytes.Cut(rest, ackSeq); ok {
			n := uint64(0)
			for len(rest) > 0 && rest[0] >= '0' && rest[0] <= '9' {
				n = n*10 + uint64(rest[0]-'0')
				rest = rest[1:]
			}
			if n > 0 && bytes.Equal(rest, ackEnd) {
				return answer{seq: n, stream: string(name)}
			}
		}
	}
	if len(m.Data) == 0 && m.Header.Get("Status") == "503" {
		return answer{err: errRetry{fmt.Errorf("no stream takes this subject: %w; was the stream removed?", jetstream.ErrNoStreamResponse)}}
	}
	var r struct {
		Error     *jetstream.APIError `json:"error"`
		Stream    string              `json:"stream"`
		Seq       uint64              `json:"seq"`
		Duplicate bool                `json:"duplicate"`
	}
	if err := json.Unmarshal(m.Data, &r); err != nil {
		return answer{err: fmt.Errorf("read confirmation: %w", err)}
	}
	switch {
	case r.Error == nil && r.Seq > 0:
		return answer{seq: r.Seq, stream: r.Stream, copy: r.Duplicate}
	case r.Error == nil:
		return answer{err: errors.New("read confirmation: it has neither a sequence nor an error")}
	case r.Error.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence, r.Error.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant:
		return answer{err: ErrConflict}
	case r.Error.Code == 429 || r.Error.Code == 503:
		return answer{err: errRetry{r.Error}}
	}
	return answer{err: r.Error}
}

// check refuses what the server would not store.
func (r *request) check(most int64) error {
	if int64(len(r.data)) > most-headroom {
		return fmt.Errorf("%d bytes are too many, at most %d are allowed", len(r.data), most-headroom)
	}
	if len(r.id) > 256 || strings.ContainsAny(r.id, "\r\n") {
		return fmt.Errorf("bad message ID %q", setting.Clip(r.id))
	}
	return checkSubject(r.subject)
}

// headroom is what the headers of a message may add to its size.
const headroom = 1 << 10

// findRuns marks the messages that need no answer of their own, because the
// next one that is sent goes to the same stream and all of them may be sent
// again without harm.
func findRuns(reqs []request, part []int, c *call, silent []bool) {
	before, stream := -1, "" // the message before, and its stream if it can be silent
	for k, i := range part {
		c.from[k] = k
		if c.answered[k] {
			continue
		}
		r := &reqs[i]
		to := r.stream
		if r.expect != Any || r.deleted || r.id == "" && !r.again {
			to = ""
		}
		if to != "" && to == stream {
			silent[before], c.from[k] = true, c.from[before]
		}
		before, stream = k, to
	}
}

// streamOf names the stream that takes a subject of messages, or nothing.
func streamOf(subject string) string {
	rest, ok := strings.CutPrefix(subject, "dswatch.")
	if !ok {
		return ""
	}
	switch kind, _, _ := strings.Cut(rest, "."); kind {
	case "event", "facts":
		return Events
	case "outbox":
		return Outbox
	case "dead":
		return Dead
	case "history":
		return History
	}
	return ""
}

// checkSubject refuses what the server would take for a pattern or drop the
// connection for.
func checkSubject(s string) error {
	if s == "" || strings.ContainsAny(s, " \t\r\n*>") || s[0] == '.' || s[len(s)-1] == '.' || strings.Contains(s, "..") {
		return fmt.Errorf("bad subject %q", setting.Clip(s))
	}
	return nil
}

// plain replaces the library's errors that a caller decides on.
func plain(err error) error {
	switch {
	case errors.Is(err, nats.ErrConnectionClosed), errors.Is(err, nats.ErrConnectionDraining):
		return ErrClosed
	case errors.Is(err, nats.ErrReconnectBufExceeded), errors.Is(err, nats.ErrConnectionReconnecting), errors.Is(err, nats.ErrDisconnected):
		return ErrNotConnected
	}
	return err
}
