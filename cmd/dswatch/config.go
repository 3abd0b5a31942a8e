package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"

	"github.com/spf13/cobra"

	"dswatch/app"
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
			return usageError{fmt.Errorf("--format %q is neither %s nor json; write one of them", *format, human)}
		}
		return nil
	}
}

// languageFlag lets people choose their language; none is that of the
// configuration. It comes after formatFlag, whose check it makes, too.
func languageFlag(c *cobra.Command, language *string) {
	c.Flags().StringVar(language, "language", "", "ja or en; default as configured")
	completes(c, "language", "en", "ja")
	format := c.PreRunE
	c.PreRunE = func(c *cobra.Command, args []string) error {
		if *language != "" && *language != "en" && *language != "ja" {
			return usageError{fmt.Errorf("--language %q is neither ja nor en; write one of them", *language)}
		}
		return format(c, args)
	}
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
	check := &cobra.Command{
		Use: "check", Short: "Check the configuration and name every fault with its line", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			l, err := load(file)
			if err != nil {
				return err
			}
			for _, w := range l.Warnings {
				fmt.Fprintln(os.Stderr, "warning:", w)
			}
			for _, a := range l.Advice() {
				fmt.Fprintln(os.Stderr, "advice:", a)
			}
			fmt.Println("the configuration is valid")
			for _, line := range append(l.Budgets(), l.Certain()) {
				fmt.Println(line)
			}
			return nil
		},
	}
	configFlag(check, &file)
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
