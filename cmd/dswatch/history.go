package main

import (
	"context"
	"os"
	"time"

	"github.com/spf13/cobra"

	"dswatch/app"
	"dswatch/event"
	"dswatch/history"
	"dswatch/table"
	"dswatch/web"
	"dswatch/words"
)

func historyCommand() *cobra.Command {
	var file, format, since, until string
	var what []string
	c := &cobra.Command{
		Use: "history [MATCHER...]", Short: "List what happened: states, alerts, acknowledgements, silences, reloads, restarts",
		Long: "Lists what the running dswatch has kept, oldest first, of the last 24 hours unless --since says otherwise. With\n" +
			"MATCHERs, such as host=web01 or name=~\"ds_.*\", only what concerns such items. history.keep and history.max_bytes\n" +
			"say how much is kept.",
		Example: "  dswatch history --since 7d host=web01\n  dswatch history --what ack,silence --since 2026-10-01",
		RunE: func(c *cobra.Command, matchers []string) error {
			l, v, err := read(c, file)
			if err != nil {
				return err
			}
			now := time.Now().In(l.Config.Location())
			s := web.HistorySelection{Match: matchers, What: what, Since: now.Add(-24 * time.Hour), Until: now}
			if since != "" {
				if s.Since, err = pastMoment(since, now); err != nil {
					return usageError{err}
				}
			}
			if until != "" {
				if s.Until, err = pastMoment(until, now); err != nil {
					return usageError{err}
				}
			}
			all, odd, err := pastOf(c.Context(), l, s)
			if err != nil {
				return err
			}
			if format == "json" {
				return writeJSON(all)
			}
			if len(all) == 0 {
				say(v, words.HistoryEmpty.With(s.Since, s.Until))
			} else if _, err = os.Stdout.WriteString(form(c).Table(historyRows(all, v))); err != nil {
				return err
			}
			if odd > 0 {
				say(v, words.HistoryUnreadable.With(odd))
			}
			return nil
		},
	}
	configFlag(c, &file)
	formatFlag(c, &format, "table")
	c.Flags().StringVar(&since, "since", "", "from then on: a time, or how long ago, such as 7d; default 24h")
	c.Flags().StringVar(&until, "until", "", "until then: a time, or how long ago")
	c.Flags().StringSliceVar(&what, "what", nil, "only these kinds, such as alert; a wrong one is answered with the list")
	var whats []string
	for _, w := range history.Whats() {
		whats = append(whats, string(w))
	}
	completes(c, "what", whats...)
	return c
}

// pastOf asks for page after page.
func pastOf(ctx context.Context, l *app.Loaded, s web.HistorySelection) (all []history.Entry, odd int, err error) {
	all = []history.Entry{}
	s.Limit = web.HistoryMost
	for api := app.Client(l); ; {
		page, err := api.History(ctx, s)
		if err != nil {
			return nil, 0, err
		}
		all, odd = append(all, page.Entries...), odd+page.Odd
		if page.Next == "" {
			return all, odd, nil
		}
		s.After = page.Next
	}
}

// pastMoment reads a time, or how long ago it was.
func pastMoment(text string, now time.Time) (time.Time, error) {
	var ago span
	if ago.Set(text) == nil && ago != forever {
		return now.Add(-time.Duration(ago)), nil
	}
	if day, err := time.ParseInLocation(time.DateOnly, text, now.Location()); err == nil {
		return day, nil
	}
	at, err := readTime(text, now)
	if err == nil && at.After(now) && len(text) <= len("15:04") { // a time of the day is the last one here
		at = at.AddDate(0, 0, -1)
	}
	return at, err
}

func historyRows(all []history.Entry, v words.Voice) []table.Row {
	rows := []table.Row{{Cells: v.Heads(words.HeadsHistory)}}
	for _, e := range all {
		item := "-"
		if e.Key != (event.Key{}) {
			item = plain(e.Key.String())
		}
		row := table.Row{Cells: []string{v.Stamp(e.At), v.HistoryEvent(string(e.What)), item, plain(app.HistoryText(v, e))}, At: 1}
		if e.What == history.State || e.What == history.Alert && e.Transition != event.Cleared {
			row.Tint = tintOf(e.State)
		}
		rows = append(rows, row)
	}
	return rows
}
