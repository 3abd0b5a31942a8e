package app

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"runtime"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"dswatch/catalog"
	"dswatch/event"
	"dswatch/rules"
)

// mostItemSeries is how many items have a series of their own. With more of them
// the numbers by host and state are what a time series database can bear.
const mostItemSeries = 5000

// stateCodes are the values of dswatch_item_state, the worse the higher.
var stateCodes = map[event.State]float64{event.Up: 0, event.Degraded: 1, event.Unknown: 2, event.Down: 3}

// figures shows what dswatch sees and what waits, when somebody asks: the numbers
// are those of the moment, and what is not known has no series.
type figures struct {
	a *App

	item, left, items, alerts *prometheus.Desc
	good, took                *prometheus.Desc
	waiting, oldest, dead     *prometheus.Desc
	build, hash               *prometheus.Desc

	mu     sync.Mutex
	hashed *Loaded // of which hash is known
	value  float64
}

func newFigures(a *App) *figures {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("dswatch_"+name, help, labels, nil)
	}
	return &figures{
		a:       a,
		item:    desc("item_state", "State of an item that must be there: 0 up, 1 degraded, 2 unknown, 3 down. Items that are not expected have no series; beyond 5000 items none has.", "host", "component", "kind", "name"),
		left:    desc("item_series_left_out", "Items that must be there and have no series of dswatch_item_state because there are too many; 0: every one has."),
		items:   desc("items", "Items that must be there, by host and state.", "host", "state"),
		alerts:  desc("alerts", "Open alerts by severity.", "severity"),
		good:    desc("detector_last_success_timestamp_seconds", "When a detector last looked without an error, in seconds since 1970.", "detector"),
		took:    desc("detector_duration_seconds", "How long the last look of a detector took.", "detector"),
		waiting: desc("outbox_waiting", "Deliveries that wait in the outbox of a sink or are on their way.", "sink"),
		oldest:  desc("outbox_oldest_seconds", "How long the oldest delivery of a sink has waited; 0: none waits.", "sink"),
		dead:    desc("dead_letters", "Deliveries to a sink that were given up and not yet replayed or dropped.", "sink"),
		build:   desc("build_info", "Version of dswatch and of Go; always 1.", "version", "goversion"),
		hash:    desc("config_hash", "Hash of the configuration in force without its secrets; it differs where the configuration does."),
	}
}

// Describe implements prometheus.Collector.
func (f *figures) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{f.item, f.left, f.items, f.alerts, f.good, f.took, f.waiting, f.oldest, f.dead, f.build, f.hash} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (f *figures) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		if m, err := prometheus.NewConstMetric(d, prometheus.GaugeValue, v, labels...); err == nil { // a name that is no UTF-8 has no series
			out <- m
		}
	}
	gauge(f.build, 1, f.a.Options.Version, runtime.Version())
	gauge(f.hash, f.configHash())
	seen := map[string]bool{}
	for _, one := range f.a.looking() {
		for _, j := range one.sched.Stats().Jobs {
			if j.Passes == 0 || seen[j.Name] {
				continue
			}
			seen[j.Name] = true
			gauge(f.took, j.LastTook.Seconds(), j.Name)
			if !j.LastGood.IsZero() {
				gauge(f.good, float64(j.LastGood.UnixMilli())/1000, j.Name)
			}
		}
	}
	f.collectItems(gauge)
	f.collectSinks(gauge)
}

// collectItems reads all items once.
func (f *figures) collectItems(gauge func(*prometheus.Desc, float64, ...string)) {
	e, err := f.a.decider()
	if err != nil {
		return
	}
	type place struct {
		host  string
		state event.State
	}
	open := map[event.Severity]int{}
	numbers := map[place]int{}
	expected := 0
	var keys []event.Key
	var states []event.State
	e.Each(func(st *rules.Status, snap rules.Snapshot) {
		st.Slots(func(_ string, s rules.Slot) {
			if s.Phase == rules.Firing {
				open[s.Severity]++
			}
		})
		if snap.Row == nil || snap.Verdict.Expected != catalog.Yes {
			return
		}
		numbers[place{st.Key.Host, st.Seen.State}]++
		if expected++; expected <= mostItemSeries {
			keys, states = append(keys, st.Key), append(states, st.Seen.State)
		}
	})
	left := 0
	if expected > mostItemSeries {
		left, keys = expected, nil
	}
	gauge(f.left, float64(left))
	for i, k := range keys {
		gauge(f.item, stateCodes[states[i]], k.Host, k.Component, string(k.Kind), k.Name)
	}
	for p, n := range numbers {
		gauge(f.items, float64(n), p.host, string(p.state))
	}
	for _, s := range event.Severities() {
		gauge(f.alerts, float64(open[s]), string(s))
	}
}

// collectSinks asks the store what waits.
func (f *figures) collectSinks(gauge func(*prometheus.Desc, float64, ...string)) {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	dead, err := f.a.ledger.CountLetters(ctx)
	for _, w := range f.a.workers() {
		if err == nil {
			gauge(f.dead, float64(dead[w.name]), w.name)
		}
		n, err := f.a.ledger.Outbox().Waiting(ctx, w.name)
		if err != nil {
			continue
		}
		gauge(f.waiting, float64(n), w.name)
		age := 0.0
		if n > 0 {
			at, err := f.a.ledger.Outbox().Oldest(ctx, w.name)
			if err != nil {
				continue
			}
			if !at.IsZero() {
				age = max(0, time.Since(at).Seconds())
			}
		}
		gauge(f.oldest, age, w.name)
	}
}

// configHash is that of the configuration in force. A float holds 48 bits of it.
func (f *figures) configHash() float64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	if l := f.a.conf(); l != f.hashed {
		var b bytes.Buffer
		if err := l.Show(&b); err != nil {
			return 0
		}
		sum := sha256.Sum256(b.Bytes())
		f.hashed, f.value = l, float64(binary.BigEndian.Uint64(append([]byte{0, 0}, sum[:6]...)))
	}
	return f.value
}
