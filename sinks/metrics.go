package sinks

import "github.com/prometheus/client_golang/prometheus"

// Metrics counts what the workers of all sinks do. The label values are the
// sinks' names and closed sets.
type Metrics struct {
	deliveries *prometheus.CounterVec
	failures   *prometheus.CounterVec
	retries    *prometheus.CounterVec
	latency    *prometheus.HistogramVec
	delay      *prometheus.HistogramVec
	held       *prometheus.GaugeVec
	circuit    *prometheus.GaugeVec
	beats      *prometheus.CounterVec
}

// NewMetrics returns Metrics registered with reg.
func NewMetrics(reg prometheus.Registerer) (*Metrics, error) {
	sink := []string{"sink"}
	m := &Metrics{
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "dswatch_sink_deliveries_total", Help: "Deliveries settled: delivered, duplicate (already told, not sent), superseded (a repetition after which a later one waits, not sent), expired (a test nobody waits for) or dead (moved to the dead letters).",
		}, []string{"sink", "outcome"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "dswatch_sink_failures_total", Help: "Failed attempts by class: permanent, throttled, timeout, temporary, panic.",
		}, []string{"sink", "class"}),
		retries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "dswatch_sink_retries_total", Help: "Attempts after the first one of a delivery.",
		}, sink),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "dswatch_sink_send_seconds", Help: "Duration of one attempt.",
			Buckets: []float64{.0001, .0005, .001, .005, .01, .05, .1, .5, 1, 5, 10, 30},
		}, sink),
		delay: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "dswatch_sink_delay_seconds", Help: "Time from a transition to its acceptance by the far end.",
			Buckets: []float64{.01, .05, .1, .5, 1, 5, 10, 60, 300, 1800, 3600, 21600, 86400},
		}, sink),
		held: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "dswatch_sink_held", Help: "Deliveries taken from the outbox and not yet settled.",
		}, sink),
		circuit: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "dswatch_sink_circuit", Help: "Whether attempts are made: 0 closed (yes), 1 half-open (one is probing), 2 open (the far end is down).",
		}, sink),
		beats: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "dswatch_sink_heartbeats_total", Help: "Heartbeats: sent, or failed in their one attempt.",
		}, []string{"sink", "outcome"}),
	}
	for _, c := range []prometheus.Collector{m.deliveries, m.failures, m.retries, m.latency, m.delay, m.held, m.circuit, m.beats} {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// Forget drops the series of a sink that is no more.
func (m *Metrics) Forget(sink string) {
	label := prometheus.Labels{"sink": sink}
	for _, v := range []interface {
		DeletePartialMatch(prometheus.Labels) int
	}{m.deliveries, m.failures, m.retries, m.latency, m.delay, m.held, m.circuit, m.beats} {
		v.DeletePartialMatch(label)
	}
}

// counters are the Metrics of one sink, looked up once.
type counters struct {
	delivered, duplicate, superseded, dead prometheus.Counter
	retried                                prometheus.Counter
	failures                               map[Class]prometheus.Counter
	latency, delay                         prometheus.Observer
	held, circuit                          prometheus.Gauge
	beatSent, beatFailed                   prometheus.Counter
	expired                                prometheus.Counter
}

// of returns the counters of one sink; on nil Metrics nobody sees them.
func (m *Metrics) of(sink string) counters {
	if m == nil {
		m, _ = NewMetrics(prometheus.NewRegistry()) // an own registry has no duplicates
	}
	c := counters{
		delivered:  m.deliveries.WithLabelValues(sink, "delivered"),
		duplicate:  m.deliveries.WithLabelValues(sink, "duplicate"),
		superseded: m.deliveries.WithLabelValues(sink, "superseded"),
		dead:       m.deliveries.WithLabelValues(sink, "dead"),
		retried:    m.retries.WithLabelValues(sink),
		failures:   map[Class]prometheus.Counter{},
		latency:    m.latency.WithLabelValues(sink),
		delay:      m.delay.WithLabelValues(sink),
		expired:    m.deliveries.WithLabelValues(sink, "expired"),
		held:       m.held.WithLabelValues(sink),
		circuit:    m.circuit.WithLabelValues(sink),

		beatSent: m.beats.WithLabelValues(sink, "sent"), beatFailed: m.beats.WithLabelValues(sink, "failed"),
	}
	for _, class := range Classes() {
		c.failures[class] = m.failures.WithLabelValues(sink, string(class))
	}
	return c
}
