package sinks

import "dswatch/event"

// Tone is how an alert is coloured, signed or ranked where a far end has its
// own words for that.
type Tone int

// Tones from least to most urgent.
const (
	Good Tone = iota // over
	Calm             // informational
	Warm             // a warning
	Hot              // critical
)

// ToneOf returns the tone of one transition.
func ToneOf(a event.Alert) Tone {
	switch {
	case a.Transition == event.Cleared:
		return Good
	case a.Severity == event.Critical:
		return Hot
	case a.Severity == event.Warning:
		return Warm
	}
	return Calm
}

// Color is that of a band or a bar beside the text, #rrggbb.
func (t Tone) Color() string { return [...]string{"#2eb886", "#2f6fde", "#f2a100", "#d00000"}[t] }

// Sign leads the title in chat, for eyes that scan a channel.
func (t Tone) Sign() string { return [...]string{"✅", "🔵", "🟠", "🔴"}[t] }
