package main

import (
	"os"

	"github.com/spf13/cobra"

	"dswatch/words"
)

func wordsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "words", Short: "Print every sentence that dswatch says, with its code, in English and Japanese", Args: cobra.NoArgs,
		Long: "Prints every sentence that detectors and rules say of an item: its code and the kinds of its arguments, as\n" +
			"JSON has them in detail_statements and reason_statements, then the sentence in English and in Japanese.",
		RunE: func(*cobra.Command, []string) error { return words.Write(os.Stdout) },
	}
}
