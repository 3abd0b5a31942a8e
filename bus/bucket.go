package bus

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"dswatch/setting"
)

// ErrNotFound means that the bucket has no such key.
var ErrNotFound = errors.New("no such key")

// Expected revisions that are not the number of one.
const (
	Absent uint64 = 0              // the key must not exist
	Any    uint64 = math.MaxUint64 // whatever there is, is replaced
)

// Headers of the key-value convention.
const (
	kvOperation = "KV-Operation"
	kvDelete    = "DEL"
)

// Bucket is a set of keys with one value each. A key is made of letters,
// digits and - / _ = . and neither begins nor ends with a dot.
type Bucket struct {
	b      *Bus
	name   string
	stream string
}

// Bucket returns the bucket of that name, which must be one of the constants
// of this package; every use of another one fails.
func (b *Bus) Bucket(name string) *Bucket {
	return &Bucket{b: b, name: name, stream: bucketStream(name)}
}

// Change is one write to a bucket.
type Change struct {
	Key    string
	Value  []byte
	Expect uint64 // the revision that is to be replaced, Absent or Any
	Delete bool   // removes the key; Value is ignored
}

// Result is the outcome of one Change.
type Result struct {
	Revision uint64 // of the key, after a success
	Err      error  // ErrConflict, or why the change was not made
}

// PutAll makes changes, independently of each other, and returns one Result
// for each in order. No key may occur twice. The error is the first one that is
// not ErrConflict. Changes of one call go to the server without waiting for
// each other, so one call with many is much faster than many calls.
//
// After ErrNotConfirmed or ErrNotConnected the change may have been made.
func (k *Bucket) PutAll(ctx context.Context, changes []Change) ([]Result, error) {
	out := make([]Result, len(changes))
	reqs := make([]request, 0, len(changes))
	index := make([]int, 0, len(changes))
	for i, c := range changes {
		if err := checkKey(c.Key); err != nil {
			out[i].Err = err
			continue
		}
		r := request{subject: k.subject(c.Key), stream: k.stream, again: true, data: c.Value, expect: c.Expect, deleted: c.Delete}
		if c.Delete {
			r.data = nil
		}
		reqs, index = append(reqs, r), append(index, i)
	}
	var again []int // keys that must be absent and are, but a mark of their deletion is left
	for n, a := range k.b.pub.send(ctx, reqs) {
		i := index[n]
		out[i] = Result{Revision: a.seq, Err: a.err}
		if changes[i].Expect == Absent && errors.Is(a.err, ErrConflict) {
			again = append(again, n)
		}
	}
	k.overMarkers(ctx, reqs, index, again, out)
	for i, r := range out {
		if r.Err != nil && !errors.Is(r.Err, ErrConflict) {
			return out, fmt.Errorf("put %s in %s: %w", setting.Clip(changes[i].Key), k.name, r.Err)
		}
	}
	return out, nil
}

// overMarkers repeats the requests of again over the marks that deleted keys
// leave.
func (k *Bucket) overMarkers(ctx context.Context, reqs []request, index, again []int, out []Result) {
	var retry []request
	var at []int
	for _, n := range again {
		m, err := k.last(ctx, reqs[n].subject)
		if err == nil && deleted(m) {
			r := reqs[n]
			r.expect = m.Sequence
			retry, at = append(retry, r), append(at, index[n])
		}
	}
	if len(retry) == 0 {
		return
	}
	for n, a := range k.b.pub.send(ctx, retry) {
		out[at[n]] = Result{Revision: a.seq, Err: a.err}
	}
}

// Put writes a value over whatever there is and returns its revision.
func (k *Bucket) Put(ctx context.Context, key string, value []byte) (uint64, error) {
	return k.put(ctx, Change{Key: key, Value: value, Expect: Any})
}

// Create writes a value if there is none, else it returns ErrConflict.
func (k *Bucket) Create(ctx context.Context, key string, value []byte) (uint64, error) {
	return k.put(ctx, Change{Key: key, Value: value, Expect: Absent})
}

// Update replaces the value that has that revision, else it returns ErrConflict.
func (k *Bucket) Update(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	return k.put(ctx, Change{Key: key, Value: value, Expect: revision})
}

// Delete removes a key whatever it holds; one that is not there is no error.
func (k *Bucket) Delete(ctx context.Context, key string) error {
	_, err := k.put(ctx, Change{Key: key, Expect: Any, Delete: true})
	return err
}

func (k *Bucket) put(ctx context.Context, c Change) (uint64, error) {
	r, err := k.PutAll(ctx, []Change{c})
	if err == nil {
		err = r[0].Err // ErrConflict or nothing
	}
	return r[0].Revision, err
}

// Get returns the value of a key and its revision, or ErrNotFound.
func (k *Bucket) Get(ctx context.Context, key string) (value []byte, revision uint64, err error) {
	if err := checkKey(key); err != nil {
		return nil, 0, err
	}
	m, err := k.last(ctx, k.subject(key))
	if errors.Is(err, jetstream.ErrMsgNotFound) || err == nil && deleted(m) {
		return nil, 0, ErrNotFound
	}
	if err != nil {
		return nil, 0, fmt.Errorf("get %s from %s: %w", setting.Clip(key), k.name, k.b.missing(k.stream, err))
	}
	return m.Data, m.Sequence, nil
}

