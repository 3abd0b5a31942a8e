package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"golang.org/x/sync/semaphore"

	"dswatch/catalog"
	"dswatch/config"
	"dswatch/detector"
	"dswatch/detector/remote"
	"dswatch/event"
)

// Remote is the section detectors.remote.
type Remote struct {
	detector.Settings `yaml:",inline"`
	remote.Config     `yaml:",inline"`
}

// Validate looks at both halves.
func (r Remote) Validate() error { return errors.Join(r.Settings.Validate(), r.Config.Validate()) }

func remoteDefaults() Remote {
	return Remote{detector.Settings{Schedule: "@every 60s", Timeout: 30 * time.Second}, remote.Defaults()}
}

// remoteList is the rows of every host that is looked at from here, by its
// name: the vendor's for its system, and the operator's own for that host.
type remoteList map[string]*catalog.Catalog

// remoteRows makes the lists. Vendor is the list with nothing ignored.
func (l *Loaded) remoteRows(file *config.File, vendor *catalog.Catalog) error {
	l.remote = remoteList{}
	var errs []error
	for i, t := range l.Detectors.Remote.Resolved() {
		at := fmt.Sprintf("detectors.remote.targets[%d]", i)
		if event.Token(t.Host) == event.Token(l.Host) {
			errs = append(errs, file.Errorf(at+".host", "%s is this host, which is looked at without SSH; remove the target", t.Host))
			continue
		}
		list, err := vendor.With(onlyOn(t.OS, t.Items), append(slices.Clone(t.Ignore), l.Watch.Ignore...))
		if err != nil {
			errs = append(errs, below(file, at, err))
			continue
		}
		l.remote[t.Host] = list
		if len(l.remoteItems(t)) == 0 {
			errs = append(errs, file.Errorf(at, "no row of the list can be seen on %s for components %v; write items: of your own, or remove the target", t.OS, t.Components))
		}
	}
	return config.Join(errs...)
}

// onlyOn says of which system the rows are where they do not say it.
func onlyOn(os string, rows []catalog.Row) []catalog.Row {
	rows = slices.Clone(rows)
	for i := range rows {
		if len(rows[i].OS) == 0 {
			rows[i].OS = []string{os}
		}
	}
	return rows
}

// remoteItems maps the rows of a target onto what can be seen of it.
func (l *Loaded) remoteItems(t remote.TargetConfig) []remote.Item {
	var items []remote.Item
	ports := l.targets()
	for _, r := range l.remote[t.Host].Rows(t.OS) {
		k := event.Key{Host: t.Host, Component: r.Component, Kind: r.Kind, Name: r.Name}
		foreign := slices.Contains(event.Components.Allowed(), r.Component) && !slices.Contains(t.Components, r.Component)
		if foreign || !remote.CanSee(t.OS, r.Kind) || ports[k] { // the operator said how to look at the port
			continue
		}
		items = append(items, remote.Item{Key: k, Names: r.Names(), Exe: r.Paths(), Want: r.Want(), Port: r.Port(), Loopback: !r.Reached()})
	}
	return items
}

// withRemote adds a job for each host that is looked at over SSH, so that
// none waits for another.
func (l *Loaded) withRemote(jobs []detector.Job, tell tell, log *slog.Logger) ([]detector.Job, error) {
	r := l.Detectors.Remote
	o := remote.Options{
		Observer: l.Host + " (ssh)", Timeout: r.Timeout, Confirm: r.Confirm, Log: log, Turn: semaphore.NewWeighted(remote.Parallel),
		Tell: func(ctx context.Context, report event.FactsReport) error {
			return tell(ctx, []event.FactsReport{report})
		},
	}
	for _, t := range r.Resolved() {
		items := l.remoteItems(t)
		d, err := remote.New(remote.Target{TargetConfig: t, Items: items}, o)
		if err != nil {
			return nil, err
		}
		job := detector.Job{
			Name: "remote " + t.Host, Schedule: r.Schedule, Timeout: remote.Patience(o, len(r.Targets)), Jitter: r.Jitter, Detector: d,
		}
		for _, it := range items {
			job.Keys = append(job.Keys, it.Key)
		}
		jobs = append(jobs, job)
	}
	return jobs, nil
}
