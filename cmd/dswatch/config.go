package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"dswatch/app"
	"dswatch/event"
	"dswatch/table"
	"dswatch/web"
	"dswatch/words"
)

// defaultConfig is read when -c is not given and the file exists.
func defaultConfig() string {
	if runtime.GOOS == "windows" {
		return filepath.Join(os.Getenv("ProgramData"), "dswatch", "dswatch.yaml")
	}
	return "/etc/dswatch/dswatch.yaml"
}

func configFlag(c *cobra.Command, file *string) {
	c.Flags().StringVarP(file, "config", "c", "", "configuration `FILE`; without it "+defaultConfig()+" if that exists, else the defaults")
}

// completes offers the values of a flag to the shell.
func completes(c *cobra.Command, flag string, values ...string) {
	if err := c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // the flag does not exist
	}
}

// formatFlag lets people choose between what they read, "table" or "text", and
// JSON. Anything else is refused before the command does anything.
func formatFlag(c *cobra.Command, format *string, human string) {
	c.Flags().StringVar(format, "format", human, human+" or json")
	completes(c, "format", human, "json")
	c.PreRunE = func(*cobra.Command, []string) error {
		if *format != human && *format != "json" {
			return usageError{words.Fail(words.NotAnOutputFormat.With(words.Inner(*format), human))}
		}
		return nil
	}
}

// languageFlag lets people choose the language of what every command shows.
func languageFlag(root *cobra.Command) {
	language := root.PersistentFlags().String("language", "", "language of what is shown: ja or en; default as configured, else that of the session (LANG)")
	if err := root.RegisterFlagCompletionFunc("language", cobra.FixedCompletions([]string{"en", "ja"}, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // the flag does not exist
	}
	root.PersistentPreRunE = func(*cobra.Command, []string) error {
		if *language != "" && *language != "en" && *language != "ja" {
			return usageError{words.Fail(words.NotALanguage.With(words.Inner(*language)))}
		}
		if color := root.PersistentFlags().Lookup("color").Value.String(); color != "auto" && color != "always" && color != "never" {
			return usageError{words.Fail(words.NotAColor.With(words.Inner(color)))}
		}
		return nil
	}
}

// voice is the reader's: as --language says, else `language:` of the
// configuration, else the session. Without a configuration l is nil.
func voice(c *cobra.Command, l *app.Loaded) words.Voice {
	language, zone := "", time.Local
	if f := c.Flag("language"); f != nil {
		language = f.Value.String()
	}
	if l != nil {
		language, zone = cmp.Or(language, l.Speaks()), l.Config.Location()
	}
	return words.Voice{Language: cmp.Or(language, sessionLanguage()), Zone: zone, Screen: true}
}

// reader is the voice for what went wrong, perhaps before a configuration was
// read: what can be seen of it counts all the same.
func reader(c *cobra.Command) words.Voice {
	v := voice(c, nil)
	if f := c.Flag("language"); f != nil && (f.Value.String() == "en" || f.Value.String() == "ja") {
		return v
	}
	if f := c.Flag("config"); f != nil {
		v.Language = cmp.Or(app.LanguageOf(configPath(f.Value.String())), v.Language)
	}
	return v
}

// sessionLanguage is that of messages in this session, as POSIX has it.
func sessionLanguage() string {
	locale := cmp.Or(os.Getenv("LC_ALL"), os.Getenv("LC_MESSAGES"), os.Getenv("LANG"))
	if strings.HasPrefix(locale, "ja") {
		return "ja"
	}
	return "en"
}

// say prints a line.
func say(v words.Voice, s event.Said) {
	fmt.Print(table.Form{Width: widthOf(os.Stdout)}.Text(0, v.Say(s)))
}

// note is say for what is about the outcome and no part of it.
func note(v words.Voice, s event.Said) {
	fmt.Fprint(os.Stderr, table.Form{Width: widthOf(os.Stderr)}.Text(0, v.Say(s)))
}

// quoted is a text that is somebody else's, in one clean line.
func quoted(s string) error { return errors.New(plain(s)) }

// read loads the configuration for somebody who reads: what it says then is in
// his language. Whoever is told something is told in the one as configured.
func read(c *cobra.Command, file string) (*app.Loaded, words.Voice, error) {
	l, err := load(file)
	if errors.Is(err, fs.ErrPermission) {
		// Who may ask the service need not be able to read its secrets.
		if _, serr := os.Stat(web.SystemSocket); serr == nil {
			l, err = app.Unread()
		}
	}
	if err != nil {
		return nil, words.Voice{}, err
	}
	v := voice(c, l)
	return l.For(v), v, nil
}

// configPath is the file that -c names, or the default one; empty: there is
// none.
func configPath(file string) string {
	if file == "" {
		if _, err := os.Stat(defaultConfig()); err == nil {
			return defaultConfig()
		}
	}
	return file
}

// load reads the configuration that -c names.
func load(file string) (*app.Loaded, error) {
	l, err := app.Load(configPath(file))
	if err != nil {
		return nil, usageError{err}
	}
	return l, nil
}

// logger makes the program's own log, on standard error.
func logger(l app.Log) *slog.Logger {
	o := &slog.HandlerOptions{Level: l.Level}
	if l.Format == "json" {
		return slog.New(slog.NewJSONHandler(os.Stderr, o))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, o))
}

func configCommand() *cobra.Command {
	root := &cobra.Command{Use: "config", Short: "Check and show the configuration, and its reference", Args: cobra.NoArgs}
	var file string
	var strict bool
	check := &cobra.Command{
		Use: "check", Short: "Check the configuration and name every fault with its line", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			l, err := load(file)
			if err != nil {
				return err
			}
			v := voice(c, l)
			for _, w := range l.Warnings {
				note(v, words.Warning.With().And(w))
			}
			if err := l.Guard(); err != nil { // who checks may be another user than the one who runs
				fmt.Fprintln(os.Stderr, v.Say(words.Warning.With()), v.Error(err))
			}
			if e := l.Exposed(); !e.Empty() {
				fmt.Fprintln(os.Stderr, v.Say(words.Warning.With()), v.Say(e))
			}
			for _, a := range l.Advice() {
				note(v, words.Advice.With().And(a))
			}
			if n := len(l.Warnings); strict && n > 0 {
				return usageError{words.Fail(words.StrictWarnings.With(n))}
			}
			say(v, words.ConfigValid.With())
			for _, line := range l.Budgets() {
				say(v, line)
			}
			say(v, l.Certain())
			return nil
		},
	}
	configFlag(check, &file)
	check.Flags().BoolVar(&strict, "strict", false, "refuse what is only warned of, such as a secret that is too short to be hidden")
	show := &cobra.Command{
		Use: "show", Short: "Show the effective configuration, defaults filled in, secrets hidden", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			l, err := load(file)
			if err != nil {
				return err
			}
			return l.Show(os.Stdout)
		},
	}
	configFlag(show, &file)
	root.AddCommand(check, show,
		printer("reference", "Print the manual of every key, in Markdown", app.Reference),
		printer("schema", "Print the JSON Schema of the configuration, for editors", app.Schema))
	return root
}

func printer(use, short string, print func(io.Writer) error) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error { return print(os.Stdout) }}
}
