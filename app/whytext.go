package app

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"dswatch/event"
	"dswatch/sinks"
	"dswatch/table"
	"dswatch/web"
	"dswatch/words"
)

// WriteWhy writes explanations for people, in English or Japanese, with the
// times of zone.
func WriteWhy(w io.Writer, all []web.Why, language string, zone *time.Location) error {
	for i, one := range all {
		if i > 0 {
			fmt.Fprintln(w)
		}
		e := explanation{language == "ja", zone}
		if one.Digest != nil {
			e.digest(w, one)
		} else {
			e.item(w, one)
		}
		if err := e.decisions(w, one); err != nil {
			return err
		}
	}
	return nil
}

// explanation knows the words of its language and the times of its place.
type explanation struct {
	ja   bool
	zone *time.Location
}

// when writes a time. The zone, the same for all, stands at the top.
func (e explanation) when(t time.Time) string { return t.In(e.zone).Format(time.DateTime) }

// heading is the item, and which times follow.
func (e explanation) heading(w io.Writer, y web.Why) {
	fmt.Fprintf(w, "%s  (%s)\n", plainText(y.Key.String()), e.voice().Pick(words.WhyTimes)+time.Now().In(e.zone).Format("MST, UTC-07:00"))
}

func (e explanation) item(w io.Writer, y web.Why) {
	line := func(label, format string, args ...any) {
		pad := strings.Repeat(" ", max(1, 12-table.Width(label)))
		fmt.Fprintf(w, "  %s%s%s\n", label, pad, fmt.Sprintf(format, args...))
	}
	e.heading(w, y)
	line(e.voice().Pick(words.WhyState), e.voice().Pick(words.WhyStateSince), e.word(string(y.State)), e.when(y.Since), y.Found, y.Want)
	if seen := e.said(y.DetailStatements, y.Detail); seen != "" {
		line("", "%s", plainText(seen))
	}
	line(e.voice().Pick(words.WhySeen), e.voice().Pick(words.WhySeenBy), plainText(y.Observer), e.when(y.Seen))
	line(e.voice().Pick(words.WhyExpected), "%s", strings.TrimSuffix(e.voice().Expected(y.Expected)+": "+e.said(y.ReasonStatements, y.Reason), ": "))
	for i, f := range y.Facts {
		label := ""
		if i == 0 {
			label = e.voice().Pick(words.WhyFacts)
		}
		from := plainText(e.voice().Origin(f.Origin))
		if !f.At.IsZero() {
			from += ", " + e.when(f.At)
		}
		line(label, "%s = %s (%s)", f.Name, plainText(f.Value), from)
	}
	if y.Confirm != "" {
		line(e.voice().Pick(words.WhyByHand), "%s", y.Confirm)
	}
	for _, r := range y.Rules {
		if r.Phase != "quiet" {
			line(e.voice().Pick(words.WhyRule)+r.Rule, "%s", e.standing(r))
		}
	}
}

// digest is what item is for a digest.
func (e explanation) digest(w io.Writer, y web.Why) {
	d := y.Digest
	e.heading(w, y)
	fmt.Fprintf(w, e.voice().Pick(words.WhyDigest), d.Rule, d.Total, d.Open)
	for _, r := range y.Rules {
		fmt.Fprintf(w, "  %s\n", e.standing(r))
	}
	for _, m := range d.Members {
		alert := m.AlertID
		if alert == "" {
			alert = e.voice().Pick(words.WhyExplained)
		}
		fmt.Fprintf(w, "    %s %s  %s\n", plainText(m.Key.String()), e.word(string(m.State)), alert)
	}
}

// standing says how a rule stands with the item.
func (e explanation) standing(r web.RuleState) string {
	parts := []string{fmt.Sprintf(e.voice().Pick(words.WhyPhaseSince), e.word(r.Phase), e.when(r.Since))}
	if r.Alert != "" {
		parts = append(parts, e.voice().Pick(words.WhyAlert)+strings.TrimSpace(r.Alert+" "+string(r.Severity)))
	}
	if r.Cause != "" {
		parts = append(parts, e.voice().Pick(words.WhyCause)+plainText(r.Cause))
	}
	if r.Digest != "" {
		parts = append(parts, e.voice().Pick(words.WhyInDigest)+r.Digest)
	}
	if s := r.Silence; s != nil {
		text := e.voice().Pick(words.WhySilenced) + plainText(s.ID)
		if s.Author != "" {
			text += fmt.Sprintf(e.voice().Pick(words.WhySilencedBy), plainText(s.Author), plainText(s.Comment))
		}
		switch {
		case !s.Ends.IsZero():
			text += e.voice().Pick(words.WhySilencedUntil) + e.when(s.Ends)
		case s.Forever:
			text += e.voice().Pick(words.WhySilencedForever)
		case s.State == "active":
			text += e.voice().Pick(words.WhySilencedCleared)
		}
		parts = append(parts, text)
	}
	if a := r.Ack; a != nil {
		parts = append(parts, strings.TrimSpace(fmt.Sprintf(e.voice().Pick(words.WhyAcked), plainText(a.Author), e.when(a.At), plainText(a.Comment))))
	}
	if !r.Due.IsZero() && r.Phase != "settled" {
		parts = append(parts, e.voice().Pick(words.WhyDue)+e.when(r.Due))
	}
	return strings.Join(parts, e.voice().Pick(words.SemicolonComma))
}

