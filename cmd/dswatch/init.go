package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"dswatch/app"
	"dswatch/words"
)

func initCommand() *cobra.Command {
	var out string
	c := &cobra.Command{
		Use: "init", Short: "Write a commented configuration from what is found on this host", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			v := voice(c, nil)
			text, err := app.Init(c.Context(), v)
			if err != nil {
				return err
			}
			if out == "" {
				_, err = fmt.Print(text)
				return err
			}
			// Anywhere else a folder that is not there is a slip.
			if home := filepath.Dir(defaultConfig()); filepath.Dir(out) == home {
				if err := os.MkdirAll(home, 0o755); err != nil {
					return words.FailWith(err, words.WriteNoPlace.With(err))
				}
			}
			// 0600: operators write secrets into it.
			f, err := os.OpenFile(out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
			switch {
			case errors.Is(err, fs.ErrExist):
				return words.FailWith(err, words.WriteExists.With(err))
			case errors.Is(err, fs.ErrNotExist):
				return words.FailWith(err, words.WriteNoFolder.With(err))
			case err != nil:
				return words.FailWith(err, words.WriteDenied.With(err))
			}
			if _, err := f.WriteString(text); err != nil {
				return words.FailWith(err, words.WriteFailed.With(err))
			}
			if err := f.Close(); err != nil {
				return words.FailWith(err, words.WriteFailed.With(err))
			}
			fmt.Fprintln(os.Stderr, v.Say(words.Wrote.With(out)))
			return nil
		},
	}
	c.Flags().StringVarP(&out, "output", "o", "", "`FILE` to write, which must not exist; without it standard output")
	return c
}
