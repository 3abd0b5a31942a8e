package main

import (
	"os"

	"github.com/spf13/cobra"

	"dswatch/app"
)

func catalogCommand() *cobra.Command {
	var file, factsFile, format string
	var all bool
	c := &cobra.Command{
		Use:   "catalog",
		Short: "Show every row of the watch list, whether it is expected, and why",
		Long: "Shows every row of the watch list with expected yes, no or unknown, and why. With --facts the\n" +
			"answer is for the host that the file describes, on any platform; without it, for this host.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			l, v, err := read(c, file)
			if err != nil {
				return err
			}
			q := app.CatalogQuery{Declared: factsFile != "", JSON: format == "json", Language: v.Language, All: all, Form: form(c)}
			if q.Declared {
				if q.Facts, err = app.ReadFacts(factsFile); err != nil {
					return usageError{err}
				}
			}
			return app.WriteCatalog(c.Context(), l, os.Stdout, q, logger(l.Config.Log))
		},
	}
	configFlag(c, &file)
	allFlag(c, &all)
	c.Flags().StringVar(&factsFile, "facts", "", "facts `FILE` that describes the host")
	formatFlag(c, &format, "table")
	return c
}
