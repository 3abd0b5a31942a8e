package main

import (
	"os"

	"github.com/spf13/cobra"

	"dswatch/demo"
)

func demoCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "demo",
		Short: "See it work: a pretend agent of real processes breaks and recovers, in under a minute",
		Long: "Starts harmless processes under the names of a Deep Security agent and a TLS listener on 4118,\n" +
			"watches them with the ordinary detectors, breaks one thing after another, and shows the traps\n" +
			"and syslog lines that arrive at its own receivers. Leaves nothing behind.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, stop := interrupted(c.Context())
			defer stop()
			return demo.Run(ctx, demo.Options{Language: voice(c, nil).Language, Out: os.Stdout, Version: version})
		},
	}
	return c
}
