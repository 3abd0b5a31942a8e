package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"dswatch/words"
)

// speakHelp makes the help of root and of all below it that of the reader's
// language.
func speakHelp(root *cobra.Command) {
	help := root.HelpFunc()
	root.SetHelpFunc(func(c *cobra.Command, args []string) {
		v := reader(c)
		if !v.JA() {
			help(c, args)
			return
		}
		translate(root, v)
		for at := c; at != nil; at = at.Parent() { // what cobra adds when a command runs
			at.InitDefaultHelpFlag()
			at.InitDefaultVersionFlag()
			flagsIn(at, v)
		}
		out := c.OutOrStdout()
		var text bytes.Buffer
		c.SetOut(&text)
		c.SetUsageTemplate(v.HelpTemplate(c.UsageTemplate()))
		help(c, args)
		c.SetOut(nil)
		fmt.Fprint(out, strings.ReplaceAll(text.String(), "(default ", v.Say(words.DefaultIs.With())+" "))
	})
}

// translate puts what c and the commands below it say of themselves into a language.
func translate(c *cobra.Command, v words.Voice) {
	c.Short, _ = v.Help(c.Short, defaultConfig())
	c.Long, _ = v.Help(c.Long, defaultConfig())
	flagsIn(c, v)
	for _, sub := range c.Commands() {
		translate(sub, v)
	}
}

func flagsIn(c *cobra.Command, v words.Voice) {
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		switch f.Name {
		case "help":
			f.Usage = v.Say(words.FlagHelp.With(c.Name()))
		case "version":
			f.Usage = v.Say(words.FlagVersion.With(c.Name()))
		default:
			f.Usage, _ = v.Help(f.Usage, defaultConfig())
		}
	})
}
