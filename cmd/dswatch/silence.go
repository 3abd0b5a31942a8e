package main

import (
	"fmt"
	"os"
	"os/user"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"dswatch/app"
)

func silenceCommand() *cobra.Command {
	root := &cobra.Command{
		Use: "silence", Short: "Keep alerts from being told and repeated for a while", Args: cobra.NoArgs,
		Long: "Keeps alerts from being told and repeated for a while. Watching goes on, and the end of an alert that\n" +
			"was told is told. What is still lost when the silence ends is told then.",
	}
	root.AddCommand(silenceAdd(), silenceList(), silenceExpire())
	return root
}

func silenceAdd() *cobra.Command {
	var file string
	var s app.Silence
	var length, wait time.Duration
	var starts, ends string
	var cleared bool
	c := &cobra.Command{
		Use:   "add MATCHER... (--for DURATION | --until TIME | --until-cleared) --comment TEXT",
		Short: "Add a silence and print its id",
		Long: "A matcher is FIELD OPERATOR VALUE, and all of them must accept an alert: host=web01, kind!=port,\n" +
			"name=~\"ds_.*\". Fields: host, component, kind, name, severity, rule. Operators: =, !=, and =~, !~ for\n" +
			"an RE2 expression of the whole value. Times are written as 2006-01-02T15:04:05+09:00.",
		Example: "  dswatch silence add host=web01 --for 2h --comment 'kernel update'\n" +
			"  dswatch silence add 'name=~\"ds_.*\"' severity!=critical --until-cleared --comment 'ticket 4711'",
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, matchers []string) error {
			s.Match = matchers
			given := 0
			for _, yes := range []bool{length != 0, ends != "", cleared} {
				if yes {
					given++
				}
			}
			if given != 1 {
				return usageError{fmt.Errorf("a silence needs one end; give --for, --until or --until-cleared")}
			}
			s.Starts = time.Now()
			for _, t := range []struct {
				text string
				to   *time.Time
			}{{starts, &s.Starts}, {ends, &s.Ends}} {
				if t.text == "" {
					continue
				}
				at, err := time.Parse(time.RFC3339, t.text)
				if err != nil {
					return usageError{fmt.Errorf("%q is not a time; write it as 2006-01-02T15:04:05+09:00 or with Z", t.text)}
				}
				*t.to = at
			}
			if length != 0 {
				s.Ends = s.Starts.Add(length)
			}
			if wait != 0 {
				if !cleared {
					return usageError{fmt.Errorf("--wait is how long --until-cleared waits for its first alert; add that, or leave out --wait")}
				}
				s.Waits = s.Starts.Add(wait)
			}
			l, err := load(file)
			if err != nil {
				return err
			}
			added, err := l.Silence(c.Context(), s)
			if err != nil {
				return err
			}
			fmt.Println(added.ID)
			if !added.Waits.IsZero() {
				fmt.Fprintf(os.Stderr, "it ends when all that it matches is well again; if nothing is lost now, it waits until %s for the first alert\n", added.Waits.Local().Format(time.RFC3339))
			}
			return nil
		},
	}
	configFlag(c, &file)
	authorFlag(c, &s.Author)
	f := c.Flags()
	f.StringVar(&s.Comment, "comment", "", "why, for those on the next shift; required")
	f.DurationVar(&length, "for", 0, "how long, such as 2h")
	f.StringVar(&starts, "from", "", "`TIME` at which it begins; default now")
	f.StringVar(&ends, "until", "", "`TIME` at which it ends")
	f.BoolVar(&cleared, "until-cleared", false, "ends by itself when everything it matches is well again; if nothing is lost yet, after the next alert")
	f.DurationVar(&wait, "wait", 0, "how long --until-cleared waits for that alert; default 24h")
	return c
}

func silenceList() *cobra.Command {
	var file string
	var all bool
	c := &cobra.Command{
		Use: "list", Short: "List the silences that are in force or will be", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			l, err := load(file)
			if err != nil {
				return err
			}
			list, err := l.RunningSilences(c.Context())
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "ID\tSTATE\tFROM\tUNTIL\tMATCHERS\tAUTHOR\tCOMMENT")
			for _, s := range list {
				if s.State == "ended" && !all {
					continue
				}
				until := "cleared"
				switch {
				case !s.Ends.IsZero():
					until = s.Ends.Local().Format(time.RFC3339)
				case !s.Waits.IsZero():
					until = "cleared; waits until " + s.Waits.Local().Format(time.RFC3339)
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", s.ID, s.State, s.Starts.Local().Format(time.RFC3339), until,
					strings.Join(s.Match, " "), plain(s.Author), plain(s.Comment))
				for _, h := range s.History {
					if all {
						fmt.Fprintf(w, "\t\t%s\t\t%s by %s\t\t\n", h.At.Local().Format(time.RFC3339), plain(h.What), plain(h.By))
					}
				}
			}
			return w.Flush()
		},
	}
	configFlag(c, &file)
	c.Flags().BoolVar(&all, "all", false, "also those that ended in the last 30 days, and what was done to each")
	return c
}

func silenceExpire() *cobra.Command {
	var file, author string
	c := &cobra.Command{
		Use: "expire ID...", Short: "End silences now", Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, ids []string) error {
			l, err := load(file)
			if err != nil {
				return err
			}
			for _, id := range ids {
				if err := l.Expire(c.Context(), id, author); err != nil {
					return err
				}
			}
			return nil
		},
	}
	configFlag(c, &file)
	authorFlag(c, &author)
	return c
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
