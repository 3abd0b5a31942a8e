package port

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"time"

	"dswatch/event"
	"dswatch/words"
)

// answer is what one probe found out.
type answer struct {
	state  event.State
	detail event.Said
	away   bool // there is no route from here, so nothing is said about the port
	mute   bool // nothing was heard of the host itself
	limits bool // this host could not ask
	cut    bool // the pass ended first
}

// nothing marks an answer that does not come from the host.
func (a answer) nothing() answer { a.mute = true; return a }

func up(s event.Said) answer {
	return answer{state: event.Up, detail: s}
}

func down(s event.Said) answer {
	return answer{state: event.Down, detail: s}
}

func unknown(s event.Said) answer {
	return answer{state: event.Unknown, detail: s}
}

// The words for what several probes can meet.

func refused(to netip.AddrPort) answer {
	return down(words.PortRefused.With(to.String()))
}

func silent(to netip.AddrPort, after time.Duration) answer {
	return down(words.PortSilent.With(to.String(), span(after))).nothing()
}

func unreachable(to netip.AddrPort) answer {
	return down(words.PortUnreachable.With(to.String())).nothing()
}

func noRoute(to netip.AddrPort, err error) answer {
	a := unknown(words.PortNoRoute.With(to.String(), err, version(to)))
	a.away = true
	return a.nothing()
}

func forbidden(to netip.AddrPort, err error) answer {
	return unknown(words.PortForbidden.With(to.String(), err)).nothing()
}

func failed(to netip.AddrPort, err error) answer {
	a := unknown(words.PortFailed.With(to.String(), err))
	a.limits = true
	return a
}

func version(to netip.AddrPort) int {
	if to.Addr().Unmap().Is4() {
		return 4
	}
	return 6
}

// span rounds a duration to what a person reads.
func span(d time.Duration) time.Duration {
	switch {
	case d >= time.Second:
		return d.Round(100 * time.Millisecond)
	case d >= 100*time.Millisecond:
		return d.Round(10 * time.Millisecond)
	case d >= time.Millisecond:
		return d.Round(100 * time.Microsecond)
	}
	return d.Round(time.Microsecond)
}

// cut replaces an answer that is wrong because the pass ended early: what
// was silent until then may still have answered in time.
func cut(pass context.Context, a answer) answer {
	if pass.Err() == nil || a.state == event.Up {
		return a
	}
	a = unknown(words.PortCut.With())
	a.cut = true
	return a
}

// merge joins the answers of a name's addresses, none of which is up. An
// address without a route from here counts only if no other is left.
func merge(all []answer) answer {
	var with []answer
	for _, a := range all {
		if !a.away {
			with = append(with, a)
		}
	}
	if len(with) == 0 {
		with = all
	}
	out := answer{state: event.Down, mute: true}
	for _, a := range with {
		out.detail = out.detail.And(a.detail)
		if a.state == event.Unknown {
			out.state = event.Unknown
		}
		out.mute = out.mute && a.mute
		out.limits = out.limits || a.limits
	}
	return out
}

// ofError is the answer that a failed dial means.
func ofError(ctx context.Context, err error, to netip.AddrPort, start time.Time) answer {
	if ctx.Err() != nil || errors.Is(err, os.ErrDeadlineExceeded) {
		return silent(to, time.Since(start))
	}
	f := faultOf(err)
	if f == faultUnreachable {
		// A route of type unreachable says the same as a dead host. A UDP
		// connect sends nothing, so only the routing table answers it.
		c, err := net.Dial("udp", to.String())
		if err != nil {
			return noRoute(to, cause(err))
		}
		c.Close()
	}
	return f.answer(cause(err), to)
}

// cause strips what the net package puts around a system error.
func cause(err error) error {
	var op *net.OpError
	if errors.As(err, &op) && op.Err != nil {
		return op.Err
	}
	return err
}

// fault is what a system error means for a probe.
type fault int

const (
	faultOther fault = iota
	faultRefused
	faultSilent // the kernel gave up before we did
	faultUnreachable
	faultNoRoute
	faultForbidden
)

func (f fault) answer(err error, to netip.AddrPort) answer {
	switch f {
	case faultRefused:
		return refused(to)
	case faultSilent:
		return down(words.PortNoAnswer.With(to.String())).nothing()
	case faultUnreachable:
		return unreachable(to)
	case faultNoRoute:
		return noRoute(to, err)
	case faultForbidden:
		return forbidden(to, err)
	}
	return failed(to, err)
}
