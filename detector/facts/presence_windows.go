package facts

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"dswatch/event"
)

func missing(err error) bool { return errors.Is(err, fs.ErrNotExist) }

// listed asks the registry. A missing entry proves nothing: who wipes the
// agent deletes it too.
func listed() ([]sighting, bool) {
	i, err := installed()
	agent := sighting{component: event.Agent}
	if i.folder != "" {
		for _, path := range mainPrograms(i.folder) {
			if _, serr := os.Stat(path); serr == nil || agent.program == "" {
				agent.program = path
				if serr == nil {
					break
				}
			}
		}
	}
	agent.there, agent.changed, agent.err = there(agent.program)
	manager := sighting{component: event.Manager}
	for _, c := range []struct {
		*sighting
		name string
	}{{&agent, agentProgram}, {&manager, managerProgram}} {
		p, ok := i.program(c.name)
		switch {
		case ok:
			c.words = []packaged{{by: "registry", word: InstalledWord}}
			if c.program == "" && p.location != "" {
				c.program = filepath.Join(p.location, "Deep Security Manager.exe")
				c.there, c.changed, c.err = there(c.program)
			}
		case err == nil:
			if at, removed := removedByInstaller(c.name); removed {
				c.words = []packaged{{by: "Windows Installer", word: RemovedWord, at: at}}
			}
		}
	}
	return []sighting{agent, manager}, true
}

// changeTime is the creation time: Windows keeps no time of the last change
// that nobody can set.
func changeTime(info fs.FileInfo) time.Time {
	if d, ok := info.Sys().(*syscall.Win32FileAttributeData); ok {
		return time.Unix(0, d.CreationTime.Nanoseconds())
	}
	return time.Time{}
}
