package facts

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"dswatch/catalog"
	"dswatch/event"
)

// Dpkg tells the agent's version from Debian's package database.
type Dpkg struct {
	Root string // "/", or where the host's root is seen
}

const (
	dpkgStatus  = "/var/lib/dpkg/status"
	dpkgUpdates = "/var/lib/dpkg/updates"
	dpkgName    = "ds-agent"
	// maxStatus bounds the database in bytes. That of a desktop with 5,000
	// packages is 6 MB.
	maxStatus = 256 << 20
	// maxNote bounds one note in bytes, maxNotes their number: dpkg puts them
	// into the database after every 50.
	maxNote, maxNotes = 1 << 20, 1000
)

// Facts tells nothing where there is no such database or no such package.
// What dpkg has noted in its journal counts before it is in the database: an
// upgrade stops the old agent long before it is over.
func (s Dpkg) Facts(context.Context) (event.Facts, error) {
	base, err := s.read(dpkgStatus, maxStatus)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for package %s in %s: %w; declare agent_version in watch.facts", dpkgName, dpkgStatus, err)
	}
	version, installing := base.known(), false
	for _, name := range s.journal() {
		note, err := s.read(name, maxNote)
		if err != nil || note.status == "" {
			continue // gone meanwhile: then it is in the database at the next look
		}
		installing = !note.settled()
		if note.known() != "" || note.gone() {
			version = note.known()
		}
	}
	f, err := agentVersion(version, "package (dpkg "+dpkgName+")")
	if installing {
		f = f.Merge(event.Facts{event.Installing: {Value: "dpkg", Origin: "package (dpkg journal)", At: time.Now()}})
	}
	return f, err
}

// journal names the notes of a dpkg that is at work, the oldest first.
func (s Dpkg) journal() []string {
	entries, err := os.ReadDir(filepath.Join(s.Root, dpkgUpdates))
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries[:min(len(entries), maxNotes)] { // sorted by name
		if strings.Trim(e.Name(), "0123456789") == "" {
			names = append(names, filepath.Join(dpkgUpdates, e.Name()))
		}
	}
	return names
}

// read looks for the package in one file of the database.
func (s Dpkg) read(name string, most int64) (dpkgPackage, error) {
	f, err := os.Open(filepath.Join(s.Root, name))
	if err != nil {
		return dpkgPackage{}, err
	}
	defer f.Close()
	return parseStatus(io.LimitReader(f, most))
}

// dpkgPackage is what one file of the database says of the agent; nothing
// where it does not name it.
type dpkgPackage struct{ status, version string }

// state is the third word of a status such as "install ok installed".
func (p dpkgPackage) state() string {
	words := strings.Fields(p.status)
	if len(words) != 3 {
		return ""
	}
	return words[2]
}

// known is the version whose files are there, without its epoch; nothing of
// one that was never unpacked, or was removed.
func (p dpkgPackage) known() string {
	switch p.state() {
	case "installed", "unpacked", "half-configured", "triggers-awaited", "triggers-pending":
		return bare(p.version)
	}
	return ""
}

// settled reports whether dpkg is through with the package.
func (p dpkgPackage) settled() bool {
	switch p.state() {
	case "installed", "triggers-awaited", "triggers-pending":
		return true
	}
	return p.gone()
}

// gone reports whether the package was removed.
func (p dpkgPackage) gone() bool {
	return p.state() == "not-installed" || p.state() == "config-files"
}

// agentVersion makes the fact. An empty version is none.
func agentVersion(version, origin string) (event.Facts, error) {
	if version == "" {
		return nil, nil
	}
	if _, err := catalog.ParseVersion(version); err != nil {
		return nil, fmt.Errorf("agent version from %s: %w", origin, err)
	}
	return event.Facts{event.AgentVersion: {Value: version, Origin: origin, At: time.Now()}}, nil
}

// parseStatus returns what a dpkg status database says of ds-agent last.
func parseStatus(r io.Reader) (dpkgPackage, error) {
	in := bufio.NewReaderSize(r, 64<<10)
	var name string
	var p, found dpkgPackage
	take := func() {
		if name == dpkgName && p.version != "" && (found.known() == "" || p.known() != "") { // not that of another architecture
			found = p
		}
	}
	for {
		line, err := in.ReadSlice('\n')
		for skipped := err; errors.Is(skipped, bufio.ErrBufferFull); { // the rest of a line that no field of ours has
			_, skipped = in.ReadSlice('\n')
			if !errors.Is(skipped, bufio.ErrBufferFull) {
				err = skipped
			}
		}
		switch key, value, _ := bytes.Cut(line, []byte(":")); {
		case len(bytes.TrimSpace(line)) == 0: // between two packages, or at the end
			take()
			name, p = "", dpkgPackage{}
		case strings.EqualFold(string(key), "Package"):
			name = string(bytes.TrimSpace(value))
		case strings.EqualFold(string(key), "Status"):
			p.status = string(bytes.TrimSpace(value))
		case strings.EqualFold(string(key), "Version"):
			p.version = string(bytes.TrimSpace(value))
		}
		switch {
		case errors.Is(err, io.EOF):
			take()
			return found, nil
		case err != nil:
			return found, err
		}
	}
}

// bare takes the epoch off a version: 1:20.0.0-7119.
func bare(version string) string {
	if _, after, ok := strings.Cut(version, ":"); ok {
		return after
	}
	return version
}
