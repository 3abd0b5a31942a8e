package engine

import (
	"context"

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
// letters.
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
