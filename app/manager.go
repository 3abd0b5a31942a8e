package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"dswatch/bus"
	"dswatch/detector"
	"dswatch/detector/manager"
	"dswatch/event"
	"dswatch/rules"
)

// Manager is the section detectors.manager.
type Manager struct {
	detector.Settings `yaml:",inline"`
	manager.Config    `yaml:",inline"`
}

// Validate looks at both halves.
func (m Manager) Validate() error { return errors.Join(m.Settings.Validate(), m.Config.Validate()) }

// managerDefaults: the manager itself hears from an agent every 10 minutes, and
// a fleet's listing takes a while.
func managerDefaults() Manager {
	return Manager{detector.Settings{Schedule: "@every 5m", Timeout: 2 * time.Minute}, manager.Defaults()}
}

// tell takes what the manager knows about its computers.
type tell func(ctx context.Context, reports []event.FactsReport) error

// withManager adds the job that asks the manager, if there is one to ask.
// Known are the items it reported before.
func (l *Loaded) withManager(jobs []detector.Job, known []event.Key, tell tell) ([]detector.Job, error) {
	m := l.Detectors.Manager
	if !m.Enabled() {
		return jobs, nil
	}
	known = slices.DeleteFunc(slices.Clone(known), func(k event.Key) bool { return !reported(k) })
	// Its word about this host must not be taken for this host's own.
	d, err := manager.New(m.Config, manager.Options{Observer: l.Host + " (manager)", Known: known, Tell: tell})
	if err != nil {
		return nil, fmt.Errorf("make the manager detector: %w", err)
	}
	return append(jobs, detector.Job{
		Name: "manager", Schedule: m.Schedule, Timeout: m.Timeout, Jitter: m.Jitter,
		Keys: d.Keys(), Detector: d, Open: true, Known: known,
	}), nil
}

// reportedBefore returns the items that came with what this host's jobs saw
// when the program last ran: of the manager's computers, and of networks.
// Where they cannot be read it is as at the first start.
func (a *App) reportedBefore(ctx context.Context) []event.Key {
	if !a.Detectors.Manager.Enabled() && a.Detectors.Port.Budget().Endpoints == 0 {
		return nil
	}
	var keys []event.Key
	err := a.bus.Bucket(bus.Items).Load(ctx, func(_ string, value []byte, _ uint64) error {
		st, err := rules.DecodeStatus(value)
		if err == nil && !st.Gone && st.Observer == a.Host && (reported(st.Key) || detector.IsWay(st.Key)) {
			keys = append(keys, st.Key)
		}
		return nil
	})
	if err != nil {
		a.Log.Warn("the items that were seen before cannot be read; a computer that was removed from the manager meanwhile keeps its alerts", "error", err)
	}
	return keys
}

// reported reports whether the item comes with a manager's answer.
func reported(k event.Key) bool {
	return k.Kind == event.Module || k.Kind == event.Heartbeat && !detector.IsWay(k)
}

// tellReports publishes what the manager knows. It is this host that tells it.
func (a *App) tellReports(ctx context.Context, reports []event.FactsReport) error {
	return a.ledger.PublishFacts(ctx, a.Host, reports...)
}
