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
	dpkgStatus = "/var/lib/dpkg/status"
	dpkgName   = "ds-agent"
	// maxStatus bounds the database in bytes. That of a desktop with 5,000
	// packages is 6 MB.
	maxStatus = 256 << 20
)

// Facts tells nothing where there is no such database or no such package.
func (s Dpkg) Facts(context.Context) (event.Facts, error) {
	f, err := os.Open(filepath.Join(s.Root, dpkgStatus))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for package %s: %w; declare agent_version in watch.facts", dpkgName, err)
	}
	defer f.Close()
	version, err := parseStatus(io.LimitReader(f, maxStatus))
	if err != nil {
		return nil, fmt.Errorf("look for package %s in %s: %w; declare agent_version in watch.facts", dpkgName, dpkgStatus, err)
	}
	return agentVersion(version, "package (dpkg "+dpkgName+")")
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

// parseStatus returns the version of ds-agent in a dpkg status database,
// without its epoch, or nothing. A package whose files are not there, never
// unpacked or removed, does not count.
func parseStatus(r io.Reader) (string, error) {
	in := bufio.NewReaderSize(r, 64<<10)
	var name, status, version string
	found := func() bool { return name == dpkgName && version != "" && unpacked(status) }
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
			if found() {
				return bare(version), nil
			}
			name, status, version = "", "", ""
		case strings.EqualFold(string(key), "Package"):
			name = string(bytes.TrimSpace(value))
		case strings.EqualFold(string(key), "Status"):
			status = string(bytes.TrimSpace(value))
		case strings.EqualFold(string(key), "Version"):
			version = string(bytes.TrimSpace(value))
		}
		switch {
		case errors.Is(err, io.EOF):
			if found() {
				return bare(version), nil
			}
			return "", nil
		case err != nil:
			return "", err
		}
	}
}

// unpacked reads the third word of a status such as "install ok installed".
func unpacked(status string) bool {
	words := strings.Fields(status)
	if len(words) != 3 {
		return false
	}
	switch words[2] {
	case "installed", "unpacked", "half-configured", "triggers-awaited", "triggers-pending":
		return true
	}
	return false
}

// bare takes the epoch off a version: 1:20.0.0-7119.
func bare(version string) string {
	if _, after, ok := strings.Cut(version, ":"); ok {
		return after
	}
	return version
}
