package driver

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf16"

	"dswatch/detector/scm"
	"dswatch/event"
)

// manager asks the service control manager, which keeps drivers in the same
// list as services.
type manager struct{}

func newTable() table { return manager{} }

// check accepts what Windows accepts as the name of a service.
func check(name string) error {
	if n := len(utf16.Encode([]rune(name))); n == 0 || n > 256 || strings.ContainsRune(name, 0) {
		return fmt.Errorf("%.300q is not the name of a driver; write it as sc.exe query shows it", name)
	}
	return nil
}

// canonical leaves a name alone: the manager itself compares without regard
// to case, and every name is answered for as it was asked.
func canonical(name string) string { return name }

func (manager) read(ctx context.Context, names []string) (drivers, error) {
	m, err := scm.Open()
	if err != nil {
		return drivers{}, err
	}
	defer m.Close()
	states := make(map[string]status, len(names))
	for _, n := range names {
		if ctx.Err() != nil {
			return drivers{}, ctx.Err()
		}
		e, err := m.Ask(n)
		state, say := scm.Judge(event.Driver, n, e, err)
		states[n] = status{state, func(string) event.Said { return say }}
	}
	return drivers{states: states}, nil
}
