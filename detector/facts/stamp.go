package facts

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Stamp changes when what tells the version or the components may have
// changed: a package database, or the main program or the folder of a component. It costs a few looks at
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
		paths = append(paths, foldersOf(p.path)...)
	}
	for i := range paths {
		paths[i] = filepath.Join(root, paths[i])
	}
	var b strings.Builder
	for _, p := range append(paths, programs()...) {
		b.WriteString(stampOf(p))
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

// stampOf changes when the file or folder does; empty: it is not there.
func stampOf(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%s %d %d\n", path, info.Size(), info.ModTime().UnixNano())
}
