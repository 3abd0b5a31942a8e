package port

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"dswatch/event"
	"dswatch/words"
)

const (
	// mostAddresses is how many addresses of one name are asked. Of a name with
	// more nobody can say that none of them is up.
	mostAddresses = 64
	// stagger is how long an address of a name may be silent before the next one
	// is asked beside it.
	stagger = 250 * time.Millisecond
	// resolvers is how many names are looked up at the same moment.
	resolvers = 64
	// lastReserve is how much of a pass is kept back, so that what was seen until
	// then is there before the caller's patience ends: a tenth.
	lastReserve = 10
)

// parallel is how many probes may wait for an answer at the same time: an
// eighth of all, so that a pass in which everything is silent ends after
// eight timeouts, but at least 256, and at most 1024 because each holds a
// socket.
func parallel(endpoints int) int { return min(max(256, (endpoints+7)/8), 1024) }

// result is what a pass found out about one endpoint.
type result struct {
	answer
	at    time.Time    // of the answer
	asked bool         // else the pass ended before its turn
	named bool         // the resolver was asked
	deaf  bool         // and failed
	addrs []netip.Addr // of the host
}

// queue is the endpoints whose addresses are known and that were not asked
// yet, the one that waits longest first.
type queue struct {
	mu    sync.Mutex
	ranks []int
	more  chan struct{} // a hint that ranks has grown
	whole atomic.Bool   // nothing comes any more
}

func (q *queue) put(rank int) {
	q.mu.Lock()
	i, _ := slices.BinarySearch(q.ranks, rank)
	q.ranks = slices.Insert(q.ranks, i, rank)
	q.mu.Unlock()
	q.hint()
}

func (q *queue) hint() {
	select {
	case q.more <- struct{}{}:
	default:
	}
}

func (q *queue) close() { q.whole.Store(true); q.hint() }

// next takes the first rank, and waits for one. It is false when none will
// come, or ctx has ended.
func (q *queue) next(ctx context.Context) (int, bool) {
	for {
		whole := q.whole.Load() // before the look: nothing may come between
		q.mu.Lock()
		if len(q.ranks) > 0 {
			r := q.ranks[0]
			q.ranks = q.ranks[1:]
			q.mu.Unlock()
			return r, ctx.Err() == nil
		}
		q.mu.Unlock()
		if whole {
			return 0, false
		}
		select {
		case <-ctx.Done():
			return 0, false
		case <-q.more:
		}
	}
}

// probe asks every endpoint once, those first that the pass before did not
// get to. Names are looked up beside the probes and hold none of them up.
func (d *Detector) probe(ctx context.Context) []result {
	if end, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(end)*(lastReserve-1)/lastReserve)
		defer cancel()
	}
	out := make([]result, len(d.endpoints))
	q := &queue{more: make(chan struct{}, 1)}
	named := map[string][]int{} // ranks by host
	var hosts []string          // in the order of their first rank
	for rank, i := range d.order {
		host := d.endpoints[i].host
		if a, err := netip.ParseAddr(host); err == nil {
			out[i].addrs = []netip.Addr{a}
			q.put(rank)
			continue
		}
		if named[host] == nil {
			hosts = append(hosts, host)
		}
		named[host] = append(named[host], rank)
	}
	var working sync.WaitGroup
	working.Go(func() {
		defer q.close()
		d.lookUp(ctx, hosts, named, out, q)
	})
	slots := semaphore.NewWeighted(int64(parallel(len(d.endpoints))))
	for {
		rank, ok := q.next(ctx)
		if !ok || d.pace.Wait(ctx) != nil || slots.Acquire(ctx, 1) != nil {
			break
		}
		i := d.order[rank]
		working.Go(func() {
			defer slots.Release(1)
			out[i].answer, out[i].asked = d.ask(ctx, d.endpoints[i], out[i].addrs, slots), true
			out[i].at = time.Now()
		})
	}
	working.Wait()
	var left, ended, rest []int
	for _, i := range d.order {
		switch {
		case out[i].asked && !out[i].cut:
			rest = append(rest, i)
		case out[i].asked:
			ended = append(ended, i)
		default:
			left = append(left, i)
			out[i].answer = unknown(words.PortNoTurn.With())
			out[i].cut, out[i].at = true, time.Now()
		}
	}
	d.order = slices.Concat(left, ended, rest)
	return out
}

