package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"dswatch/app"
	"dswatch/event"
	"dswatch/table"
	"dswatch/web"
	"dswatch/words"
)

func statusCommand() *cobra.Command {
	var file, format string
	c := &cobra.Command{
		Use: "status", Short: "Show what the running process sees, and what waits for its sinks", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			l, v, err := read(c, file)
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
				err = writeStatus(os.Stdout, st, v)
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
func firstLine(h web.Health) event.Said {
	switch {
	case h.Current:
		return words.DecisionsCurrent.With()
	case h.Since.IsZero():
		return words.NeverCurrent.With(words.Cause(h.WhyStatements, plain(h.Why)))
	}
	return words.NotCurrent.With(h.Since, words.Cause(h.WhyStatements, plain(h.Why)))
}

func writeStatus(w io.Writer, st web.Status, v words.Voice) error {
	items := [][]string{v.Heads(words.HeadsStatus)}
	for _, i := range st.Items {
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
		items = append(items, []string{v.State(i.State), v.Expected(i.Expected), alert, plain(i.Key.String()), why})
	}
	sinks := [][]string{v.Heads(words.HeadsSinks)}
	for _, s := range st.Sinks {
		since, problem, drill := "-", "-", "-"
		if d := s.Drill; d != nil && d.Confirmed {
			drill = v.Pick(words.DrillConfirmed)
		} else if d != nil {
			drill = v.Pick(words.DrillNotConfirmed)
		}
		if !s.FailingSince.IsZero() {
			since = v.Time(s.FailingSince)
		}
		if s.LastError != "" {
			problem = plain(s.LastError)
		}
		sinks = append(sinks, []string{s.Name, s.Type, fmt.Sprint(s.Waiting), fmt.Sprint(s.DeadLetters), v.Circuit(s.Circuit), drill, since, problem})
	}
	line := func(s event.Said) { fmt.Fprintln(w, v.Say(s)) }
	line(firstLine(st.Health))
	for _, key := range st.Health.Unreadable {
		line(words.RecordUnreadable.With(plain(key)))
	}
	line(words.HostSince.With(st.Host, st.Version, st.Started))
	fmt.Fprintln(w)
	if len(st.Forever) > 0 {
		line(words.SilencedForever.With(st.Forever))
		fmt.Fprintln(w)
	}
	for _, s := range st.Sinks {
		switch l := s.Listening; {
		case l == nil:
		case l.Error != "":
			line(words.ListeningFails.With(s.Name, words.Cause(l.ErrorStatements, plain(l.Error))))
			fmt.Fprintln(w)
		case !l.Open:
			line(words.ListeningClosed.With(s.Name, l.Since))
			fmt.Fprintln(w)
		}
	}
	if c := st.Config; !c.Failed.IsZero() {
		line(words.ConfigNotRead.With(c.Failed, c.Loaded, quoted(c.Error)))
		fmt.Fprintln(w)
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
		fmt.Fprintln(w)
	}
	if err := table.Write(w, items); err != nil {
		return err
	}
	fmt.Fprintln(w)
	return table.Write(w, sinks)
}
