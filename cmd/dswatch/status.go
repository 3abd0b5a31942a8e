package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"dswatch/app"
	"dswatch/event"
	"dswatch/table"
	"dswatch/web"
	"dswatch/words"
)

func statusCommand() *cobra.Command {
	var file, format string
	var all, watch bool
	c := &cobra.Command{
		Use: "status", Short: "Show what the running process sees, and what waits for its sinks", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			l, v, err := read(c, file)
			if err != nil {
				return err
			}
			if watch {
				if format == "json" {
					return usageError{words.Fail(words.WatchesNoJSON.With())}
				}
				return watchStatus(c, l, v, all)
			}
			var st web.Status
			err = patiently(c, v, func() (err error) { st, err = app.Client(l).Status(c.Context()); return err })
			if err != nil {
				return err
			}
			if format == "json" {
				err = writeJSON(st)
			} else {
				_, err = os.Stdout.WriteString(statusText(st, v, form(c), all))
			}
			if err == nil && !st.Health.Current {
				return exitCode(3)
			}
			return err
		},
	}
	configFlag(c, &file)
	allFlag(c, &all)
	c.Flags().BoolVar(&watch, "watch", false, "show it again and again, until Ctrl-C")
	formatFlag(c, &format, "table")
	return c
}

// watchEvery is how often --watch looks.
const watchEvery = 2 * time.Second

// watchStatus shows the status again and again: at a terminal in the same
// place, else one after the other. A process that does not answer may be back.
func watchStatus(c *cobra.Command, l *app.Loaded, v words.Voice, all bool) error {
	ctx, stop := interrupted(c.Context())
	defer stop()
	before := ""
	if term.IsTerminal(int(os.Stdout.Fd())) && understandsColor(os.Stdout) {
		before = "\x1b[H\x1b[2J"
	}
	for {
		st, err := app.Client(l).Status(ctx)
		text := ""
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			text = form(c).Text(0, v.Error(err))
		default:
			text = statusText(st, v, form(c), all)
		}
		if _, err := os.Stdout.WriteString(before + v.Time(time.Now()) + "\n\n" + text + "\n"); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(watchEvery):
		}
	}
}

// firstLine says whether a change would be told now.
func firstLine(h web.Health) event.Said {
	switch {
	case h.Current:
		return words.DecisionsCurrent.With()
	case h.Since.IsZero():
		return words.NeverCurrent.With(words.Cause(h.WhyStatements, plain(h.Why)))
	}
	return words.NotCurrent.With(h.Since, words.Cause(h.WhyStatements, plain(h.Why)))
}

// statusText is what the process says of itself, for people.
func statusText(st web.Status, v words.Voice, f table.Form, all bool) string {
	items, left := statusItems(st, v, all)
	var b strings.Builder
	line := func(s event.Said) { b.WriteString(f.Text(0, v.Say(s))) }
	line(firstLine(st.Health))
	for _, key := range st.Health.Unreadable {
		line(words.RecordUnreadable.With(plain(key)))
	}
	line(words.HostSince.With(st.Host, st.Version, st.Started))
	for _, d := range st.API {
		if !d.Closed.IsZero() {
			line(words.NotListening.With(plain(d.Address), d.Closed, words.Cause(d.ErrorStatements, plain(d.Error))))
		}
	}
	var notified []string
	for _, j := range st.Watching {
		if j.Told == "notified" {
			notified = append(notified, plain(j.Job))
		} else {
			line(words.NotNotified.With(plain(j.Job), quoted(j.Error)))
		}
	}
	if len(notified) > 0 {
		line(words.NotifiedOfEnds.With(notified))
	}
	if u := st.Unasked; u != nil {
		line(words.AgentUnasked.With(words.Cause(u.ErrorStatements, plain(u.Error))))
		if names := blind(u.Blind); len(names) > 0 {
			line(words.RowsBlind.With(names))
		}
	}
	if r := st.Refused; r != nil {
		line(words.RefusedForRoom.With(int(r.Messages), r.Last, quoted(r.Error)))
	}
	b.WriteByte('\n')
	if len(st.Forever) > 0 {
		line(words.SilencedForever.With(st.Forever))
		b.WriteByte('\n')
	}
	for _, s := range st.Sinks {
		switch l := s.Listening; {
		case l == nil:
		case l.Error != "":
			line(words.ListeningFails.With(s.Name, words.Cause(l.ErrorStatements, plain(l.Error))))
			b.WriteByte('\n')
		case !l.Open:
			line(words.ListeningClosed.With(s.Name, l.Since))
			b.WriteByte('\n')
		}
	}
	if c := st.Config; !c.Failed.IsZero() {
		line(words.ConfigNotRead.With(c.Failed, c.Loaded, quoted(c.Error)))
		b.WriteByte('\n')
	}
	if s := st.Store; s != nil {
		if !s.Anew.IsZero() {
			line(words.StoreIsAnew.With(s.Anew))
		}
		if !s.Back.IsZero() {
			line(words.StoreIsBack.With(s.Back, s.Last))
		}
		if s.NotKept != "" {
			line(words.NotKeptTwice.With(quoted(s.NotKept)))
		}
		if s.NoHistory != "" {
			line(words.NoHistoryNow.With(quoted(s.NoHistory)))
		}
		b.WriteByte('\n')
	}
	b.WriteString(f.Table(items) + "\n")
	if left > 0 {
		line(words.RowsLeftOut.With(left))
		b.WriteByte('\n')
	}
	b.WriteString(f.Table(statusSinks(st, v)))
	return b.String()
}

