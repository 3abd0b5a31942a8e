package port

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"dswatch/detector/exits"
	"dswatch/event"
)

// Options are settings of the whole detector.
type Options struct {
	Rate int // remote probes begun per second; zero or less means that of Defaults
	// Here is this host as items name it. With it, what several targets have in
	// common is an item of its own, see Ways. Empty: every target is told alone.
	Here string
	// Known are the items of networks that were told when the program last ran.
	Known []event.Key
}

// burst is how many probes may begin at once before Rate holds them back.
const burst = 64

// Detector looks at a fixed list of targets.
type Detector struct {
	targets   []Target
	local     []int // indices of the targets with method listen
	endpoints []endpoint
	order     []int                    // of the endpoints in the next pass
	longest   map[string]time.Duration // timeout of any endpoint, by host
	here      string
	networks  map[netip.Prefix]bool // of which something is told

	pace     *rate.Limiter
	resolver *net.Resolver
	sources  []source
	held     map[uint64][]int // who holds the sockets, by inode, as far as it was looked up

	owners  map[int]bool                    // that hold what counted, during a look
	counted atomic.Pointer[[]exits.Process] // the same after it, for who waits for their end
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
		longest:  map[string]time.Duration{},
		here:     o.Here,
		networks: map[netip.Prefix]bool{},
	}
	for _, k := range o.Known {
		if d.Known(k) {
			d.networks[netip.MustParsePrefix(k.Name)] = true
		}
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
			d.order = append(d.order, len(d.endpoints))
			d.endpoints = append(d.endpoints, endpoint{p, h, []int{i}})
			d.longest[p.host] = max(d.longest[p.host], h.timeout)
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
	if len(d.endpoints) == 0 {
		return obs, nil
	}
	results := d.probe(ctx)
	common := d.common(results)
	for n, e := range d.endpoints {
		for _, i := range e.rows {
			d.set(obs, i, results[n].answer)
			obs[i].At = results[n].at
			if k := common.behind[n]; k != (event.Key{}) {
				obs[i].State, obs[i].Behind = event.Unknown, k
			}
		}
	}
	return append(obs, common.ways...), nil
}

// set writes the observation of target i.
func (d *Detector) set(obs []event.Observation, i int, a answer) {
	o := event.Observation{Key: d.targets[i].Key, State: a.state, Want: 1, Detail: a.detail, At: time.Now()}
	if a.state == event.Up {
		o.Found = 1
	}
	o.Detail = o.Detail.Clip(event.MaxDetail)
	obs[i] = o
}
