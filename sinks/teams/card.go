package teams

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"dswatch/event"
	"dswatch/sinks"
)

// message is what the trigger of a Teams workflow takes. These types hold
// what we send and no more; the known Go libraries of cards have no TextRun,
// without which long texts would have to be Markdown.
type message struct {
	Type        string       `json:"type"`
	Attachments []attachment `json:"attachments"`
}

type attachment struct {
	ContentType string `json:"contentType"`
	Content     card   `json:"content"`
}

// card is an AdaptiveCard of version 1.4, the newest that every Teams client
// shows.
type card struct {
	Schema       string    `json:"$schema"`
	Type         string    `json:"type"`
	Version      string    `json:"version"`
	Lang         string    `json:"lang"`
	FallbackText string    `json:"fallbackText"`
	Body         []element `json:"body"`
	Actions      []action  `json:"actions,omitempty"`
}

// action is an Action.OpenUrl.
type action struct {
	Type  string `json:"type"`
	Title string `json:"title"`
	URL   string `json:"url"`
}

// element is a Container, a RichTextBlock or a FactSet.
type element struct {
	Type      string    `json:"type"`
	Style     string    `json:"style,omitempty"`
	Bleed     bool      `json:"bleed,omitempty"`
	Spacing   string    `json:"spacing,omitempty"`
	Separator bool      `json:"separator,omitempty"`
	Items     []element `json:"items,omitempty"`
	Inlines   []run     `json:"inlines,omitempty"`
	Facts     []fact    `json:"facts,omitempty"`
}

// run is a TextRun: text in which nothing is markup.
type run struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Size     string `json:"size,omitempty"`
	Weight   string `json:"weight,omitempty"`
	FontType string `json:"fontType,omitempty"`
	IsSubtle bool   `json:"isSubtle,omitempty"`
}

// fact is a row of a FactSet; Teams reads both as Markdown.
type fact struct {
	Title string `json:"title"`
	Value string `json:"value"`
}

// Bounds in characters: what keeps one alert from filling a channel, and the
// unshrinkable part of a card below leastSize.
const (
	maxHead  = 200
	maxValue = 150 // of a fact
	maxLong  = 2000
	maxLines = 60
)

// draft is a card in the making.
type draft struct {
	words *sinks.Words
	alert event.Alert
	head  string
	facts []fact
	texts []long // the most telling first
	link  string // to the alert's page; "": it has none
	left  int    // characters of head and facts that were left out
}

// long is a text that can be shown in part.
type long struct {
	label string // "" for the alert's own text
	value string // no more than could be shown
	total int    // characters of the whole text
	shown int    // characters
	mono  bool
}

// encode renders a in at most most bytes; link is the address of its page, if
// any.
func encode(a event.Alert, most int, link string) ([]byte, error) {
	d := newDraft(a)
	d.link = link
	for {
		body, err := d.encode()
		if err != nil {
			return nil, fmt.Errorf("encode card: %w", err)
		}
		if len(body) <= most {
			return body, nil
		}
		if !d.shrink() {
			return nil, fmt.Errorf("encode card: %d bytes do not fit into %d; raise max_size", len(body), most)
		}
	}
}

func newDraft(a event.Alert) *draft {
	w := sinks.In(a.Language)
	d := &draft{words: w, alert: a}
	d.head = sinks.ToneOf(a).Sign() + " " + d.cut(w.Headline(a, sinks.MaxTitle), maxHead)
	for _, f := range w.Fields(a) {
		if v := strings.TrimSpace(d.cut(f.Value, maxValue)); v != "" {
			d.facts = append(d.facts, fact{f.Label, markdown(v)})
		}
	}
	add := func(label, s string, mono bool) {
		s = strings.TrimSpace(s)
		// Cleaning makes one character of each, but of a "\r\n"; a long text is
		// counted as it came, and only what can be shown of it is cleaned.
		total := utf8.RuneCountInString(s) - strings.Count(s, "\r\n")
		s = first(s, 2*maxLong)
		value := first(upToLine(sinks.Lines(s, 3*len(s)), maxLines), maxLong)
		if shown := utf8.RuneCountInString(value); shown > 0 {
			d.texts = append(d.texts, long{label, value, total, shown, mono})
		}
	}
	if a.Transition == event.Beat { // its facts say it all
		return d
	}
	add("", a.Text, false)
	add(w.Step, a.Next, false)
	add(w.Affected, w.AffectedList(a, maxLong), false)
	add(w.Detail, a.Detail, false)
	if a.Transition.Firing() { // after a recovery nobody needs to act
		add(w.Confirm, a.Confirm, true)
		add(w.Reason, a.Reason, false)
	}
	return d
}

