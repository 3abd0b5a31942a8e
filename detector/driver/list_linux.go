package driver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"dswatch/event"
	"dswatch/words"
)

// modules reads the list of a proc file system.
type modules struct{ root string }

func newTable() table { return modules{"/proc"} }

// check accepts what can be in a list whose fields are separated by blanks.
func check(name string) error {
	if name == "" || strings.ContainsAny(name, " \t\n") {
		return fmt.Errorf("%q is not the name of a driver; write it as lsmod shows it", name)
	}
	return nil
}

// canonical writes a name as the kernel does.
func canonical(name string) string { return Underscored(name) }

// read lists every module, whoever asks.
func (m modules) read(context.Context, []string) (drivers, error) {
	file := filepath.Join(m.root, "modules")
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return m.without(file)
	}
	if err != nil {
		return drivers{}, words.FailWith(err, words.DriverListClosed.With(err, file))
	}
	list, err := Modules(b)
	if err != nil {
		return drivers{}, words.FailWith(err, words.DriverListForm.With(file, err))
	}
	states := make(map[string]status, len(list))
	for name, state := range list {
		states[name] = judge(state)
	}
	return drivers{states: states}, nil
}

// judge says what the state of a module means.
func judge(state string) status {
	if state == Live {
		return status{event.Up, words.DriverLoaded.With}
	}
	return status{event.Down, func(name string) event.Said { return words.DriverIs.With(name, state) }}
}

// without decides what it means that there is no list. A kernel built without
// modules has no setting for them either; anything else hides the list.
func (m modules) without(file string) (drivers, error) {
	if _, err := os.Stat(filepath.Join(m.root, "sys", "kernel")); err != nil {
		return drivers{}, words.FailWith(err, words.DriverNoProc.With(file, m.root, err))
	}
	if _, err := os.Stat(filepath.Join(m.root, "sys", "kernel", "modules_disabled")); err == nil {
		return drivers{}, words.Fail(words.DriverListHidden.With(file))
	}
	return drivers{none: true}, nil
}
