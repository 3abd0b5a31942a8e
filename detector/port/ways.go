package port

import (
	"maps"
	"net/netip"
	"slices"
	"time"

	"dswatch/detector"
	"dswatch/event"
	"dswatch/words"
)

// several is how many hosts make a trouble one that they have in common.
const several = 3

// way is the item of this name.
func (d *Detector) way(name string) event.Key {
	return detector.Way(d.here, name)
}

// Known reports whether k is the item of a network, as Options.Known has them.
func (d *Detector) Known(k event.Key) bool {
	_, err := netip.ParsePrefix(k.Name)
	return err == nil && k == d.way(k.Name)
}

// Ways returns the items beside those of the targets that are there from the
// start. Those of networks come with the looks.
func (d *Detector) Ways() []event.Key {
	if len(d.endpoints) == 0 || d.here == "" {
		return nil
	}
	keys := []event.Key{d.way(detector.WayTargets)}
	names, hosts := 0, map[string]bool{}
	for _, e := range d.endpoints {
		if _, err := netip.ParseAddr(e.host); err != nil && !hosts[e.host] {
			names++
		}
		hosts[e.host] = true
	}
	if names >= several {
		keys = append(keys, d.way(detector.WayResolver))
	}
	if len(hosts) >= several {
		keys = append(keys, d.way(detector.WayNetwork))
	}
	return keys
}

// commons is what the endpoints of one pass have in common.
type commons struct {
	ways   []event.Observation
	behind map[int]event.Key // by endpoint
}

// tally counts the hosts of one network, or of all.
type tally struct {
	heard, mute map[string]bool
	example     event.Said // of what was said of a mute one
	endpoints   []int      // the mute ones
}

func (t *tally) add(n int, host string, a answer) {
	if t.heard == nil {
		t.heard, t.mute = map[string]bool{}, map[string]bool{}
	}
	if !a.mute {
		t.heard[host] = true
		return
	}
	t.mute[host] = true
	t.endpoints = append(t.endpoints, n)
	if t.example.Empty() || a.state == event.Unknown { // who says why says more than silence
		t.example = a.detail
	}
}

// empty reports whether no host was asked.
func (t *tally) empty() bool { return len(t.heard)+len(t.mute) == 0 }

// cut reports whether nothing at all was heard of several hosts.
func (t *tally) cut() bool { return len(t.heard) == 0 && len(t.mute) >= several }

// observe makes the item of a network that is not behind another one; without
// what it is all of them.
func (t *tally) observe(k event.Key, what string, at time.Time) event.Observation {
	o := event.Observation{Key: k, State: event.Up, Found: 1, Want: 1, At: at}
	answer, none := words.HostsAnswer.With(len(t.heard), len(t.heard)+len(t.mute), what), words.NoHostAnswers.With(len(t.mute), what)
	if what == "" {
		answer, none = words.HostsAnswerAnywhere.With(len(t.heard), len(t.heard)+len(t.mute)), words.NoHostAnywhere.With(len(t.mute))
	}
	if !t.cut() {
		o.Detail = answer
		return o
	}
	o.State, o.Found = event.Down, 0
	o.Detail = none.And(words.ForExample.With(), t.example)
	return o
}

