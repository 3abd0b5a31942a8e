package port

import (
	"context"
	"dswatch/words"
	"errors"
	"net"
	"net/netip"
	"time"
)

// resolve returns the addresses of host, each once, within timeout. It is
// apart from the probe's own time, so that a slow resolver does not make a
// port look silent.
func (d *Detector) resolve(ctx context.Context, host string, timeout time.Duration) ([]netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	addrs, err := d.resolver.LookupNetIP(ctx, "ip", host)
	seen := make(map[netip.Addr]bool, len(addrs))
	out := addrs[:0]
	for _, a := range addrs {
		if a = a.Unmap(); !seen[a] {
			seen[a] = true
			out = append(out, a)
		}
	}
	if err == nil && len(out) == 0 {
		err = &net.DNSError{Err: "no address", Name: host, IsNotFound: true}
	}
	return out, err
}

// silence reports whether err is the resolver's trouble: an answer that there
// is no such name is none.
func silence(err error) bool {
	var d *net.DNSError
	return err != nil && !(errors.As(err, &d) && d.IsNotFound)
}

// unresolved is the answer for a name without addresses.
func unresolved(host string, err error) answer {
	var d *net.DNSError
	switch {
	case errors.As(err, &d) && d.IsNotFound:
		return unknown(words.NameNotFound.With(short(host)))
	case errors.As(err, &d) && d.IsTimeout, errors.Is(err, context.DeadlineExceeded):
		return unknown(words.NoResolver.With(short(host)))
	}
	return unknown(words.ResolverFailed.With(short(host), shortly(err)))
}
