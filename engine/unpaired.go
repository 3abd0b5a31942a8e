package engine

import (
	"context"
	"fmt"
	"slices"

	"dswatch/event"
	"dswatch/rules"
)

// Unpaired is an alert that a sink was told and that is over, with neither a
// confirmed resolve nor one that waits in the outbox.
type Unpaired struct {
	Sink  string
	Alert string
	Key   event.Key
	Rule  string
}

// Unpaired looks for resolves that were lost. The only ones there should ever
// be are those that a far end refused for good and that lie in the dead
// letters, and what sinks hold open that are no longer configured: see
// LeftOver.
func (e *Engine) Unpaired(ctx context.Context, sinks []string) ([]Unpaired, error) {
	var out []Unpaired
	for _, name := range sinks {
		// Reading takes long and is done while the engine decides, so what
		// changed meanwhile may look lost. Only then everything waits for a
		// second look.
		slots, err := e.knownBy(ctx, name, nil)
		if err != nil {
			return nil, err
		}
		if len(e.unpaired(name, slots)) == 0 {
			continue
		}
		found, err := e.unpairedNow(ctx, name)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

// unpairedNow reads while nothing is decided.
func (e *Engine) unpairedNow(ctx context.Context, sink string) ([]Unpaired, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	slots, err := e.knownBy(ctx, sink, nil)
	if err != nil {
		return nil, err
	}
	return e.compare(sink, slots), nil
}

func (e *Engine) unpaired(sink string, slots map[string]rules.Standings) []Unpaired {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.compare(sink, slots)
}

// compare returns what the sink holds open although its item does not.
func (e *Engine) compare(sink string, slots map[string]rules.Standings) (out []Unpaired) {
	if len(slots) == 0 {
		return nil
	}
	for k, it := range e.items {
		for _, rule := range rules.RuleNames() {
			slot := it.status.Slot(rule)
			if slot.ID == "" {
				continue // nobody was ever told anything
			}
			for id, has := range slots[event.Alert{Key: k, Rule: rule}.Slot()] {
				if has.Open && !(slot.Phase == rules.Firing && slot.ID == id) {
					out = append(out, Unpaired{Sink: sink, Alert: id, Key: k, Rule: rule})
				}
			}
		}
	}
	for _, d := range e.digests() {
		for id, has := range slots[event.Alert{Key: d.Key, Rule: event.RuleStorm}.Slot()] {
			if has.Open && !(d.Slot.Phase == rules.Firing && d.Slot.ID == id) {
				out = append(out, Unpaired{Sink: sink, Alert: id, Key: d.Key, Rule: event.RuleStorm})
			}
		}
	}
	return out
}

// LeftOver lists the alerts that sinks hold open which are no longer
// configured. Nobody tells them the end, unless another sink takes over: see
// RenameSink.
func (e *Engine) LeftOver(ctx context.Context) ([]Unpaired, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []Unpaired
	for _, name := range e.everySink() {
		if slices.Contains(e.Sinks, name) {
			continue
		}
		open := map[string]bool{} // by slot and id
		err := e.Receipts.Load(ctx, name, func(r event.Receipt) {
			if r.Transition.Firing() && !r.Dead || r.Dead && r.Reached {
				open[r.Slot+r.AlertID] = true
			}
		})
		if err != nil {
			return nil, fmt.Errorf("load receipts of sink %s: %w", name, err)
		}
		left := func(k event.Key, rule string, slot *rules.Slot) {
			a := event.Alert{Key: k, Rule: rule}
			if slices.Contains(slot.Sinks, name) && open[a.Slot()+slot.ID] {
				out = append(out, Unpaired{Sink: name, Alert: slot.ID, Key: k, Rule: rule})
			}
		}
		for k, it := range e.items {
			for _, rule := range rules.RuleNames() {
				left(k, rule, it.status.Slot(rule))
			}
		}
		for k, d := range e.groups {
			left(k, event.RuleStorm, &d.Slot)
		}
	}
	return out, nil
}
