package facts

import (
	"time"

	"golang.org/x/sys/windows"
)

// started counts back from now; the milliseconds since the start are those of
// GetTickCount64, which also run while the host sleeps.
func started() (time.Time, error) { return time.Now().Add(-windows.DurationSinceBoot()), nil }

// bootID is nothing: this system gives a boot no name.
func bootID() string { return "" }