// common finds what the endpoints have in common, and which of them it
// explains.
func (d *Detector) common(all []result) commons {
	c := commons{behind: map[int]event.Key{}}
	if d.here == "" {
		return c
	}
	now := time.Now()
	ways := d.Ways()
	has := func(name string) bool { return slices.Contains(ways, d.way(name)) }
	var blind event.Key // why nothing may be known of a network
	note := func(o event.Observation) {
		c.ways = append(c.ways, o)
		if o.State != event.Up {
			blind = o.Key
		}
	}
	note(c.pass(d.way(detector.WayTargets), all, now))
	if has(detector.WayResolver) {
		note(c.resolver(d, all, now))
	}

	var every tally
	nets := map[netip.Prefix]*tally{}
	hosts := map[netip.Prefix]map[string]bool{}
	for n, r := range all {
		if len(r.addrs) == 0 {
			continue
		}
		host := r.addrs[0].String() // several names of one host are one
		net, ok := network(r.addrs)
		if ok && nets[net] == nil {
			nets[net], hosts[net] = &tally{}, map[string]bool{}
		}
		if ok {
			hosts[net][host] = true
		}
		if r.cut || r.limits || r.addrs[0].IsLoopback() {
			continue
		}
		every.add(n, host, r.answer)
		if ok {
			nets[net].add(n, host, r.answer)
		}
	}
	for net := range d.networks { // told before, and no name of it was resolved this time
		if nets[net] == nil && blind == d.way(detector.WayResolver) {
			nets[net] = &tally{}
		}
	}
	maps.DeleteFunc(nets, func(net netip.Prefix, _ *tally) bool { return len(hosts[net]) < several && !d.networks[net] })
	d.networks = make(map[netip.Prefix]bool, len(nets))
	root := event.Key{} // behind which everything is, if nothing at all is heard
	if every.cut() && has(detector.WayNetwork) {
		root = d.way(detector.WayNetwork)
		for net, t := range nets {
			if len(t.endpoints) == len(every.endpoints) { // the narrower says more
				root = d.way(net.String())
			}
		}
	}
	tell := func(k event.Key, t *tally, what string) {
		switch {
		case t.empty() && blind != (event.Key{}):
			c.ways = append(c.ways, hidden(k, blind, now))
		case t.cut() && root != k && root != (event.Key{}):
			c.ways = append(c.ways, hidden(k, root, now))
		default:
			c.ways = append(c.ways, t.observe(k, what, now))
			if t.cut() {
				for _, n := range t.endpoints {
					c.behind[n] = k
				}
			}
		}
	}
	for _, net := range slices.SortedFunc(maps.Keys(nets), netip.Prefix.Compare) {
		d.networks[net] = true
		tell(d.way(net.String()), nets[net], net.String())
	}
	if has(detector.WayNetwork) {
		tell(d.way(detector.WayNetwork), &every, "")
	}
	return c
}

// pass is the item of the pass itself: whether its time was enough, and this
// host able to ask.
func (c *commons) pass(k event.Key, all []result, at time.Time) event.Observation {
	o := event.Observation{Key: k, State: event.Up, Found: 1, Want: 1, Detail: words.AllAsked.With(len(all)), At: at}
	left, unable, why := 0, 0, event.Said{}
	for _, r := range all {
		switch {
		case r.cut:
			left++
		case r.limits:
			unable++
			why = r.detail
		}
	}
	for n, r := range all {
		if r.cut || r.limits && unable >= several {
			c.behind[n] = k
		}
	}
	switch {
	case unable >= several:
		o.Detail = words.CouldNotAsk.With(unable, len(all)).And(words.ForExample.With(), why)
	case left > 0:
		o.Detail = words.PassTooShort.With(left, len(all))
	default:
		return o
	}
	o.State, o.Found = event.Unknown, 0
	return o
}

// resolver is the item of the name servers.
func (c *commons) resolver(d *Detector, all []result, at time.Time) event.Observation {
	o := event.Observation{Key: d.way(detector.WayResolver), State: event.Up, Found: 1, Want: 1, At: at}
	asked, deaf, why := map[string]bool{}, map[string]bool{}, event.Said{}
	for n, r := range all {
		if !r.named || r.cut {
			continue
		}
		asked[d.endpoints[n].host] = true
		if r.deaf {
			deaf[d.endpoints[n].host] = true
			why = r.detail
		}
	}
	if len(asked) == 0 {
		return hidden(o.Key, d.way(detector.WayTargets), at)
	}
	o.Detail = words.NamesLookedUp.With(len(asked)-len(deaf), len(asked))
	if len(deaf) < several {
		return o
	}
	for n, r := range all {
		if r.deaf && !r.cut {
			c.behind[n] = o.Key
		}
	}
	o.State, o.Found = event.Unknown, 0
	o.Detail = o.Detail.And(words.ForExample.With(), why)
	return o
}

// hidden is the observation of an item that cannot be seen because of another.
func hidden(k, behind event.Key, at time.Time) event.Observation {
	return event.Observation{Key: k, State: event.Unknown, Want: 1, Detail: words.NotSeenBehind.With(behind.String()), At: at, Behind: behind}
}

// network is where a host is as far as its addresses tell: all in one /24, or
// in one /64.
func network(addrs []netip.Addr) (net netip.Prefix, ok bool) {
	for i, a := range addrs {
		bits := 64
		if a = a.Unmap(); a.Is4() {
			bits = 24
		}
		p, err := a.WithZone("").Prefix(bits)
		if err != nil || a.IsLoopback() || i > 0 && p != net {
			return netip.Prefix{}, false
		}
		net = p
	}
	return net, len(addrs) > 0
}
