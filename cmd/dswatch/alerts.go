package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"dswatch/app"
	"dswatch/event"
	"dswatch/table"
	"dswatch/web"
	"dswatch/words"
)

func alertsCommand() *cobra.Command {
	var file, format string
	var unpaired bool
	c := &cobra.Command{
		Use: "alerts", Short: "List the alerts that are open, and what is silenced", Args: cobra.NoArgs,
		Long: "Lists the alerts that are open, and the losses that a silence keeps from being told. With --unpaired it\n" +
			"lists the alerts that are over although a sink still holds them open; exit status 1 when there is one.",
		RunE: func(c *cobra.Command, _ []string) error {
			l, v, err := read(c, file)
			if err != nil {
				return err
			}
			if unpaired {
				return showUnpaired(c, l, v, format)
			}
			list, err := app.Client(l).Alerts(c.Context())
			if err != nil {
				return err
			}
			if format == "json" {
				return writeJSON(list)
			}
			rows := [][]string{v.Heads(words.HeadsAlerts)}
			for _, a := range list {
				id := a.ID
				if id == "" {
					id = "-"
				}
				rows = append(rows, []string{id, a.Rule, v.State(a.State), v.Severity(a.Severity), v.Time(a.Since), plain(a.Key.String()), strings.Join(told(a), ","), note(a, v)})
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
func note(a web.Alert, v words.Voice) string {
	var notes []string
	add := func(s event.Said) { notes = append(notes, v.Say(s)) }
	if len(a.Waiting) > 0 {
		add(words.NoteWaits.With(a.Waiting))
	}
	if len(a.Refused) > 0 {
		add(words.NoteRefused.With(a.Refused))
	}
	if a.Digest != "" {
		add(words.NoteDigest.With(a.Digest))
	}
	if a.Affected > 0 {
		add(words.NoteAffected.With(a.Affected))
	}
	if s := a.Silenced; s != nil {
		end := app.SilencesText{Language: v.Language, Zone: v.Location()}.Until(*s)
		if s.Author != "" {
			add(words.NoteSilenced.With(s.ID, end, plain(s.Author), plain(s.Comment)))
		} else {
			add(words.NoteSilence.With(s.ID, end))
		}
	}
	if k := a.Ack; k != nil && k.Comment != "" {
		add(words.NoteAckedSays.With(plain(k.Author), plain(k.Comment)))
	} else if k != nil {
		add(words.NoteAcked.With(plain(k.Author)))
	}
	return strings.Join(notes, v.Pick(words.SemicolonComma))
}

func showUnpaired(c *cobra.Command, l *app.Loaded, v words.Voice, format string) error {
	list, err := app.Client(l).Unpaired(c.Context())
	if err != nil {
		return err
	}
	if format == "json" {
		err = writeJSON(list)
	} else {
		for _, u := range list {
			say(v, words.HoldsOpen.With(u.Sink, u.Alert, u.Rule, plain(u.Key.String())))
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
