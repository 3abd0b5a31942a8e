package slack

import (
	"slices"
	"strconv"
	"strings"

	"github.com/slack-go/slack"

	"dswatch/event"
	"dswatch/sinks"
)

// Slack's limits in characters, from its Block Kit reference. Characters are
// counted here as UTF-16 units, after escaping: the strictest reading.
const (
	maxHeader  = 150
	maxSection = 3000
	maxField   = 2000
	maxFields  = 10 // of one section
)

// maxLong keeps one long text from filling the channel.
const maxLong = 1000

// The buttons below a message: their names begin with actionPrefix and end with
// the action, their value is the alert's id.
const (
	actionPrefix = "dswatch."
	maxValue     = 128 // bytes of an id; those of dswatch have 24
)

var actions = []sinks.Action{sinks.Acknowledge, sinks.SilenceHour, sinks.Why}

// buttons are those by which people answer.
func buttons(a event.Alert) slack.Block {
	w := sinks.In(a.Language)
	var all []slack.BlockElement
	for _, action := range actions {
		if action == sinks.SilenceHour && a.Rule == event.RuleStorm {
			continue // it is about no single item
		}
		label := slack.NewTextBlockObject(slack.PlainTextType, w.Action(action), false, false)
		all = append(all, slack.NewButtonBlockElement(actionPrefix+string(action), a.ID, label))
	}
	return slack.NewActionBlock("", all...)
}

// linked is the link to the page of an alert.
func linked(w *sinks.Words, link string) string {
	return "<" + strings.NewReplacer("|", "%7C", ">", "%3E", "<", "%3C", "&", "&amp;").Replace(link) + "|" + w.Page + ">"
}

// message renders a in a style; link is the address of its page, if any.
func message(a event.Alert, style, link string) *slack.WebhookMessage {
	if style == styleAttachment {
		return attachment(a, link)
	}
	w := sinks.In(a.Language)
	head := sinks.ToneOf(a).Sign() + " " + w.Headline(a, sinks.MaxTitle)
	no := false
	top := slack.Blocks{BlockSet: []slack.Block{slack.NewHeaderBlock(plain(head, maxHeader))}}
	if link != "" {
		top.BlockSet = append(top.BlockSet, slack.NewContextBlock("", markdown(linked(w, link))))
	}
	return &slack.WebhookMessage{
		Text: escape(head, maxSection), Parse: "none", UnfurlLinks: &no, UnfurlMedia: &no,
		Blocks: &top,
		Attachments: []slack.Attachment{{
			Color: sinks.ToneOf(a).Color(), Fallback: escape(head, maxSection),
			Blocks: slack.Blocks{BlockSet: body(w, a)},
		}},
	}
}

// attachment renders a without blocks, for servers that know only the older
// attachments: everything stands in its text and fields.
func attachment(a event.Alert, link string) *slack.WebhookMessage {
	w := sinks.In(a.Language)
	head := escape(sinks.ToneOf(a).Sign()+" "+w.Headline(a, sinks.MaxTitle), maxSection)
	var text []string
	add := func(label, value string, most int) {
		if value = escape(sinks.Lines(value, sinks.MaxText), most); value != "" {
			text = append(text, label+value)
		}
	}
	add("", a.Text, maxSection)
	add(w.Step+": ", a.Next, maxLong)
	add(w.Affected+": ", w.AffectedList(a, maxLong), maxLong)
	add(w.Detail+": ", a.Detail, maxLong)
	if a.Transition.Firing() {
		add(w.Reason+": ", a.Reason, maxLong)
		add(w.Confirm+": ", a.Confirm, maxLong)
	}
	if link != "" {
		text = append(text, linked(w, link))
	}
	fields := []slack.AttachmentField{}
	for _, f := range w.Fields(a) {
		fields = append(fields, slack.AttachmentField{Title: f.Label, Value: escape(f.Value, maxField), Short: true})
	}
	no := false
	return &slack.WebhookMessage{
		Text: head, Parse: "none", UnfurlLinks: &no, UnfurlMedia: &no,
		Attachments: []slack.Attachment{{
			Color: sinks.ToneOf(a).Color(), Fallback: head, Text: strings.Join(text, "\n"), Fields: fields,
			Footer: w.AlertID + " " + escape(sinks.Line(a.ID, 128), maxLong),
		}},
	}
}

