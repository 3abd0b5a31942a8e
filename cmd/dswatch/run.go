package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"dswatch/app"
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
			again, settle := hangups() // before anything else: it must never end the process
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
	for _, text := range w.conf.Warnings {
		w.log.Warn(text)
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
				_, _ = a.Reload(ctx) // it has said in the log what came of it
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

// hangups tells of each SIGHUP, which else would end the process without a
// word, until what it returns is called. One that comes while another is
// waiting is the same wish.
func hangups() (<-chan struct{}, func()) {
	signals, again := make(chan os.Signal, 1), make(chan struct{}, 1)
	signal.Notify(signals, syscall.SIGHUP)
	go func() {
		for range signals {
			select {
			case again <- struct{}{}:
			default:
			}
		}
	}()
	return again, func() { signal.Stop(signals); close(signals) }
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
