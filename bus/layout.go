package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// The streams.
const (
	Events = "DSWATCH_EVENTS" // dswatch.event.> and dswatch.facts.>, kept 72 hours
	Outbox = "DSWATCH_OUTBOX" // dswatch.outbox.SINK, each kept until that sink's consumer settled it
	Dead   = "DSWATCH_DEAD"   // dswatch.dead.>, kept until dropped

	// History is dswatch.history.MONTH. dswatch works without it: where the
	// server does not let it be made, publishing there fails.
	History = "DSWATCH_HISTORY"
)

// The buckets. Each keeps the last value of a key.
const (
	Items    = "dswatch_items"
	Alerts   = "dswatch_alerts"
	Silences = "dswatch_silences"
	Facts    = "dswatch_facts"
	Receipts = "dswatch_receipts"
)

const (
	eventAge = 72 * time.Hour
	// eventWindow covers a publisher that repeats itself after a broken
	// connection. Each remembered ID costs about 250 bytes, and a fleet sends
	// a snapshot of everything every few minutes, so it is not longer.
	eventWindow = 2 * time.Minute
	// outboxWindow also covers a process that was killed, restarted and does
	// the last events again.
	outboxWindow = 10 * time.Minute
	// markerAge is how long a deleted key is remembered as deleted, for
	// watchers that were cut off.
	markerAge = 24 * time.Hour
)

func streams(c Config) []jetstream.StreamConfig {
	base := func(name string, subjects ...string) jetstream.StreamConfig {
		return jetstream.StreamConfig{
			Name: name, Subjects: subjects, Storage: jetstream.FileStorage, Replicas: c.Replicas,
			Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardOld,
			MaxMsgs: -1, MaxBytes: -1, MaxMsgsPerSubject: -1, MaxMsgSize: -1,
		}
	}
	events := base(Events, "dswatch.event.>", "dswatch.facts.>")
	events.AllowRollup = true // for the pulse, as in the outbox
	events.MaxAge, events.MaxBytes, events.Duplicates = eventAge, int64(c.MaxEvents), eventWindow

	// A work queue keeps what was published before its consumer exists; with
	// interest retention that would be dropped without a word. When it is
	// full, the oldest go: those belong to the sinks that are furthest behind,
	// so a sink that works loses nothing because another one is dead.
	outbox := base(Outbox, "dswatch.outbox.*")
	outbox.Retention, outbox.MaxBytes, outbox.Duplicates = jetstream.WorkQueuePolicy, int64(c.MaxOutbox), outboxWindow
	outbox.AllowRollup = true
	outbox.AllowDirect = true // the only way to look into a work queue

	dead := base(Dead, "dswatch.dead.>")
	dead.MaxBytes, dead.Duplicates = int64(c.MaxDead), outboxWindow

	history := base(History, "dswatch.history.*")
	history.MaxAge, history.MaxBytes, history.Duplicates = time.Duration(c.History.Keep), max(int64(c.History.MaxBytes), int64(minStream)), eventWindow

	all := []jetstream.StreamConfig{events, outbox, dead}
	for _, name := range []string{Items, Alerts, Silences, Facts, Receipts} {
		// The shape that NATS tools know as a key-value bucket, but for direct
		// reads: in a cluster any replica answers those, also one that has not
		// seen the last write yet.
		kv := base(bucketStream(name), "$KV."+name+".>")
		kv.MaxMsgsPerSubject, kv.Discard = 1, jetstream.DiscardNew
		kv.AllowRollup, kv.DenyDelete, kv.AllowMsgTTL = true, true, true
		kv.Duplicates = eventWindow
		all = append(all, kv)
	}
	return append(all, history) // makeHistory takes the last
}

// rollup is the one setting without which a stream can be used as it is.
const rollup = "allow_rollup"

// difference is one setting of a stream that is not as wanted.
type difference struct{ name, have, want string }

