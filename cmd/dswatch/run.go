package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"dswatch/app"
	"dswatch/cmd/dswatch/hangup"
	"dswatch/words"
)

func runCommand() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use:   "run",
		Short: "Keep watching: detectors, bus, rules, sinks and local API in one process",
		Long: "Keeps watching until SIGTERM or Ctrl-C, then stops in order: what was seen is decided and\n" +
			"what was decided is kept. A second signal stops at once; nothing that was stored is lost.\n" +
			"SIGHUP, as `dswatch reload`, reads the configuration again.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			again, settle := hangup.Listen()
			defer settle()
			l, err := load(file)
			if err != nil {
				return err
			}
			ctx, stop := interrupted(c.Context())
			defer stop()
			log, setLog := adjustable(l.Config.Log, func(o *slog.HandlerOptions) (text, json slog.Handler) {
				return slog.NewTextHandler(os.Stderr, o), slog.NewJSONHandler(os.Stderr, o)
			})
			return watch(ctx, watched{l, log, setLog, newSupervisor(nil), func() {}, again})
		},
	}
	configFlag(c, &file)
	return c
}

// watched is what the program runs with.
type watched struct {
	conf   *app.Loaded
	log    *slog.Logger
	setLog func(app.Log)
	super  *supervisor
	opened func()          // is called once nothing that a start can fail of is left but the local API
	again  <-chan struct{} // somebody wants the configuration to be read again
}

// watch runs the program until ctx ends.
func watch(ctx context.Context, w watched) error {
	supervised, done := context.WithCancel(context.WithoutCancel(ctx))
	defer done()
	go w.super.run(supervised, ctx)
	hear(w.log)
	if err := w.conf.Refuses(); err != nil {
		return err
	}
	for _, s := range w.conf.Warnings {
		w.log.Warn(words.English(s))
	}
	a, err := app.Open(ctx, w.conf, app.Options{Version: version, Log: w.log, SetLog: w.setLog, Observing: w.super.observing})
	if err != nil {
		return err
	}
	w.super.opened(a)
	w.opened()
	go a.BoundMemory(ctx)
	go func() {
		for {
			select {
			case <-w.again:
				again(ctx, a)
			case <-ctx.Done():
				return
			}
		}
	}()
	err = a.Run(ctx)
	if cerr := a.Close(); err == nil {
		err = cerr
	}
	return err
}

// again reads the configuration again, as soon as the program runs. What came
// of it is in the log.
func again(ctx context.Context, a *app.App) {
	for {
		if _, err := a.Reload(ctx); !errors.Is(err, app.ErrNotYet) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// interrupted ends the context at the first SIGTERM or Ctrl-C, and the
// process at the second.
func interrupted(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		cancel()
		<-signals
		os.Exit(130) // 128 + SIGINT, as shells have it
	}()
	return ctx, func() { signal.Stop(signals); cancel() }
}
