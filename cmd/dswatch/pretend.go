package main

import (
	"github.com/spf13/cobra"

	"dswatch/demo"
)

// pretendCommand is what the demo's processes run.
func pretendCommand() *cobra.Command {
	return &cobra.Command{
		Use: demo.Pretend, Hidden: true, Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			listen := ""
			if len(args) == 1 {
				listen = args[0]
			}
			return demo.RunPretend(listen)
		},
	}
}
