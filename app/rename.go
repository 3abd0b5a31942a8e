package app

import (
	"context"
	"os"
	"slices"

	"dswatch/setting"
	"dswatch/sinks"
	"dswatch/web"
	"dswatch/words"
)

// RenameSink hands what a sink that is no longer configured was told over to
// one that reaches the same far end. It may be done again.
func (a *App) RenameSink(ctx context.Context, from, to string) (web.Renamed, error) {
	out := web.Renamed{From: from, To: to}
	e, err := a.decider()
	switch {
	case err != nil:
		return out, err
	case !slices.Contains(a.sinkNames(), to):
		return out, a.noSuchSink(to)
	case slices.Contains(a.sinkNames(), from):
		return out, words.Fail(words.StillConfigured.With(from, to))
	}
	if err := a.inherit(from, to); err != nil {
		return out, err
	}
	if _, err := a.ledger.HandOver(ctx, from, to); err != nil {
		return out, err
	}
	if out.Alerts, err = e.RenameSink(ctx, from, to); err != nil {
		return out, err
	}
	if a.conf().Config.Bus.URL == "" { // on an external bus it may be another hub's
		if err := a.ledger.Disown(ctx, from); err != nil {
			return out, words.FailWith(err, words.HandedOver.With(from, err))
		}
	}
	a.Log.Info("alerts were handed over to another sink on request", "from", setting.Clip(from), "to", to, "alerts", out.Alerts)
	return out, nil
}

// inherit moves what a sink has kept in its state directory.
func (a *App) inherit(from, to string) error {
	dir := a.stateDir(a.conf(), from)
	for _, w := range a.workers() {
		if w.name != to {
			continue
		}
		if err := sinks.Inherit(w.sink, dir); err != nil {
			return words.FailWith(err, words.TakeOver.With(from, dir, err))
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		return words.FailWith(err, words.RemoveKept.With(from, to, err))
	}
	return nil
}

// RenameHost ends what is known of a host by the name that it had.
func (a *App) RenameHost(ctx context.Context, from, to string) (web.Removed, error) {
	out := web.Removed{Host: from, To: to}
	e, err := a.decider()
	if err != nil {
		return out, err
	}
	from, to = e.Called(from), e.Called(to)
	out.Items, err = e.RenameHost(ctx, from, to, words.Spell(words.HostRenamed.With(to)))
	return out, err
}

// RemoveHost ends what is known of a host that is no more.
func (a *App) RemoveHost(ctx context.Context, host string) (web.Removed, error) {
	out := web.Removed{Host: host}
	e, err := a.decider()
	if err != nil {
		return out, err
	}
	host = e.Called(host)
	out.Items, err = e.RemoveHost(ctx, host, words.Spell(words.HostRemoved.With()))
	if err == nil {
		for _, one := range a.looking() {
			one.sched.Forget(host)
		}
	}
	return out, err
}
