package engine

import (
	"iter"
	"time"

	"dswatch/event"
)

// journalEvery is how often a journal that could not be written is tried again.
const journalEvery = time.Minute

// journal keeps what a round has stored, durable before anything of it is sent.
func (e *Engine) journal(r *Round) {
	if e.Journal == nil {
		return
	}
	var statuses, facts []Record
	for _, all := range [][]write{r.Digests, r.Statuses} {
		for _, w := range all {
			if w.told {
				statuses = append(statuses, Record{Key: w.key, Value: w.value})
			}
		}
	}
	for _, l := range r.Facts {
		facts = append(facts, Record{Key: l.key, Value: l.value})
	}
	if len(statuses)+len(facts) > 0 {
		e.Journal.Keep(statuses, facts, len(r.Send) > 0)
	}
}

// journalWhole gives the journal all that it is to hold, where it lacks
// something.
func (e *Engine) journalWhole() {
	if e.Journal == nil || !e.Journal.Behind() {
		return
	}
	e.Journal.Whole(e.toldRecords(), reportRecords(e.named))
}

// toldRecords are the digests, and the items that sinks were told of, as they
// are stored.
func (e *Engine) toldRecords() iter.Seq[Record] {
	return func(yield func(Record) bool) {
		for _, d := range e.groups {
			if value, err := d.Encode(); err == nil && !yield(Record{Key: DigestPrefix + d.Key.Hash(), Value: value}) {
				return
			}
		}
		for _, it := range e.items {
			if !it.status.Told() {
				continue
			}
			if value, err := it.status.Encode(); err == nil && !yield(Record{Key: it.status.Key.Hash(), Value: value}) {
				return
			}
		}
	}
}

// reportRecords are the reports of every host as they are stored.
func reportRecords(named map[string]*host) iter.Seq[Record] {
	return func(yield func(Record) bool) {
		for name, h := range named {
			for _, r := range h.reports {
				_, value, err := event.EncodeFacts(event.FactsReport{Host: name, Observer: r.observer, Facts: r.facts, At: r.at})
				if err == nil && !yield(Record{Key: recordOf(event.Token(name), r.token), Value: value}) {
					return
				}
			}
		}
	}
}
