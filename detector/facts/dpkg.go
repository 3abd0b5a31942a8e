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
	"slices"
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
	dpkgInfo    = "/var/lib/dpkg/info"
	dpkgLog     = "/var/log/dpkg.log"
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
	p, installing, err := s.now()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for package %s in %s: %w; declare agent_version in watch.facts", dpkgName, dpkgStatus, err)
	}
	f, err := agentVersion(p.known(), "package (dpkg "+dpkgName+")")
	if installing {
		f = f.Merge(event.Facts{event.Installing: {Value: "dpkg", Origin: "package (dpkg journal)", At: time.Now()}})
	}
	return f, err
}

// now is what the database and its journal say; installing: dpkg is at work on
// the package.
func (s Dpkg) now() (p dpkgPackage, installing bool, err error) {
	if p, err = s.read(dpkgStatus, maxStatus); err != nil {
		return p, false, err
	}
	for _, name := range s.journal() {
		note, err := s.read(name, maxNote)
		if err != nil || note.status == "" {
			continue // gone meanwhile: then it is in the database at the next look
		}
		installing = !note.settled()
		if note.known() != "" || note.gone() {
			note.others = p.others
			p = note
		}
	}
	return p, installing, nil
}

// word is what dpkg says of the package. A database without any package says
// nothing: it was wiped, or is not that of this host.
func (s Dpkg) word() packaged {
	w := packaged{by: "dpkg"}
	p, _, err := s.now()
	switch {
	case err != nil:
		return w
	case p.known() != "":
		w.word = InstalledWord
		files := s.files()
		w.without = files != nil && !slices.Contains(files, programsOf[0].path)
	case p.gone():
		w.word = RemovedWord
	case p.status == "" && p.others:
		w.word = AbsentWord
	default:
		return w
	}
	if w.word != InstalledWord {
		w.at = s.removedAt()
	}
	return w
}

// files are those of the package, nil where they are not known.
func (s Dpkg) files() []string {
	for _, pattern := range []string{dpkgName + ".list", dpkgName + ":*.list"} {
		names, err := filepath.Glob(filepath.Join(s.Root, dpkgInfo, pattern))
		if err != nil || len(names) == 0 {
			continue
		}
		f, err := os.Open(names[0])
		if err != nil {
			return nil
		}
		defer f.Close()
		b, err := io.ReadAll(io.LimitReader(f, maxNote))
		if err != nil {
			return nil
		}
		return append([]string{}, strings.Fields(string(b))...)
	}
	return nil
}

// removedAt is when dpkg's log says that the package was removed, in local
// time, else when the database was written last.
func (s Dpkg) removedAt() (at time.Time) {
	if info, err := os.Stat(filepath.Join(s.Root, dpkgStatus)); err == nil {
		at = info.ModTime()
	}
	f, err := os.Open(filepath.Join(s.Root, dpkgLog))
	if err != nil {
		return at
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > maxNote {
		if _, err := f.Seek(-maxNote, io.SeekEnd); err != nil {
			return at
		}
	}
	for in := bufio.NewScanner(io.LimitReader(f, maxNote)); in.Scan(); {
		// 2026-11-29 02:13:04 status config-files ds-agent:amd64 20.0.0-7119
		w := strings.Fields(in.Text())
		if len(w) < 5 || w[2] != "status" || w[3] != "config-files" && w[3] != "not-installed" {
			continue
		}
		if name, _, _ := strings.Cut(w[4], ":"); name != dpkgName {
			continue
		}
		if t, err := time.ParseInLocation(time.DateTime, w[0]+" "+w[1], time.Local); err == nil {
			at = t
		}
	}
	return at
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
type dpkgPackage struct {
	status, version string
	others          bool // the file names other packages
}

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
	if DpkgHas(p.state()) {
		return bare(p.version)
	}
	return ""
}

// DpkgHas reports whether a package in this state, the third word of its
// status, has its files on the host; see dpkg(1).
func DpkgHas(state string) bool {
	switch state {
	case "installed", "unpacked", "half-configured", "triggers-awaited", "triggers-pending":
		return true
	}
	return false
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
			p.others = found.others
			found = p
		}
		found.others = found.others || name != "" && name != dpkgName
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
