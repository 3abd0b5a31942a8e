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
			"what was decided is kept. A second signal stops at once; nothing that was stored is lost.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			l, err := load(file)
			if err != nil {
				return err
			}
			ctx, stop := interrupted(c.Context())
			defer stop()
			return watch(ctx, l, logger(l.Config.Log), newSupervisor(nil), func() {})
		},
	}
	configFlag(c, &file)
	return c
}

// watch runs the program until ctx ends, and calls opened once nothing that a
// start can fail of is left but the local API.
func watch(ctx context.Context, l *app.Loaded, log *slog.Logger, s *supervisor, opened func()) error {
	supervised, done := context.WithCancel(context.WithoutCancel(ctx))
	defer done()
	go s.run(supervised, ctx)
	hear(log)
	defer hangups(func() {
		log.Warn("SIGHUP does not read the configuration again yet; restart dswatch to change it")
	})()
	for _, w := range l.Warnings {
		log.Warn(w)
	}
	a, err := app.Open(ctx, l, app.Options{Version: version, Log: log, Observing: s.observing})
	if err != nil {
		return err
	}
	s.opened(a)
	opened()
	go a.BoundMemory(ctx)
	err = a.Run(ctx)
	if cerr := a.Close(); err == nil {
		err = cerr
	}
	return err
}

// hangups calls do at each SIGHUP, which else would end the process without
// a word, until what it returns is called.
func hangups(do func()) (stop func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-signals:
				do()
			case <-done:
				return
			}
		}
	}()
	return func() { signal.Stop(signals); close(done) }
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
