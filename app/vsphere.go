package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"dswatch/config"
	"dswatch/detector"
	"dswatch/detector/remote"
	"dswatch/detector/vsphere"
	"dswatch/event"
)

// VSphere is the section detectors.vsphere.
type VSphere struct {
	detector.Settings `yaml:",inline"`
	vsphere.Config    `yaml:",inline"`
}

// Validate looks at both halves.
func (v VSphere) Validate() error { return errors.Join(v.Settings.Validate(), v.Config.Validate()) }

func vsphereDefaults() VSphere {
	return VSphere{Settings: detector.Settings{Schedule: "@every 60s", Timeout: 30 * time.Second}}
}

// checkVSphere refuses hosts that are looked at in another way already.
func (l *Loaded) checkVSphere(file *config.File) error {
	var errs []error
	for i, h := range l.Detectors.VSphere.Hosts {
		if slices.ContainsFunc(l.Detectors.Remote.Resolved(), func(t remote.TargetConfig) bool { return event.Token(t.Host) == event.Token(h) }) {
			errs = append(errs, file.Errorf(fmt.Sprintf("detectors.vsphere.hosts[%d]", i), "%s is in detectors.remote.targets already; keep one of them", h))
		}
	}
	return config.Join(errs...)
}

// withVSphere adds the job that asks a vCenter or ESXi, if there is one.
func (l *Loaded) withVSphere(jobs []detector.Job, tell tell) ([]detector.Job, error) {
	v := l.Detectors.VSphere
	if !v.Enabled() {
		return jobs, nil
	}
	job := detector.Job{Name: "vsphere", Schedule: v.Schedule, Timeout: v.Timeout, Jitter: v.Jitter}
	var items []vsphere.Item
	for _, h := range v.Hosts {
		for _, r := range l.Catalog.Rows(event.ESXi) {
			if r.Kind != event.Driver || !slices.Contains(r.OS, event.ESXi) {
				continue
			}
			k := event.Key{Host: h, Component: r.Component, Kind: r.Kind, Name: r.Name}
			items = append(items, vsphere.Item{Key: k, Names: r.Names()})
			job.Keys = append(job.Keys, k)
		}
	}
	d, err := vsphere.New(v.Config, items, vsphere.Options{
		Observer: l.Host + " (vsphere)",
		Tell:     func(ctx context.Context, reports []event.FactsReport) error { return tell(ctx, reports) },
	})
	if err != nil {
		return nil, fmt.Errorf("make the vsphere detector: %w", err)
	}
	job.Detector = d
	return append(jobs, job), nil
}
