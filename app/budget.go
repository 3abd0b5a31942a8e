package app

import (
	"fmt"
	"time"

	"dswatch/detector"
)

// Budgets says of each look at others what it needs at worst and what it has.
func (l *Loaded) Budgets() (out []string) {
	p := l.Detectors.Port
	if b := p.Budget(); b.Endpoints > 0 {
		out = append(out, fmt.Sprintf("detectors.port: %d ports of other hosts (%d names to look up), %d asked at the same moment and %d begun per second: a look takes %s at worst and has %s, schedule %s",
			b.Endpoints, b.Names, b.Parallel, b.Rate, b.Worst, p.patience(), p.Schedule))
	}
	return out
}

// budgetWarnings names looks that cannot get to everything in their time.
func (l *Loaded) budgetWarnings() (out []string) {
	p := l.Detectors.Port
	b := p.Budget()
	if b.Endpoints == 0 {
		return nil
	}
	if has := p.patience(); has < b.Worst {
		out = append(out, fmt.Sprintf("%s: detectors.port.timeout: a look at %d ports takes %s at worst and has %s; what it does not get to is unknown and comes first the next time; leave timeout out, or raise it",
			l.file.Position("detectors.port.timeout"), b.Endpoints, b.Worst, has))
	}
	if every := interval(p.Schedule); b.Worst > every {
		out = append(out, fmt.Sprintf("%s: detectors.port.schedule: a look at %d ports takes %s at worst, longer than the %s between two; looks are left out then; write for example @every %s",
			l.file.Position("detectors.port.schedule"), b.Endpoints, b.Worst, every, (b.Worst+10*time.Second).Round(10*time.Second)))
	}
	return out
}

// interval is the time between the next two looks.
func interval(schedule string) time.Duration {
	s, err := detector.ParseSchedule(schedule)
	if err != nil {
		return 0 // Validate has refused it
	}
	next := s.Next(time.Now())
	return s.Next(next).Sub(next)
}
