package main

import (
	"os"
	"time"

	"github.com/spf13/cobra"

	"dswatch/app"
	"dswatch/words"
)

func reportCommand() *cobra.Command {
	var file, format, month string
	c := &cobra.Command{
		Use: "report", Short: "Report the availability of a month: per host, row and group, and what became of alerts", Args: cobra.NoArgs,
		Long: "Reports a month from the history of the running dswatch. Available is up or degraded, of the time that is known and not\n" +
			"silenced. Time in which dswatch did not run, could not tell, or could not see an item is unknown and counts as neither;\n" +
			"silenced and maintenance time is apart. A loss begins with the first look that saw it. The CSV has the raw intervals.",
		Example: "  dswatch report --month 2026-10\n  dswatch report --month 2026-10 --format csv --language ja",
		PreRunE: func(*cobra.Command, []string) error {
			if format != "text" && format != "csv" && format != "json" {
				return usageError{words.Fail(words.NotAReport.With(words.Inner(format)))}
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error {
			l, v, err := read(c, file)
			if err != nil {
				return err
			}
			now := time.Now().In(l.Config.Location())
			from, to, err := app.MonthOf(month, now)
			if err != nil {
				return usageError{err}
			}
			all, odd, err := pastOf(c.Context(), l, app.ReportNeeds(from, to))
			if err != nil {
				return err
			}
			r := app.MakeReport(all, from, to, now)
			switch format {
			case "json":
				return writeJSON(r)
			case "csv":
				return app.WriteIntervals(os.Stdout, r)
			}
			if err = app.WriteReport(os.Stdout, v, form(c), r); err == nil && odd > 0 {
				say(v, words.HistoryUnreadable.With(odd))
			}
			return err
		},
	}
	configFlag(c, &file)
	c.Flags().StringVar(&format, "format", "text", "text, csv or json")
	c.Flags().StringVar(&month, "month", "", "the month, such as 2026-10; default the last whole one")
	completes(c, "format", "text", "csv", "json")
	return c
}