// body renders what stands below the header.
func body(w *sinks.Words, a event.Alert) []slack.Block {
	var blocks []slack.Block
	if a.Transition == event.Beat { // one line: it is there to be missed
		var line []string
		for _, f := range w.Fields(a) {
			line = append(line, f.Label+" "+escape(f.Value, maxLong))
		}
		return []slack.Block{slack.NewContextBlock("", markdown(strings.Join(line, " · "))), footer(w, a)}
	}
	if text := escape(sinks.Lines(a.Text, sinks.MaxText), maxSection); text != "" {
		blocks = append(blocks, section(text))
	}
	if next := escape(sinks.Line(a.Next, sinks.MaxText), maxLong); next != "" {
		blocks = append(blocks, section("*"+w.Step+"*\n"+next))
	}
	var fields []*slack.TextBlockObject
	for _, f := range w.Fields(a) {
		label := "*" + f.Label + "*\n" // ours, nothing to escape
		fields = append(fields, markdown(label+escape(f.Value, maxField-units(label))))
	}
	for chunk := range slices.Chunk(fields, maxFields) {
		blocks = append(blocks, slack.NewSectionBlock(nil, chunk, nil))
	}
	long := func(label, mark, value string) {
		if text := escape(sinks.Lines(value, sinks.MaxText), maxLong); text != "" {
			blocks = append(blocks, section("*"+label+"*\n"+mark+text+mark))
		}
	}
	long(w.Affected, "", w.AffectedList(a, maxLong))
	long(w.Detail, "", a.Detail)
	if a.Transition.Firing() { // after a recovery nobody needs to act
		long(w.Reason, "", a.Reason)
		// In a code block, so that * and _ of a command are left alone; the
		// only way out of it is its own mark.
		long(w.Confirm, "```", strings.ReplaceAll(a.Confirm, "`", "'"))
	}
	return append(blocks, footer(w, a))
}

// footer names the alert, for whoever looks it up.
func footer(w *sinks.Words, a event.Alert) slack.Block {
	ids := w.AlertID + " " + escape(sinks.Line(a.ID, 128), maxLong) + " · " + strconv.Itoa(a.Seq) + " · " + w.Rule + " " + escape(sinks.Line(a.Rule, 128), maxLong)
	return slack.NewContextBlock("", markdown(ids))
}

func section(text string) slack.Block { return slack.NewSectionBlock(markdown(text), nil, nil) }

// markdown returns a text object in which only &, < and > are special to
// Slack's parser; verbatim switches off links and names found by guessing.
func markdown(escaped string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.MarkdownType, escaped, false, true)
}

func plain(s string, most int) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.PlainTextType, escape(s, most), false, false)
}

// escape replaces what Slack's parser looks for and cuts to most characters
// as Slack counts them, never inside an entity. s must be clean.
func escape(s string, most int) string {
	var b strings.Builder
	b.Grow(min(len(s), 3*most) + 16)
	n, cut := 0, 0 // length so far, and where "…" would still fit
	for _, r := range s {
		piece, width := "", 1
		switch {
		case r == '&':
			piece, width = "&amp;", 5
		case r == '<':
			piece, width = "&lt;", 4
		case r == '>':
			piece, width = "&gt;", 4
		case r > 0xffff:
			width = 2
		}
		if n+width > most {
			return b.String()[:cut] + "…"
		}
		if n += width; piece != "" {
			b.WriteString(piece)
		} else {
			b.WriteRune(r)
		}
		if n < most {
			cut = b.Len()
		}
	}
	return b.String()
}

// units counts s as Slack does.
func units(s string) int {
	n := 0
	for _, r := range s {
		if n++; r > 0xffff {
			n++
		}
	}
	return n
}
