package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"dswatch/app"
	"dswatch/table"
	"dswatch/words"
)

func storeCommand() *cobra.Command {
	root := &cobra.Command{Use: "store", Short: "Check or repair the message store of a stopped dswatch", Args: cobra.NoArgs}
	root.AddCommand(
		storeDeed("check", false, "Say what can be read of a stopped message store, and what is lost",
			"Repairs a copy of the message store below bus.dir, shows how many messages each stream and bucket has before and\n"+
				"after, and removes the copy. The store stays as it is; bus.dir needs room for it a second time.\n"+
				"Exit status 1 when something is lost."),
		storeDeed("repair", true, "Put a repaired copy in the place of a stopped message store",
			"Does what `dswatch store check` does, and puts the repaired copy in the store's place. What was there is kept\n"+
				"beside it, until you remove it. dswatch repairs by itself what a start finds; this says what that costs."))
	return root
}

func storeDeed(use string, repair bool, short, long string) *cobra.Command {
	var file, format string
	c := &cobra.Command{
		Use: use, Short: short, Long: long, Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			l, err := load(file)
			if err != nil {
				return err
			}
			ctx, stop := interrupted(c.Context())
			defer stop()
			found, err := app.CheckStore(ctx, l, logger(l.Config.Log), repair)
			if err != nil {
				return err
			}
			if format == "json" {
				err = writeJSON(found)
			} else {
				err = writeStored(found, voice(c, l))
			}
			if err == nil && found.Lost > 0 && !repair {
				return exitCode(1)
			}
			return err
		},
	}
	configFlag(c, &file)
	formatFlag(c, &format, "table")
	return c
}

func writeStored(s app.Stored, v words.Voice) error {
	rows := [][]string{v.Heads(words.HeadsStore)}
	for _, one := range s.Streams {
		messages, last := v.Pick(words.Unreadable), "-"
		if one.Before != nil {
			messages, last = fmt.Sprint(one.Before.Messages), fmt.Sprint(one.Before.Last)
		}
		rows = append(rows, []string{one.Name, messages, last, fmt.Sprint(one.After.Messages), fmt.Sprint(one.After.Last), fmt.Sprint(one.Lost)})
	}
	if err := table.Write(os.Stdout, rows); err != nil {
		return err
	}
	say(v, words.MessagesLost.With(int(s.Lost)))
	if s.Kept != "" {
		say(v, words.StoreKept.With(s.Kept))
	}
	return nil
}
