package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"dswatch/app"
	"dswatch/web"
	"dswatch/words"
)

func silenceCommand() *cobra.Command {
	root := &cobra.Command{
		Use: "silence", Short: "Keep alerts from being told and repeated for a while", Args: cobra.NoArgs,
		Long: "Keeps alerts from being told and repeated for a while. Watching goes on, and the end of an alert that\n" +
			"was told is told. What is still lost when the silence ends is told then.",
	}
	root.AddCommand(silenceAdd(), silenceEdit(), silenceList(), silenceExpire())
	return root
}

// ending is the flags that say when a silence ends.
type ending struct {
	length, wait span
	until        string
	cleared      bool
}

func (e *ending) flags(f *pflag.FlagSet) {
	f.Var(&e.length, "for", "how long, such as 2h or 1d12h; forever: until somebody expires it")
	f.StringVar(&e.until, "until", "", "`TIME` at which it ends, such as 06:30")
	f.BoolVar(&e.cleared, "until-cleared", false, "ends by itself when everything it matches is well again; if nothing is lost yet, after the next alert")
	f.Var(&e.wait, "wait", "how long --until-cleared waits for that alert; default 24h")
}

// read returns the end that was given for a silence from starts on; none: no
// flag says one.
func (e *ending) read(starts time.Time) (ends, waits time.Time, none bool, err error) {
	given := 0
	for _, yes := range []bool{e.length != 0, e.until != "", e.cleared} {
		if yes {
			given++
		}
	}
	switch {
	case given > 1:
		return ends, waits, false, usageError{words.Fail(words.OneEnd.With())}
	case e.wait != 0 && !e.cleared:
		return ends, waits, false, usageError{words.Fail(words.WaitAlone.With())}
	case e.wait == forever:
		return ends, waits, false, usageError{words.Fail(words.WaitForever.With())}
	case e.length == forever:
		return ends, waits, false, nil
	case e.wait != 0:
		waits = starts.Add(time.Duration(e.wait))
	case e.length != 0:
		ends = starts.Add(time.Duration(e.length))
	case e.until != "":
		if ends, err = readTime(e.until, starts.Local()); err != nil {
			err = usageError{err}
		}
	}
	return ends, waits, given == 0, err
}

// last returns after when a silence that comes again and again comes no more;
// zero: it comes for good, or as long as it did.
func (e *ending) last(starts time.Time, edited bool) (at time.Time, err error) {
	switch {
	case e.length == forever:
		return at, usageError{words.Fail(words.ForEachTime.With())}
	case e.length == 0 && !edited:
		return at, usageError{words.Fail(words.EveryNeedsFor.With())}
	case e.cleared || e.wait != 0:
		return at, usageError{words.Fail(words.EveryAlone.With())}
	case e.until != "":
		if at, err = readTime(e.until, starts.Local()); err != nil {
			err = usageError{err}
		}
	}
	return at, err
}

const matcherHelp = "A matcher is FIELD OPERATOR VALUE, and all of them must accept an alert: host=web01, kind!=port,\n" +
	"name=~\"ds_.*\". Fields: host, component, kind, name, severity, rule, class. Operators: =, !=, and =~, !~ for\n" +
	"an RE2 expression of the whole value. Hosts and names match in either case. Times are written as 06:30 (the next\n" +
	"one by the clock of this shell), 2006-01-02 15:04 or 2006-01-02T15:04:05+09:00."

func silenceAdd() *cobra.Command {
	var file string
	var s web.Silence
	var end ending
	var starts, every, zone string
	c := &cobra.Command{
		Use:   "add MATCHER... (--for DURATION | --for forever | --until TIME | --until-cleared | --every CRON --for DURATION) --comment TEXT",
		Short: "Add a silence and print its id",
		Long:  matcherHelp,
		Example: "  dswatch silence add host=web01 --for 2h --comment 'kernel update'\n" +
			"  dswatch silence add 'host=~\"db.*\"' --from 22:00 --until 06:00 --comment 'patch night'\n" +
			"  dswatch silence add 'name=~\"ds_.*\"' severity!=critical --until-cleared --comment 'ticket 4711'\n" +
			"  dswatch silence add 'host=~\"db.*\"' --every '0 2 * * SUN' --for 3h --comment 'backups'",
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, matchers []string) (err error) {
			s.Match, s.Starts, s.Forever = matchers, time.Now(), end.length == forever
			if starts != "" {
				if s.Starts, err = readTime(starts, s.Starts); err != nil {
					return usageError{err}
				}
			}
			var none bool
			if every != "" {
				if s.Ends, err = end.last(s.Starts, false); err != nil {
					return err
				}
				s.Every, s.Lasts, s.TimeZone = every, int(time.Duration(end.length)/time.Second), zone
			} else if zone != "" {
				return usageError{words.Fail(words.ZoneOfEvery.With())}
			} else if s.Ends, s.Waits, none, err = end.read(s.Starts); err != nil {
				return err
			}
			if none {
				return usageError{words.Fail(words.NeedsOneEnd.With())}
			}
			if err := app.CheckMatchers(matchers); err != nil {
				return usageError{err}
			}
			l, err := load(file)
			if err != nil {
				return err
			}
			added, err := app.Silencer(l).AddSilence(c.Context(), s)
			if err != nil {
				return err
			}
			fmt.Println(added.ID)
			remark(added, voice(c, l))
			return nil
		},
	}
	configFlag(c, &file)
	authorFlag(c, &s.Author)
	c.Flags().StringVar(&s.Comment, "comment", "", "why, for those on the next shift; required")
	c.Flags().StringVar(&starts, "from", "", "`TIME` at which it begins; default now")
	c.Flags().StringVar(&every, "every", "", "comes again and again, as a maintenance window: a `CRON` expression, such as '0 2 * * SUN' or '0 2 * * SAT#2'; --for is how long each lasts, --until when it comes no more")
	c.Flags().StringVar(&zone, "time-zone", "", "`ZONE` of --every, such as Asia/Tokyo; default time_zone as configured")
	end.flags(c.Flags())
	return c
}

