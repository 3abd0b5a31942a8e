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
	for i, s := range l.sinks {
		w, ok := s.settings.(sinks.Weak)
		if !ok {
			continue
		}
		for _, err := range w.Weak() {
			section := fmt.Sprintf("sinks[%d]", i)
			var at *setting.Error
			if errors.As(err, &at) {
				section += "." + at.Key
			}
			out = append(out, words.AtPlace.With(l.file.Position(section), "sinks."+s.common.Name, err))
		}
	}
	return out
}
