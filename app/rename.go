package app

import (
	"context"
	"fmt"
	"slices"

	"dswatch/setting"
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
		return out, fmt.Errorf("sink %s is still configured, so it tells the end of its alerts itself; give it the name %s in the configuration first, and start dswatch anew", from, to)
	}
	if _, err := a.ledger.HandOver(ctx, from, to); err != nil {
		return out, err
	}
	if out.Alerts, err = e.RenameSink(ctx, from, to); err != nil {
		return out, err
	}
	a.Log.Info("alerts were handed over to another sink on request", "from", setting.Clip(from), "to", to, "alerts", out.Alerts)
	return out, nil
}

// RenameHost ends what is known of a host by the name that it had.
func (a *App) RenameHost(ctx context.Context, from, to string) (web.Removed, error) {
	out := web.Removed{Host: from, To: to}
	e, err := a.decider()
	if err != nil {
		return out, err
	}
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
	out.Items, err = e.RemoveHost(ctx, host, words.Spell(words.HostRemoved.With()))
	if err == nil {
		for _, one := range a.looking() {
			one.sched.Forget(host)
		}
	}
	return out, err
}
