package engine

import (
	"context"
	"slices"
	"strings"

	"dswatch/event"
	"dswatch/rules"
	"dswatch/words"
)

// RenameSink hands the alerts that one sink was told of over to another one,
// which reaches the same far end: it is told of their changes and of their
// end, and of what the old one was not told. The old one must be no longer
// configured. What the old one has confirmed must be among the receipts of the
// new one.
func (e *Engine) RenameSink(ctx context.Context, old, name string) (alerts int, err error) {
	err = e.ask(ctx, func(ctx context.Context) error {
		for _, it := range e.items {
			if it.status.RenameSink(old, name) {
				alerts++
				e.touch(it)
				for _, rule := range rules.RuleNames() {
					e.parted(it, rule, it.status.Slot(rule))
				}
			}
		}
		for _, d := range e.groups {
			if d.RenameSink(old, name) {
				alerts++
				d.dirty = true
			}
		}
		e.closeRound()
		slots, err := e.knownBy(ctx, name, nil)
		if err != nil {
			return err
		}
		return e.repair(name, slots)
	})
	return alerts, err
}

// RemoveHost ends what is remembered of a host that is no more: its alerts are
// cleared, and it is listed no longer. Should something be heard of it again,
// it is there again.
func (e *Engine) RemoveHost(ctx context.Context, name string, why event.Said) (items int, err error) {
	err = e.ask(ctx, func(context.Context) error {
		items, err = e.removeHost(name, why)
		return err
	})
	return items, err
}

// RenameHost is RemoveHost for a host that has another name now. Who looks
// after an alert of it looks after that of the same item under the new name.
func (e *Engine) RenameHost(ctx context.Context, old, name string, why event.Said) (items int, err error) {
	err = e.ask(ctx, func(context.Context) error {
		items, err = e.renameHost(old, name, why)
		return err
	})
	return items, err
}

func (e *Engine) renameHost(old, name string, why event.Said) (items int, err error) {
	if strings.EqualFold(old, name) {
		return 0, words.Fail(words.SameHost.With(old, name))
	}
	if h := e.hosts[event.Token(name)]; h == nil || len(h.items) == 0 {
		return 0, words.Fail(words.HostNotHeard.With(name, old))
	}
	e.adoptAcks(old, name)
	return e.removeHost(old, why)
}

// adoptAcks notes who looks after the items of a host by its old name.
func (e *Engine) adoptAcks(old, name string) {
	for _, it := range e.itemsOf(old) {
		k := it.status.Key
		k.Host = e.spelled(name)
		heir := e.items[k]
		if heir == nil {
			continue
		}
		for _, rule := range rules.RuleNames() {
			from, to := it.status.Slot(rule), heir.status.Slot(rule)
			if from.Phase == rules.Firing && from.Ack != nil && to.Phase == rules.Firing && to.Ack == nil {
				e.acked(heir, rule, ack{ack: *from.Ack})
			}
		}
	}
}

func (e *Engine) removeHost(name string, why event.Said) (int, error) {
	if strings.EqualFold(name, e.Host) {
		return 0, words.Fail(words.RunsOnHost.With(name))
	}
	all := e.itemsOf(name)
	if len(all) == 0 {
		return 0, words.Fail(words.HostUnknown.With(name))
	}
	for _, it := range all {
		e.gone(it, why)
	}
	e.revise()
	return len(all), nil
}

// itemsOf are the items of a host that are not gone, in the order of keys.
func (e *Engine) itemsOf(name string) (all []*item) {
	h := e.hosts[event.Token(name)]
	if h == nil {
		return nil
	}
	for _, it := range h.items {
		if !it.status.Gone {
			all = append(all, it)
		}
	}
	slices.SortFunc(all, func(a, b *item) int { return compareKeys(a.status.Key, b.status.Key) })
	return all
}

// gone decides that there is no such item any more.
func (e *Engine) gone(it *item, why event.Said) {
	e.roomFor(it)
	o := rules.Removed(&it.status, why)
	o.At = e.now()
	e.decide(it, event.NewState(o.Key.Host, event.Gone, o))
}
