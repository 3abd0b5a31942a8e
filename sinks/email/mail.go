package email

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"dswatch/event"
	"dswatch/sinks"
)

// Bounds in bytes. A header line must end before the 998th (RFC 5322, 2.1.1),
// and a text without a space cannot be folded.
const (
	maxSubject  = 400
	maxHeader   = 253
	maxAffected = 32 << 10
)

// root is the Message-ID of an alert's raise, which every other mail of it
// answers.
func (l letterhead) root(a event.Alert) string { return l.named(a.ID, "raised") }

// id is the Message-ID of a. A raise is told once, whatever its number.
func (l letterhead) id(a event.Alert) string {
	if a.Transition == event.Raised {
		return l.root(a)
	}
	return l.named(a.ID, strconv.Itoa(a.Seq))
}

// again is the Message-ID of a when it is told once more because somebody asked
// for it: servers drop what they have had.
func (l letterhead) again(a event.Alert, token string) string {
	return l.named(a.ID, strconv.Itoa(a.Seq), token)
}

func (l letterhead) named(parts ...string) string {
	left := strings.Map(func(r rune) rune {
		if r == '.' || r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, sinks.Line(strings.Join(parts, "."), maxHeader))
	return left + "@" + l.domain
}

// write returns the mail for a, headers and all.
func (l letterhead) write(a event.Alert, id string) ([]byte, error) {
	// Japanese takes a third less room in base64, and English can be read in
	// the source otherwise.
	encoding := mail.EncodingQP
	if a.Language == "ja" {
		encoding = mail.EncodingB64
	}
	m := mail.NewMsg(mail.WithNoDefaultUserAgent(), mail.WithEncoding(encoding))
	m.FromMailAddress(l.from)
	m.ToMailAddress(l.to...)
	if len(l.cc) > 0 {
		m.CcMailAddress(l.cc...)
	}
	if l.reply != nil {
		m.ReplyToMailAddress(l.reply)
	}
	w := sinks.In(a.Language)
	m.Subject(header(w.Headline(a, sinks.MaxTitle), maxSubject)) // without a sign: gateways to older mail know none
	m.SetDateWithValue(dated(a))
	m.SetMessageIDWithValue(id)
	if root := l.root(a); id != root {
		m.SetGenHeader(mail.HeaderInReplyTo, "<"+root+">")
		m.SetGenHeader(mail.HeaderReferences, "<"+root+">")
	}
	m.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: nobody answers for somebody who is away
	m.SetBulk()                                        // for those who do not know it
	if a.Severity == event.Critical && a.Transition.Firing() {
		m.SetImportance(mail.ImportanceHigh)
	}
	m.SetGenHeader(mail.HeaderContentLang, w.Language())
	for _, h := range []struct{ name, value string }{
		{"X-Dswatch-Alert", a.ID}, {"X-Dswatch-Delivery", a.DeliveryID()}, {"X-Dswatch-Transition", string(a.Transition)},
		{"X-Dswatch-Severity", string(a.Severity)}, {"X-Dswatch-Rule", a.Rule}, {"X-Dswatch-Host", a.Key.Host},
	} {
		m.SetGenHeader(mail.Header(h.name), header(h.value, maxHeader))
	}
	p := newPage(a, l.link(a))
	m.SetBodyString(mail.TypeTextPlain, p.plain())
	html, err := p.html()
	if err != nil {
		return nil, err
	}
	m.AddAlternativeString(mail.TypeTextHTML, html)
	var b bytes.Buffer
	if _, err := m.WriteTo(&b); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// header makes one clean line of s that nobody reads as an encoded word.
func header(s string, most int) string {
	return sinks.Line(strings.ReplaceAll(s, "=?", "= ?"), most)
}

// dated is when a was decided, whenever it is sent: a copy has the same date. A
// replay is of now.
func dated(a event.Alert) time.Time {
	if a.Replay || a.At.IsZero() {
		return time.Now().In(a.At.Location())
	}
	return a.At
}

// page is what a mail shows, the most telling first.
type page struct {
	Language, Color, Sign, Head, Text string
	Next                              part
	Link, LinkLabel                   string // Link empty: there is no page
	Fields                            []sinks.Field
	Parts                             []part
	Foot                              string
}

// part is a labelled text of one or more lines.
type part struct {
	Label, Text string
	Mono        bool
}

func newPage(a event.Alert, link string) page {
	w := sinks.In(a.Language)
	p := page{
		Language: w.Language(), Color: sinks.ToneOf(a).Color(), Sign: sinks.ToneOf(a).Sign(), Head: w.Headline(a, sinks.MaxTitle), Fields: w.Fields(a), Link: link, LinkLabel: w.Page,
		Foot: fmt.Sprintf("%s %s · %d · %s %s", w.AlertID, sinks.Line(a.ID, maxHeader), a.Seq, w.Rule, sinks.Line(a.Rule, maxHeader)),
	}
	if a.Transition == event.Beat { // its fields say it all
		return p
	}
	clean := func(s string) string { return strings.TrimSpace(sinks.Lines(s, sinks.MaxText)) }
	p.Text = clean(a.Text)
	p.Next = part{Label: w.Step, Text: clean(a.Next)}
	add := func(label, text string, mono bool) {
		if text != "" {
			p.Parts = append(p.Parts, part{label, text, mono})
		}
	}
	add(w.Affected, w.AffectedList(a, maxAffected), false)
	add(w.Detail, clean(a.Detail), false)
	if a.Transition.Firing() { // after a recovery nobody needs to act
		add(w.Confirm, clean(a.Confirm), true)
		add(w.Reason, clean(a.Reason), false)
	}
	return p
}

// plain is the page for who reads no HTML.
func (p page) plain() string {
	var b strings.Builder
	para := func(s string) {
		if s != "" {
			b.WriteString(s + "\n\n")
		}
	}
	para(p.Head)
	para(p.Text)
	if p.Next.Text != "" {
		para(p.Next.Label + ": " + p.Next.Text)
	}
	if p.Link != "" {
		para(p.LinkLabel + ": " + p.Link)
	}
	for _, f := range p.Fields {
		b.WriteString(f.Label + ": " + f.Value + "\n")
	}
	b.WriteString("\n")
	for _, t := range p.Parts {
		para(t.Label + ":\n" + t.Text)
	}
	b.WriteString("-- \n" + p.Foot + "\n") // what follows this mark is left out of an answer
	return b.String()
}

//go:embed mail.html
var layout string

var htmlPage = template.Must(template.New("mail").Parse(layout))

func (p page) html() (string, error) {
	var b strings.Builder
	err := htmlPage.Execute(&b, p)
	return b.String(), err
}
