package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"dswatch/event"
	"dswatch/rules"
)

const (
	// keepGone is how long an item that is gone is remembered: longer than
	// the event stream keeps an event of it that could come again.
	keepGone = 7 * 24 * time.Hour
	// pruneEvery is how often the engine looks for what to forget.
	pruneEvery = time.Hour
	// forgetEvery is how often it looks for receipts to forget.
	forgetEvery = 24 * time.Hour
	// mostPruned is how many are forgotten in one look: others wait for it.
	mostPruned = 1000
)

// prune forgets items that went for good, such as those of a computer that
// was removed from the manager, or whose row left the configuration, and what
// is known of hosts without any: else every one that ever was would be kept.
// Nothing is forgotten that a promise depends on: no alert of the item is
// open or waits, and every sink that was told of one has confirmed its end.
func (e *Engine) prune(ctx context.Context) error {
	now := e.now()
	if now.Before(e.pruneAt) && e.pruneAt.Sub(now) <= pruneEvery {
		return nil
	}
	first := e.pruneAt.IsZero()
	if e.pruneAt = now.Add(pruneEvery); first {
		return nil // there is enough to do at the start
	}
	if err := e.pruneItems(ctx, now); err != nil {
		return err
	}
	if err := e.pruneHosts(ctx, now); err != nil {
		return err
	}
	return e.pruneReceipts(ctx, now)
}

func (e *Engine) pruneItems(ctx context.Context, now time.Time) error {
	var old []*item
	for _, it := range e.items {
		if it.index < 0 && it.bygone(now) {
			old = append(old, it)
		}
	}
	if len(old) == 0 {
		return nil
	}
	for _, name := range e.everySink() {
		waiting, receipts, err := e.heardBy(ctx, name)
		if err != nil {
			return err
		}
		old = slices.DeleteFunc(old, func(it *item) bool { return !it.status.Forgettable(name, waiting, receipts) })
	}
	if old = old[:min(len(old), mostPruned)]; len(old) == 0 {
		return nil
	}
	records := make([]Record, len(old))
	for i, it := range old {
		records[i] = Record{Key: it.status.Key.Hash(), Revision: it.revision, Delete: true}
	}
	if _, err := e.Statuses.Save(ctx, records); err != nil {
		return fmt.Errorf("remove %d statuses: %w", len(records), err)
	}
	if e.Journal != nil {
		e.Journal.Keep(records, nil, false)
	}
	for _, it := range old {
		e.forget(it)
	}
	e.Log.Info("forgot items that have been gone for long", "items", len(old), "for", keepGone)
	return nil
}

// pruneHosts forgets what was told of hosts that have no items, if nobody has
// told of them for long.
func (e *Engine) pruneHosts(ctx context.Context, now time.Time) error {
	var old []string
	var records []Record
	for token, h := range e.hosts {
		if len(h.items) > 0 || token == event.Token(e.Host) || now.Sub(h.heard) < keepGone || now.Before(h.transit.Until) ||
			slices.ContainsFunc(h.reports, func(r reported) bool { return now.Sub(r.at) < keepGone }) {
			continue
		}
		for _, r := range h.reports {
			if r.revision != 0 {
				records = append(records, Record{Key: recordOf(token, r.token), Revision: r.revision, Delete: true})
			}
		}
		if h.transitRevision != 0 {
			records = append(records, Record{Key: token + TransitSuffix, Revision: h.transitRevision, Delete: true})
		}
		if old = append(old, token); len(old) == mostPruned {
			break
		}
	}
	if len(old) == 0 {
		return nil
	}
	if len(records) > 0 {
		if _, err := e.Facts.Save(ctx, records); err != nil {
			return fmt.Errorf("remove what is known of %d hosts: %w", len(old), err)
		}
		if e.Journal != nil {
			e.Journal.Keep(nil, records, false)
		}
		e.Log.Info("forgot hosts that have had no items for long", "hosts", len(old), "for", keepGone)
	}
	for _, token := range old {
		delete(e.hosts, token)
	}
	maps.DeleteFunc(e.named, func(name string, _ *host) bool { return e.hosts[event.Token(name)] == nil })
	return nil
}

