package main

import (
	"os"
	"strconv"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"dswatch/table"
)

// usualWidth is that of a terminal that does not say its own.
const usualWidth = 80

// form is how what a command shows is to look: as wide as COLUMNS or the
// terminal says, with colours where it has them. What goes into a pipe or a
// file is not broken into lines and has no colours, unless COLUMNS or --color
// want it.
func form(c *cobra.Command) table.Form {
	return table.Form{Width: widthOf(os.Stdout), Color: colorful(c, os.Stdout)}
}

// colorFlag lets people have colours where dswatch does not see a terminal, or
// none where it does.
func colorFlag(root *cobra.Command) {
	root.PersistentFlags().String("color", "auto", "colours: auto, always or never")
	if err := root.RegisterFlagCompletionFunc("color", cobra.FixedCompletions([]string{"auto", "always", "never"}, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // the flag does not exist
	}
}

// colorful reports whether what c writes to f is to have colours.
func colorful(c *cobra.Command, f *os.File) bool {
	if flag := c.Flag("color"); flag != nil && flag.Value.String() != "auto" {
		return flag.Value.String() == "always"
	}
	return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(f.Fd())) && understandsColor(f)
}

// widthOf is the cells of a line on f; 0: as many as it takes.
func widthOf(f *os.File) int {
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n >= 20 {
		return n // of somebody who says it, as watch(1) does
	}
	if !term.IsTerminal(int(f.Fd())) {
		return 0
	}
	if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
		return width
	}
	return usualWidth
}

// allFlag shows what is left out of a table because nothing depends on it.
func allFlag(c *cobra.Command, all *bool) {
	c.Flags().BoolVar(all, "all", false, "also what is not expected on this host")
}
