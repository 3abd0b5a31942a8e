package port

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"
)

// mostAddresses is how many addresses of one name are probed. A name with
// more stands for many machines, and each would get a shorter time.
const mostAddresses = 4

// names returns a function for each host that resolves it, once in the pass
// that ctx is the context of.
func (d *Detector) names(ctx context.Context) map[string]func() ([]netip.Addr, error) {
	longest := map[string]time.Duration{}
	for _, e := range d.endpoints {
		longest[e.host] = max(longest[e.host], e.timeout)
	}
	m := make(map[string]func() ([]netip.Addr, error), len(longest))
	for host, timeout := range longest {
		if a, err := netip.ParseAddr(host); err == nil {
			m[host] = func() ([]netip.Addr, error) { return []netip.Addr{a}, nil }
			continue
		}
		m[host] = sync.OnceValues(func() ([]netip.Addr, error) {
			// Apart from the probe's own time, so that a slow resolver does
			// not make a port look silent.
			ctx, cancel := context.WithTimeout(ctx, timeout)
			defer cancel()
			addrs, err := d.resolver.LookupNetIP(ctx, "ip", host)
			for i := range addrs {
				addrs[i] = addrs[i].Unmap()
			}
			return addrs[:min(len(addrs), mostAddresses)], err
		})
	}
	return m
}

// unresolved is the answer for a name without addresses.
func unresolved(host string, err error) answer {
	var d *net.DNSError
	switch {
	case errors.As(err, &d) && d.IsNotFound:
		return unknown("name %s not found: correct host, or the name's record in DNS or the hosts file", short(host))
	case errors.As(err, &d) && d.IsTimeout, errors.Is(err, context.DeadlineExceeded):
		return unknown("resolver did not answer for %s: look at this host's name servers, or write the address as host", short(host))
	}
	return unknown("resolver failed for %s (%v): look at this host's name servers, or write the address as host", short(host), short(err.Error()))
}
