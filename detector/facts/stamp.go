package facts

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Stamp changes when what tells the version or the components may have
// changed: a package database, or the main program of a component. It costs a few looks at
// files and reads none of them, so it can be asked every few seconds; an
// upgrade renames processes, and the new version must be known before the
// missing one raises an alarm.
func Stamp(root string) string {
	paths := []string{dpkgStatus, dpkgUpdates}
	for _, dir := range rpmFolders {
		for _, name := range rpmDatabases {
			paths = append(paths, filepath.Join(dir, name), filepath.Join(dir, name+"-wal"))
		}
	}
	for _, p := range programsOf { // what is there without a package, too
		paths = append(paths, p.path)
	}
	for i := range paths {
		paths[i] = filepath.Join(root, paths[i])
	}
	var b strings.Builder
	for _, p := range append(paths, programs()...) {
		if info, err := os.Stat(p); err == nil {
			fmt.Fprintf(&b, "%s %d %d\n", p, info.Size(), info.ModTime().UnixNano())
		}
	}
	for _, dir := range rpmFolders {
		if locked(filepath.Join(root, dir, rpmLock)) {
			fmt.Fprintf(&b, "%s is locked\n", dir)
		}
	}
	state, _ := sessions() // tells why it is unknown when it is asked as a fact
	b.WriteString(state)
	return b.String()
}
