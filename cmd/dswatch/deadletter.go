package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"dswatch/app"
	"dswatch/event"
	"dswatch/table"
	"dswatch/web"
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
	c.Flags().DurationVar(&s.OlderThan, "older-than", 0, "only those given up so long ago, such as 24h")
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
			return writeLetters(os.Stdout, list, v)
		},
	}
	configFlag(c, &file)
	selectFlags(c, &s)
	formatFlag(c, &format, "table")
	return c
}

// writeLetters shows times in zone.
func writeLetters(w io.Writer, list []web.Letter, v words.Voice) error {
	rows := [][]string{v.Heads(words.HeadsDeadLetters)}
	for _, x := range list {
		item := "-"
		if x.DeliveryID != "" {
			item = plain(x.Key.String())
		}
		rows = append(rows, []string{x.ID, plain(x.Sink), v.Time(x.At), fmt.Sprint(x.Attempts),
			plain(v.Class(x.Class)), plain(v.Transition(x.Transition)), plain(x.AlertID), item, plain(x.Reason)})
	}
	return table.Write(w, rows)
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
				{v.Pick(words.LabelClass), plain(v.Class(x.Class))}, {v.Pick(words.LabelReason), plain(x.Reason)},
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
			fmt.Printf("%s\n\n", plain(cmp.Or(alert.Title, x.Title)))
			if err := table.Write(os.Stdout, rows); err != nil {
				return err
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
			s.IDs = ids
			l, v, err := read(c, file)
			if err != nil {
				return err
			}
			done, err := app.Client(l).Replay(c.Context(), s)
			if err != nil {
				return err
			}
			say(v, words.Replayed.With(done.Replayed))
			for _, k := range done.Kept {
				say(v, words.KeptDead.With(k.ID, words.Part(k.WhyStatements, k.Why)))
			}
			if len(done.Kept) > 0 {
				return exitCode(1)
			}
			return nil
		},
	}
	configFlag(c, &file)
	selectFlags(c, &s)
	c.Flags().BoolVar(&s.All, "all", false, "all of them")
	return c
}

func deadletterDrop() *cobra.Command {
	var file string
	var s web.Selection
	c := &cobra.Command{
		Use: "drop [ID...]", Short: "Forget dead letters for good",
		Example: "  dswatch deadletter drop 17\n  dswatch deadletter drop --sink chat --older-than 720h",
		RunE: func(c *cobra.Command, ids []string) error {
			s.IDs = ids
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
