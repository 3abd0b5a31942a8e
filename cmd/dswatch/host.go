package main

import (
	"github.com/spf13/cobra"

	"dswatch/app"
	"dswatch/words"
)

func hostCommand() *cobra.Command {
	root := &cobra.Command{Use: "host", Short: "End what is known of a host that is no more, or has another name"}
	root.AddCommand(hostRemove(), hostRename(), hostForget())
	return root
}

func hostRemove() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use: "remove NAME", Short: "End what is known of a host that is no more", Args: cobra.ExactArgs(1),
		Long: "Clears the open alerts of the host and lists it no longer. A host that still reports is there again at once:\n" +
			"stop its dswatch, or take it out of the manager, first.",
		RunE: func(c *cobra.Command, names []string) error {
			l, err := load(file)
			if err != nil {
				return err
			}
			done, err := app.Client(l).RemoveHost(c.Context(), names[0])
			if err != nil {
				return err
			}
			say(voice(c, l), words.ListedNoLonger.With(done.Host, done.Items))
			return nil
		},
	}
	configFlag(c, &file)
	return c
}

func hostRename() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use: "rename OLD NEW", Short: "End what is known of a host by the name that it had", Args: cobra.ExactArgs(2),
		Long: "Once the host reports under its new name: clears what is open under the old one and lists that no longer. Who\n" +
			"looks after an alert under the old name looks after that of the same item under the new one.",
		RunE: func(c *cobra.Command, names []string) error {
			l, err := load(file)
			if err != nil {
				return err
			}
			done, err := app.Client(l).RenameHost(c.Context(), names[0], names[1])
			if err != nil {
				return err
			}
			say(voice(c, l), words.ListedAsOther.With(done.Host, done.Items, done.To))
			return nil
		},
	}
	configFlag(c, &file)
	return c
}

func hostForget() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use: "forget HOST COMPONENT", Short: "Forget that a component was installed", Args: cobra.ExactArgs(2),
		Long: "Forgets that the agent or the manager was installed on a host: its disappearance is an alert no more, and its\n" +
			"rows are not expected. A removal by dpkg, rpm or Windows Installer needs no such word. What is still there is\n" +
			"found again.",
		Example: "  dswatch host forget web01 agent",
		RunE: func(c *cobra.Command, args []string) error {
			l, err := load(file)
			if err != nil {
				return err
			}
			if err := app.Client(l).Forget(c.Context(), args[0], args[1]); err != nil {
				return err
			}
			say(voice(c, l), words.Forgot.With(words.Component(args[1]), args[0]))
			return nil
		},
	}
	configFlag(c, &file)
	return c
}
