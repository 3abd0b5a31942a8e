package engine

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"dswatch/event"
	"dswatch/setting"
)

// Limits bound what may be told of over the event stream, so that no publisher
// can let the memory grow without end. The items and hosts of Parts.Host count
// and are never refused for the total.
type Limits struct {
	Hosts     int // known at once
	Items     int // of all hosts
	HostItems int // of one host
	Reporters int // that tell facts of one host
}

// DefaultLimits are twice the largest estate that was measured, 100,000
// computers of five items (docs/performance.md); a host has under a hundred rows.
var DefaultLimits = Limits{Hosts: 200_000, Items: 1_000_000, HostItems: 20_000, Reporters: 64}

// errLimit says that there is no room.
type errLimit struct{ error }

func full(format string, v ...any) error { return errLimit{fmt.Errorf(format, v...)} }

// Refused is what was refused of the event stream since the start for want of
// room.
type Refused struct {
	Messages uint64
	Last     time.Time
	Why      error // of the last; nil: none was
}

// Refused returns what was refused for want of room.
func (e *Engine) Refused() Refused {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.beyond
}

// admit says why nothing that is told of a host counts; nil: it does. Nobody
// may write, by a name that was made to have the same token, into what is known
// of another host.
func (e *Engine) admit(name string) error {
	if e.named[name] != nil {
		return nil
	}
	if h := e.hosts[event.Token(name)]; h != nil && h.called != strings.ToLower(name) {
		return fmt.Errorf("host %q has the token of %q, which was known before", setting.Clip(name), setting.Clip(h.called))
	} else if h == nil && len(e.hosts) >= e.Limits.Hosts && !strings.EqualFold(name, e.Host) {
		return full("host %q is beyond the limit of %d hosts", setting.Clip(name), e.Limits.Hosts)
	}
	return nil
}

// admitEvent is admit for an event, and its item.
func (e *Engine) admitEvent(ev *event.Event) error {
	if err := e.admitBoth(ev.Observer, ev.Key().Host); err != nil {
		return err
	}
	return e.admitItem(ev.Key())
}

// admitItem says why there is no room for an item that is not known; nil: there
// is.
func (e *Engine) admitItem(k event.Key) error {
	if e.items[k] != nil {
		return nil
	}
	here := 0
	if h := e.hosts[event.Token(k.Host)]; h != nil {
		here = len(h.items)
	}
	room := len(e.items) < e.Limits.Items || strings.EqualFold(k.Host, e.Host)
	if room && here < e.Limits.HostItems {
		return nil
	}
	if k.Host = e.spelled(k.Host); e.items[k] != nil {
		return nil
	}
	if room {
		return full("item %q is beyond the limit of %d items of one host", setting.Clip(k.String()), e.Limits.HostItems)
	}
	return full("item %q is beyond the limit of %d items", setting.Clip(k.String()), e.Limits.Items)
}

// admitReport is admit for what is known about a host.
func (e *Engine) admitReport(r *event.FactsReport) error {
	if err := e.admitBoth(r.Observer, r.Host); err != nil {
		return err
	}
	h := e.hosts[event.Token(r.Host)]
	if h == nil || len(h.reports) < e.Limits.Reporters || r.Host == r.Observer || h.report(event.Token(r.Observer)).token != "" {
		return nil
	}
	return full("what %q tells of %q is beyond the limit of %d reporters of one host", setting.Clip(r.Observer), setting.Clip(r.Host), e.Limits.Reporters)
}

// admitBoth is admit for an observer and a host it tells of. One for which there
// is no room may tell of those that are known: nothing is kept of it, see listen.
func (e *Engine) admitBoth(observer, host string) error {
	var l errLimit
	if err := e.admit(observer); err != nil && !errors.As(err, &l) {
		return err
	}
	return e.admit(host)
}