// differences compares the settings that dswatch decides. What else an
// operator has set on a stream, such as placement or a description, is left
// alone.
func differences(have, want jetstream.StreamConfig) []difference {
	var out []difference
	add := func(name string, have, want any) {
		if h, w := fmt.Sprint(have), fmt.Sprint(want); h != w {
			out = append(out, difference{name, h, w})
		}
	}
	hs, ws := slices.Clone(have.Subjects), slices.Clone(want.Subjects)
	slices.Sort(hs)
	slices.Sort(ws)
	add("subjects", hs, ws)
	add("storage", have.Storage, want.Storage)
	add("retention", have.Retention, want.Retention)
	add("discard", have.Discard, want.Discard)
	add("max_age", have.MaxAge, want.MaxAge)
	add("max_bytes", have.MaxBytes, want.MaxBytes)
	add("max_msgs", have.MaxMsgs, want.MaxMsgs)
	add("max_msgs_per_subject", have.MaxMsgsPerSubject, want.MaxMsgsPerSubject)
	add("max_msg_size", have.MaxMsgSize, want.MaxMsgSize)
	add("duplicate_window", have.Duplicates, want.Duplicates)
	add("replicas", have.Replicas, want.Replicas)
	add(rollup, have.AllowRollup, want.AllowRollup)
	add("deny_delete", have.DenyDelete, want.DenyDelete)
	add("allow_msg_ttl", have.AllowMsgTTL, want.AllowMsgTTL)
	add("allow_direct", have.AllowDirect, want.AllowDirect)
	return out
}

// adopt returns have with the settings that dswatch decides taken from want.
func adopt(have, want jetstream.StreamConfig) jetstream.StreamConfig {
	have.Subjects, have.Storage, have.Retention, have.Discard = want.Subjects, want.Storage, want.Retention, want.Discard
	have.MaxAge, have.MaxBytes, have.MaxMsgs = want.MaxAge, want.MaxBytes, want.MaxMsgs
	have.MaxMsgsPerSubject, have.MaxMsgSize, have.Duplicates = want.MaxMsgsPerSubject, want.MaxMsgSize, want.Duplicates
	have.Replicas, have.AllowRollup, have.DenyDelete = want.Replicas, want.AllowRollup, want.DenyDelete
	have.AllowMsgTTL, have.AllowDirect = want.AllowMsgTTL, want.AllowDirect
	return have
}

// ensure makes the stream as wanted, or says why it cannot be.
func ensure(ctx context.Context, js jetstream.JetStream, want jetstream.StreamConfig) (jetstream.Stream, error) {
	s, err := js.Stream(ctx, want.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		s, err = js.CreateStream(ctx, want)
		if err != nil && !errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
			return nil, fmt.Errorf("create stream %s: %w; %s", want.Name, err, createHint(err))
		}
		if err != nil { // another process made it a moment ago
			s, err = js.Stream(ctx, want.Name)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("look up stream %s: %w", want.Name, err)
	}
	have := s.CachedInfo().Config
	diff := differences(have, want)
	if len(diff) == 0 {
		return s, nil
	}
	updated, err := js.UpdateStream(ctx, adopt(have, want))
	if err != nil && len(diff) == 1 && diff[0].name == rollup {
		// Made by an earlier version, for an account that may not change
		// streams: all works but the stored part of the pulse, see Pulse.
		return s, nil
	}
	s = updated
	if err != nil {
		var list []string
		for _, d := range diff {
			list = append(list, fmt.Sprintf("%s is %s, wanted %s", d.name, d.have, d.want))
		}
		return nil, fmt.Errorf("update stream %s (%s): %w; change it on the server, or save what it holds, remove it with `nats stream rm %s` and start again",
			want.Name, strings.Join(list, "; "), err, want.Name)
	}
	return s, nil
}

func createHint(err error) string {
	var api *jetstream.APIError
	if errors.As(err, &api) && api.ErrorCode == 10065 { // subjects overlap with an existing stream
		return "another stream takes the same subjects: find it with `nats stream ls --subjects` and remove it or give dswatch an account of its own"
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "the server did not answer; does the account have JetStream and may this user create streams?"
	}
	return "see that the account may create streams and that the server has room for them"
}
