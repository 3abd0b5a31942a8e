package main

import (
	"os"

	"github.com/spf13/cobra"

	"dswatch/app"
	"dswatch/event"
	"dswatch/words"
)

func checkCommand() *cobra.Command {
	var file, factsFile, format string
	var all bool
	c := &cobra.Command{
		Use:   "check",
		Short: "Look at this host once and show what runs and what does not",
		Long:  "Looks at this host once. Exit status: 0 ok, 1 warning, 2 critical, 3 unknown.",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if format != "table" && format != "json" && format != "nagios" {
				return usageError{words.Fail(words.NotACheckFormat.With(words.Inner(format)))}
			}
			l, v, err := read(c, file)
			if err != nil {
				return checkFailed(c, err)
			}
			var declared event.Facts
			if factsFile != "" {
				if declared, err = app.ReadFacts(factsFile); err != nil {
					return checkFailed(c, err)
				}
			}
			var res *app.CheckResult
			err = patiently(c, v, func() (err error) {
				res, err = app.Check(c.Context(), l, declared, logger(l.Config.Log))
				return err
			})
			if err != nil {
				return checkFailed(c, err)
			}
			switch format {
			case "json":
				err = res.WriteJSON(os.Stdout)
			case "nagios":
				err = res.WriteNagios(os.Stdout)
			default:
				err = res.WriteTable(os.Stdout, form(c), all)
			}
			if err != nil {
				return checkFailed(c, err)
			}
			return exitCode(res.Exit)
		},
	}
	configFlag(c, &file)
	allFlag(c, &all)
	c.Flags().StringVar(&factsFile, "facts", "", "facts `FILE` that is declared on top of the configuration")
	c.Flags().StringVar(&format, "format", "table", "table, json or nagios")
	completes(c, "format", "table", "json", "nagios")
	return c
}

// checkFailed tells the error and exits with 3: a monitoring system must not
// take "could not look" for a warning.
func checkFailed(c *cobra.Command, err error) error {
	complain(reader(c), err)
	return exitCode(app.ExitUnknown)
}