func (e explanation) decisions(w io.Writer, y web.Why) error {
	fmt.Fprintf(w, "\n%s\n", e.voice().Pick(words.WhyDecisions))
	var rows [][]string
	for _, s := range y.Trail {
		told := ""
		if len(s.Sinks) > 0 {
			told = e.voice().Pick(words.WhyTo) + strings.Join(s.Sinks, ",")
		}
		rows = append(rows, []string{"  " + e.when(s.At), s.Rule, e.word(s.Outcome), e.word(string(s.State)), plainText(e.said(s.WhyStatements, s.Why)), told})
	}
	if err := table.Write(w, rows); err != nil {
		return err
	}
	if len(rows) == 0 {
		fmt.Fprintf(w, "  %s\n", e.voice().Pick(words.WhyNoDecisions))
	}
	fmt.Fprintf(w, "\n%s\n", e.voice().Pick(words.WhySinks))
	cause := ""
	for _, r := range y.Rules {
		cause = cmp.Or(cause, r.Cause)
	}
	if cause != "" {
		fmt.Fprintf(w, e.voice().Pick(words.WhyNothingOwn), plainText(cause))
	} else if len(y.Told) == 0 {
		fmt.Fprintf(w, "  %s\n", e.voice().Pick(words.WhyNobodyTold))
	}
	for _, x := range y.Told {
		fmt.Fprintf(w, "  %s  %s  %s  %s.%d  %s\n", e.when(x.At), x.Sink, e.word(string(x.Transition)), x.Alert, x.Seq, e.progress(x))
		for _, one := range x.Tried {
			fmt.Fprintf(w, "    %s  %s\n", e.when(one.At), e.attempt(one))
			if one.More > 0 {
				fmt.Fprintf(w, e.voice().Pick(words.WhyMoreBetween), one.More)
			}
		}
	}
	return nil
}

// progress says how far a transition has come at a sink. What its attempts
// say follows them.
func (e explanation) progress(x web.Told) string {
	reason := ""
	if x.Error != "" {
		reason = ": " + plainText(x.Error)
	}
	switch {
	case x.Progress == "waiting" && len(x.Tried) > 0:
		return fmt.Sprintf(e.voice().Pick(words.WhyWaitsAfter), x.Attempts)
	case x.Progress == "waiting" && reason != "":
		return e.voice().Pick(words.WhyWaitsFailing) + reason
	case x.Progress == "waiting":
		return e.voice().Pick(words.WhyWaits)
	case x.Progress == "dead":
		at := ""
		if !x.GaveUp.IsZero() {
			at = " " + e.when(x.GaveUp)
		}
		text := fmt.Sprintf(e.voice().Pick(words.WhyGivenUp), at, e.times(x.Attempts))
		if x.Attempts == 0 {
			text = e.voice().Pick(words.WhyNotSent) + at
		}
		if x.Letter != "" {
			text += e.voice().Pick(words.WhyLetter) + x.Letter
		}
		return text + reason
	}
	at := ""
	if !x.Confirmed.IsZero() {
		at = " " + e.when(x.Confirmed)
	}
	return fmt.Sprintf(e.voice().Pick(words.WhyConfirmed), at, e.times(x.Attempts))
}

// times counts attempts.
func (e explanation) times(n int) string {
	if n == 1 {
		return e.voice().Pick(words.WhyOneAttempt)
	}
	return fmt.Sprintf(e.voice().Pick(words.WhyAttempts), n)
}

// attempt says how one attempt ended.
func (e explanation) attempt(x web.Attempt) string {
	text := e.voice().Attempt(x.Outcome)
	if x.Status != 0 {
		text += fmt.Sprintf(" (HTTP %d)", x.Status)
	}
	if x.Error != "" {
		text += ": " + plainText(x.Error)
	}
	return text
}

// voice is that of the reader.
func (e explanation) voice() words.Voice {
	if e.ja {
		return words.In("ja", e.zone)
	}
	return words.In("en", e.zone)
}

// word translates the words of states, outcomes and phases.
func (e explanation) word(s string) string {
	if state := event.State(s); state.Valid() {
		return e.voice().State(state)
	}
	return e.voice().Outcome(s)
}

// said says what is there as data, else what a dswatch of another version
// has rendered.
func (e explanation) said(data event.Said, text string) string {
	if data.Empty() {
		return text
	}
	return e.voice().Say(data)
}

// plainText keeps what comes from elsewhere from moving the cursor.
func plainText(s string) string { return sinks.Line(s, 400) }
