package main

import (
	"encoding/json"
	"errors"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"dswatch/app"
	"dswatch/event"
	"dswatch/spelling"
	"dswatch/table"
	"dswatch/web"
	"dswatch/web/client"
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
			rows := []table.Row{{Cells: v.Heads(words.HeadsAlerts)}}
			for _, a := range list {
				id := a.ID
				if id == "" {
					id = "-"
				}
				rows = append(rows, table.Row{At: 2, Tint: tintOf(a.State), Cells: []string{id, a.Rule, v.State(a.State), v.Severity(a.Severity), v.Stamp(a.Since), plain(a.Key.String()), strings.Join(told(a), ","), remarks(a, v)}})
			}
			_, err = os.Stdout.WriteString(form(c).Table(rows))
			return err
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

// remarks say what else there is to know of an alert, with times in zone.
func remarks(a web.Alert, v words.Voice) string {
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
		end := app.SilencesText{Voice: v}.Until(*s)
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
			"is still told. ALERT is its id or the beginning of it, as `dswatch alerts` and every message show it, or the\n" +
			"item that it is about, such as process/ds_am or web01/agent/process/ds_am.\n" +
			"With --withdraw nobody looks after it any more: every sink is told, and it is repeated and escalated\n" +
			"again as if it had never been acknowledged.",
		Example: "  dswatch ack 785f4f18 --comment 4711\n  dswatch ack process/ds_am",
		RunE: func(c *cobra.Command, names []string) error {
			l, err := load(file)
			if err != nil {
				return err
			}
			api := app.Client(l)
			open, err := api.Alerts(c.Context())
			if err != nil {
				return err
			}
			do, done := api.Ack, words.LooksAfterNow.With
			if withdraw {
				do, done = api.Withdraw, words.LooksAfterNoMore.With
			}
			var errs []error
			for _, name := range names { // one that is wrong keeps no other from being done
				found, err := meant(open, name)
				if err == nil {
					err = do(c.Context(), found.ID, a)
				}
				if err != nil {
					errs = append(errs, words.FailWith(err, words.OfNamed.With(plain(name), err)))
					continue
				}
				item := "-"
				if found.Key.Name != "" {
					item = plain(found.Key.String())
				}
				say(voice(c, l), done(plain(found.ID), item, plain(a.Author)))
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

// meant finds the alert that somebody names: by its item or the ending of that,
// as why does, or by its id. An id that is not listed is for the running process to
// judge.
func meant(open []web.Alert, name string) (web.Alert, error) {
	name = strings.TrimSpace(name)
	item := strings.Contains(name, "/")
	var found []web.Alert
	pick := func(fits func(web.Alert) bool) {
		for _, a := range open {
			if a.ID != "" && fits(a) {
				found = append(found, a)
			}
		}
	}
	if item {
		pick(func(a web.Alert) bool { return strings.HasSuffix("/"+a.Key.String(), "/"+name) })
		if len(found) == 0 { // written in another way
			pick(func(a web.Alert) bool { return spelling.Ends(a.Key.String(), name) })
		}
	} else if name != "" {
		pick(func(a web.Alert) bool { return strings.HasPrefix(a.ID, name) })
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case item && len(found) == 0:
		return web.Alert{}, words.FailWith(client.ErrRefused, words.NoAlertOf.With(words.Inner(plain(name))))
	case item:
		return web.Alert{}, usageError{words.Fail(words.AlertsOfMany.With(words.Inner(plain(name)), len(found), plain(found[0].Key.String()), found[0].ID))}
	}
	return web.Alert{ID: name}, nil
}
