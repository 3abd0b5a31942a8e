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

// WriteWhy writes explanations for people, with the times of the voice.
func WriteWhy(w io.Writer, all []web.Why, v words.Voice, f table.Form) error {
	var b strings.Builder
	for i, one := range all {
		if i > 0 {
			b.WriteByte('\n')
		}
		e := explanation{v, f, &b}
		if one.Digest != nil {
			e.digest(one)
		} else {
			e.item(one)
		}
		e.decisions(one)
		e.told(one)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// explanation knows the words of its language, the times of its place and the
// lines of its terminal.
type explanation struct {
	words.Voice
	form table.Form
	out  *strings.Builder
}

// line writes a text behind an indent.
func (e explanation) line(indent int, text string) { e.out.WriteString(e.form.Text(indent, text)) }

// when writes a time. The zone, the same for all, stands at the top.
func (e explanation) when(t time.Time) string { return e.Stamp(t) }

// heading is the item, and which times follow.
func (e explanation) heading(y web.Why) {
	e.line(0, fmt.Sprintf("%s  (%s)", plainText(y.Key.String()), e.Pick(words.WhyTimes)+time.Now().In(e.Location()).Format("MST, UTC-07:00")))
}

func (e explanation) item(y web.Why) {
	const texts = 14
	line := func(label, format string, args ...any) {
		e.out.WriteString(e.form.After("  "+label, texts, fmt.Sprintf(format, args...)))
	}
	e.heading(y)
	line(e.Pick(words.WhyState), e.Pick(words.WhyStateSince), e.word(string(y.State)), e.when(y.Since), y.Found, y.Want)
	if seen := e.said(y.DetailStatements, y.Detail); seen != "" {
		line("", "%s", plainText(seen))
	}
	line(e.Pick(words.WhySeen), e.Pick(words.WhySeenBy), plainText(y.Observer), e.when(y.Seen))
	line(e.Pick(words.WhyExpected), "%s", strings.TrimSuffix(e.Expected(y.Expected)+": "+e.said(y.ReasonStatements, y.Reason), ": "))
	for i, f := range y.Facts {
		label := ""
		if i == 0 {
			label = e.Pick(words.WhyFacts)
		}
		from := plainText(e.Origin(f.Origin))
		if !f.At.IsZero() {
			from += ", " + e.when(f.At)
		}
		line(label, "%s = %s (%s)", f.Name, plainText(f.Value), from)
	}
	if y.Confirm != "" {
		line(e.Pick(words.WhyByHand), "%s", y.Confirm)
	}
	for _, r := range y.Rules {
		if r.Phase != "quiet" {
			line(e.Pick(words.WhyRule)+r.Rule, "%s", e.standing(r))
		}
	}
}

// digest is what item is for a digest.
func (e explanation) digest(y web.Why) {
	d := y.Digest
	e.heading(y)
	e.line(2, fmt.Sprintf(e.Pick(words.WhyDigest), d.Rule, d.Total, d.Open))
	for _, r := range y.Rules {
		e.line(2, e.standing(r))
	}
	for _, m := range d.Members {
		alert := m.AlertID
		if alert == "" {
			alert = e.Pick(words.WhyExplained)
		}
		e.line(4, fmt.Sprintf("%s %s  %s", plainText(m.Key.String()), e.word(string(m.State)), alert))
	}
}

// standing says how a rule stands with the item.
func (e explanation) standing(r web.RuleState) string {
	parts := []string{fmt.Sprintf(e.Pick(words.WhyPhaseSince), e.word(r.Phase), e.when(r.Since))}
	if r.Alert != "" {
		parts = append(parts, e.Pick(words.WhyAlert)+strings.TrimSpace(r.Alert+" "+e.Severity(r.Severity)))
	}
	if r.Cause != "" {
		parts = append(parts, e.Pick(words.WhyCause)+plainText(r.Cause))
	}
	if r.Digest != "" {
		parts = append(parts, e.Pick(words.WhyInDigest)+r.Digest)
	}
	if s := r.Silence; s != nil {
		text := e.Pick(words.WhySilenced) + plainText(s.ID)
		if s.Author != "" {
			text += fmt.Sprintf(e.Pick(words.WhySilencedBy), plainText(s.Author), plainText(s.Comment))
		}
		switch {
		case !s.Ends.IsZero():
			text += e.Pick(words.WhySilencedUntil) + e.when(s.Ends)
		case s.Forever:
			text += e.Pick(words.WhySilencedForever)
		case s.State == "active":
			text += e.Pick(words.WhySilencedCleared)
		}
		parts = append(parts, text)
	}
	if a := r.Ack; a != nil {
		parts = append(parts, strings.TrimSpace(fmt.Sprintf(e.Pick(words.WhyAcked), plainText(a.Author), e.when(a.At), plainText(a.Comment))))
	}
	if !r.Due.IsZero() && r.Phase != "settled" {
		parts = append(parts, e.Pick(words.WhyDue)+e.when(r.Due))
	}
	return strings.Join(parts, e.Pick(words.SemicolonComma))
}

// decisions are what each rule did, and why. The last column is wrapped, or
// stands below.
func (e explanation) decisions(y web.Why) {
	e.out.WriteByte('\n')
	e.line(2, e.Pick(words.WhyDecisions))
	if len(y.Trail) == 0 {
		e.line(2, e.Pick(words.WhyNoDecisions))
		return
	}
	heads := e.Heads(words.HeadsTrail)
	heads[0] = "  " + heads[0]
	rows := []table.Row{{Cells: heads}}
	for _, s := range y.Trail {
		why := plainText(e.said(s.WhyStatements, s.Why))
		if len(s.Sinks) > 0 {
			why = strings.TrimSpace(why + " " + e.Pick(words.WhyTo) + strings.Join(s.Sinks, ","))
		}
		rows = append(rows, table.Row{At: 3, Tint: stateTints[s.State], Cells: []string{"  " + e.when(s.At), s.Rule, e.word(s.Outcome), e.word(string(s.State)), why}})
	}
	e.out.WriteString(e.form.Table(rows))
}

// stateTints are the colours of what is seen.
var stateTints = map[event.State]table.Tint{event.Up: table.Green, event.Degraded: table.Red, event.Down: table.Red, event.Unknown: table.Yellow}

// told is how far each sink has been told.
func (e explanation) told(y web.Why) {
	e.out.WriteByte('\n')
	e.line(2, e.Pick(words.WhySinks))
	cause := ""
	for _, r := range y.Rules {
		cause = cmp.Or(cause, r.Cause)
	}
	if cause != "" {
		e.line(2, fmt.Sprintf(e.Pick(words.WhyNothingOwn), plainText(cause)))
	} else if len(y.Told) == 0 {
		e.line(2, e.Pick(words.WhyNobodyTold))
	}
	for _, x := range y.Told {
		e.out.WriteString(e.form.After("  "+e.when(x.At), 23, fmt.Sprintf("%s  %s  %s.%d  %s", x.Sink, e.word(string(x.Transition)), x.Alert, x.Seq, e.progress(x))))
		for _, one := range x.Tried {
			e.out.WriteString(e.form.After("    "+e.when(one.At), 25, e.attempt(one)))
			if one.More > 0 {
				e.line(4, fmt.Sprintf(e.Pick(words.WhyMoreBetween), one.More))
			}
		}
	}
}

// progress says how far a transition has come at a sink. What its attempts
// say follows them.
func (e explanation) progress(x web.Told) string {
	reason := ""
	if text := e.said(x.ErrorStatements, x.Error); text != "" {
		reason = ": " + plainText(text)
	}
	switch {
	case x.Progress == "waiting" && len(x.Tried) > 0:
		return fmt.Sprintf(e.Pick(words.WhyWaitsAfter), x.Attempts)
	case x.Progress == "waiting" && reason != "":
		return e.Pick(words.WhyWaitsFailing) + reason
	case x.Progress == "waiting":
		return e.Pick(words.WhyWaits)
	case x.Progress == "dead":
		at := ""
		if !x.GaveUp.IsZero() {
			at = " " + e.when(x.GaveUp)
		}
		text := fmt.Sprintf(e.Pick(words.WhyGivenUp), at, e.times(x.Attempts))
		if x.Attempts == 0 {
			text = e.Pick(words.WhyNotSent) + at
		}
		if x.Letter != "" {
			text += e.Pick(words.WhyLetter) + x.Letter
		}
		return text + reason
	}
	at := ""
	if !x.Confirmed.IsZero() {
		at = " " + e.when(x.Confirmed)
	}
	return fmt.Sprintf(e.Pick(words.WhyConfirmed), at, e.times(x.Attempts))
}

// times counts attempts.
func (e explanation) times(n int) string {
	if n == 1 {
		return e.Pick(words.WhyOneAttempt)
	}
	return fmt.Sprintf(e.Pick(words.WhyAttempts), n)
}

// attempt says how one attempt ended.
func (e explanation) attempt(x web.Attempt) string {
	text := e.Attempt(x.Outcome)
	if x.Status != 0 {
		text += fmt.Sprintf(" (HTTP %d)", x.Status)
	}
	if why := e.said(x.ErrorStatements, x.Error); why != "" {
		text += ": " + plainText(why)
	}
	return text
}

// word translates the words of states, outcomes and phases.
func (e explanation) word(s string) string {
	if state := event.State(s); state.Valid() {
		return e.State(state)
	}
	return e.Outcome(s)
}

// said says what is there as data, else what a dswatch of another version
// has rendered.
func (e explanation) said(data event.Said, text string) string {
	if data.Empty() {
		return text
	}
	return e.Say(data)
}

// plainText keeps what comes from elsewhere from moving the cursor.
func plainText(s string) string { return sinks.Line(s, 400) }