// upToLine returns what stands before the n-th line feed of s.
func upToLine(s string, n int) string {
	for i := range len(s) {
		if s[i] == '\n' {
			if n--; n == 0 {
				return s[:i]
			}
		}
	}
	return s
}

// cut shortens a text that cannot shrink later, and counts what is left out.
func (d *draft) cut(s string, most int) string {
	shown := first(s, most)
	if len(shown) == len(s) {
		return s
	}
	d.left += utf8.RuneCountInString(s[len(shown):])
	return shown + "…"
}

// first returns the first n characters of s.
func first(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// shrink shows half as much of the text that takes most room, the least
// telling one of those that take the same. It reports whether there was one.
func (d *draft) shrink() bool {
	at, most := -1, 0
	for i, t := range d.texts {
		if t.shown > 0 && t.shown >= most {
			at, most = i, t.shown
		}
	}
	if at >= 0 {
		d.texts[at].shown = most / 2
	}
	return at >= 0
}

func (d *draft) encode() ([]byte, error) {
	body := []element{
		{Type: "Container", Style: style(d.alert), Bleed: true, Items: []element{rich("", run{Text: d.head, Size: "Large", Weight: "Bolder"})}},
	}
	left := d.left
	var below []element
	for _, t := range d.texts {
		shown := first(t.value, t.shown)
		if t.shown < t.total {
			shown += "…"
			left += t.total - t.shown
		}
		to := &below
		if t.label == d.words.Step { // what to do follows what it means
			to = &body
		}
		switch {
		case t.shown == 0: // its label alone would tell nothing
		case t.label == "":
			body = append(body, rich("", run{Text: shown}))
		default:
			font := ""
			if t.mono {
				font = "Monospace"
			}
			*to = append(*to, rich("Medium", run{Text: t.label, Weight: "Bolder"}), rich("None", run{Text: shown, FontType: font}))
		}
	}
	if len(d.facts) > 0 {
		body = append(body, element{Type: "FactSet", Facts: d.facts})
	}
	body = append(body, below...)
	if left > 0 {
		body = append(body, rich("Medium", run{Text: "… " + d.words.LeftOut(left), Weight: "Bolder"}))
	}
	w, a := d.words, d.alert
	ids := w.AlertID + " " + sinks.Line(a.ID, 128) + " · " + strconv.Itoa(a.Seq) + " · " + w.Rule + " " + sinks.Line(a.Rule, 128)
	foot := rich("Medium", run{Text: ids, Size: "Small", IsSubtle: true})
	foot.Separator = true
	body = append(body, foot)

	var actions []action
	if d.link != "" {
		actions = []action{{"Action.OpenUrl", w.Page, d.link}}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // it is no page of HTML, and room is scarce
	err := enc.Encode(message{"message", []attachment{{"application/vnd.microsoft.card.adaptive", card{
		Schema: "http://adaptivecards.io/schemas/adaptive-card.json", Type: "AdaptiveCard", Version: "1.4",
		Lang: w.Language(), FallbackText: markdown(d.head), Body: body, Actions: actions,
	}}}})
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// rich returns a RichTextBlock of one run.
func rich(spacing string, r run) element {
	r.Type, r.Text = "TextRun", plain(r.Text)
	return element{Type: "RichTextBlock", Spacing: spacing, Inlines: []run{r}}
}

// style is the container style that stands for a colour.
func style(a event.Alert) string {
	return [...]string{sinks.Good: "good", sinks.Calm: "accent", sinks.Warm: "warning", sinks.Hot: "attention"}[sinks.ToneOf(a)]
}
