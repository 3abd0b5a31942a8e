package catalog

import (
	"slices"
	"strconv"
	"strings"

	"dswatch/event"
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

// MeaningOn is MeaningIn for a host with this OS of which nothing else is
// known.
func (r Row) MeaningOn(os string, state event.State, language string) string {
	return r.MeaningIn(Sight{OS: os}, state, language)
}

// MeaningIn says what the row's state means on the host, in a few sentences:
// what is lost and what still works. It is empty for a state that means no
// loss. Language is "ja", or English for anything else.
func (r Row) MeaningIn(on Sight, state event.State, language string) string {
	ja := language == "ja"
	loss := r.lossIn(on)
	switch state {
	case event.Down:
		return r.down(loss, ja)
	case event.Degraded:
		if t := loss.Degraded.in(ja); t != "" {
			return t
		}
		if ja {
			return "完全には稼働していません。停止した場合の影響は次のとおりです。" + r.down(loss, ja)
		}
		return "It is present but does not fully run. If it is lost: " + r.down(loss, ja)
	case event.Unknown:
		if ja {
			return "状態を確認できないため、稼働しているかどうか判断できません。停止を意味するものではありません。"
		}
		return "It cannot be observed, so nobody can tell whether it runs. This does not mean that it is down."
	}
	return ""
}

// Explained reports whether the row itself says what its state means on the
// host, which an operator's row may leave out.
func (r Row) Explained(on Sight, state event.State) bool {
	loss := r.lossIn(on)
	return state == event.Down && loss.Down.in(false) != "" || state == event.Degraded && loss.Degraded.in(false)+loss.Down.in(false) != ""
}

// ShortIn is MeaningIn in a few words. It is empty where the row has none.
func (r Row) ShortIn(on Sight, state event.State, language string) string {
	ja := language == "ja"
	loss := r.lossIn(on)
	switch state {
	case event.Down:
		return loss.Down.Short.in(ja)
	case event.Degraded:
		if t := loss.Degraded.Short.in(ja); t != "" || loss.Down.Short == (Short{}) {
			return t
		}
		if ja {
			return "一部しか動作していません。"
		}
		return "It runs only in part."
	case event.Unknown:
		if ja {
			return "稼働しているか判断できません。停止とは限りません。"
		}
		return "Nobody can tell whether it runs; it need not be down."
	}
	return ""
}

// NextOn says in one sentence what whoever is on duty does first about the
// row's state on a host with this OS. It is empty for a state that is no loss.
func (r Row) NextOn(os string, state event.State, language string) string {
	ja := language == "ja"
	switch state {
	case event.Down:
		for _, n := range r.Next {
			if os == "" || len(n.OS) == 0 || slices.Contains(n.OS, os) {
				return Effect{EN: n.EN, JA: n.JA}.in(ja)
			}
		}
		if ja {
			return "ホスト上で確認してください: " + r.ConfirmOn(os)
		}
		return "Check it on the host: " + r.ConfirmOn(os)
	case event.Degraded:
		if ja {
			return "5分後にもう一度確認し、続いている場合は担当の管理者に連絡してください。"
		}
		return "Look again in five minutes; if it lasts, call the administrator in charge."
	case event.Unknown:
		if ja {
			return "dswatch check で確認できない理由を調べてください。多くは権限、名前解決、経路の問題です。"
		}
		return "Run dswatch check to see why it cannot be observed: usually a right, a name or a route is missing."
	}
	return ""
}

// down is the text of the state down, which an operator's row may lack.
func (r Row) down(loss Loss, ja bool) string {
	if t := loss.Down.in(ja); t != "" {
		return t
	}
	if ja {
		return "設定で追加された監視対象です。停止の影響は watch.items の loss に書くと表示されます。"
	}
	return "The item was added in the configuration; what its loss means is shown once it is written in watch.items under loss."
}

// in falls back to the other language: a text that is there helps more than
// none.
func (e Effect) in(ja bool) string {
	if ja && e.JA != "" || e.EN == "" {
		return e.JA
	}
	return e.EN
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
