package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"dswatch/app"
	"dswatch/event"
	"dswatch/table"
	"dswatch/web"
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
			st, err := app.Client(l).Status(c.Context())
			if err != nil {
				return err
			}
			if format == "json" {
				err = writeJSON(st)
			} else {
				err = writeStatus(os.Stdout, st, l.Config.Location())
			}
			if err == nil && !st.Health.Current {
				return exitCode(3)
			}
			return err
		},
	}
	configFlag(c, &file)
	formatFlag(c, &format, "table")
	return c
}

// firstLine says whether a change would be told now.
func firstLine(h web.Health, zone *time.Location) string {
	switch {
	case h.Current:
		return "Decisions are current."
	case h.Since.IsZero():
		return "Decisions are NOT CURRENT, not since the start: " + plain(h.Why)
	}
	return "Decisions are NOT CURRENT since " + h.Since.In(zone).Format(time.RFC3339) + ": " + plain(h.Why)
}

// writeStatus shows times in zone.
func writeStatus(w io.Writer, st web.Status, zone *time.Location) error {
	items := [][]string{{"STATE", "EXPECTED", "ALERT", "ITEM", "WHY"}}
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
		why := "-"
		if i.State != event.Up && i.Expected == "yes" && i.Detail != "" {
			why = plain(i.Detail)
		}
		items = append(items, []string{string(i.State), i.Expected, alert, plain(i.Key.String()), why})
	}
	sinks := [][]string{{"SINK", "TYPE", "WAITING", "DEAD", "CIRCUIT", "DRILL", "FAILING SINCE", "LAST ERROR"}}
	for _, s := range st.Sinks {
		since, problem, drill := "-", "-", "-"
		if d := s.Drill; d != nil && d.Confirmed {
			drill = "confirmed"
		} else if d != nil {
			drill = "NOT CONFIRMED"
		}
		if !s.FailingSince.IsZero() {
			since = s.FailingSince.In(zone).Format(time.RFC3339)
		}
		if s.LastError != "" {
			problem = plain(s.LastError)
		}
		sinks = append(sinks, []string{s.Name, s.Type, fmt.Sprint(s.Waiting), fmt.Sprint(s.DeadLetters), s.Circuit, drill, since, problem})
	}
	fmt.Fprintln(w, firstLine(st.Health, zone))
	for _, key := range st.Health.Unreadable {
		fmt.Fprintf(w, "A stored record cannot be read and does not count: %s; see the log.\n", plain(key))
	}
	fmt.Fprintf(w, "%s, version %s, since %s\n\n", st.Host, st.Version, st.Started.In(zone).Format(time.RFC3339))
	if len(st.Forever) > 0 {
		fmt.Fprintf(w, "silenced for ever by %s: dswatch silence list shows what; dswatch silence expire ID ends it\n\n", strings.Join(st.Forever, ", "))
	}
	if c := st.Config; !c.Failed.IsZero() {
		fmt.Fprintf(w, "THE CONFIGURATION WAS NOT READ AGAIN at %s; that of %s is in force: %s\n\n",
			c.Failed.In(zone).Format(time.RFC3339), c.Loaded.In(zone).Format(time.RFC3339), plain(c.Error))
	}
	if err := table.Write(w, items); err != nil {
		return err
	}
	fmt.Fprintln(w)
	return table.Write(w, sinks)
}
