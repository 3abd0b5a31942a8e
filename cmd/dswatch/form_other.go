//go:build !windows

package main

import "os"

// understandsColor: every terminal does that does not say otherwise in TERM.
func understandsColor(*os.File) bool { return true }
