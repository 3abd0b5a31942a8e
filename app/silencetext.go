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
	Language string
	Zone     *time.Location
	All      bool // also those that ended, and what was done to each
}

// Shown returns those of list that are to be written.
func (s SilencesText) Shown(list []web.Silence) []web.Silence {
	return slices.DeleteFunc(slices.Clone(list), func(x web.Silence) bool { return x.State == "ended" && !s.All })
}

// Until is when a silence ends.
func (s SilencesText) Until(x web.Silence) string {
	e := explanation{s.Language == "ja", s.Zone}
	switch {
	case x.Starts.IsZero(): // nothing is known of it
		return "-"
	case !x.Closes.IsZero():
		return s.at(x.Closes)
	case !x.Ends.IsZero():
		return s.at(x.Ends)
	case x.Forever:
		return e.voice().Pick(words.SilenceForever)
	case !x.Waits.IsZero():
		return e.voice().Pick(words.SilenceClearedWaits) + s.at(x.Waits)
	}
	return e.voice().Pick(words.SilenceCleared)
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
	e := explanation{s.Language == "ja", s.Zone}
	text := fmt.Sprintf(e.voice().Pick(words.SilenceEvery), plainText(x.Every), config.Duration(time.Duration(x.Lasts)*time.Second), plainText(x.TimeZone))
	if !strings.HasPrefix(x.ID, rules.WindowPrefix) && !x.Ends.IsZero() {
		text += e.voice().Pick(words.SilenceEveryUntil) + s.at(x.Ends)
	}
	return text
}

func (s SilencesText) at(t time.Time) string { return t.In(s.Zone).Format(time.RFC3339) }

// WriteSilences writes silences for people, in English or Japanese.
func WriteSilences(w io.Writer, list []web.Silence, s SilencesText) error {
	e := explanation{s.Language == "ja", s.Zone}
	rows := [][]string{e.voice().Heads(words.HeadsSilences)}
	for _, x := range s.Shown(list) {
		rows = append(rows, []string{x.ID, e.voice().Silence(x.State), s.from(x), s.Until(x), s.again(x), plainText(strings.Join(x.Match, " ")), plainText(x.Author), plainText(x.Comment)})
		for _, h := range x.History {
			if s.All {
				rows = append(rows, []string{"", "", s.at(h.At), "", "", fmt.Sprintf(e.voice().Pick(words.SilenceEntryBy), plainText(e.said(h.Statements, h.What)), plainText(h.By)), "", ""})
			}
		}
	}
	return table.Write(w, rows)
}
