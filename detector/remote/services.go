package remote

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"dswatch/event"
)

// serviceList is what svcs told: the state of each service by its FMRI.
type serviceList struct {
	states map[string]string
	doubt  string
}

func services(run runner, _ system) (sight, error) {
	out, err := run(solarisServices)
	if err != nil {
		return nil, err
	}
	l, err := parseSvcs(out)
	if err != nil {
		return nil, misread(solarisServices, err)
	}
	return l, nil
}

// parseSvcs reads the output of svcs -a, see svcs(1): state, start time, FMRI.
func parseSvcs(b []byte) (serviceList, error) {
	l := serviceList{states: map[string]string{}}
	begun := false
	for raw := range bytes.Lines(b) {
		f := strings.Fields(string(raw))
		switch {
		case len(f) == 0:
		case !begun:
			begun = len(f) == 3 && f[0] == "STATE" && f[2] == "FMRI"
		case len(f) == 3 && (strings.HasPrefix(f[2], "svc:/") || strings.HasPrefix(f[2], "lrc:/")):
			l.states[f[2]] = f[0]
		case l.doubt == "":
			l.doubt = "a line of svcs cannot be read: " + clean(string(raw)) + "; please report it"
		}
	}
	switch {
	case !begun:
		return l, errors.New("there is no heading STATE STIME FMRI")
	case len(l.states) == 0:
		return l, errors.New("it lists no service")
	}
	return l, nil
}

// called reports whether an operator's name is that of the service: the whole
// FMRI, the FMRI without svc:/ or without the instance, or its last part.
func called(fmri, name string) bool {
	service := fmri
	if i := strings.LastIndex(fmri, ":"); i > len("svc:") {
		service = fmri[:i]
	}
	for _, form := range []string{fmri, service} {
		if name == form || name == strings.TrimPrefix(form, "svc:/") || strings.HasSuffix(form, "/"+name) {
			return true
		}
	}
	return false
}

// judge is up when one of the services of the name is. A state with an
// asterisk is on its way to another, see svcs(1).
func (l serviceList) judge(it Item, _ system) verdict {
	v := verdict{want: 1, state: event.Down}
	var seen []string
	for _, fmri := range slices.Sorted(maps.Keys(l.states)) {
		state := l.states[fmri]
		for _, name := range it.Names {
			if !called(fmri, name) {
				continue
			}
			what := fmt.Sprintf("%s is %s", clean(fmri), clean(state))
			switch strings.TrimSuffix(state, "*") {
			case "online", "legacy_run":
				return verdict{want: 1, found: 1, state: event.Up, detail: what}
			case "degraded":
				v.state = event.Degraded
			case "offline", "disabled", "maintenance", "uninitialized":
				if strings.HasSuffix(state, "*") && v.state == event.Down {
					v.state, what = event.Unknown, what+" (changing)"
				}
			default:
				v.state = event.Unknown
			}
			seen = append(seen, what)
		}
	}
	if seen == nil {
		seen = append(seen, "no service named "+strings.Join(it.Names, " or "))
		if l.doubt != "" {
			v.state, seen = event.Unknown, append(seen, l.doubt)
		}
	}
	v.detail = strings.Join(seen, "; ")
	return v
}
