// Command dswatch watches what Trend Micro Deep Security needs to run and
// tells the NMS, the SIEM and the chat team what was lost and when it is back.
package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"dswatch/app"
	"dswatch/table"
	"dswatch/web/client"
	"dswatch/words"
)

// version is set by the linker.
var version = "dev"

// exitCode is an outcome that is no error but has an exit status of its own.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

func main() { os.Exit(run(os.Args[1:])) }

// The exit statuses, which the help of dswatch names. Status 3 is that of check
// for what nobody knows, and of status where decisions are not current.
const (
	exitFailed      = 1 // or what was asked for is not well
	exitUsage       = 2 // a mistake in the command line or in the configuration
	exitRefused     = 4 // the running dswatch would not do it
	exitUnreachable = 5 // no running dswatch answers
)

// run executes one command line and returns the exit status.
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
	readOn(ran, args)
	complain(reader(ran), err)
	switch {
	case ran.CommandPath() == checkPath:
		return app.ExitUnknown // a plugin called wrongly has seen nothing, which is neither warning nor critical
	case errors.As(err, &usage):
		return exitUsage
	case errors.Is(err, client.ErrNotRunning):
		return exitUnreachable
	case errors.Is(err, client.ErrRefused):
		return exitRefused
	}
	return exitFailed
}

// complain says on standard error what went wrong, a line for each thing.
func complain(v words.Voice, err error) {
	f := table.Form{Width: widthOf(os.Stderr)}
	text := "dswatch: " + v.Error(err)
	for line := range strings.SplitSeq(text, "\n") {
		fmt.Fprint(os.Stderr, f.After("", 0, line))
	}
}

// readOn looks for the reader's language behind a mistake in a flag, which ended
// the reading of the others.
func readOn(c *cobra.Command, args []string) {
	f := c.Flag("language")
	if f == nil || f.Changed {
		return
	}
	for i, a := range args {
		value, is := strings.CutPrefix(a, "--language=")
		if a == "--language" && i+1 < len(args) {
			value, is = args[i+1], true
		}
		if is && f.Value.Set(value) == nil {
			f.Changed = true
		}
	}
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
		err = flagFault(err)
		return usageError{words.FailWith(err, words.SeeHelp.With(err, c.CommandPath()))}
	})
	root.AddCommand(checkCommand(), runCommand(), demoCommand(), initCommand(), catalogCommand(), configCommand(),
		sinksCommand(), serviceCommand(), statusCommand(), alertsCommand(), historyCommand(), reportCommand(), ackCommand(), silenceCommand(), reloadCommand(), deadletterCommand(), mibCommand(), wordsCommand(), versionCommand(), manCommand(), pretendCommand())
	if c := helperCommand(); c != nil {
		root.AddCommand(c)
	}
	languageFlag(root)
	colorFlag(root)
	helpCommand(root)
	root.InitDefaultCompletionCmd()
	strict(root)
	speakHelp(root)
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
			if _, ours := errors.AsType[*words.Failure](err); ours {
				return usageError{words.FailWith(err, words.SeeHelp.With(err, c.Root().CommandPath()))}
			} else if len(args) > 0 && c.HasSubCommands() {
				err = words.Fail(words.UnknownCommand.With(words.Inner(args[0]), c.CommandPath()))
				if near := c.SuggestionsFor(args[0]); len(near) > 0 {
					return usageError{words.FailWith(err, words.FaultMeant.With(err, near[0]))}
				}
			} else if cobra.NoArgs(c, args) != nil && check(c, nil) == nil {
				err = words.Fail(words.NoSuchArgument.With(c.CommandPath(), words.Inner(args[0])))
			} else {
				err = words.Fail(words.WrongArguments.With(c.CommandPath(), len(args), strings.TrimSuffix(c.UseLine(), " [flags]")))
			}
			return usageError{words.FailWith(err, words.SeeHelp.With(err, c.CommandPath()))}
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

// helpCommand makes cobra's help command refuse what is no command.
func helpCommand(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	for _, c := range root.Commands() {
		if c.Name() == "help" {
			c.Args = func(_ *cobra.Command, args []string) error {
				if found, left, err := root.Find(args); err != nil || len(left) > 0 || found == nil {
					return words.Fail(words.UnknownCommand.With(words.Inner(strings.Join(args, " ")), root.CommandPath()))
				}
				return nil
			}
		}
	}
}

// flagFault says of a mistake in a flag what the library says of it.
func flagFault(err error) error {
	if e, ok := errors.AsType[*pflag.NotExistError](err); ok {
		return words.FailWith(err, words.UnknownFlag.With(dashed(e.GetSpecifiedName())))
	}
	if e, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		return words.FailWith(err, words.FlagNeedsValue.With(dashed(e.GetSpecifiedName())))
	}
	if e, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		cause := e.Unwrap()
		if e.GetFlag().Value.Type() == "bool" { // what the library says of it is for programmers
			cause = words.Fail(words.BoolFlag.With("--" + e.GetFlag().Name))
		}
		return words.FailWith(err, words.FlagValue.With(words.Inner(e.GetValue()), "--"+e.GetFlag().Name, cause))
	}
	return err
}

// dashed is the name of a flag as it is written.
func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
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
  dswatch run        keep watching

Exit status: 0 done; 1 failed, or what was asked for is not well; 2 a mistake
in the command line or the configuration; 3 nobody knows (check), or decisions
are not current (status); 4 the running dswatch refused; 5 none answers.`
