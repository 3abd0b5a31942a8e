package bus

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"dswatch/setting"
)

// Stored is a message as it lies in a stream.
type Stored struct {
	Subject  string
	Sequence uint64
	Time     time.Time // when it was stored
	Data     []byte
}

// Scan calls fn, in order, for every message that is in the stream now and
// whose subject matches filter (a subject, also with * and >; empty: all). It
// settles nothing. An error of fn ends the scan and is returned.
func (b *Bus) Scan(ctx context.Context, stream, filter string, fn func(Stored) error) error {
	s, err := b.stream(stream)
	if err != nil {
		return err
	}
	info, err := s.Info(ctx)
	if err != nil {
		return fmt.Errorf("scan %s: %w", stream, b.missing(stream, err))
	}
	if info.Config.Retention == jetstream.WorkQueuePolicy {
		return b.scanQueue(ctx, info, filter, fn)
	}
	last := info.State.LastSeq
	return scan(ctx, s, filter, func(m jetstream.Msg, md *jetstream.MsgMetadata) error {
		if md.Sequence.Stream > last {
			return errEnough
		}
		return fn(Stored{Subject: m.Subject(), Sequence: md.Sequence.Stream, Time: md.Timestamp, Data: m.Data()})
	})
}

// scanQueue reads a work queue. Each subject of one can have one consumer only,
// which is the one that settles, so this asks for the messages directly; that
// takes twice the time for each.
func (b *Bus) scanQueue(ctx context.Context, info *jetstream.StreamInfo, filter string, fn func(Stored) error) error {
	name := info.Config.Name
	if filter == "" {
		filter = ">"
	}
	nc := b.nc()
	sub, err := nc.SubscribeSync(nc.NewInbox())
	if err != nil {
		return fmt.Errorf("scan %s: %w", name, plain(err))
	}
	defer func() { _ = sub.Unsubscribe() }() // fails when the connection has ended
	for seq := uint64(1); seq <= info.State.LastSeq; {
		ask := fmt.Sprintf(`{"seq":%d,"next_by_subj":%q,"batch":%d}`, seq, filter, queueBatch)
		if err := nc.PublishRequest("$JS.API.DIRECT.GET."+name, sub.Subject, []byte(ask)); err != nil {
			return fmt.Errorf("scan %s: %w", name, plain(err))
		}
		for more := true; more; {
			m, err := nextDirect(ctx, sub)
			if err != nil {
				return fmt.Errorf("scan %s: %w", name, err)
			}
			switch status := m.Header.Get("Status"); status {
			case "":
			case "204": // the batch is complete
				if m.Header.Get("Nats-Num-Pending") == "0" {
					return nil
				}
				more = false
				continue
			case "404": // nothing is left
				return nil
			default:
				return fmt.Errorf("scan %s: %s %s", name, status, m.Header.Get("Description"))
			}
			got, err := strconv.ParseUint(m.Header.Get(jetstream.SequenceHeader), 10, 64)
			if err != nil || got < seq {
				return fmt.Errorf("scan %s: the server sent sequence %q after %d", name, setting.Clip(m.Header.Get(jetstream.SequenceHeader)), seq)
			}
			if got > info.State.LastSeq {
				return nil
			}
			at, _ := time.Parse(time.RFC3339Nano, m.Header.Get(jetstream.TimeStampHeaer))
			if err := fn(Stored{Subject: m.Header.Get(jetstream.SubjectHeader), Sequence: got, Time: at, Data: m.Data}); err != nil {
				return err
			}
			seq = got + 1
		}
	}
	return nil
}

// nextDirect waits for one answer to a direct request, at most for the time of
// patience.
func nextDirect(ctx context.Context, sub *nats.Subscription) (*nats.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return sub.NextMsgWithContext(ctx)
}

// Drop removes one message from a stream; one that is not there is no error.
func (b *Bus) Drop(ctx context.Context, stream string, sequence uint64) error {
	s, err := b.stream(stream)
	if err != nil {
		return err
	}
	err = s.DeleteMsg(ctx, sequence)
	if err == nil {
		return nil
	}
	if _, gerr := s.GetMsg(ctx, sequence); errors.Is(gerr, jetstream.ErrMsgNotFound) {
		return nil
	}
	return fmt.Errorf("drop message %d of %s: %w", sequence, stream, err)
}

// errEnough ends a scan early without failing it.
var errEnough = errors.New("enough")

