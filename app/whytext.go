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

// say returns one of two wordings.
func (e explanation) say(en, ja string) string {
	if e.ja {
		return ja
	}
	return en
}

// when writes a time. The zone, the same for all, stands at the top.
func (e explanation) when(t time.Time) string { return t.In(e.zone).Format(time.DateTime) }

// heading is the item, and which times follow.
func (e explanation) heading(w io.Writer, y web.Why) {
	fmt.Fprintf(w, "%s  (%s)\n", plainText(y.Key.String()), e.say("times: ", "時刻: ")+time.Now().In(e.zone).Format("MST, UTC-07:00"))
}

func (e explanation) item(w io.Writer, y web.Why) {
	line := func(label, format string, args ...any) {
		pad := strings.Repeat(" ", max(1, 12-table.Width(label)))
		fmt.Fprintf(w, "  %s%s%s\n", label, pad, fmt.Sprintf(format, args...))
	}
	e.heading(w, y)
	line(e.say("state", "状態"), e.say("%s since %s, %d of %d found", "%s (%s から、%d/%d)"), e.word(string(y.State)), e.when(y.Since), y.Found, y.Want)
	if seen := e.said(y.DetailStatements, y.Detail); seen != "" {
		line("", "%s", plainText(seen))
	}
	line(e.say("seen", "観測"), e.say("by %s, last news at %s", "%s が観測、最後の変化は %s"), plainText(y.Observer), e.when(y.Seen))
	line(e.say("expected", "監視対象"), "%s", strings.TrimSuffix(e.voice().Expected(y.Expected)+": "+e.said(y.ReasonStatements, y.Reason), ": "))
	for i, f := range y.Facts {
		label := ""
		if i == 0 {
			label = e.say("facts", "判定の根拠")
		}
		from := plainText(e.voice().Origin(f.Origin))
		if !f.At.IsZero() {
			from += ", " + e.when(f.At)
		}
		line(label, "%s = %s (%s)", f.Name, plainText(f.Value), from)
	}
	if y.Confirm != "" {
		line(e.say("by hand", "手動確認"), "%s", y.Confirm)
	}
	for _, r := range y.Rules {
		if r.Phase != "quiet" {
			line(e.say("rule ", "ルール ")+r.Rule, "%s", e.standing(r))
		}
	}
}

// digest is what item is for a digest.
func (e explanation) digest(w io.Writer, y web.Why) {
	d := y.Digest
	e.heading(w, y)
	fmt.Fprintf(w, e.say("  digest of the rule %s: stands for %d alerts, %d of them open\n", "  ルール %s のダイジェスト: 集約したアラート %d 件、うち継続中 %d 件\n"), d.Rule, d.Total, d.Open)
	for _, r := range y.Rules {
		fmt.Fprintf(w, "  %s\n", e.standing(r))
	}
	for _, m := range d.Members {
		alert := m.AlertID
		if alert == "" {
			alert = e.say("explained by these alerts", "これらのアラートが原因")
		}
		fmt.Fprintf(w, "    %s %s  %s\n", plainText(m.Key.String()), e.word(string(m.State)), alert)
	}
}

// standing says how a rule stands with the item.
func (e explanation) standing(r web.RuleState) string {
	parts := []string{e.say(r.Phase, e.word(r.Phase)) + e.say(" since ", "、") + e.when(r.Since) + e.say("", " から")}
	if r.Alert != "" {
		parts = append(parts, e.say("alert ", "アラート ")+strings.TrimSpace(r.Alert+" "+string(r.Severity)))
	}
	if r.Cause != "" {
		parts = append(parts, e.say("the alert of its cause names it: ", "原因のアラートに含まれる: ")+plainText(r.Cause))
	}
	if r.Digest != "" {
		parts = append(parts, e.say("told as a part of digest ", "ダイジェストに含まれる: ")+r.Digest)
	}
	if s := r.Silence; s != nil {
		text := e.say("kept quiet by ", "通知の抑止: ") + plainText(s.ID)
		if s.Author != "" {
			text += fmt.Sprintf(e.say(" of %s (%s)", " %s (%s)"), plainText(s.Author), plainText(s.Comment))
		}
		switch {
		case !s.Ends.IsZero():
			text += e.say(" until ", "、終了 ") + e.when(s.Ends)
		case s.Forever:
			text += e.say(", which has no end", "、無期限")
		case s.State == "active":
			text += e.say(" until all is well again", "、すべて復旧するまで")
		}
		parts = append(parts, text)
	}
	if a := r.Ack; a != nil {
		parts = append(parts, strings.TrimSpace(fmt.Sprintf(e.say("%s looks after it since %s %s", "担当者 %s (%s から) %s"), plainText(a.Author), e.when(a.At), plainText(a.Comment))))
	}
	if !r.Due.IsZero() && r.Phase != "settled" {
		parts = append(parts, e.say("looked at again at ", "次の判断 ")+e.when(r.Due))
	}
	return strings.Join(parts, e.say("; ", "、"))
}

