package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"dswatch/app"
	"dswatch/event"
	"dswatch/table"
	"dswatch/web"
	"dswatch/web/client"
	"dswatch/words"
)

func deadletterCommand() *cobra.Command {
	root := &cobra.Command{
		Use: "deadletter", Short: "See what could not be delivered, send it again or forget it", Args: cobra.NoArgs,
		Long: "A delivery that a far end refuses for good, or that was tried for as long as `patience` of its sink says,\n" +
			"becomes a dead letter. It stays until it is replayed or dropped, or until bus.max_dead is full.",
	}
	root.AddCommand(deadletterList(), deadletterShow(), deadletterReplay(), deadletterDrop())
	return root
}

// selectFlags let the operator say which letters are meant.
func selectFlags(c *cobra.Command, s *web.Selection) {
	c.Flags().StringVar(&s.Sink, "sink", "", "only those of this sink")
	c.Flags().Var((*span)(&s.OlderThan), "older-than", "only those given up so long ago, such as 24h or 7d")
}

// nothing reports whether a selection chooses nothing.
func nothing(s web.Selection) bool {
	return len(s.IDs) == 0 && s.Sink == "" && s.OlderThan == 0 && !s.All
}

func deadletterList() *cobra.Command {
	var file, format string
	var s web.Selection
	c := &cobra.Command{
		Use: "list", Short: "List the dead letters, the oldest first", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			l, v, err := read(c, file)
			if err != nil {
				return err
			}
			list, err := app.Client(l).Letters(c.Context(), s)
			if err != nil {
				return err
			}
			if format == "json" {
				return writeJSON(list)
			}
			_, err = os.Stdout.WriteString(form(c).Table(letterRows(list, v)))
			return err
		},
	}
	configFlag(c, &file)
	selectFlags(c, &s)
	formatFlag(c, &format, "table")
	return c
}

// letterRows show times in zone.
func letterRows(list []web.Letter, v words.Voice) []table.Row {
	rows := []table.Row{{Cells: v.Heads(words.HeadsDeadLetters)}}
	for _, x := range list {
		item := "-"
		if x.DeliveryID != "" {
			item = plain(x.Key.String())
		}
		rows = append(rows, table.Row{Cells: []string{x.ID, plain(x.Sink), v.Stamp(x.At), fmt.Sprint(x.Attempts),
			plain(v.Class(x.Class)), plain(v.Transition(x.Transition)), plain(x.AlertID), item, plain(reasonOf(x, v))}})
	}
	return rows
}

// reasonOf is why it was given up.
func reasonOf(x web.Letter, v words.Voice) string {
	return v.Say(words.Or(x.ReasonStatements, x.Reason))
}

func deadletterShow() *cobra.Command {
	var file, format string
	c := &cobra.Command{
		Use: "show ID", Short: "Show one dead letter with the whole alert", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, ids []string) error {
			l, v, err := read(c, file)
			if err != nil {
				return err
			}
			x, err := app.Client(l).Letter(c.Context(), ids[0])
			if err != nil {
				return err
			}
			if format == "json" {
				return writeJSON(x)
			}
			rows := [][]string{
				{v.Pick(words.LabelSink), plain(x.Sink)}, {v.Pick(words.LabelGivenUp), v.Say(words.GivenUpAfter.With(x.At, x.Attempts))},
				{v.Pick(words.LabelClass), plain(v.Class(x.Class))}, {v.Pick(words.LabelReason), plain(reasonOf(x, v))},
			}
			if x.DeliveryID != "" {
				rows = append(rows, []string{v.Pick(words.LabelDelivery), plain(x.DeliveryID)}, []string{v.Pick(words.LabelItem), plain(x.Key.String())})
			}
			var alert event.Alert
			if x.DeliveryID != "" {
				if err := json.Unmarshal(x.Alert, &alert); err != nil {
					return words.FailWith(err, words.ReadTheAlert.With(err))
				}
				alert = app.Spoken(alert, v)
			}
			f := form(c)
			fmt.Print(f.Text(0, plain(cmp.Or(alert.Title, x.Title))) + "\n")
			at := 0
			for _, row := range rows {
				at = max(at, table.Width(row[0])+2)
			}
			for _, row := range rows {
				fmt.Print(f.After(row[0], at, row[1]))
			}
			fmt.Println()
			if x.DeliveryID == "" {
				say(v, words.NoAlertInIt.With())
				return nil
			}
			text, err := json.MarshalIndent(alert, "", "  ")
			if err != nil {
				return err
			}
			for line := range strings.SplitSeq(string(text), "\n") {
				fmt.Println(plain(line))
			}
			return nil
		},
	}
	configFlag(c, &file)
	formatFlag(c, &format, "text")
	return c
}

