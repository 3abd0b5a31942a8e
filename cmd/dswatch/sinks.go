package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"dswatch/app"
	"dswatch/web"
	"dswatch/words"
)

func sinksCommand() *cobra.Command {
	root := &cobra.Command{Use: "sinks", Short: "Test the sinks, or tell one of them again what is open", Args: cobra.NoArgs}
	var file string
	test := &cobra.Command{
		Use:   "test [NAME...]",
		Short: "Send a marked [TEST] firing and its resolve through the real path",
		Long: "Sends a marked [TEST] firing and its resolve through the outbox of each named sink, all of them\n" +
			"without names. Through the running process where there is one, else by itself.\n" +
			"Exit status 1 when a sink did not confirm both.",
		RunE: func(c *cobra.Command, names []string) error {
			l, err := load(file)
			if err != nil {
				return err
			}
			ctx, stop := interrupted(c.Context())
			defer stop()
			var results []web.TestResult
			err = patiently(c, voice(c, l), func() (err error) {
				results, err = app.TestSinks(ctx, l, names, app.Options{Version: version, Log: logger(l.Config.Log)})
				return err
			})
			if err != nil {
				return err
			}
			failed, v := 0, voice(c, l)
			if len(results) > 0 && results[0].Warning != "" {
				fmt.Fprintln(os.Stderr, v.Say(words.Warning.With().And(words.RulesSendNothing.With(words.Cause(results[0].WarningStatements, plain(results[0].Warning))))))
			}
			for _, r := range results {
				if r.Confirmed {
					fmt.Printf("%-20s %s\n", r.Sink, v.Say(words.TestConfirmed.With(r.Took)))
					continue
				}
				failed++
				fmt.Printf("%-20s %s\n", r.Sink, v.Say(words.TestRefused.With(words.Part(r.ErrorStatements, r.Error))))
			}
			if failed > 0 {
				return errors.New(v.Say(words.SinksFailed.With(failed, len(results))))
			}
			return nil
		},
	}
	configFlag(test, &file)
	root.AddCommand(test, sinksResync(), sinksRename())
	return root
}

func sinksResync() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use: "resync NAME", Short: "Tell a sink again of every open alert, marked as replay", Args: cobra.ExactArgs(1),
		Long: "Puts every open alert that this sink was told of into its outbox again, marked as replay and with the same\n" +
			"idempotency key: for a far end that has lost its memory. Other sinks hear nothing of it.",
		RunE: func(c *cobra.Command, names []string) error {
			l, err := load(file)
			if err != nil {
				return err
			}
			done, err := app.Client(l).Resync(c.Context(), names[0])
			if err != nil {
				return err
			}
			again := words.ToldAgain.With(done.Sink, done.Alerts)
			if done.Waiting > 0 {
				again = again.And(words.WaitAnyway.With(done.Waiting))
			}
			say(voice(c, l), again)
			return nil
		},
	}
	configFlag(c, &file)
	return c
}

func sinksRename() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use: "rename OLD NEW", Short: "Hand the open alerts of a sink that has another name now over to it", Args: cobra.ExactArgs(2),
		Long: "After a sink was given another name in the configuration and dswatch was started anew: what was told under the\n" +
			"old name is told its changes and its end under the new one. dswatch alerts --unpaired lists what is left over.",
		RunE: func(c *cobra.Command, names []string) error {
			l, err := load(file)
			if err != nil {
				return err
			}
			done, err := app.Client(l).RenameSink(c.Context(), names[0], names[1])
			if err != nil {
				return err
			}
			say(voice(c, l), words.TakenOver.With(done.To, done.Alerts, done.From))
			return nil
		},
	}
	configFlag(c, &file)
	return c
}