func (e explanation) decisions(w io.Writer, y web.Why) error {
	fmt.Fprintf(w, "\n%s\n", e.say("  Decisions", "  判断の履歴"))
	var rows [][]string
	for _, s := range y.Trail {
		told := ""
		if len(s.Sinks) > 0 {
			told = e.say("-> ", "→ ") + strings.Join(s.Sinks, ",")
		}
		rows = append(rows, []string{"  " + e.when(s.At), s.Rule, e.word(s.Outcome), e.word(string(s.State)), plainText(e.said(s.WhyStatements, s.Why)), told})
	}
	if err := table.Write(w, rows); err != nil {
		return err
	}
	if len(rows) == 0 {
		fmt.Fprintf(w, "  %s\n", e.say("none: nothing was ever wrong", "ありません。異常はまだ一度もありません"))
	}
	fmt.Fprintf(w, "\n%s\n", e.say("  Sinks", "  通知先"))
	cause := ""
	for _, r := range y.Rules {
		cause = cmp.Or(cause, r.Cause)
	}
	if cause != "" {
		fmt.Fprintf(w, e.say("  nothing of its own while its cause explains it; who was told of that: dswatch why %s\n", "  原因のアラートに含まれるため、個別には通知していません。通知の状況: dswatch why %s\n"), plainText(cause))
	} else if len(y.Told) == 0 {
		fmt.Fprintf(w, "  %s\n", e.say("none: nobody was told anything", "ありません。まだどこにも通知していません"))
	}
	for _, x := range y.Told {
		fmt.Fprintf(w, "  %s  %s  %s  %s.%d  %s\n", e.when(x.At), x.Sink, e.word(string(x.Transition)), x.Alert, x.Seq, e.progress(x))
		for _, one := range x.Tried {
			fmt.Fprintf(w, "    %s  %s\n", e.when(one.At), e.attempt(one))
			if one.More > 0 {
				fmt.Fprintf(w, e.say("    ... and %d more between\n", "    ... この間にさらに %d 回\n"), one.More)
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
		return fmt.Sprintf(e.say("waits in the outbox after %d attempts", "送信待ち (%d 回試行)"), x.Attempts)
	case x.Progress == "waiting" && reason != "":
		return e.say("waits in the outbox, not tried yet while the sink fails", "送信待ち (未送信、通知先に障害)") + reason
	case x.Progress == "waiting":
		return e.say("waits in the outbox, not tried yet", "送信待ち (未送信)")
	case x.Progress == "dead":
		at := ""
		if !x.GaveUp.IsZero() {
			at = " " + e.when(x.GaveUp)
		}
		text := fmt.Sprintf(e.say("given up%s after %s", "配信不能%s (%s)"), at, e.times(x.Attempts))
		if x.Attempts == 0 {
			text = e.say("not sent", "送信せず") + at
		}
		if x.Letter != "" {
			text += e.say(", dead letter ", "、配信不能の記録 ") + x.Letter
		}
		return text + reason
	}
	at := ""
	if !x.Confirmed.IsZero() {
		at = " " + e.when(x.Confirmed)
	}
	return fmt.Sprintf(e.say("confirmed%s after %s", "受領%s (%s)"), at, e.times(x.Attempts))
}

// times counts attempts.
func (e explanation) times(n int) string {
	if n == 1 {
		return e.say("1 attempt", "1 回目")
	}
	return fmt.Sprintf(e.say("%d attempts", "%d 回目"), n)
}

// attempt says how one attempt ended.
func (e explanation) attempt(x web.Attempt) string {
	text := cmp.Or(e.say(outcomesEN[x.Outcome], outcomesJA[x.Outcome]), x.Outcome)
	if x.Status != 0 {
		text += fmt.Sprintf(" (HTTP %d)", x.Status)
	}
	if x.Error != "" {
		text += ": " + plainText(x.Error)
	}
	return text
}

var outcomesJA = map[string]string{
	sinks.OutcomeDelivered: "受領", sinks.OutcomeDuplicate: "重複のため再送せず", sinks.OutcomeCutOff: "応答前に dswatch が停止",
	string(sinks.ClassPermanent): "恒久的なエラー", string(sinks.ClassThrottled): "通知先が待機を要求", string(sinks.ClassTimeout): "応答なし (タイムアウト)",
	string(sinks.ClassTemporary): "一時エラー", string(sinks.ClassPanic): "内部エラー",
}

var outcomesEN = map[string]string{
	sinks.OutcomeDuplicate: "duplicate, not sent again", sinks.OutcomeCutOff: "cut off",
	string(sinks.ClassPermanent): "refused", string(sinks.ClassThrottled): "asked to wait", string(sinks.ClassTimeout): "timed out",
	string(sinks.ClassTemporary): "failed", string(sinks.ClassPanic): "failed, a defect of the sink",
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
