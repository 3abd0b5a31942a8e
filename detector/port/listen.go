package port

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"dswatch/event"
	"dswatch/words"
)

// listener is one listening TCP socket.
type listener struct {
	addr  netip.AddrPort
	owner owner
}

// owner is what the table tells anyone about the owner of a socket: Windows
// its process, Linux its user and the inode that ls -l /proc/*/fd shows as
// socket:[INODE].
type owner struct {
	pid, uid uint32
	inode    uint64
}

func (o owner) String() string {
	if o.pid != 0 {
		return fmt.Sprintf("pid %d", o.pid)
	}
	return fmt.Sprintf("uid %d, inode %d", o.uid, o.inode)
}

// source is one way to read this host's table of listening sockets: read
// calls add for each.
type source struct {
	name string
	read func(ctx context.Context, add func(listener)) error
}

// table reads the listening sockets of the wanted ports from the first
// source that works, and says which one that was and why those before it did
// not.
func (d *Detector) table(ctx context.Context) (map[uint16][]listener, event.Said, error) {
	var why []string
	var failed event.Said // the same
	for _, s := range d.sources {
		by := make(map[uint16][]listener, len(d.local))
		for _, i := range d.local {
			by[uint16(d.targets[i].Port)] = nil
		}
		err := s.read(ctx, func(l listener) {
			if have, wanted := by[l.addr.Port()]; wanted {
				by[l.addr.Port()] = append(have, l)
			}
		})
		if err != nil {
			why = append(why, s.name+": "+short(err.Error()))
			failed = failed.And(words.PortSourceFailed.With(s.name, shortly(err)))
			continue
		}
		return by, words.PortFrom.With(s.name).And(failed), nil
	}
	return nil, event.Said{}, words.Fail(words.PortUnreadable.With(why))
}

// look observes the targets of this host.
func (d *Detector) look(ctx context.Context, obs []event.Observation) {
	d.owners = map[int]bool{}
	defer d.remember()
	by, from, err := d.table(ctx)
	if err == nil && !d.allUp(by) {
		// While sockets come and go, a dump of many of them can step over
		// one that was there all the time. So a loss is looked at twice.
		by, from, err = d.table(ctx)
	}
	for _, i := range d.local {
		if err != nil {
			d.set(obs, i, unknown(words.Of(err)))
			continue
		}
		a := d.judge(i, by[uint16(d.targets[i].Port)])
		a.detail = a.detail.And(from)
		d.set(obs, i, a)
	}
}

func (d *Detector) allUp(by map[uint16][]listener) bool {
	for _, i := range d.local {
		if d.judge(i, by[uint16(d.targets[i].Port)]).state != event.Up {
			return false
		}
	}
	return true
}

// judge decides what the listeners on a target's port mean. One of ours among
// them suffices.
func (d *Detector) judge(i int, ls []listener) answer {
	t := d.targets[i]
	if t.Owner == nil || len(ls) == 0 {
		return t.judge(ls)
	}
	var ours []listener
	var strangers event.Said
	for n, l := range ls {
		holders := d.holders(l.owner)
		if say := t.Owner.Stranger(l.owner.uid, holders); say.Empty() {
			ours = append(ours, l)
			for _, pid := range holders[:min(len(holders), mostOwners)] {
				d.owners[pid] = true
			}
		} else if n < mostShown {
			strangers = strangers.And(say)
		}
	}
	if len(ours) == 0 {
		return down(words.PortStranger.With(t.Port).And(strangers))
	}
	a := t.judge(ours)
	a.detail = a.detail.And(strangers)
	return a
}

// mostOwners is how many holders of one socket are waited for: each takes a
// descriptor.
const mostOwners = 64

// mostShown is how many sockets of one port a detail names. With SO_REUSEPORT
// there can be one for each core.
const mostShown = 8

// judge decides what the listeners on t's port mean.
func (t Target) judge(ls []listener) answer {
	if len(ls) == 0 {
		return down(words.PortNothing.With(t.Port))
	}
	reachable := false
	var shown []string
	for _, l := range ls {
		if !l.addr.Addr().IsLoopback() { // which ::ffff:127.0.0.1 is too
			reachable = true
		}
		shown = append(shown, fmt.Sprintf("%s (%s)", l.addr.Addr(), l.owner))
	}
	slices.Sort(shown)
	shown = slices.Compact(shown)
	if n := len(shown) - mostShown; n > 0 {
		shown = append(shown[:mostShown], fmt.Sprintf("+%d", n))
	}
	if !reachable && !t.Loopback {
		return down(words.PortLoopback.With(t.Port, shown))
	}
	return up(words.PortListens.With(t.Port, shown))
}
