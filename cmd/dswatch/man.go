package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"dswatch/words"
)

// manCommand writes the manual page, for packages: what the help of every
// command says, as it stands. It is no part of what people use.
func manCommand() *cobra.Command {
	return &cobra.Command{
		Use: "man", Hidden: true, Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			v := voice(c, nil)
			var b bytes.Buffer
			short, _ := v.Help(c.Root().Short, defaultConfig())
			fmt.Fprintf(&b, ".TH DSWATCH 1 \"\" \"dswatch %s\" \"%s\"\n", version, v.Pick(words.ManualName))
			fmt.Fprintf(&b, ".SH NAME\ndswatch \\- %s\n", roff(short))
			section(&b, c.Root())
			_, err := os.Stdout.Write(b.Bytes())
			return err
		},
	}
}

// section writes the help of c and of the commands below it.
func section(b *bytes.Buffer, c *cobra.Command) {
	if c.Hidden || c.Name() == "help" {
		return
	}
	if f := c.Flags().Lookup("author"); f != nil {
		f.DefValue = "" // whoever builds the package
	}
	var help bytes.Buffer
	c.SetOut(&help)
	c.HelpFunc()(c, nil)
	c.SetOut(nil)
	fmt.Fprintf(b, ".SH %s\n.nf\n", strings.ToUpper(c.CommandPath()))
	for line := range strings.Lines(help.String()) {
		b.WriteString(roff(strings.TrimRight(line, "\n")) + "\n")
	}
	b.WriteString(".fi\n")
	for _, sub := range c.Commands() {
		section(b, sub)
	}
}

// roff keeps a line from being read as one of roff's own.
func roff(line string) string {
	line = strings.ReplaceAll(strings.ReplaceAll(line, `\`, `\e`), "-", `\-`)
	if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
		return `\&` + line
	}
	return line
}
