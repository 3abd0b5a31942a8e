package catalog

import (
	"slices"
	"strconv"
	"strings"

	"dswatch/event"
	"dswatch/words"
)

// ImpactOf returns what the row's state takes away from a host with this OS
// of which nothing else is known; "" is an unknown OS.
func (r Row) ImpactOf(os string, state event.State) event.Impact {
	return r.ImpactIn(Sight{OS: os}, state)
}

// ImpactIn returns what the row's state takes away from the host.
func (r Row) ImpactIn(on Sight, state event.State) event.Impact {
	if state == event.Unknown {
		return event.VisibilityLost
	}
	loss := r.lossIn(on)
	impact := loss.Down.Impact
	if impact == "" {
		// Nothing says how much an operator's own item matters; this is a
		// warning, and claims neither that protection is off nor that it is on.
		impact = event.ProtectionReduced
	}
	if state != event.Degraded {
		return impact
	}
	switch {
	case loss.Degraded.Impact != "":
		return loss.Degraded.Impact
	case impact == event.ProtectionLost:
		return event.ProtectionReduced
	}
	return impact
}

// Meaning says what the row's state means on the host, in a few sentences:
// what is lost and what still works. It is empty for a state that means no
// loss.
func (r Row) Meaning(on Sight, state event.State) event.Said {
	loss := r.lossIn(on)
	down := loss.Down.Said()
	if down.Empty() { // as an operator's row may
		down = words.NotDescribed.With()
	}
	switch state {
	case event.Down:
		return down
	case event.Degraded:
		if wording := loss.Degraded.Said(); !wording.Empty() {
			return wording
		}
		return words.NotWholly.With(words.Whole(down))
	case event.Unknown:
		return words.NotObserved.With()
	}
	return event.Said{}
}

// Explained reports whether the row itself says what its state means on the
// host, which an operator's row may leave out.
func (r Row) Explained(on Sight, state event.State) bool {
	loss := r.lossIn(on)
	down, degraded := loss.Down.Said(), loss.Degraded.Said()
	return state == event.Down && !down.Empty() || state == event.Degraded && !(down.Empty() && degraded.Empty())
}

// Short is Meaning in a few words. It is empty where the row has none.
func (r Row) Short(on Sight, state event.State) event.Said {
	loss := r.lossIn(on)
	down, degraded := loss.Down.Short.Said(), loss.Degraded.Short.Said()
	switch state {
	case event.Down:
		return down
	case event.Degraded:
		if !degraded.Empty() || down.Empty() {
			return degraded
		}
		return words.ShortDegraded.With()
	case event.Unknown:
		return words.ShortUnknown.With()
	}
	return event.Said{}
}

// NextStep says in one sentence what whoever is on duty does first about the
// row's state on the host. It is empty for a state that is no loss.
func (r Row) NextStep(on Sight, state event.State) event.Said {
	switch {
	case state == event.Unknown:
		return words.NextUnknown.With()
	case !state.Lost():
		return event.Said{}
	case state == event.Degraded && r.Kind == event.Process: // as for a moment in each restart
		return words.NextDegraded.With()
	}
	for _, n := range r.Next {
		if (on.OS == "" || len(n.OS) == 0 || slices.Contains(n.OS, on.OS)) && n.When.Eval(on.Facts) == Yes {
			return n.Said()
		}
	}
	return words.NextConfirm.With(r.ConfirmOn(on.OS))
}

// ConfirmOn returns a command by which a person confirms the state by hand
// on this OS; for an unknown OS one for each system of the row. It never
// connects to a port.
func (r Row) ConfirmOn(os string) string {
	if os != "" {
		if c := r.Confirm[os]; c != "" {
			return c
		}
		return r.command(os)
	}
	systems := r.OS
	switch {
	case len(systems) == 0 && r.Kind == event.Port:
		return "netstat -an"
	case len(systems) == 0:
		systems = []string{event.Windows, event.Linux}
	case len(systems) == 1:
		return r.ConfirmOn(systems[0])
	}
	var parts []string
	for _, s := range systems {
		parts = append(parts, s+": "+r.ConfirmOn(s))
	}
	return strings.Join(parts, "; ")
}

// command makes the command from the row's kind and name.
func (r Row) command(os string) string {
	name := r.Names()[0]
	port := strconv.Itoa(r.Port())
	type place struct {
		os   string
		kind event.Kind
	}
	switch (place{os, r.Kind}) {
	case place{event.Windows, event.Process}:
		return `tasklist /FI "IMAGENAME eq ` + name + `"`
	case place{event.Windows, event.Service}, place{event.Windows, event.Driver}:
		if strings.ContainsAny(name, " &()^;,=") {
			name = `"` + name + `"`
		}
		return "sc.exe query " + name
	case place{event.Windows, event.Port}:
		return `netstat -ano | findstr LISTENING | findstr /c:":` + port + ` "` // the blank: not 41180 for 4118
	case place{event.Linux, event.Service}:
		return "systemctl status " + quote(name)
	case place{event.Linux, event.Driver}:
		return "lsmod | grep -w " + quote(basic.Replace(name))
	case place{event.Linux, event.Port}:
		return "ss -ltn | grep ':" + port + " '"
	case place{event.Solaris, event.Service}:
		return "svcs " + quote(name)
	case place{event.Solaris, event.Driver}:
		return "modinfo | grep -w " + quote(basic.Replace(name))
	case place{event.Solaris, event.Port}:
		return `netstat -an -f inet | grep '\.` + port + ` '`
	case place{event.ESXi, event.Process}:
		return "ps -c | grep " + pattern(name)
	case place{event.ESXi, event.Service}:
		return "/etc/init.d/" + quote(name) + " status"
	case place{event.ESXi, event.Driver}:
		return "vmkload_mod -l | grep -w " + quote(basic.Replace(name))
	case place{event.ESXi, event.Port}:
		return "esxcli network ip connection list | grep ':" + port + " '"
	case place{event.AIX, event.Service}:
		return "lssrc -s " + quote(name)
	case place{event.AIX, event.Driver}:
		return "genkex | grep -w " + quote(basic.Replace(name))
	case place{event.AIX, event.Port}:
		return `netstat -an | grep '\.` + port + ` '`
	}
	if paths := r.Paths(); len(paths) == 1 && !strings.Contains(paths[0], "*") {
		name = paths[0]
	}
	return "ps -ef | grep " + pattern(name)
}

// pattern is a quoted expression for grep that matches name but not the grep
// itself.
func pattern(name string) string {
	if c := name[0]; c == '/' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' {
		return quote("[" + name[:1] + "]" + basic.Replace(name[1:]))
	}
	return quote(basic.Replace(name))
}

// basic escapes what is special in a basic regular expression.
var basic = strings.NewReplacer(`\`, `\\`, `.`, `\.`, `[`, `\[`, `]`, `\]`, `*`, `\*`, `^`, `\^`, `$`, `\$`)

// quote makes s one word of a Unix shell.
func quote(s string) string {
	if strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:@") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
