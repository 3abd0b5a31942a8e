//go:build !linux && !windows

package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
)

func noService() error {
	return fmt.Errorf("dswatch cannot do this on %s; let the host's own init system run: dswatch run -c FILE", runtime.GOOS)
}

func installService(string, string) (root, err error) { return nil, noService() }
func uninstallService() error                         { return noService() }
func startService() error                             { return noService() }
func stopService() error                              { return noService() }

func serviceRunCommand() *cobra.Command { return nil }
