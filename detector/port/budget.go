package port

import (
	"net/netip"
	"time"
)

// addressesOfName is for how many addresses a name is reckoned: what it has is
// known only when it is resolved.
const addressesOfName = 2

// Budget is what one pass over the remote targets may need at worst.
type Budget struct {
	Endpoints int // probed, each once
	Names     int // resolved before, beside the probes
	Parallel  int // probes that wait for an answer at the same time
	Rate      int // begun per second
	// Worst is how long a pass takes in which no name server and no endpoint
	// answers, with the tenth that is kept back.
	Worst time.Duration
}

// Budget reckons with the targets as they are written.
func (c Config) Budget() Budget {
	b := Budget{Rate: c.Rate}
	if b.Rate <= 0 {
		b.Rate = defaultRate
	}
	var probes, looks, longest, longestName time.Duration
	asked, names := map[place]bool{}, map[string]time.Duration{}
	begun := 0
	for _, t := range c.Expand("here") {
		if t.method() == Listen || asked[t.place()] {
			continue
		}
		asked[t.place()] = true
		host, n := canonical(t.Host), 1
		if _, err := netip.ParseAddr(host); err != nil {
			names[host] = max(names[host], t.timeout())
			n = addressesOfName
		}
		begun += n
		probes += time.Duration(n) * t.timeout()
		longest = max(longest, t.timeout())
	}
	if b.Endpoints, b.Names = len(asked), len(names); b.Endpoints == 0 {
		return b
	}
	for _, t := range names {
		looks += t
		longestName = max(longestName, t)
	}
	b.Parallel = parallel(b.Endpoints)
	// In a queue that is served side by side, the last to begin has waited for
	// the sum of all by the number of places at most.
	work := looks/resolvers + longestName + probes/time.Duration(b.Parallel) + longest
	work += time.Duration(max(0, begun-burst)) * time.Second / time.Duration(b.Rate)
	b.Worst = (work * lastReserve / (lastReserve - 1)).Round(100*time.Millisecond) + 100*time.Millisecond
	return b
}