// blind are items by what names them on their host.
func blind(keys []event.Key) (names []string) {
	for _, k := range keys {
		names = append(names, plain(string(k.Kind)+"/"+k.Name))
	}
	return names
}

// statusItems is the table of the items, those that are not expected only with
// all or where an alert is open, and how many it leaves out.
func statusItems(st web.Status, v words.Voice, all bool) (rows []table.Row, left int) {
	rows = []table.Row{{Cells: v.Heads(words.HeadsStatus)}}
	for _, i := range st.Items {
		if !all && i.Expected == "no" && !i.Alerting {
			left++
			continue
		}
		alert := "-"
		switch {
		case i.Alerting && i.Silence != "":
			alert = v.Pick(words.FiringSilenced)
		case i.Alerting:
			alert = v.Outcome("firing")
		case i.Silence != "":
			alert = v.Outcome("silenced")
		}
		why := "-"
		if i.State != event.Up && i.Expected == "yes" && i.Detail != "" {
			why = plain(v.Say(words.Or(i.DetailStatements, i.Detail)))
		}
		tint := tintOf(i.State)
		if i.Expected != "yes" && !i.Alerting {
			tint = table.Grey
		}
		rows = append(rows, table.Row{Cells: []string{v.State(i.State), v.Expected(i.Expected), alert, plain(i.Key.String()), why}, Tint: tint})
	}
	return rows, left
}

func statusSinks(st web.Status, v words.Voice) []table.Row {
	rows := []table.Row{{Cells: v.Heads(words.HeadsSinks)}}
	for _, s := range st.Sinks {
		since, problem, drill, tint := "-", "-", "-", table.Plain
		if d := s.Drill; d != nil && d.Confirmed {
			drill = v.Pick(words.DrillConfirmed)
		} else if d != nil {
			drill = v.Pick(words.DrillNotConfirmed)
		}
		if !s.FailingSince.IsZero() {
			since, tint = v.Stamp(s.FailingSince), table.Red
		}
		if s.LastError != "" {
			problem = plain(v.Say(words.Or(s.LastErrorStatements, s.LastError)))
		}
		rows = append(rows, table.Row{Cells: []string{s.Name, s.Type, fmt.Sprint(s.Waiting), fmt.Sprint(s.DeadLetters), v.Circuit(s.Circuit), drill, since, problem}, Tint: tint})
	}
	return rows
}

// tintOf is the colour of a state.
func tintOf(s event.State) table.Tint {
	switch s {
	case event.Up:
		return table.Green
	case event.Down, event.Degraded:
		return table.Red
	}
	return table.Yellow
}
