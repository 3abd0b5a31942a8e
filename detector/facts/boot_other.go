//go:build !linux && !windows

package facts

import "time"

// started returns nothing: nobody is asked on this system.
func started() (time.Time, error) { return time.Time{}, nil }

// bootID is nothing: this system gives a boot no name.
func bootID() string { return "" }
