package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"dswatch/app"
	"dswatch/event"
	"dswatch/words"
)

func checkCommand() *cobra.Command {
	var file, factsFile, format string
	c := &cobra.Command{
		Use:   "check",
		Short: "Look at this host once and show what runs and what does not",
		Long:  "Looks at this host once. Exit status: 0 ok, 1 warning, 2 critical, 3 unknown.",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if format != "table" && format != "json" && format != "nagios" {
				return usageError{words.Fail(words.NotACheckFormat.With(words.Inner(format)))}
			}
			l, _, err := read(c, file)
			if err != nil {
				return checkFailed(err)
			}
			var declared event.Facts
			if factsFile != "" {
				if declared, err = app.ReadFacts(factsFile); err != nil {
					return checkFailed(err)
				}
			}
			res, err := app.Check(c.Context(), l, declared, logger(l.Config.Log))
			if err != nil {
				return checkFailed(err)
			}
			switch format {
			case "json":
				err = res.WriteJSON(os.Stdout)
			case "nagios":
				err = res.WriteNagios(os.Stdout)
			default:
				err = res.WriteTable(os.Stdout, colorful(os.Stdout), widthOf(os.Stdout))
			}
			if err != nil {
				return checkFailed(err)
			}
			return exitCode(res.Exit)
		},
	}
	configFlag(c, &file)
	c.Flags().StringVar(&factsFile, "facts", "", "facts `FILE` that is declared on top of the configuration")
	c.Flags().StringVar(&format, "format", "table", "table, json or nagios")
	completes(c, "format", "table", "json", "nagios")
	return c
}

// checkFailed tells the error and exits with 3: a monitoring system must not
// take "could not look" for a warning.
func checkFailed(err error) error {
	fmt.Fprintln(os.Stderr, "dswatch:", err)
	return exitCode(app.ExitUnknown)
}

// colorful reports whether f is a terminal that wants colour.
func colorful(f *os.File) bool {
	return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(f.Fd()))
}

// widthOf is the width of the terminal in cells, 0 for anything else: what goes
// into a pipe is not broken into lines.
func widthOf(f *os.File) int {
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}
