package words

import (
	"fmt"
	"io"
	"strings"

	"dswatch/event"
)

// Write lists every sentence in both languages, with a sample of each argument:
// for people to read, and for programs that read codes.
func Write(w io.Writer) error {
	var b strings.Builder
	for _, code := range Codes() {
		s := table[code]
		b.WriteString(code)
		for i, k := range s.kinds {
			fmt.Fprintf(&b, " {%s: %v}", s.names[i], k)
		}
		b.WriteByte('\n')
		fmt.Fprintf(&b, "  en %s\n  ja %s\n", s.sample("en", 2), s.sample("ja", 2))
		if strings.Contains(s.source[0], "|") { // has a plural
			fmt.Fprintf(&b, "  en %s\n", s.sample("en", 1))
		}
		if strings.Contains(s.source[1], "|") {
			fmt.Fprintf(&b, "  ja %s\n", s.sample("ja", 1))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// sample is the sentence with samples in its gaps; n are the numbers.
func (s *sentence) sample(language string, n int) string {
	st := event.Statement{Code: s.code}
	for i, k := range s.kinds {
		st.Args = append(st.Args, sample(k, n, s.names[i]))
	}
	return Render(language, nil, st)
}

// sample is an argument of the kind, for people to look at.
func sample(k kind, n int, name string) string {
	switch k {
	case number:
		return fmt.Sprint(n)
	case duration:
		return "1m30s"
	case moment:
		return "2026-11-22T21:00:05Z"
	case list:
		return event.List([]string{"A", "B"})
	case both:
		return event.List([]string{"<English text>", "<日本語の文>"})
	case phrase:
		return string(pack("quoted", "<"+name+">"))
	case quote:
		return "<error>"
	case state:
		return string(event.Down)
	case itemKind:
		return string(event.Process)
	case severity:
		return string(event.Warning)
	case impact:
		return string(event.ProtectionLost)
	case transition:
		return string(event.Raised)
	case outcome:
		return "held"
	case origin:
		return "declared"
	case component:
		return event.Agent
	case fact:
		return string(event.AgentVersion)
	case value:
		return event.On
	}
	return "<" + name + ">"
}
