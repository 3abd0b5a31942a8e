package main

import (
	"os"

	"github.com/spf13/cobra"

	"dswatch/app"
)

func whyCommand() *cobra.Command {
	var file, format string
	c := &cobra.Command{
		Use: "why ALERT", Short: "Explain an alert, or the silence of an item", Args: cobra.ExactArgs(1),
		Long: "Explains what was told of an item, and what was not: what was seen, which footnotes and facts make it\n" +
			"expected, what each rule decided and why, and how far each sink has been told. ALERT is the id of an\n" +
			"alert or the beginning of it, an item as host/component/kind/name, or its ending such as process/ds_agent.",
		Example: "  dswatch why 785f4f18\n  dswatch why web01/agent/process/ds_agent --language ja",
		RunE: func(c *cobra.Command, args []string) error {
			l, v, err := read(c, file)
			if err != nil {
				return err
			}
			all, err := app.Client(l).Why(c.Context(), args[0], v.Language)
			if err != nil {
				return err
			}
			if format == "json" {
				return writeJSON(all)
			}
			return app.WriteWhy(os.Stdout, all, v, form(c))
		},
	}
	configFlag(c, &file)
	formatFlag(c, &format, "text")
	return c
}
