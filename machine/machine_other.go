//go:build !linux && !windows

package machine

// read knows no machine here.
func read() (system, firmware string) { return "", "" }