func deadletterReplay() *cobra.Command {
	var file string
	var s web.Selection
	c := &cobra.Command{
		Use: "replay [ID...]", Short: "Send dead letters again, marked as replay",
		Long: "Puts dead letters back into the outbox of their sink, marked as replay and with the same idempotency key.\n" +
			"All letters of one alert go together and in order. What is over without its all-clear among the letters is\n" +
			"kept: nothing would end it at the far end. Exit status 1 when one was kept.",
		Example: "  dswatch deadletter replay 17 18\n  dswatch deadletter replay --sink siem",
		RunE: func(c *cobra.Command, ids []string) error {
			if s.IDs = ids; nothing(s) {
				return usageError{words.Fail(words.NothingSelected.With())}
			}
			l, v, err := read(c, file)
			if err != nil {
				return err
			}
			ctx, stop := interrupted(c.Context())
			defer stop()
			before, err := app.Client(l).Letters(ctx, s)
			if err != nil {
				return err
			}
			done, err := app.Client(l).Replay(ctx, s)
			if err != nil {
				return err
			}
			say(v, words.Replayed.With(done.Replayed))
			for _, k := range done.Kept {
				say(v, words.KeptDead.With(k.ID, words.Part(k.WhyStatements, k.Why)))
			}
			var r replay
			err = patiently(c, v, func() (err error) { r, err = outcome(ctx, app.Client(l), before); return err })
			if err != nil {
				return err
			}
			for _, s := range r.said {
				say(v, s)
			}
			if len(done.Kept) > 0 || r.missed {
				return exitCode(exitFailed)
			}
			return nil
		},
	}
	configFlag(c, &file)
	selectFlags(c, &s)
	c.Flags().BoolVar(&s.All, "all", false, "all of them")
	return c
}

// replayPatience is how long a replay waits for what its sinks say.
const replayPatience = 20 * time.Second

// replay is what became of letters that were sent again.
type replay struct {
	said   []event.Said
	missed bool // one was refused again, or still waits
}

// outcome waits until nothing waits any more for the sinks of the letters, but
// not for long: one that is down may be for hours.
func outcome(ctx context.Context, api *client.Client, letters []web.Letter) (out replay, err error) {
	sent := map[string]map[string]bool{} // the deliveries, by sink
	for _, x := range letters {
		if sent[x.Sink] == nil {
			sent[x.Sink] = map[string]bool{}
		}
		sent[x.Sink][x.DeliveryID] = true
	}
	waits := map[string]uint64{}
	for until := time.Now().Add(replayPatience); ; {
		st, err := api.Status(ctx)
		if err != nil {
			return out, err
		}
		clear(waits)
		for _, s := range st.Sinks {
			if sent[s.Name] != nil && s.Waiting > 0 {
				waits[s.Name] = s.Waiting
			}
		}
		if len(waits) == 0 || time.Now().After(until) {
			break
		}
		select {
		case <-ctx.Done():
			return out, ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
	for _, sink := range slices.Sorted(maps.Keys(sent)) {
		dead, err := api.Letters(ctx, web.Selection{Sink: sink})
		if err != nil {
			return out, err
		}
		refused, why := 0, error(nil)
		for _, x := range dead {
			if x.DeliveryID != "" && sent[sink][x.DeliveryID] {
				refused, why = refused+1, words.Cause(x.ReasonStatements, x.Reason)
			}
		}
		switch {
		case waits[sink] > 0:
			out.said, out.missed = append(out.said, words.ReplayWaits.With(plain(sink), int(waits[sink]))), true
		case refused > 0:
			out.said, out.missed = append(out.said, words.ReplayRefused.With(plain(sink), refused, why)), true
		default:
			out.said = append(out.said, words.ReplayTaken.With(plain(sink)))
		}
	}
	return out, nil
}

func deadletterDrop() *cobra.Command {
	var file string
	var s web.Selection
	c := &cobra.Command{
		Use: "drop [ID...]", Short: "Forget dead letters for good",
		Example: "  dswatch deadletter drop 17\n  dswatch deadletter drop --sink chat --older-than 720h",
		RunE: func(c *cobra.Command, ids []string) error {
			if s.IDs = ids; nothing(s) {
				return usageError{words.Fail(words.NothingSelected.With())}
			}
			l, v, err := read(c, file)
			if err != nil {
				return err
			}
			n, err := app.Client(l).Drop(c.Context(), s)
			if err != nil {
				return err
			}
			say(v, words.Dropped.With(n))
			return nil
		},
	}
	configFlag(c, &file)
	selectFlags(c, &s)
	c.Flags().BoolVar(&s.All, "all", false, "all of them")
	return c
}
