package service

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf16"

	"dswatch/detector/scm"
	"dswatch/event"
)

// manager asks the service control manager. A connection costs so little that
// none is kept.
type manager struct{}

func newTable() manager { return manager{} }

// check accepts what Windows accepts as the name of a service, or as the name
// under which it is listed.
func check(name string) error {
	if n := len(utf16.Encode([]rune(name))); n == 0 || n > 256 || strings.ContainsRune(name, 0) {
		return fmt.Errorf("%.300q is not the name of a service; write it as sc.exe query shows it", name)
	}
	return nil
}

func (manager) read(ctx context.Context, names []string) (map[string]status, error) {
	m, err := scm.Open()
	if err != nil {
		return nil, err
	}
	defer m.Close()
	answers := make(map[string]status, len(names))
	for _, n := range names {
		if ctx.Err() != nil {
			return answers, ctx.Err()
		}
		e, err := m.Ask(n)
		state, say := scm.Judge(event.Service, n, e, err)
		answers[n] = status{state, say}
	}
	return answers, nil
}

// startTypes are the values of QUERY_SERVICE_CONFIG.dwStartType, see winsvc.h.
var startTypes = []string{"boot", "system", "automatic", "manual", "disabled"}

func (manager) starts(ctx context.Context, names []string) (map[string]string, error) {
	m, err := scm.Open()
	if err != nil {
		return nil, err
	}
	defer m.Close()
	out := make(map[string]string, len(names))
	for _, n := range names {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		switch e, err := m.Ask(n); {
		case errors.Is(err, scm.ErrAbsent):
			out[n] = Gone
		case err == nil && e.Known && int(e.Start) < len(startTypes):
			out[n] = startTypes[e.Start]
		}
	}
	return out, nil
}

func (manager) close() {}
