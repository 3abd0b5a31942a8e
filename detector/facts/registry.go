package facts

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"dswatch/event"
)

// Registry tells the agent's version on Windows, and
// nothing elsewhere.
type Registry struct{}

// Facts reads the registry and the version of the agent's main program.
func (Registry) Facts(context.Context) (event.Facts, error) {
	if runtime.GOOS != event.Windows {
		return nil, nil
	}
	i, err := installed()
	f, ferr := i.facts()
	if err == nil {
		err = ferr
	}
	if err != nil {
		return f, fmt.Errorf("read the registry: %w; declare agent_version in watch.facts", err)
	}
	return f, nil
}

// installation is what Windows knows about Deep Security.
type installation struct {
	folder      string // InstallationFolder of the agent
	fileVersion string // of the agent's main program in it, four numbers
	programs    []program
}

// program is an entry of the list of installed programs.
//
//lint:ignore U1000 the location is read on Windows only
type program struct{ name, version, location string }

const (
	agentProgram   = "Trend Micro Deep Security Agent"
	managerProgram = "Trend Micro Deep Security Manager"
)

// facts prefers the version of the file that runs to the one that the
// installer wrote down: after a failed upgrade they differ.
func (i installation) facts() (event.Facts, error) {
	listed, _ := i.program(agentProgram)
	version, origin := i.fileVersion, "file version (dsa.exe)"
	if version == "" {
		version, origin = listed.version, "registry (DisplayVersion)"
	}
	return agentVersion(version, origin)
}

func (i installation) program(name string) (program, bool) {
	n := slices.IndexFunc(i.programs, func(p program) bool { return strings.EqualFold(strings.TrimSpace(p.name), name) })
	if n < 0 {
		return program{}, false
	}
	return i.programs[n], true
}

// fileVersion writes the two halves of a file version as four numbers.
func fileVersion(high, low uint32) string {
	return fmt.Sprintf("%d.%d.%d.%d", high>>16, high&0xffff, low>>16, low&0xffff)
}
