package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"dswatch/app"
	"dswatch/web"
	"dswatch/web/client"
	"dswatch/words"
)

func reloadCommand() *cobra.Command {
	var file, format string
	c := &cobra.Command{
		Use: "reload", Short: "Let the running process read its configuration again", Args: cobra.NoArgs,
		Long: "Lets the running process read its whole configuration again, with secrets and certificates in files, and\n" +
			"shows what has changed. Only what has changed is restarted. Where something is wrong, or cannot change while\n" +
			"it runs (host, bus), nothing changes at all, and the exit status is 1 or 2.",
		RunE: func(c *cobra.Command, _ []string) error {
			// The process is told in any case: of what is wrong, its log, its
			// status and its metric tell, too.
			l, wrong := load(file)
			var done web.Reloaded
			err := patiently(c, voice(c, l), func() (err error) {
				done, err = app.ClientOf(configPath(file)).Reload(c.Context())
				return err
			})
			switch {
			case wrong != nil && errors.Is(err, client.ErrNotRunning):
				fmt.Fprintln(os.Stderr, "dswatch:", voice(c, l).Error(err))
				return wrong
			case wrong != nil:
				return wrong
			case err != nil:
				return err
			}
			v := voice(c, l)
			for i, text := range done.Warnings {
				if i < len(done.WarningStatements) { // of a process that says them as data
					text = v.Say(done.WarningStatements[i])
				}
				fmt.Fprintln(os.Stderr, v.Say(words.Warning.With()), plain(text))
			}
			if format == "json" {
				return writeJSON(done)
			}
			for _, change := range done.Changes {
				fmt.Println(plain(change))
			}
			if len(done.Changes) == 0 {
				say(v, words.NothingChanged.With())
			}
			return nil
		},
	}
	configFlag(c, &file)
	formatFlag(c, &format, "text")
	return c
}