func (k *Bucket) last(ctx context.Context, subject string) (*jetstream.RawStreamMsg, error) {
	s, err := k.b.stream(k.stream)
	if err != nil {
		return nil, err
	}
	return s.GetLastMsgForSubject(ctx, subject)
}

// Load calls fn for every key there is, in the order in which they were
// written. A key that changes meanwhile may be told twice, the later value
// last. An error of fn ends the loading and is returned.
func (k *Bucket) Load(ctx context.Context, fn func(key string, value []byte, revision uint64) error) error {
	return k.LoadPrefix(ctx, "", fn)
}

// LoadPrefix is Load for the keys that begin with prefix, which ends with a
// dot.
func (k *Bucket) LoadPrefix(ctx context.Context, prefix string, fn func(key string, value []byte, revision uint64) error) error {
	s, err := k.b.stream(k.stream)
	if err != nil {
		return err
	}
	if prefix != "" {
		if err := checkKey(prefix + "x"); err != nil || prefix[len(prefix)-1] != '.' {
			return fmt.Errorf("bad prefix %q: it must be the beginning of a key up to a dot", setting.Clip(prefix))
		}
	}
	bucket := k.subject("")
	return scan(ctx, s, bucket+prefix+">", func(m jetstream.Msg, md *jetstream.MsgMetadata) error {
		if isMarker(m.Headers().Get(kvOperation)) {
			return nil
		}
		return fn(strings.TrimPrefix(m.Subject(), bucket), m.Data(), md.Sequence.Stream)
	})
}

// Update is one change that a Watch tells.
type Update struct {
	Key      string
	Value    []byte
	Revision uint64
	Deleted  bool
}

// Watch tells every key there is, then calls ready, then tells every change
// until ctx ends, which is no error, or until the bucket is lost and made again,
// which is ErrMadeAnew. All calls come from one goroutine. A key
// that was deleted while an external server was out of reach for more than a
// day is not told, and one that the server cannot read is set aside.
func (k *Bucket) Watch(ctx context.Context, ready func(), tell func(Update)) error {
	fail := func(err error) error { return fmt.Errorf("watch %s: %w", k.name, k.b.missing(k.stream, err)) }
	anew := k.b.madeAnew(k.stream)
	s, err := k.b.stream(k.stream)
	if err != nil {
		return fail(err)
	}
	kv, err := k.b.js().KeyValue(ctx, k.name)
	if err != nil {
		return fail(err)
	}
	w, err := kv.WatchAll(ctx)
	if err != nil {
		return fail(err)
	}
	defer func() { _ = w.Stop() }() // fails when the connection has ended, and the watch with it
	// The library counts what is to come, and waits for ever where the server
	// cannot read one of them. So what there is, is loaded beside it.
	before, seen := map[string]uint64{}, map[string]bool{}
	err = scan(ctx, s, k.subject(">"), func(m jetstream.Msg, md *jetstream.MsgMetadata) error {
		key := strings.TrimPrefix(m.Subject(), k.subject(""))
		before[key], seen[key] = md.Sequence.Stream, true
		if !isMarker(m.Headers().Get(kvOperation)) {
			tell(Update{Key: key, Value: m.Data(), Revision: md.Sequence.Stream})
		}
		return nil
	})
	if err == nil {
		err = k.unread(ctx, s, "", seen)
	}
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return fail(err)
	}
	ready()
	for {
		select {
		case e, ok := <-w.Updates():
			switch {
			case !ok && ctx.Err() != nil:
				return nil
			case !ok:
				k.b.worry(k.stream) // the server ended it, which it does when the bucket is deleted
				return fail(ErrClosed)
			case e == nil || e.Revision() <= before[e.Key()]:
			default:
				before[e.Key()] = e.Revision()
				tell(Update{Key: e.Key(), Value: e.Value(), Revision: e.Revision(), Deleted: e.Operation() != jetstream.KeyValuePut})
			}
		case <-anew:
			return fail(ErrMadeAnew)
		case <-ctx.Done():
			return nil
		}
	}
}

func bucketStream(name string) string { return "KV_" + name }

func (k *Bucket) subject(key string) string { return "$KV." + k.name + "." + key }

func deleted(m *jetstream.RawStreamMsg) bool { return isMarker(m.Header.Get(kvOperation)) }

// isMarker reports whether a KV-Operation header says that the key is gone.
func isMarker(op string) bool { return op == kvDelete || op == "PURGE" }

// checkKey refuses keys that would be a pattern or another key's child by
// accident.
func checkKey(key string) error {
	bad := key == "" || key[0] == '.' || key[len(key)-1] == '.' || strings.Contains(key, "..")
	for i := 0; i < len(key) && !bad; i++ {
		c := key[i]
		bad = !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-/_=.", c) >= 0)
	}
	if bad {
		return fmt.Errorf("bad key %q: use letters, digits and - / _ = . inside", setting.Clip(key))
	}
	return nil
}