// remark tells what somebody may not have meant of a silence.
func remark(s web.Silence, v words.Voice) {
	if s.Items != nil && *s.Items == 0 {
		note(v, words.Warning.With().And(words.NoItemMatches.With()))
	}
	if s.Forever {
		note(v, words.SilenceEndless.With(s.ID))
	}
	if !s.Waits.IsZero() {
		note(v, words.SilenceWait.With(s.Waits))
	}
}

func silenceEdit() *cobra.Command {
	var file string
	var e web.SilenceEdit
	var end ending
	c := &cobra.Command{
		Use:   "edit ID [MATCHER...] [--for DURATION | --until TIME | --until-cleared] [--comment TEXT]",
		Short: "Change the end, the times, the matchers or the comment of a silence",
		Long: "Changes a silence that has not ended; what is not given stays, and what it was is in its history. Matchers\n" +
			"replace all that it had; --for counts from now, or is how long one that comes again lasts each time.\n" + matcherHelp,
		Example: "  dswatch silence edit 4fz2k1 --for 1h\n  dswatch silence edit 4fz2k1 host=web01 host!=web02 --comment 'web02 is done'",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) (err error) {
			e.Match, e.Cleared, e.Forever = args[1:], end.cleared, end.length == forever
			if !e.Forever {
				e.Lasts = int(time.Duration(end.length) / time.Second)
			}
			if e.Every != "" {
				e.Ends, err = end.last(time.Now(), true)
			} else {
				e.Ends, e.Waits, _, err = end.read(time.Now())
			}
			if err != nil {
				return err
			}
			l, err := load(file)
			if err != nil {
				return err
			}
			changed, err := app.Silencer(l).EditSilence(c.Context(), args[0], e)
			if err != nil {
				return err
			}
			remark(changed, voice(c, l))
			return nil
		},
	}
	configFlag(c, &file)
	authorFlag(c, &e.Author)
	c.Flags().StringVar(&e.Comment, "comment", "", "why, instead of what it says")
	c.Flags().StringVar(&e.Every, "every", "", "of one that comes again and again: a `CRON` expression, instead of what it has")
	c.Flags().StringVar(&e.TimeZone, "time-zone", "", "`ZONE` of that, such as Asia/Tokyo")
	end.flags(c.Flags())
	return c
}

func silenceList() *cobra.Command {
	var file, format string
	var all bool
	c := &cobra.Command{
		Use: "list", Short: "List the silences that are in force or will be, and the maintenance windows", Args: cobra.NoArgs,
		Long: "Lists the silences that are in force or will be, and the maintenance windows of the configuration as they\n" +
			"are open now or open next.",
		RunE: func(c *cobra.Command, _ []string) error {
			l, err := load(file)
			if err != nil {
				return err
			}
			list, err := app.Silencer(l).Silences(c.Context())
			if err != nil {
				return err
			}
			v := voice(c, l)
			text := app.SilencesText{Voice: v, Form: form(c), All: all}
			if format == "json" {
				return writeJSON(text.Shown(list))
			}
			return app.WriteSilences(os.Stdout, list, text)
		},
	}
	configFlag(c, &file)
	formatFlag(c, &format, "table")
	c.Flags().BoolVar(&all, "all", false, "also those that ended in the last 30 days, and what was done to each")
	return c
}

func silenceExpire() *cobra.Command {
	var file, author string
	c := &cobra.Command{
		Use: "expire ID...", Short: "End silences now", Args: cobra.MinimumNArgs(1),
		Long: "Ends silences now. What is still lost is told then. ID is the id or the beginning of it.",
		RunE: func(c *cobra.Command, ids []string) error {
			l, err := load(file)
			if err != nil {
				return err
			}
			quiet := quieted(c.Context(), l)
			var errs []error
			for _, id := range ids { // one that is wrong keeps no other from ending
				if err := app.Silencer(l).ExpireSilence(c.Context(), id, author); err != nil {
					if id != "" {
						err = words.FailWith(err, words.OfNamed.With(plain(id), err))
					}
					errs = append(errs, err)
					continue
				}
				said, n := words.SilenceOverNow.With(plain(id)), 0
				for silence, lost := range quiet {
					if strings.HasPrefix(silence, id) {
						n += lost
					}
				}
				if n > 0 {
					said = said.And(words.ToldNow.With(n))
				}
				say(voice(c, l), said)
			}
			return errors.Join(errs...)
		},
	}
	configFlag(c, &file)
	authorFlag(c, &author)
	return c
}

// quieted counts what each silence keeps quiet now. Where no process runs nobody
// knows.
func quieted(ctx context.Context, l *app.Loaded) map[string]int {
	open, err := app.Client(l).Alerts(ctx)
	if err != nil {
		return nil
	}
	out := map[string]int{}
	for _, a := range open {
		if a.Silence != "" && a.ID == "" { // what was told already is not told again
			out[a.Silence]++
		}
	}
	return out
}

// authorFlag asks who it is; the default is the user of the shell.
func authorFlag(c *cobra.Command, author *string) {
	name := ""
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	c.Flags().StringVar(author, "author", name, "who does this")
}

// plain is text of another person in one line of a terminal.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return ' '
		}
		return r
	}, s)
}
