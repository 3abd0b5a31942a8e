// Command dswatch watches what Trend Micro Deep Security needs to run and
// tells the NMS, the SIEM and the chat team what was lost and when it is back.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"dswatch/app"
)

// version is set by the linker.
var version = "dev"

// exitCode is an outcome that is no error but has an exit status of its own.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

func main() { os.Exit(run(os.Args[1:])) }

// run executes one command line and returns the exit status: 0 done, 1
// failed, 2 wrong usage or configuration; check has its own.
func run(args []string) int {
	root := command()
	root.SetArgs(args)
	ran, err := root.ExecuteC()
	var code exitCode
	var usage usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	}
	fmt.Fprintln(os.Stderr, "dswatch:", err)
	switch {
	case ran.CommandPath() == checkPath:
		return app.ExitUnknown // a plugin called wrongly has seen nothing, which is neither warning nor critical
	case errors.As(err, &usage):
		return 2
	}
	return 1
}

// command is the tree of all commands.
func command() *cobra.Command {
	root := &cobra.Command{
		Use:           "dswatch",
		Short:         "Watches what Trend Micro Deep Security needs to run, and tells who must know",
		Long:          long,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		Version:       version,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetVersionTemplate(versionLine() + "\n")
	root.AddCommand(rulesCommand(), whyCommand(), hostCommand(), storeCommand())
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w; see `%s --help`", err, c.CommandPath())}
	})
	root.AddCommand(checkCommand(), runCommand(), demoCommand(), initCommand(), catalogCommand(), configCommand(),
		sinksCommand(), serviceCommand(), statusCommand(), alertsCommand(), ackCommand(), silenceCommand(), reloadCommand(), deadletterCommand(), mibCommand(), wordsCommand(), versionCommand(), pretendCommand())
	languageFlag(root)
	strict(root)
	return root
}

// checkPath is the command whose exit statuses are those of a monitoring plugin.
const checkPath = "dswatch check"

// strict makes wrong arguments of c and of the commands below it a mistake in
// the command line, with the next step.
func strict(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			err := check(c, args)
			if err == nil {
				return nil
			}
			next := fmt.Sprintf("see `%s --help`", c.CommandPath())
			if len(args) > 0 && c.HasSubCommands() {
				if near := c.SuggestionsFor(args[0]); len(near) > 0 {
					next = fmt.Sprintf("did you mean %q?", near[0])
				}
			} else if cobra.NoArgs(c, args) != nil && check(c, nil) == nil {
				err = fmt.Errorf("%s takes no such argument as %q", c.CommandPath(), args[0])
			}
			return usageError{fmt.Errorf("%w; %s", err, next)}
		}
	}
	if c.HasSubCommands() && !c.Runnable() {
		c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() } // arguments are looked at only of what runs
	}
	c.SuggestionsMinimumDistance = 2 // cobra's own default, which it sets too late for us
	for _, sub := range c.Commands() {
		strict(sub)
	}
}

// usageError is a mistake in the command line or in the configuration.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

const long = `dswatch watches the processes, services, kernel drivers and ports that the vendor's list
names for Deep Security, and tells SNMP, syslog, Slack and webhooks what was lost,
why it matters, and when it is back.

  dswatch demo       see it work in under a minute
  dswatch check      look at this host once
  dswatch init       write a configuration for this host
  dswatch run        keep watching`
