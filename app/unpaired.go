package app

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// unpairedEvery is how long an answer of unpairedMetric is good: finding out
// reads every receipt.
const unpairedEvery = 15 * time.Second

// unpairedMetric counts the resolves that were lost, when somebody asks.
type unpairedMetric struct {
	a    *App
	desc *prometheus.Desc

	mu    sync.Mutex
	asked time.Time
	count map[string]int // by sink; nil: not known
}

func newUnpairedMetric(a *App) *unpairedMetric {
	return &unpairedMetric{a: a, desc: prometheus.NewDesc("dswatch_alerts_unpaired",
		"Alerts that are over although the sink still holds them open; 0 unless a far end refused a resolve for good.", []string{"sink"}, nil)}
}

// Describe implements prometheus.Collector.
func (m *unpairedMetric) Describe(out chan<- *prometheus.Desc) { out <- m.desc }

// Collect implements prometheus.Collector. While the answer is not known
// there is no series: a zero would be a promise.
func (m *unpairedMetric) Collect(out chan<- prometheus.Metric) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.count == nil || time.Since(m.asked) >= unpairedEvery {
		m.ask()
	}
	for sink, n := range m.count {
		out <- prometheus.MustNewConstMetric(m.desc, prometheus.GaugeValue, float64(n), sink)
	}
}

func (m *unpairedMetric) ask() {
	m.count = nil
	e, err := m.a.decider()
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	found, err := e.Unpaired(ctx, m.a.sinkNames())
	if err != nil {
		m.a.Log.Warn("count unpaired alerts", "error", err)
		return
	}
	m.asked, m.count = time.Now(), map[string]int{}
	for _, name := range m.a.sinkNames() {
		m.count[name] = 0
	}
	for _, u := range found {
		m.count[u.Sink]++
	}
}