const (
	// scanBatch is how many messages a scan has on their way at once.
	scanBatch = 4096
	// queueBatch is how many messages a work queue is asked for at once.
	queueBatch = 1000
	// replicaLag is how far a replica may be behind its leader before its
	// silence counts.
	replicaLag = 2 * time.Second
	// scanWait is how long a scan waits for a message before it asks whether
	// there is one.
	scanWait = 500 * time.Millisecond
)

// scan reads what matches in a stream until nothing is left.
func scan(ctx context.Context, s jetstream.Stream, filter string, fn func(jetstream.Msg, *jetstream.MsgMetadata) error) error {
	name := s.CachedInfo().Config.Name
	fail := func(err error) error { return fmt.Errorf("scan %s: %w", name, err) }
	cfg := jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverAllPolicy}
	if filter != "" {
		cfg.FilterSubjects = []string{filter}
	}
	// Of several replicas, one that is behind may serve the scan.
	var newest uint64
	var lag time.Duration
	if s.CachedInfo().Config.Replicas > 1 {
		var err error
		if newest, err = newestOf(ctx, s, filter); err != nil {
			return fail(err)
		}
		lag = replicaLag
	}
	c, err := s.OrderedConsumer(ctx, cfg)
	if err != nil {
		return fail(err)
	}
	defer forget(ctx, s, c)
	if newest == 0 && c.CachedInfo().NumPending == 0 {
		return nil
	}
	var (
		mu   sync.Mutex            // guards what follows; fn is called under it
		seen jetstream.MsgMetadata // of the newest message here
		news bool                  // one came since the last look
		over bool
	)
	end := make(chan error, 1)
	finish := func(err error) { // once; mu is held
		over = true
		end <- err
	}
	got := func(m jetstream.Msg) {
		mu.Lock()
		defer mu.Unlock()
		if over {
			return
		}
		md, err := m.Metadata()
		if err != nil {
			finish(fail(err))
			return
		}
		seen, news = *md, true
		switch err := fn(m, md); {
		case errors.Is(err, errEnough):
			finish(nil)
		case err != nil:
			finish(err)
		case md.NumPending == 0 && md.Sequence.Stream >= newest:
			finish(nil)
		}
	}
	closed := make(chan error, 1)
	it, err := c.Consume(got, jetstream.PullMaxMessages(scanBatch), jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) {
		if errors.Is(err, jetstream.ErrConnectionClosed) {
			select {
			case closed <- err:
			default:
			}
		}
	}))
	if err != nil {
		return fail(err)
	}
	defer func() {
		mu.Lock()
		over = true
		mu.Unlock()
		it.Stop()
	}()
	look := time.NewTicker(scanWait)
	defer look.Stop()
	for waited := time.Duration(0); ; {
		select {
		case err := <-end:
			return err
		case err := <-closed:
			return fail(err)
		case <-ctx.Done():
			return fail(ctx.Err())
		case <-look.C:
		}
		mu.Lock()
		last, came := seen, news
		news = false
		mu.Unlock()
		if came {
			waited = 0
			continue
		}
		// What was left may have been removed by others meanwhile.
		info, err := c.Info(ctx)
		if waited += scanWait; err == nil && info.NumPending == 0 && waited >= lag && !underWay(info, last) {
			return nil
		}
		if waited >= patience {
			return fail(fmt.Errorf("the server has sent nothing for %s", patience))
		}
	}
}

// underWay reports whether the server has sent more than what was seen. A
// consumer that takes the place of another counts from the beginning.
func underWay(info *jetstream.ConsumerInfo, seen jetstream.MsgMetadata) bool {
	if seen.Consumer != info.Name {
		return info.Delivered.Consumer > 0
	}
	return info.Delivered.Consumer > seen.Sequence.Consumer
}

// forget removes the consumer of a scan. The server would do so by itself, five
// minutes later: scans that come every second would reach its limit before.
func forget(ctx context.Context, s jetstream.Stream, c jetstream.Consumer) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), scanWait)
	defer cancel()
	_ = s.DeleteConsumer(ctx, c.CachedInfo().Name) // the server does it later
}

// newestOf asks the leader for the newest message that matches.
func newestOf(ctx context.Context, s jetstream.Stream, filter string) (uint64, error) {
	if filter == "" {
		i, err := s.Info(ctx)
		if err != nil {
			return 0, err
		}
		return i.State.LastSeq, nil
	}
	m, err := s.GetLastMsgForSubject(ctx, filter)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return m.Sequence, nil
}
