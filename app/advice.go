package app

import (
	"errors"
	"fmt"

	"dswatch/event"
	"dswatch/setting"
	"dswatch/sinks"
	"dswatch/words"
)

// Advice names what works but is weaker than it need be, such as credentials
// in clear text and certificates that end soon. `config check` shows it; it
// keeps nothing from starting and is never told as an alert.
func (l *Loaded) Advice() (out []event.Said) {
	weak := func(section, shown string, settings any) {
		w, ok := settings.(sinks.Weak)
		if !ok {
			return
		}
		for _, err := range w.Weak() {
			path := section
			var at *setting.Error
			if errors.As(err, &at) {
				path += "." + at.Key
			}
			out = append(out, words.AtPlace.With(l.file.Position(path), shown, err))
		}
	}
	if setting.ClearText(l.Config.PingURL.Reveal(), true) {
		out = append(out, warning(l.file, "ping_url", words.WeakClearText.With()))
	}
	if l.Config.Bus.URL != "" {
		weak("bus", "bus", l.Config.Bus)
	}
	for i, s := range l.Config.sections() {
		at := "detectors." + l.kinds.Detectors[i].Type
		weak(at, at, s)
	}
	for i, s := range l.sinks {
		weak(fmt.Sprintf("sinks[%d]", i), "sinks."+s.common.Name, s.settings)
	}
	return out
}
