package main

import (
	"errors"
	"os"

	"github.com/spf13/cobra"

	"dswatch/app"
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
		Long:    storyHelp,
		Example: "  dswatch rules test stories/*.txtar\n  dswatch rules test -c /etc/dswatch/dswatch.yaml --write night.txtar",
		RunE: func(c *cobra.Command, files []string) error {
			l, err := load(file)
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

const storyHelp = `Tells stories to the real rules, on virtual time and without sending anything, and compares what
each sink would be told with what the file wants. Exit status 1 when something differs (the
differences are shown), 2 when a file cannot be understood. docs/stories.md has it all; in short:

  What the story shows, in words
  -- config --                         as dswatch.yaml; sinks need a name only. Without it: the one of -c
  rules: {hold: 20s}
  sinks: [{name: nms}]
  -- facts web{01..03} --              as a facts file
  os: linux
  components: [agent]
  -- story --
  0s    web{01..03} all up             HOST ITEM STATE; all: whatever is expected there
  10s   web01 process/ds_agent 1/2     or found/wanted, or degraded, down, unknown
  1m    web01 facts relay=on           what becomes known
  2m    silence s1 host=web01 for 1h   until-cleared; expire s1
  3m    ack web01 process/ds_agent by kim
  +30s  restart                        kill; kill at save|put|ack; stop, start; config NAME
  4m    sink nms refuses               accepts; clock forward|back 1h
  1h    end
  -- wanted en --                      ja beside it, if you like; --write fills it in
  30s  nms  raised  warning  web01: process ds_agent is degraded (1 of 2)`
