package main

import (
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"dswatch/guard"
	"dswatch/words"
)

// serviceName is the name of the systemd unit, without its type, and of the
// Windows service.
const serviceName = "dswatch"

func serviceCommand() *cobra.Command {
	root := &cobra.Command{Use: "service", Short: "Install and control dswatch as a systemd unit or a Windows service", Args: cobra.NoArgs}
	var file string
	install := &cobra.Command{
		Use: "install", Short: "Install the service, to start with the host; needs root or an administrator", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			exe, config, err := servicePaths(file)
			if err != nil {
				return err
			}
			root, err := installService(exe, config)
			if err != nil {
				return words.FailWith(err, words.InstallService.With(err))
			}
			v := voice(c, nil)
			say(v, words.ServiceInstalled.With(serviceName, exe, config))
			if root != nil {
				say(v, words.ServiceAsRoot.With(root))
			}
			say(v, words.ServiceNext.With())
			return nil
		},
	}
	configFlag(install, &file)
	root.AddCommand(install,
		control("uninstall", "Stop the service and remove it; configuration and data stay", words.DoneRemoved.Phrase(), uninstallService),
		control("start", "Start the installed service", words.DoneStarted.Phrase(), startService),
		control("stop", "Stop the service; it stops in order, as run does", words.DoneStopped.Phrase(), stopService))
	if c := serviceRunCommand(); c != nil {
		root.AddCommand(c)
	}
	return root
}

// control makes a command that does one thing to the installed service.
func control(verb, short string, done words.Phrase, do func() error) *cobra.Command {
	return &cobra.Command{
		Use: verb, Short: short, Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := do(); err != nil {
				return words.FailWith(err, words.OfNamed.With(c.CommandPath(), err))
			}
			say(voice(c, nil), words.ServiceDone.With(done, serviceName))
			return nil
		},
	}
}

// servicePaths returns what the service is to run, as absolute paths. The
// configuration is checked now: at the next start of the host nobody watches.
func servicePaths(file string) (exe, config string, err error) {
	if file == "" {
		file = defaultConfig()
	}
	if _, err := os.Stat(file); err != nil {
		return "", "", usageError{words.FailWith(err, words.FindConfigInit.With(err, file))}
	}
	l, err := load(file)
	if err != nil {
		return "", "", err
	}
	if err := l.Guard(); err != nil {
		return "", "", err
	}
	if err := l.Weak(nil); err != nil {
		return "", "", usageError{err}
	}
	if config, err = filepath.Abs(file); err != nil {
		return "", "", words.FailWith(err, words.FindConfig.With(err))
	}
	if exe, err = os.Executable(); err != nil {
		return "", "", words.FailWith(err, words.FindProgram.With(err))
	}
	if err := guard.Writers(exe); err != nil {
		return "", "", words.FailWith(err, words.ProgramOfOthers.With(err))
	}
	return exe, config, nil
}
