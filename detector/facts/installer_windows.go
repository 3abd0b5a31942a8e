package facts

import "time"

// removedByInstaller asks for Windows Installer's own record of a removal.
func removedByInstaller(string) (at time.Time, ok bool) { return at, false }
