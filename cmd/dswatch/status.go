package main

import (
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

func statusCommand() *cobra.Command {
	var file, format string
	c := &cobra.Command{
		Use: "status", Short: "Show what the running process sees, and what waits for its sinks", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			l, err := load(file)
			if err != nil {
				return err
			}
			st, err := l.RunningStatus(c.Context())
			if err != nil {
				return err
			}
			if format == "json" {
				return writeJSON(st)
			}
			fmt.Printf("%s, version %s, since %s\n\n", st.Host, st.Version, st.Started.Format("2006-01-02 15:04:05"))
			w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "STATE\tEXPECTED\tALERT\tITEM")
			for _, i := range st.Items {
				alert := "-"
				switch {
				case i.Alerting && i.Silence != "":
					alert = "firing, silenced"
				case i.Alerting:
					alert = "firing"
				case i.Silence != "":
					alert = "silenced"
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", i.State, i.Expected, alert, i.Key)
			}
			fmt.Fprintln(w, "\nSINK\tTYPE\tWAITING\tDEAD\tCIRCUIT\tDRILL\tFAILING SINCE\tLAST ERROR")
			for _, s := range st.Sinks {
				since, problem, drill := "-", "-", "-"
				if d := s.Drill; d != nil && d.Confirmed {
					drill = "confirmed"
				} else if d != nil {
					drill = "NOT CONFIRMED"
				}
				if !s.FailingSince.IsZero() {
					since = s.FailingSince.Local().Format(time.RFC3339)
				}
				if s.LastError != "" {
					problem = plain(s.LastError)
				}
				fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%s\t%s\t%s\t%s\n", s.Name, s.Type, s.Waiting, s.DeadLetters, s.Circuit, drill, since, problem)
			}
			return w.Flush()
		},
	}
	configFlag(c, &file)
	formatFlag(c, &format, "table")
	return c
}
