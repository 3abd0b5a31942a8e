package main

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"dswatch/table"
	"dswatch/words"
)

// speakHelp makes the help of root and of all below it that of the reader's
// language, in lines that fit the terminal.
func speakHelp(root *cobra.Command) {
	help := root.HelpFunc()
	root.SetHelpFunc(func(c *cobra.Command, args []string) {
		v := reader(c)
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
		width := widthOf(os.Stdout)
		if width == 0 {
			width = usualWidth // also in a file, which is read at a terminal
		}
		fmt.Fprint(out, fitted(strings.ReplaceAll(text.String(), "(default ", v.Say(words.DefaultIs.With())+" "), min(width, widestHelp)))
	})
}

// widestHelp is the cells of a line that an eye finds back from.
const widestHelp = 100

// flowing makes every paragraph of a help text one line. What is indented stays
// as it is.
func flowing(text string) string {
	var b strings.Builder
	for i, line := range strings.Split(text, "\n") {
		before := b.String()
		switch {
		case i == 0:
		case line == "" || strings.HasPrefix(line, " ") || strings.HasSuffix(before, "\n") || strings.HasPrefix(before[strings.LastIndex(before, "\n")+1:], " "):
			b.WriteByte('\n')
		case !words.Joins(before, line):
			b.WriteByte(' ')
		}
		b.WriteString(line)
	}
	return b.String()
}

// columns is a line of flags or commands: what it is called, and what it does.
var columns = regexp.MustCompile(`^( +\S.*?  +)(\S.*)$`)

// fitted wraps the lines of a help text. What a flag does goes on below itself.
func fitted(text string, width int) string {
	var b strings.Builder
	f := table.Form{Width: width}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \n")
		indent := len(line) - len(strings.TrimLeft(line, " "))
		switch m := columns.FindStringSubmatch(line); {
		case m != nil && table.Width(m[1]) <= width/2:
			b.WriteString(f.After(m[1], table.Width(m[1]), m[2]))
		case indent > 0:
			blanks := line[:indent]
			b.WriteString(blanks + strings.Join(table.Wrap(line[indent:], width-indent-4), "\n"+blanks+"    ") + "\n")
		default:
			b.WriteString(f.Text(0, line))
		}
	}
	return b.String()
}

// translate puts what c and the commands below it say of themselves into a language.
func translate(c *cobra.Command, v words.Voice) {
	c.Short, _ = v.Help(c.Short, defaultConfig())
	c.Long, _ = v.Help(c.Long, defaultConfig())
	c.Long = flowing(c.Long)
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
