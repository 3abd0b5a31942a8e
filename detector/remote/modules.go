package remote

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"dswatch/detector/driver"
	"dswatch/event"
	"dswatch/words"
)

// moduleList is what a command told of the kernel's modules.
type moduleList struct {
	states    map[string]string // by name; driver.Live is loaded
	doubt     event.Said        // why one may be missing from the list, empty if none can
	canonical func(string) string
}

// modules asks one command that lists every loaded module.
func modules(command string, parse func([]byte) (moduleList, error)) ask {
	return func(run runner, _ system) (sight, error) {
		out, err := run(command)
		if err != nil {
			return nil, err
		}
		list, err := parse(out)
		if err != nil {
			return nil, misread(command, err)
		}
		return list, nil
	}
}

// shortestCut is the length from which a listed name may be the beginning of
// a longer one: Solaris keeps 31 bytes (MODMAXNAMELEN - 1), Linux 55.
const shortestCut = 31

func (l moduleList) judge(it Item, _ system) verdict {
	v := verdict{want: 1, state: event.Down}
	for _, name := range it.Names {
		if l.canonical != nil {
			name = l.canonical(name)
		}
		state, ok := l.states[name]
		switch {
		case ok && state == driver.Live:
			return verdict{want: 1, found: 1, state: event.Up, detail: words.DriverLoaded.With(name)}
		case ok:
			v.detail = v.detail.And(words.DriverIs.With(name, state))
			continue
		}
		for n := shortestCut; n < len(name); n++ {
			if _, ok := l.states[name[:n]]; ok {
				v.state = event.Unknown
				v.detail = v.detail.And(words.ModuleCut.With(name[:n], name))
			}
		}
	}
	if v.detail.Empty() {
		v.detail = words.NoModule.With(it.Names)
	}
	if !l.doubt.Empty() {
		v.state = event.Unknown
		v.detail = v.detail.And(l.doubt)
	}
	return v
}

// parseProcModules reads /proc/modules.
func parseProcModules(b []byte) (moduleList, error) {
	states, err := driver.Modules(b)
	if err == nil && len(states) == 0 {
		err = errors.New("it lists no module")
	}
	return moduleList{states: states, canonical: driver.Underscored}, err
}

// solarisModule is a line of modinfo(8): id, load address, size, the number
// of the driver or call, revision, name and description. From Solaris 11.4 on
// users without privilege are shown -- as the address.
var solarisModule = regexp.MustCompile(`^\s*\d+\s+(?:[0-9a-f]+|--)\s+[0-9a-f]+\s+(?:--?|\d+)\s+\d+\s+(\S+)(?:\s+\(.*)?$`)

// The headings of modinfo: up to Solaris 11.3, and from 11.4 on.
const (
	modinfo10  = "Id Loadaddr Size Info Rev Module Name"
	modinfo114 = "ID LOADADDR SIZE INFO REV NAMEDESC"
)

// parseModinfo reads the output of Solaris' modinfo. A module that does
// several things has a line for each.
func parseModinfo(b []byte) (moduleList, error) {
	heading := modinfo10
	if bytes.Contains(b, []byte("NAMEDESC")) {
		heading = modinfo114
	}
	return table(b, heading, func(line string) (string, bool) {
		m := solarisModule.FindStringSubmatch(line)
		if m == nil {
			return "", false
		}
		return m[1], true
	})
}

// parseVmkload reads the output of ESXi's vmkload_mod -l: name, uses and size
// in KiB. Older releases have addresses and lengths in between.
func parseVmkload(b []byte) (moduleList, error) {
	return table(b, "Name", func(line string) (string, bool) {
		f := strings.Fields(line)
		return f[0], len(f) >= 3
	})
}

// table reads a heading, whose words must begin as given, and one name from
// each line after it. Lines before the heading are somebody's greeting.
func table(b []byte, heading string, name func(line string) (string, bool)) (moduleList, error) {
	l := moduleList{states: map[string]string{}}
	begun := false
	for raw := range bytes.Lines(b) {
		line := strings.TrimSpace(string(raw))
		if !begun {
			begun = strings.HasPrefix(strings.Join(strings.Fields(line), " ")+" ", heading+" ")
			continue
		}
		if line == "" {
			continue
		}
		if n, ok := name(line); ok {
			l.states[n] = driver.Live
		} else if l.doubt.Empty() {
			l.doubt = words.LineUnreadable.With("the list", clean(line))
		}
	}
	switch {
	case !begun:
		return l, fmt.Errorf("there is no heading %q", heading)
	case len(l.states) == 0:
		return l, errors.New("it lists no module")
	}
	return l, nil
}
