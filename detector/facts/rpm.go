package facts

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"dswatch/event"
)

// RPM tells the agent's version from the rpm database. It asks rpm, which
// alone reads all of the database's formats; reading needs no privilege.
type RPM struct {
	Root string // "/", or where the host's root is seen
}

const (
	rpmName    = "ds_agent"
	rpmTimeout = 10 * time.Second
	rpmFormat  = `%{INSTALLTIME} %{VERSION}-%{RELEASE}\n`
)

// Where rpm is, and where its database is in which form.
var (
	rpmPrograms  = []string{"/usr/bin/rpm", "/bin/rpm"}
	rpmFolders   = []string{"/usr/lib/sysimage/rpm", "/var/lib/rpm"}
	rpmDatabases = []string{"rpmdb.sqlite", "Packages.db", "Packages"}
)

// Facts tells nothing where there is no such database or no such package.
func (s RPM) Facts(ctx context.Context) (event.Facts, error) {
	db := s.database()
	if db == "" {
		return nil, nil
	}
	version, err := askRPM(ctx, db)
	if err != nil {
		return nil, fmt.Errorf("look for package %s in %s: %w; declare agent_version in watch.facts", rpmName, db, err)
	}
	return agentVersion(version, "package (rpm "+rpmName+")")
}

// word is what rpm says of the package.
func (s RPM) word(ctx context.Context) packaged {
	w := packaged{by: "rpm"}
	db := s.database()
	if db == "" {
		return w
	}
	version, err := askRPM(ctx, db)
	switch {
	case err != nil:
	case version != "":
		w.word = InstalledWord
		files := rpmFiles(ctx, db)
		w.without = files != nil && !slices.Contains(files, programsOf[0].path)
	default:
		w.word = AbsentWord
		for _, name := range rpmDatabases {
			if info, err := os.Stat(filepath.Join(db, name)); err == nil && info.ModTime().After(w.at) {
				w.at = info.ModTime()
			}
		}
	}
	return w
}

// database returns the folder of the database, or nothing.
func (s RPM) database() string {
	for _, dir := range rpmFolders {
		for _, name := range rpmDatabases {
			// One that is there and cannot be looked at is rpm's to complain about.
			if _, err := os.Stat(filepath.Join(s.Root, dir, name)); err == nil || errors.Is(err, os.ErrPermission) {
				return filepath.Join(s.Root, dir)
			}
		}
	}
	return ""
}

func askRPM(ctx context.Context, db string) (string, error) {
	for _, path := range rpmPrograms {
		if _, err := os.Stat(path); err != nil {
			continue
		}
		out, complaint, err := command{path, []string{"-q", "--dbpath", db, "--qf", rpmFormat, rpmName}, rpmTimeout}.run(ctx)
		if err != nil {
			// rpm says this as well of a database that it could not open.
			if bytes.Contains(out, []byte("is not installed")) && !bytes.Contains(complaint, []byte("error:")) {
				return "", nil
			}
			return "", fmt.Errorf("ask rpm: %w: it said %s", err, said(out, complaint))
		}
		return ParseRPM(out)
	}
	return "", errors.New("there is no rpm to ask")
}

// rpmFiles are those of the package, nil where they are not known.
func rpmFiles(ctx context.Context, db string) []string {
	for _, path := range rpmPrograms {
		if _, err := os.Stat(path); err != nil {
			continue
		}
		out, _, err := command{path, []string{"-q", "--dbpath", db, "--qf", `.
[%{FILENAMES}
]`, rpmName}, rpmTimeout}.run(ctx)
		if err != nil {
			return nil
		}
		return strings.Fields(string(out))
	}
	return nil
}

// ParseRPM reads lines of install time and version as rpm prints them with
// %{INSTALLTIME} %{VERSION}-%{RELEASE}. It returns the version that was installed last: in the midst of an
// upgrade there are two.
func ParseRPM(out []byte) (version string, err error) {
	newest := int64(-1)
	for line := range strings.Lines(string(out)) {
		when, v, ok := strings.Cut(strings.TrimSpace(line), " ")
		at, err := strconv.ParseInt(when, 10, 64)
		if !ok || err != nil || at < 0 {
			return "", fmt.Errorf("rpm answered %s, which is no time and version", quote(strings.TrimSpace(line)))
		}
		if at >= newest {
			newest, version = at, v
		}
	}
	if newest < 0 {
		return "", errors.New("rpm answered nothing")
	}
	return version, nil
}
