package driver

import (
	"bytes"
	"fmt"
	"strings"
)

// Live is the state of a Linux module that works.
const Live = "Live"

// Underscored writes the name of a Linux module as the kernel does.
func Underscored(name string) string { return strings.ReplaceAll(name, "-", "_") }

// Modules reads /proc/modules, see proc(5): name, size, uses, users, state,
// address and perhaps taints. It returns the state of each module by its
// underscored name. Two modules whose names differ in '-' and '_' only cannot
// both be loaded.
func Modules(b []byte) (map[string]string, error) {
	list := map[string]string{}
	n := 0
	for line := range bytes.Lines(b) {
		n++
		f := bytes.Fields(line)
		if len(f) < 5 {
			return nil, fmt.Errorf("line %d has %d fields, want at least 5: %.80q", n, len(f), line)
		}
		switch state := string(f[4]); state {
		case Live, "Loading", "Unloading":
			list[Underscored(string(f[0]))] = state
		default:
			return nil, fmt.Errorf("line %d: %.20q is none of Live, Loading, Unloading", n, state)
		}
	}
	return list, nil
}
