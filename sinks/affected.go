package sinks

import (
	"fmt"
	"strings"

	"dswatch/event"
)

// Acked says in one line who looks after an alert, and what is being done; or
// who withdrew that, and why.
func (w *Words) Acked(k event.Ack) string {
	who := Line(k.Author, MaxTitle)
	if k.Comment != "" {
		who += " (" + Line(k.Comment, MaxTitle) + ")"
	}
	if !k.At.IsZero() {
		who += ", " + w.Time(k.At)
	}
	return who
}

// AffectedList lists what a also speaks for in at most most bytes, one clean
// line for each item: its host, kind, name, state and since when. What is not
// shown is counted in the last line. It is empty where a speaks for itself.
func (w *Words) AffectedList(a event.Alert, most int) string {
	return affectedList(a, most, "\n", w.more, func(x event.Affected) string {
		s := Line(x.Key.Host, maxValue) + " " + w.Kind(x.Key.Kind) + " " + Line(x.Key.Name, maxValue) + ": " + Line(w.StateOf(x.State), maxValue)
		if !x.Since.IsZero() {
			s += " (" + w.Since + " " + w.Time(x.Since) + ")"
		}
		return s
	})
}

// AffectedKeys is AffectedList for programs: keys and states in one line,
// separated by "; ".
func AffectedKeys(a event.Alert, most int) string {
	return affectedList(a, most, "; ", english.more, func(x event.Affected) string {
		return Line(strings.ReplaceAll(x.Key.String(), "; ", "_ "), maxValue) + "=" + Line(string(x.State), maxValue)
	})
}

func affectedList(a event.Alert, most int, between, more string, one func(event.Affected) string) string {
	total := max(a.AffectedCount, len(a.Affected))
	var b strings.Builder
	shown := 0
	for _, x := range a.Affected {
		line := one(x)
		if b.Len() > 0 {
			line = between + line
		}
		left := ""
		if shown+1 < total {
			left = between + fmt.Sprintf(more, total-shown-1)
		}
		if b.Len()+len(line)+len(left) > most {
			break
		}
		b.WriteString(line)
		shown++
	}
	if shown == total {
		return b.String()
	}
	left := fmt.Sprintf(more, total-shown)
	if b.Len() > 0 {
		left = between + left
	}
	b.WriteString(left)
	return Cut(b.String(), most)
}