// pruneReceipts forgets what sinks confirmed the end of long ago, and no item
// remembers an alert of. All receipts are gone through for that, so it is done
// once a day.
func (e *Engine) pruneReceipts(ctx context.Context, now time.Time) error {
	if wait := e.forgetAt.Sub(now); wait > 0 && wait <= forgetEvery {
		return nil
	}
	e.forgetAt = now.Add(forgetEvery)
	used := map[string]bool{}
	for _, it := range e.items {
		for _, rule := range rules.RuleNames() {
			if it.status.Slot(rule).ID != "" {
				used[event.Alert{Key: it.status.Key, Rule: rule}.Slot()] = true
			}
		}
	}
	for k := range e.groups {
		used[event.Alert{Key: k, Rule: event.RuleStorm}.Slot()] = true
	}
	for _, name := range e.everySink() {
		waiting, receipts, err := e.heardBy(ctx, name)
		if err != nil {
			return err
		}
		var old []string
		for slot, k := range receipts {
			if !used[slot] && !waiting[slot] && longOver(k, now) {
				old = append(old, slot)
			}
		}
		if len(old) == 0 {
			continue
		}
		if err := e.Receipts.Forget(ctx, name, old); err != nil {
			return fmt.Errorf("forget receipts of sink %s: %w", name, err)
		}
		e.Log.Info("forgot receipts of alerts that have been over for long", "sink", name, "receipts", len(old), "for", keepGone)
	}
	return nil
}

// longOver reports whether the sink was told long ago that every alert is over.
func longOver(k rules.Standings, now time.Time) bool {
	for _, t := range k {
		if t.Firing || t.Open || now.Sub(t.At) < keepGone {
			return false
		}
	}
	return true
}

// bygone reports whether the item went so long ago that it may be forgotten.
// One without a row has gone when nobody reports it any more.
func (it *item) bygone(now time.Time) bool {
	s := &it.status
	if !s.Gone && it.row.row != nil || now.Sub(s.Seen.At) < keepGone {
		return false
	}
	over := true
	s.Slots(func(_ string, slot rules.Slot) {
		over = over && (slot.Phase == rules.Quiet || slot.Phase == rules.Settled) && now.Sub(slot.At) >= keepGone
	})
	return over
}

// heardBy collects, by slot, what waits in the outbox for a sink and what the
// sink has confirmed.
func (e *Engine) heardBy(ctx context.Context, sink string) (waiting map[string]bool, receipts map[string]rules.Standings, err error) {
	waiting, receipts = map[string]bool{}, map[string]rules.Standings{}
	err = e.recall(ctx, sink, func(slot, id string, t rules.Standing) {
		if t.Waits {
			waiting[slot] = true
		} else {
			receipts[slot] = rules.Standings{id: t}
		}
	})
	return waiting, receipts, err
}

// everySink names those that are told of alerts, or were told of one.
func (e *Engine) everySink() []string {
	names := map[string]bool{}
	note := func(sinks []string) {
		for _, name := range sinks {
			names[name] = true
		}
	}
	note(e.Sinks)
	for _, it := range e.items {
		for _, rule := range rules.RuleNames() {
			note(it.status.Slot(rule).Sinks)
		}
	}
	for _, d := range e.groups {
		note(d.Slot.Sinks)
	}
	return slices.Sorted(maps.Keys(names))
}

// forget drops an item of which nothing is stored any more. Its host stays,
// with what is known of it.
func (e *Engine) forget(it *item) {
	h := it.home
	delete(e.items, it.status.Key)
	e.hide(it.status.Seen.Behind, event.Key{})
	e.forgetVeil(it)
	mine := func(x *item) bool { return x == it }
	h.items, h.heirs = slices.DeleteFunc(h.items, mine), slices.DeleteFunc(h.heirs, mine)
	if h.self == it {
		h.self = nil
	}
}