// lookUp resolves each host once, and answers for the endpoints of one that
// cannot be resolved. A resolver that answered for none of so many names is
// not asked for the others.
func (d *Detector) lookUp(ctx context.Context, hosts []string, ranks map[string][]int, out []result, q *queue) {
	var g sync.WaitGroup
	free := make(chan struct{}, resolvers)
	var heard atomic.Bool
	var failed atomic.Int64
	for _, host := range hosts {
		select {
		case free <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		g.Go(func() {
			defer func() { <-free }()
			var addrs []netip.Addr
			var err error
			given := !heard.Load() && failed.Load() >= 2*resolvers
			if !given {
				addrs, err = d.resolve(ctx, host, d.longest[host])
				if silence(err) {
					failed.Add(1)
				} else {
					heard.Store(true)
				}
			}
			for _, rank := range ranks[host] {
				r := &out[d.order[rank]]
				r.named, r.at = true, time.Now()
				switch {
				case given:
					r.answer, r.asked, r.deaf = unknown(words.ResolverSilent.With(2*resolvers, short(host))), true, true
				case err != nil:
					r.answer, r.asked, r.deaf = cut(ctx, unresolved(host, err)), true, silence(err)
				default:
					r.addrs = addrs
					q.put(rank)
				}
			}
		})
	}
	g.Wait()
}

// ask probes the addresses of an endpoint until one is up. The next one is
// asked when the one before has answered otherwise, or is silent for a while.
// The caller holds a slot for the first.
func (d *Detector) ask(ctx context.Context, e endpoint, addrs []netip.Addr, slots *semaphore.Weighted) answer {
	if e.method == Syn && !canHalfOpen {
		return answer{state: event.Unknown, detail: words.PortNotHere.With()}
	}
	left := max(0, len(addrs)-mostAddresses)
	addrs = addrs[:len(addrs)-left]
	type one struct {
		n int
		answer
	}
	pass := ctx
	var working sync.WaitGroup
	defer working.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := make(chan one, len(addrs))
	begun := 0
	begin := func() {
		n := begun
		begun++
		working.Go(func() {
			if n > 0 {
				if d.pace.Wait(ctx) != nil || slots.Acquire(ctx, 1) != nil {
					answers <- one{n, unknown(words.PortCut.With())}
					return
				}
				defer slots.Release(1)
			}
			ctx, cancel := context.WithTimeout(ctx, e.timeout)
			defer cancel()
			answers <- one{n, e.how.safely(ctx, netip.AddrPortFrom(addrs[n], uint16(e.port)))}
		})
	}
	all := make([]answer, len(addrs))
	begin()
	next := time.NewTicker(stagger)
	defer next.Stop()
	for range addrs {
		var a one
		for waiting := true; waiting; {
			select {
			case a = <-answers:
				waiting = false
			case <-next.C:
				if begun < len(addrs) {
					begin()
				}
			}
		}
		if a.state == event.Up {
			return a.answer
		}
		all[a.n] = a.answer
		if begun < len(addrs) {
			begin()
		}
	}
	a := merge(all)
	if left > 0 {
		a.state = event.Unknown
		a.detail = words.PortAddressesLeft.With(len(addrs), left).And(a.detail)
	}
	return cut(pass, a)
}

// safely is probe, of which a panic costs one endpoint its answer.
func (h how) safely(ctx context.Context, to netip.AddrPort) (a answer) {
	defer func() {
		if p := recover(); p != nil {
			a = unknown(words.PortPanicked.With(to.String(), fmt.Sprint(p)))
		}
	}()
	return h.probe(ctx, to)
}

// probe asks one address. ctx has a deadline, the probe's timeout.
func (h how) probe(ctx context.Context, to netip.AddrPort) answer {
	switch h.method {
	case Syn:
		return halfOpen(ctx, to)
	case TLS:
		return h.handshake(ctx, to)
	default:
		return connect(ctx, to)
	}
}
