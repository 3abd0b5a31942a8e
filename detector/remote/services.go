package remote

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strings"

	"dswatch/event"
	"dswatch/words"
)

// serviceList is what svcs told: the state of each service by its FMRI.
type serviceList struct {
	states map[string]string
	doubt  event.Said
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
		case l.doubt.Empty():
			l.doubt = words.LineUnreadable.With("svcs", clean(string(raw)))
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
	for _, fmri := range slices.Sorted(maps.Keys(l.states)) {
		state := l.states[fmri]
		for _, name := range it.Names {
			if !called(fmri, name) {
				continue
			}
			what := words.ServiceIs.With(clean(fmri), clean(state))
			switch strings.TrimSuffix(state, "*") {
			case "online", "legacy_run":
				return verdict{want: 1, found: 1, state: event.Up, detail: what}
			case "degraded":
				v.state = event.Degraded
			case "offline", "disabled", "maintenance", "uninitialized":
				if strings.HasSuffix(state, "*") && v.state == event.Down {
					v.state, what = event.Unknown, words.ServiceChanging.With(clean(fmri), clean(state))
				}
			default:
				v.state = event.Unknown
			}
			v.detail = v.detail.And(what)
		}
	}
	if v.detail.Empty() {
		v.detail = words.NoService.With(it.Names)
		if !l.doubt.Empty() {
			v.state, v.detail = event.Unknown, v.detail.And(l.doubt)
		}
	}
	return v
}
