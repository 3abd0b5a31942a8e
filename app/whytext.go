package app

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/mattn/go-runewidth"

	"dswatch/sinks"
	"dswatch/web"
)

// WriteWhy writes explanations for people, in English or Japanese.
func WriteWhy(w io.Writer, all []web.Why, language string) error {
	for i, one := range all {
		if i > 0 {
			fmt.Fprintln(w)
		}
		e := explanation{language == "ja"}
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

// explanation knows the words of its language.
type explanation struct{ ja bool }

// say returns one of two wordings.
func (e explanation) say(en, ja string) string {
	if e.ja {
		return ja
	}
	return en
}

func when(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05") }

func (e explanation) item(w io.Writer, y web.Why) {
	line := func(label, format string, args ...any) {
		pad := strings.Repeat(" ", max(1, 12-runewidth.StringWidth(label)))
		fmt.Fprintf(w, "  %s%s%s\n", label, pad, fmt.Sprintf(format, args...))
	}
	fmt.Fprintln(w, plainText(y.Key.String()))
	line(e.say("state", "状態"), e.say("%s since %s, %d of %d found", "%s (%s から、%d/%d)"), e.word(string(y.State)), when(y.Since), y.Found, y.Want)
	if y.Detail != "" {
		line("", "%s", plainText(y.Detail))
	}
	line(e.say("seen", "観測"), e.say("by %s, last news at %s", "%s が観測、最後の変化は %s"), plainText(y.Observer), when(y.Seen))
	expected := map[string][2]string{"yes": {"yes", "稼働すべき"}, "no": {"no", "対象外"}, "unknown": {"unknown", "判断できない"}}[y.Expected]
	line(e.say("expected", "期待"), "%s", strings.TrimSuffix(e.say(expected[0], expected[1])+": "+y.Reason, ": "))
	for _, n := range y.Footnotes {
		line("", "[%s] %s", n.ID, n.Text)
	}
	for i, f := range y.Facts {
		label := ""
		if i == 0 {
			label = e.say("facts", "前提")
		}
		line(label, "%s = %s (%s)", f.Name, plainText(f.Value), plainText(f.Origin))
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
	fmt.Fprintln(w, plainText(y.Key.String()))
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
	parts := []string{e.say(r.Phase, e.word(r.Phase)) + e.say(" since ", "、") + when(r.Since) + e.say("", " から")}
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
		text := e.say("kept quiet by ", "通知を停止中: ") + plainText(s.ID)
		if s.Author != "" {
			text += fmt.Sprintf(e.say(" of %s (%s)", " %s (%s)"), plainText(s.Author), plainText(s.Comment))
		}
		switch {
		case !s.Ends.IsZero():
			text += e.say(" until ", "、終了 ") + when(s.Ends)
		case s.State == "active":
			text += e.say(" until all is well again", "、すべて復旧するまで")
		}
		parts = append(parts, text)
	}
	if a := r.Ack; a != nil {
		parts = append(parts, strings.TrimSpace(fmt.Sprintf(e.say("%s looks after it since %s %s", "%s が %s から対応中 %s"), plainText(a.Author), when(a.At), plainText(a.Comment))))
	}
	if !r.Due.IsZero() && r.Phase != "settled" {
		parts = append(parts, e.say("looked at again at ", "次の判断 ")+when(r.Due))
	}
	return strings.Join(parts, e.say("; ", "、"))
}

func (e explanation) decisions(w io.Writer, y web.Why) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "\n%s\n", e.say("  Decisions", "  判断の履歴"))
	for _, s := range y.Trail {
		told := ""
		if len(s.Sinks) > 0 {
			told = e.say("-> ", "→ ") + strings.Join(s.Sinks, ",")
		}
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s\t%s\t%s\n", when(s.At), s.Rule, e.word(s.Outcome), e.word(string(s.State)), plainText(e.reason(s.Why)), told)
	}
	if len(y.Trail) == 0 {
		fmt.Fprintf(t, "  %s\n", e.say("none: nothing was ever wrong", "ありません。異常はまだ一度もありません"))
	}
	fmt.Fprintf(t, "\n%s\n", e.say("  Sinks", "  通知先"))
	for _, x := range y.Told {
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s.%d\t%s\n", when(x.At), x.Sink, e.word(string(x.Transition)), x.Alert, x.Seq, e.progress(x))
	}
	if len(y.Told) == 0 {
		fmt.Fprintf(t, "  %s\n", e.say("none: nobody was told anything", "ありません。まだどこにも通知していません"))
	}
	return t.Flush()
}

// progress says how far a transition has come at a sink.
func (e explanation) progress(x web.Told) string {
	reason := ""
	if x.Error != "" {
		reason = ": " + plainText(x.Error)
	}
	switch x.Progress {
	case "waiting":
		return e.say("waits in the outbox", "送信待ち") + reason
	case "dead":
		text := fmt.Sprintf(e.say("given up after %d attempts", "%d 回で断念"), x.Attempts)
		if x.Letter != "" {
			text += e.say(", dead letter ", "、デッドレター ") + x.Letter
		}
		return text + reason
	}
	at := ""
	if !x.Confirmed.IsZero() {
		at = when(x.Confirmed)
	}
	return strings.TrimSpace(fmt.Sprintf(e.say("confirmed %s after %d attempt(s)", "受領 %s (%d 回目)"), at, x.Attempts))
}

// word translates the words of states, outcomes and phases.
func (e explanation) word(s string) string {
	if ja := wordsJA[s]; e.ja && ja != "" {
		return ja
	}
	return s
}

var wordsJA = map[string]string{
	"up": "稼働", "degraded": "一部停止", "down": "停止", "unknown": "不明",
	"held": "保留中", "firing": "発生中", "settled": "解決済み",
	"raised": "発生", "changed": "変化", "repeated": "再通知", "cleared": "復旧", "acknowledged": "対応開始", "heartbeat": "生存通知",
	"holding": "保留", "settling": "復旧確認中", "recovered": "通知前に復旧", "flapping": "断続", "explained": "原因に含む", "silenced": "通知停止", "gathered": "集約",
}

// reasonsJA are the reasons that the rules give, and what they say in
// Japanese. A reason that is not here is shown as it is.
var reasonsJA = []struct {
	en *regexp.Regexp
	ja string
}{
	{regexp.MustCompile(`^waits (\S+) before anybody is told$`), "$1 続くまで通知しない"},
	{regexp.MustCompile(`^over before anybody was told$`), "通知する前に復旧した"},
	{regexp.MustCompile(`^well again; waits (\S+) before the all-clear$`), "復旧した。$1 続けば復旧を通知する"},
	{regexp.MustCompile(`^one of many at once; digest (\S+)$`), "同時に多発したため、ダイジェスト $1 にまとめた"},
	{regexp.MustCompile(`^comes and goes, which is an alert of its own$`), "停止と復旧を繰り返しているため、別のアラートにした"},
	{regexp.MustCompile(`^silence (\S+)$`), "サイレンス $1 により通知しない"},
	{regexp.MustCompile(`^explained by (.*), whose alert names it$`), "原因は $1。そのアラートに含めた"},
	{regexp.MustCompile(`^waits for (.*), which may explain it$`), "原因かもしれない $1 の判断を待つ"},
	{regexp.MustCompile(`^observed up$`), "稼働を確認した"},
	{regexp.MustCompile(`^observed (\S+)$`), "$1 を確認した"},
	{regexp.MustCompile(`^was (\S+), is (\S+)$`), "$1 から $2 に変わった"},
	{regexp.MustCompile(`^still (\S+) since (\S+)$`), "$2 から $1 のまま"},
	{regexp.MustCompile(`^the row is no longer on the list$`), "監視対象の一覧から外れた"},
	{regexp.MustCompile(`^no longer expected: (.*)$`), "稼働すべきではなくなった: $1"},
	{regexp.MustCompile(`^what it means has changed with what else is known of the host$`), "ホストの他の状態により影響が変わった"},
	{regexp.MustCompile(`^(.*) looks after it$`), "$1 が対応している"},
	{regexp.MustCompile(`^stands for (\d+) alerts$`), "アラート $1 件を集約している"},
	{regexp.MustCompile(`^the host is in transition until ([^ ]+): (.*)$`), "ホストの更新または再起動のため $1 まで待つ ($2)"},
	{regexp.MustCompile(`^(.*) does not explain it any more; waits (\S+) before anybody is told$`), "原因の $1 では説明できなくなった。$2 続くまで通知しない"},
}

func (e explanation) reason(why string) string {
	if !e.ja {
		return why
	}
	if rest, ok := strings.CutPrefix(why, "these sinks had not heard of it; "); ok {
		return "これらの通知先には初めての通知。" + e.reason(rest)
	}
	for _, r := range reasonsJA {
		if r.en.MatchString(why) {
			return r.en.ReplaceAllString(why, r.ja)
		}
	}
	return why
}

// plainText keeps what comes from elsewhere from moving the cursor.
func plainText(s string) string { return sinks.Line(s, 400) }
