package app

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"dswatch/config"
	"dswatch/rules"
	"dswatch/table"
	"dswatch/web"
	"dswatch/words"
)

// SilencesText says how silences are written for people.
type SilencesText struct {
	Voice words.Voice
	Form  table.Form
	All   bool // also those that ended, and what was done to each
}

// Shown returns those of list that are to be written.
func (s SilencesText) Shown(list []web.Silence) []web.Silence {
	return slices.DeleteFunc(slices.Clone(list), func(x web.Silence) bool { return x.State == "ended" && !s.All })
}

// silenceTints show which silences are in force.
var silenceTints = map[string]table.Tint{"active": table.Yellow, "ended": table.Grey, "unreadable": table.Red}

// Until is when a silence ends.
func (s SilencesText) Until(x web.Silence) string {
	switch {
	case x.Starts.IsZero(): // nothing is known of it
		return "-"
	case !x.Closes.IsZero():
		return s.at(x.Closes)
	case !x.Ends.IsZero():
		return s.at(x.Ends)
	case x.Forever:
		return s.Voice.Pick(words.SilenceForever)
	case !x.Waits.IsZero():
		return s.Voice.Pick(words.SilenceClearedWaits) + s.at(x.Waits)
	}
	return s.Voice.Pick(words.SilenceCleared)
}

// from is when a silence begins.
func (s SilencesText) from(x web.Silence) string {
	switch {
	case x.Starts.IsZero():
		return "-"
	case !x.Opens.IsZero():
		return s.at(x.Opens)
	}
	return s.at(x.Starts)
}

// again is when and how long a silence comes again.
func (s SilencesText) again(x web.Silence) string {
	if x.Every == "" {
		return ""
	}
	text := fmt.Sprintf(s.Voice.Pick(words.SilenceEvery), plainText(x.Every), config.Duration(time.Duration(x.Lasts)*time.Second), plainText(x.TimeZone))
	if !strings.HasPrefix(x.ID, rules.WindowPrefix) && !x.Ends.IsZero() {
		text += s.Voice.Pick(words.SilenceEveryUntil) + s.at(x.Ends)
	}
	return text
}

func (s SilencesText) at(t time.Time) string { return s.Voice.Stamp(t) }

// WriteSilences writes silences for people, in English or Japanese.
func WriteSilences(w io.Writer, list []web.Silence, s SilencesText) error {
	rows := []table.Row{{Cells: s.Voice.Heads(words.HeadsSilences)}}
	for _, x := range s.Shown(list) {
		rows = append(rows, table.Row{At: 1, Tint: silenceTints[x.State], Cells: []string{x.ID, s.Voice.Silence(x.State), s.from(x), s.Until(x), s.again(x), plainText(strings.Join(x.Match, " ")), plainText(x.Author), plainText(x.Comment)}})
		for _, h := range x.History {
			if s.All {
				rows = append(rows, table.Row{Cells: []string{"", "", s.at(h.At), "", "", fmt.Sprintf(s.Voice.Pick(words.SilenceEntryBy), plainText(s.Voice.Say(words.Or(h.Statements, h.What))), plainText(h.By)), "", ""}})
			}
		}
	}
	_, err := io.WriteString(w, s.Form.Table(rows))
	return err
}
