package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"dswatch/app"
	"dswatch/table"
	"dswatch/words"
)

func storeCommand() *cobra.Command {
	root := &cobra.Command{Use: "store", Short: "Check, repair, move or upgrade the message store of a stopped dswatch", Args: cobra.NoArgs}
	root.AddCommand(
		storeDeed("check", false, "Say what can be read of a stopped message store, and what is lost",
			"Repairs a copy of the message store below bus.dir, shows how many messages each stream and bucket has before and\n"+
				"after, and removes the copy. The store stays as it is; bus.dir needs room for it a second time.\n"+
				"Exit status 1 when something is lost."),
		storeDeed("repair", true, "Put a repaired copy in the place of a stopped message store",
			"Does what `dswatch store check` does, and puts the repaired copy in the store's place. What was there is kept\n"+
				"beside it, until you remove it. dswatch repairs by itself what a start finds; this says what that costs."),
		storeMove("export FILE", "Write what a stopped message store holds to a file",
			"Writes open alerts, what every sink was told, silences, acknowledgements, the attempts of deliveries, what is known of\n"+
				"hosts and what sinks keep for their far ends to a new file of JSON lines, for `dswatch store import` on another machine.\n"+
				"It holds no secret, but names of hosts and people. Dead letters stay; what waits for sinks is made again.",
			func(ctx context.Context, s stopped, file string) error {
				m, err := app.ExportStore(ctx, s.conf, s.options, file)
				if err != nil {
					return err
				}
				say(s.voice, words.StoreExported.With(m.Records, file))
				if m.Unreadable > 0 {
					say(s.voice, words.StoreUnexported.With(m.Unreadable))
				}
				return nil
			}),
		storeMove("import FILE", "Fill an empty message store from a file of `dswatch store export`",
			"Takes all of the file or nothing; a file that was changed or cut is refused with the line. The store must be empty and\n"+
				"dswatch stopped. At the next start it goes on with what is open, under the same ids, at the sinks of the same names.",
			func(ctx context.Context, s stopped, file string) error {
				m, err := app.ImportStore(ctx, s.conf, s.options, file)
				if err != nil {
					return err
				}
				say(s.voice, words.StoreImported.With(m.Records, plain(m.Head.Host), plain(m.Head.Version)))
				return nil
			}),
		storeUpgrade())
	return root
}

// stopped is what is known of the dswatch whose store is worked on.
type stopped struct {
	conf    *app.Loaded
	options app.Options
	voice   words.Voice
}

// onStore completes c to a command that works on the store of a stopped dswatch.
func onStore(c *cobra.Command, do func(ctx context.Context, s stopped, args []string) error) *cobra.Command {
	var file string
	c.RunE = func(c *cobra.Command, args []string) error {
		l, err := load(file)
		if err != nil {
			return err
		}
		ctx, stop := interrupted(c.Context())
		defer stop()
		return do(ctx, stopped{l, app.Options{Version: version, Log: logger(l.Config.Log)}, voice(c, l)}, args)
	}
	configFlag(c, &file)
	return c
}

// storeMove is a command that moves a store to a file or from one.
func storeMove(use, short, long string, do func(context.Context, stopped, string) error) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Long: long, Args: cobra.ExactArgs(1)}
	return onStore(c, func(ctx context.Context, s stopped, files []string) error { return do(ctx, s, files[0]) })
}

func storeUpgrade() *cobra.Command {
	c := &cobra.Command{
		Use: "upgrade", Short: "Bring a stopped message store to the format of this version", Args: cobra.NoArgs,
		Long: "A version writes what the one before it can read, so that it can be put back, until this command was run once.\n" +
			"It can be run again after an interruption. A store that a newer version wrote is refused at the start.",
	}
	return onStore(c, func(ctx context.Context, s stopped, _ []string) error {
		before, now, err := app.UpgradeStore(ctx, s.conf, s.options)
		if err != nil {
			return err
		}
		if before == now {
			say(s.voice, words.StoreUpToDate.With(now))
		} else {
			say(s.voice, words.StoreUpgraded.With(now, before))
		}
		return nil
	})
}

func storeDeed(use string, repair bool, short, long string) *cobra.Command {
	var format string
	c := &cobra.Command{Use: use, Short: short, Long: long, Args: cobra.NoArgs}
	onStore(c, func(ctx context.Context, s stopped, _ []string) error {
		var found app.Stored
		err := patiently(c, s.voice, func() (err error) {
			found, err = app.CheckStore(ctx, s.conf, s.options.Log, repair)
			return err
		})
		if err != nil {
			return err
		}
		if format == "json" {
			err = writeJSON(found)
		} else {
			err = writeStored(found, s.voice, form(c))
		}
		if err == nil && found.Lost > 0 && !repair {
			return exitCode(1)
		}
		return err
	})
	formatFlag(c, &format, "table")
	return c
}

func writeStored(s app.Stored, v words.Voice, f table.Form) error {
	rows := []table.Row{{Cells: v.Heads(words.HeadsStore)}}
	for _, one := range s.Streams {
		messages, last := v.Pick(words.Unreadable), "-"
		if one.Before != nil {
			messages, last = fmt.Sprint(one.Before.Messages), fmt.Sprint(one.Before.Last)
		}
		rows = append(rows, table.Row{Cells: []string{one.Name, messages, last, fmt.Sprint(one.After.Messages), fmt.Sprint(one.After.Last), fmt.Sprint(one.Lost)}})
	}
	if _, err := os.Stdout.WriteString(f.Table(rows)); err != nil {
		return err
	}
	say(v, words.MessagesLost.With(int(s.Lost)))
	if s.Kept != "" {
		say(v, words.StoreKept.With(s.Kept))
	}
	return nil
}
