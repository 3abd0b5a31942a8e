package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"dswatch/app"
)

func alertsCommand() *cobra.Command {
	var file, format string
	var unpaired bool
	c := &cobra.Command{
		Use: "alerts", Short: "List the alerts that are open, and what is silenced", Args: cobra.NoArgs,
		Long: "Lists the alerts that are open, and the losses that a silence keeps from being told. With --unpaired it\n" +
			"lists the alerts that are over although a sink still holds them open; exit status 1 when there is one.",
		RunE: func(c *cobra.Command, _ []string) error {
			l, err := load(file)
			if err != nil {
				return err
			}
			if unpaired {
				return showUnpaired(c, l, format)
			}
			list, err := l.RunningAlerts(c.Context())
			if err != nil {
				return err
			}
			if format == "json" {
				return writeJSON(list)
			}
			w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "ALERT\tRULE\tSTATE\tSEVERITY\tSINCE\tITEM\tTOLD\tNOTE")
			for _, a := range list {
				id, note := a.ID, ""
				if id == "" {
					id = "-"
				}
				if a.Silence != "" {
					note = "silence " + a.Silence
				}
				if a.Digest != "" {
					note = "in digest " + a.Digest
				}
				if a.Affected > 0 {
					note = fmt.Sprintf("stands for %d alerts", a.Affected)
				}
				if a.Ack != nil {
					note = strings.TrimSpace(note + " acknowledged by " + plain(a.Ack.Author) + " " + plain(a.Ack.Comment))
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", id, a.Rule, a.State, a.Severity, a.Since.Local().Format(time.RFC3339), a.Key, strings.Join(a.Sinks, ","), note)
			}
			return w.Flush()
		},
	}
	configFlag(c, &file)
	formatFlag(c, &format, "table")
	c.Flags().BoolVar(&unpaired, "unpaired", false, "resolves that a sink did not get")
	return c
}

func showUnpaired(c *cobra.Command, l *app.Loaded, format string) error {
	list, err := l.RunningUnpaired(c.Context())
	if err != nil {
		return err
	}
	if format == "json" {
		err = writeJSON(list)
	} else {
		for _, u := range list {
			fmt.Printf("%s holds %s open: %s %s\n", u.Sink, u.Alert, u.Rule, u.Key)
		}
	}
	if err == nil && len(list) > 0 {
		return exitCode(1)
	}
	return err
}

func writeJSON(v any) error {
	e := json.NewEncoder(os.Stdout)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

func ackCommand() *cobra.Command {
	var file string
	var a app.Ack
	c := &cobra.Command{
		Use: "ack ALERT", Short: "Say that you look after an alert: it is not repeated any more", Args: cobra.ExactArgs(1),
		Long: "Notes who looks after an open alert. It is not repeated any more; that it gets worse, and that it is over,\n" +
			"is still told. ALERT is its id or the beginning of it, as `dswatch alerts` and every message show it.",
		RunE: func(c *cobra.Command, ids []string) error {
			l, err := load(file)
			if err != nil {
				return err
			}
			return l.Acknowledge(c.Context(), ids[0], a)
		},
	}
	configFlag(c, &file)
	authorFlag(c, &a.Author)
	c.Flags().StringVar(&a.Comment, "comment", "", "what is being done")
	return c
}
