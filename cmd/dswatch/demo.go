package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"dswatch/demo"
)

func demoCommand() *cobra.Command {
	var language string
	c := &cobra.Command{
		Use:   "demo",
		Short: "See it work: a pretend agent of real processes breaks and recovers, in under a minute",
		Long: "Starts harmless processes under the names of a Deep Security agent and a TLS listener on 4118,\n" +
			"watches them with the ordinary detectors, breaks one thing after another, and shows the traps\n" +
			"and syslog lines that arrive at its own receivers. Leaves nothing behind.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if language != "en" && language != "ja" {
				return usageError{fmt.Errorf("--language %q is neither en nor ja; write one of them", language)}
			}
			ctx, stop := interrupted(c.Context())
			defer stop()
			return demo.Run(ctx, demo.Options{Language: language, Out: os.Stdout, Version: version})
		},
	}
	c.Flags().StringVar(&language, "language", "en", "en or ja")
	completes(c, "language", "en", "ja")
	return c
}
