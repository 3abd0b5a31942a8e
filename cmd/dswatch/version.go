package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
)

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Println(versionLine())
			return err
		},
	}
}

// versionLine is what `dswatch version` and `dswatch --version` print.
func versionLine() string {
	return fmt.Sprintf("dswatch %s %s/%s %s", version, runtime.GOOS, runtime.GOARCH, runtime.Version())
}
