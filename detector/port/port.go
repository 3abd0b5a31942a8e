package port

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"dswatch/event"
)

// Options are settings of the whole detector.
type Options struct {
	Rate int // remote probes begun per second; zero or less means that of Defaults
}

// burst is how many probes may begin at once before Rate holds them back.
const burst = 64

// Detector looks at a fixed list of targets.
type Detector struct {
	targets   []Target
	local     []int // indices of the targets with method listen
	endpoints []endpoint
	first     int // the endpoint with which the next pass begins

	pace     *rate.Limiter
	resolver *net.Resolver
	sources  []source
}

// place is where a probe goes.
type place struct {
	host string // canonical
	port int
}

func (p place) String() string { return net.JoinHostPort(p.host, strconv.Itoa(p.port)) }

// how is everything that makes one probe differ from another.
type how struct {
	method     Method
	timeout    time.Duration
	minVersion uint16
	serverName string
}

// endpoint is one place, how it is probed, and the targets that want to know.
type endpoint struct {
	place
	how
	rows []int
}

func (t Target) place() place { return place{canonical(t.Host), t.Port} }

func (t Target) how() how {
	h := how{method: t.method(), timeout: t.timeout()}
	if h.method == TLS {
		h.minVersion, _ = t.minVersion()
		if h.serverName = t.ServerName; h.serverName == "" {
			if _, err := netip.ParseAddr(t.Host); err != nil {
				h.serverName = canonical(t.Host)
			}
		}
	}
	return h
}

// New returns a detector of targets. It refuses a target that cannot be
// looked at as written, two targets with one key, and two targets that ask
// for one endpoint in different ways.
func New(targets []Target, o Options) (*Detector, error) {
	if o.Rate <= 0 {
		o.Rate = defaultRate
	}
	d := &Detector{
		targets:  append([]Target(nil), targets...),
		pace:     rate.NewLimiter(rate.Limit(o.Rate), burst),
		resolver: net.DefaultResolver,
		sources:  sources(),
	}
	keys := map[event.Key]bool{}
	index := map[place]int{}
	for i, t := range d.targets {
		if err := t.Key.Validate(); err != nil {
			return nil, fmt.Errorf("port target: %w", err)
		}
		if err := t.check(); err != nil {
			return nil, fmt.Errorf("port target %s: %w", t.Key, err)
		}
		if keys[t.Key] {
			return nil, fmt.Errorf("port target %s: is given twice; leave one out", t.Key)
		}
		keys[t.Key] = true
		if t.method() == Listen {
			d.local = append(d.local, i)
			continue
		}
		p, h := t.place(), t.how()
		j, ok := index[p]
		switch {
		case !ok:
			index[p] = len(d.endpoints)
			d.endpoints = append(d.endpoints, endpoint{p, h, []int{i}})
		case d.endpoints[j].how != h:
			return nil, fmt.Errorf("port target %s: %s is asked in another way by %s; write the same method, timeout, min_version and server_name in both",
				t.Key, p, d.targets[d.endpoints[j].rows[0]].Key)
		default:
			d.endpoints[j].rows = append(d.endpoints[j].rows, i)
		}
	}
	return d, nil
}

// Detect looks at every target once. It never returns an error: what could
// not be seen is unknown, target by target.
func (d *Detector) Detect(ctx context.Context) ([]event.Observation, error) {
	obs := make([]event.Observation, len(d.targets))
	if len(d.local) > 0 {
		d.look(ctx, obs)
	}
	if len(d.endpoints) > 0 {
		d.probe(ctx, obs)
	}
	return obs, nil
}

// set writes the observation of target i.
func (d *Detector) set(obs []event.Observation, i int, a answer) {
	o := event.Observation{Key: d.targets[i].Key, State: a.state, Want: 1, Detail: a.detail, At: time.Now()}
	if a.state == event.Up {
		o.Found = 1
	}
	if len(o.Detail) > event.MaxDetail {
		o.Detail = o.Detail[:event.MaxDetail]
	}
	obs[i] = o
}

// parallel is how many probes may wait for an answer at the same time: an
// eighth of all, so that a pass in which everything is silent ends after
// eight timeouts, but at least 64, and at most 1024 because each holds a
// socket.
func parallel(endpoints int) int { return min(max(64, (endpoints+7)/8), 1024) }

// probe asks every endpoint once.
func (d *Detector) probe(ctx context.Context, obs []event.Observation) {
	names := d.names(ctx)
	n := len(d.endpoints)
	var g errgroup.Group
	g.SetLimit(parallel(n))
	var crash struct {
		sync.Mutex
		text string
	}
	begun := 0
	for ; begun < n; begun++ {
		if d.pace.Wait(ctx) != nil {
			break
		}
		e := d.endpoints[(d.first+begun)%n]
		g.Go(func() error {
			defer func() {
				if p := recover(); p != nil {
					crash.Lock()
					crash.text = fmt.Sprintf("probe %s: %v\n%s", e.place, p, debug.Stack())
					crash.Unlock()
				}
			}()
			a := d.ask(ctx, e, names[e.host])
			for _, i := range e.rows {
				d.set(obs, i, a)
			}
			return nil
		})
	}
	g.Wait() // no probe returns an error
	if crash.text != "" {
		panic(crash.text) // here, because the scheduler catches it in this goroutine only
	}
	for k := begun; k < n; k++ {
		for _, i := range d.endpoints[(d.first+k)%n].rows {
			d.set(obs, i, answer{state: event.Unknown, detail: "the pass ended before this port's turn; it comes first in the next one; if this repeats, raise detectors.port.timeout or detectors.port.rate"})
		}
	}
	d.first = (d.first + begun) % n
}

// ask resolves the endpoint's name and probes its addresses in order until
// one is up.
func (d *Detector) ask(ctx context.Context, e endpoint, resolve func() ([]netip.Addr, error)) answer {
	if e.method == Syn && !canHalfOpen {
		return answer{state: event.Unknown, detail: "the half-open probe needs Linux; probe this port from a dswatch on Linux, or look at it with method listen on its own host"}
	}
	addrs, err := resolve()
	if err != nil {
		return cut(ctx, unresolved(e.host, err))
	}
	ectx, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	end, _ := ectx.Deadline()
	var all []answer
	for i, a := range addrs {
		part := time.Until(end) / time.Duration(len(addrs)-i)
		actx, cancel := context.WithTimeout(ectx, part)
		ans := e.how.probe(actx, netip.AddrPortFrom(a, uint16(e.port)))
		cancel()
		if ans.state == event.Up {
			return ans
		}
		all = append(all, ans)
	}
	return cut(ctx, merge(all))
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
