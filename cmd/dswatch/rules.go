package main

import (
	"errors"
	"os"

	"github.com/spf13/cobra"

	"dswatch/app"
	"dswatch/words"
)

func rulesCommand() *cobra.Command {
	root := &cobra.Command{Use: "rules", Short: "Test your own rules with stories", Args: cobra.NoArgs}
	root.AddCommand(rulesTest())
	return root
}

func rulesTest() *cobra.Command {
	var file string
	var q app.StoryQuery
	c := &cobra.Command{
		Use: "test FILE...", Short: "Tell stories to the rules and compare what the sinks would be told", Args: cobra.MinimumNArgs(1),
		Long:    words.StoryHelp,
		Example: "  dswatch rules test stories/*.txtar\n  dswatch rules test -c /etc/dswatch/dswatch.yaml --write night.txtar",
		RunE: func(c *cobra.Command, files []string) error {
			l, _, err := read(c, file)
			if err != nil {
				return err
			}
			ctx, stop := interrupted(c.Context())
			defer stop()
			q.Files = files
			err = app.TestStories(ctx, l, os.Stdout, q)
			switch {
			case errors.Is(err, app.ErrStory):
				return exitCode(1)
			case err != nil:
				return usageError{err}
			}
			return nil
		},
	}
	configFlag(c, &file)
	c.Flags().BoolVar(&q.Write, "write", false, "write what is told into the files as what is wanted")
	c.Flags().BoolVar(&q.Faults, "faults", false, "tell each story again and again with restarts, kill -9 and power losses in the middle")
	return c
}
