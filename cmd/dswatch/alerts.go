package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"dswatch/app"
	"dswatch/table"
	"dswatch/web"
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
			list, err := app.Client(l).Alerts(c.Context())
			if err != nil {
				return err
			}
			if format == "json" {
				return writeJSON(list)
			}
			rows := [][]string{{"ALERT", "RULE", "STATE", "SEVERITY", "SINCE", "ITEM", "TOLD", "NOTE"}}
			for _, a := range list {
				id := a.ID
				if id == "" {
					id = "-"
				}
				rows = append(rows, []string{id, a.Rule, string(a.State), string(a.Severity), a.Since.In(l.Config.Location()).Format(time.RFC3339), plain(a.Key.String()), strings.Join(told(a), ","), note(a, l.Config.Location())})
			}
			return table.Write(os.Stdout, rows)
		},
	}
	configFlag(c, &file)
	formatFlag(c, &format, "table")
	c.Flags().BoolVar(&unpaired, "unpaired", false, "resolves that a sink did not get")
	return c
}

// told is who has accepted the alert. A running dswatch of before told only
// who it was for.
func told(a web.Alert) []string {
	if len(a.Told)+len(a.Waiting)+len(a.Refused) == 0 {
		return a.Sinks
	}
	return a.Told
}

// note says what else there is to know of an alert, with times in zone.
func note(a web.Alert, zone *time.Location) string {
	var notes []string
	if len(a.Waiting) > 0 {
		notes = append(notes, "waits for "+strings.Join(a.Waiting, ","))
	}
	if len(a.Refused) > 0 {
		notes = append(notes, "refused by "+strings.Join(a.Refused, ",")+", see dswatch deadletter list")
	}
	if a.Digest != "" {
		notes = append(notes, "in digest "+a.Digest)
	}
	if a.Affected > 0 {
		notes = append(notes, fmt.Sprintf("stands for %d alerts", a.Affected))
	}
	if s := a.Silenced; s != nil {
		text := "silence " + s.ID + " until " + app.SilencesText{Zone: zone}.Until(*s)
		if s.Author != "" {
			text += " by " + plain(s.Author) + ": " + plain(s.Comment)
		}
		notes = append(notes, text)
	}
	if a.Ack != nil {
		notes = append(notes, strings.TrimSpace("acknowledged by "+plain(a.Ack.Author)+" "+plain(a.Ack.Comment)))
	}
	return strings.Join(notes, "; ")
}

func showUnpaired(c *cobra.Command, l *app.Loaded, format string) error {
	list, err := app.Client(l).Unpaired(c.Context())
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
	var a web.Ack
	var withdraw bool
	c := &cobra.Command{
		Use: "ack ALERT...", Short: "Say that you look after an alert: it is not repeated any more", Args: cobra.MinimumNArgs(1),
		Long: "Notes who looks after an open alert. It is not repeated any more; that it gets worse, and that it is over,\n" +
			"is still told. ALERT is its id or the beginning of it, as `dswatch alerts` and every message show it.\n" +
			"With --withdraw nobody looks after it any more: every sink is told, and it is repeated and escalated\n" +
			"again as if it had never been acknowledged.",
		RunE: func(c *cobra.Command, ids []string) error {
			l, err := load(file)
			if err != nil {
				return err
			}
			say := app.Client(l).Ack
			if withdraw {
				say = app.Client(l).Withdraw
			}
			var errs []error
			for _, id := range ids {
				if err := say(c.Context(), id, a); err != nil {
					errs = append(errs, fmt.Errorf("%s: %w", plain(id), err))
				}
			}
			return errors.Join(errs...)
		},
	}
	configFlag(c, &file)
	authorFlag(c, &a.Author)
	c.Flags().StringVar(&a.Comment, "comment", "", "what is being done; with --withdraw, why not any more")
	c.Flags().BoolVar(&withdraw, "withdraw", false, "take the acknowledgement back")
	return c
}
