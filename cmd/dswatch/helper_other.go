//go:build !linux

package main

import "github.com/spf13/cobra"

// helperCommand: on other systems dswatch runs as who may ask the agent.
func helperCommand() *cobra.Command { return nil }
