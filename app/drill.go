package app

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/robfig/cron/v3"

	"dswatch/detector"
	"dswatch/setting"
	"dswatch/web"
	"dswatch/words"
)

// validDrill refuses what is no time of a drill.
func validDrill(expr string) error {
	if expr == "" {
		return nil
	}
	s, err := detector.ParseSchedule(expr)
	if err != nil {
		return &setting.Error{Key: "drill", Err: err}
	}
	const often = time.Hour
	first := s.Next(time.Now())
	if second := s.Next(first); second.Sub(first) < often {
		return words.Bad("drill", words.DrillTooOften.With(words.Inner(expr)))
	}
	return nil
}

// drills remembers what the last drill found.
type drills struct {
	confirmed *prometheus.GaugeVec
	at        prometheus.Gauge
}

func newDrills(reg prometheus.Registerer) *drills {
	d := &drills{
		confirmed: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "dswatch_drill_confirmed", Help: "Whether the sink confirmed the last drill: 1 yes, 0 no. Absent before the first one.",
		}, []string{"sink"}),
		at: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "dswatch_drill_timestamp_seconds", Help: "When the last drill was, in seconds since 1970; 0 before the first one.",
		}),
	}
	reg.MustRegister(d.confirmed, d.at)
	return d
}

// runDrills tests every sink whenever the time has come, until ctx ends. A
// time that passed while dswatch did not run is not made up for.
func (a *App) runDrills(ctx context.Context, l *Loaded) {
	if l.Config.Drill == "" || len(a.workers()) == 0 {
		return
	}
	schedule, err := detector.ParseSchedule(l.Config.Drill)
	if err != nil {
		return // Validate has refused it
	}
	for {
		if !sleepUntil(ctx, schedule, l.Config.Location()) {
			return
		}
		a.drill(ctx)
	}
}

// sleepUntil waits for the next time of a schedule and reports whether it
// came. It looks at the wall clock every minute, because that can be set.
func sleepUntil(ctx context.Context, s cron.Schedule, loc *time.Location) bool {
	next := s.Next(time.Now().In(loc))
	for {
		wait := time.Until(next.Round(0))
		if wait <= 0 {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(min(wait, time.Minute)):
		}
	}
}

// drill tests every sink once and notes which did not confirm. No alert is
// made of it: the sinks that work would tell the wrong people, and the log,
// the metric and the status tell the right ones.
func (a *App) drill(ctx context.Context) {
	at := time.Now()
	results, err := a.TestSinks(ctx, nil)
	if err != nil {
		if ctx.Err() == nil {
			a.Log.Error("the drill could not be held", "error", err)
		}
		return
	}
	a.drills.at.Set(float64(at.Unix()))
	for _, r := range results {
		confirmed := 0.0
		if r.Confirmed {
			confirmed = 1
			a.Log.Info("drill: the sink confirmed", "sink", r.Sink, "took", r.Took)
		} else {
			a.Log.Error("drill: the sink did not confirm", "sink", r.Sink, "error", r.Error)
		}
		a.drills.confirmed.WithLabelValues(r.Sink).Set(confirmed)
		for _, w := range a.workers() {
			if w.name == r.Sink {
				w.drilled.Store(&web.Drill{At: at, Confirmed: r.Confirmed, Error: r.Error})
			}
		}
	}
}
