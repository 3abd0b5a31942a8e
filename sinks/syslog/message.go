package syslog

import (
	"cmp"
	"os"
	"sort"
	"strconv"
	"strings"
	"time"

	"dswatch/event"
	"dswatch/sinks"
)

// Longest header fields in bytes (RFC 5424 section 6).
const (
	maxHostname = 255
	maxAppName  = 48
	maxMsgID    = 32
	maxTag      = 32 // RFC 3164 section 4.1.3
	// maxShown is of a host's name in RFC 3164: what receivers show of a line is
	// cut, and the whole name is among the fields.
	maxShown = 64
)

// writer turns alerts into messages.
type writer struct {
	rfc3164  bool
	body     string
	priority map[event.Severity]string // "<26>"
	cleared  string
	host     string
	version  string // of the program
	app      string
	pid      string
	sdID     string
	most     int
	link     func(event.Alert) string
}

func newWriter(c Config, env sinks.Env) *writer {
	facility, _ := facility(c.Facility)
	pri := func(name string) string {
		n, _ := severity(name)
		return "<" + strconv.Itoa(facility*8+n) + ">"
	}
	w := &writer{
		rfc3164: c.Format == "rfc3164", body: c.Body, most: int(c.MaxSize), link: env.Link,
		priority: map[event.Severity]string{
			event.Critical: pri(c.Severity.Critical), event.Warning: pri(c.Severity.Warning), event.Info: pri(c.Severity.Info),
		},
		cleared: pri(c.Severity.Cleared),
		host:    orNil(printable(env.Host, maxHostname)), version: cmp.Or(env.Version, "unknown"), app: c.AppName, pid: strconv.Itoa(os.Getpid()),
		sdID: "dswatch@" + strconv.FormatInt(c.EnterpriseID, 10),
	}
	if w.rfc3164 {
		w.app, w.host = tag(w.app), w.host[:min(len(w.host), maxShown)]
	}
	if c.Network == "udp" {
		w.most = min(w.most, maxUDP)
	}
	return w
}

// message writes a as one line of at most most bytes over buf, which may be nil.
func (w *writer) message(buf []byte, a event.Alert) []byte {
	a = sinks.Tidy(a)
	if m := w.render(buf, a); len(m) <= w.most {
		return m
	}
	return w.shortened(buf, a)
}

// shortened is message for a tidied alert that is too long.
func (w *writer) shortened(buf []byte, a event.Alert) (m []byte) {
	if w.body == "json" { // the texts say the same as the statements
		a.ReasonStatements, a.DetailStatements = event.Said{}, event.Said{}
		if m = w.render(buf, a); len(m) <= w.most {
			return m
		}
	}
	// The escaping decides how much a text takes, so the longest length that
	// fits is searched for; then the same with the names.
	for _, fields := range []func(*event.Alert) []*string{looked, meant, names, told} {
		longest := 0
		for _, s := range fields(&a) {
			longest = max(longest, len(*s))
		}
		cut := func(n int) event.Alert {
			c := a
			c.Affected = a.Affected[:min(len(a.Affected), n)]
			for _, k := range []**event.Ack{&c.Ack, &c.Withdrawn} {
				if *k != nil {
					own := **k
					*k = &own
				}
			}
			for _, s := range fields(&c) {
				*s = sinks.CutSentence(*s, n)
			}
			return c
		}
		n := sort.Search(longest, func(n int) bool { return len(w.render(buf, cut(n+1))) > w.most })
		// One byte more can take a mark less, so the search may be a few off.
		for m = w.render(buf, cut(n)); len(m) > w.most && n > 0; m = w.render(buf, cut(n)) {
			n--
		}
		if a = cut(n); len(m) <= w.most {
			break
		}
	}
	return m
}

// looked are the texts that a person can look up, which give way first; then
// what the loss means at length, then the names, and last what is told.
func looked(a *event.Alert) []*string {
	all := []*string{&a.Reason, &a.Detail, &a.Confirm}
	for _, k := range []*event.Ack{a.Ack, a.Withdrawn} {
		if k != nil {
			all = append(all, &k.Comment)
		}
	}
	return all
}

func meant(a *event.Alert) []*string { return []*string{&a.Text} }

func told(a *event.Alert) []*string { return []*string{&a.Title, &a.Short, &a.Next} }

func names(a *event.Alert) []*string {
	all := []*string{&a.Key.Host, &a.Key.Component, &a.Key.Name, &a.Rule, &a.OS, &a.AgentVersion, &a.HostID, &a.Observer, &a.Language}
	for _, k := range []*event.Ack{a.Ack, a.Withdrawn} {
		if k != nil {
			all = append(all, &k.Author)
		}
	}
	return all
}

// render writes a as it is over buf. Only here the two formats differ.
func (w *writer) render(buf []byte, a event.Alert) []byte {
	pri := w.cleared
	if a.Transition != event.Cleared {
		if pri = w.priority[a.Severity]; pri == "" {
			pri = w.priority[event.Info] // a severity of a newer version
		}
	}
	b := append(buf[:0], pri...)
	if w.rfc3164 {
		at := a.At
		if at.IsZero() {
			at = time.Now()
		}
		b = at.Local().AppendFormat(b, "Jan _2 15:04:05")
		b = append(b, ' ')
		b = append(b, w.host...)
		b = append(b, ' ')
		b = append(b, w.app...)
		b = append(b, '[')
		b = append(b, w.pid...)
		b = append(b, "]: "...)
		b = w.appendBody(b, a)
		if w.body == "text" {
			b = append(b, ' ')
			b = w.appendData(b, a)
		}
		return b
	}
	b = append(b, "1 "...)
	b = appendTime(b, a.At)
	for _, field := range []string{w.host, w.app, w.pid, orNil(printable(string(a.Transition), maxMsgID))} {
		b = append(b, ' ')
		b = append(b, field...)
	}
	b = append(b, ' ')
	if w.body != "text" {
		b = append(b, "- "...) // the body says it all
		return w.appendBody(b, a)
	}
	b = w.appendData(b, a)
	b = append(b, " \xef\xbb\xbf"...) // a byte order mark says that UTF-8 follows
	return w.appendBody(b, a)
}

func (w *writer) appendBody(b []byte, a event.Alert) []byte {
	switch w.body {
	case "cef":
		return w.appendCEF(b, a)
	case "leef":
		return w.appendLEEF(b, a)
	case "json":
		return appendJSON(b, a, w.link(a))
	}
	return sinks.In(a.Language).AppendProse(b, headline(a), a.Short, a.Next, a.Text)
}

// prose is what people read of a, the title first and what can be done
// without last. It is one line.
func prose(a event.Alert) string {
	return sinks.In(a.Language).Prose(headline(a), a.Short, a.Next, a.Text)
}

// headline is the alert in one line, as people read it first.
func headline(a event.Alert) string {
	return sinks.In(a.Language).Headline(a, sinks.MaxTitle+64)
}

// maxAffected bounds the list of affected items in bytes, so that the rest of
// a message of 2,048 bytes has room.
const maxAffected = 512

// each calls add with what an alert holds beside its title and text. Empty
// values are left out.
func each(a *event.Alert, add func(key, value string)) {
	some := func(key, value string) {
		if value != "" {
			add(key, value)
		}
	}
	some("id", a.ID)
	some("seq", strconv.Itoa(a.Seq))
	some("transition", string(a.Transition))
	some("rule", a.Rule)
	some("class", a.Class)
	some("techniques", sinks.Techniques(*a))
	some("host", a.Key.Host)
	some("component", a.Key.Component)
	some("kind", string(a.Key.Kind))
	some("name", a.Key.Name)
	some("state", string(a.State))
	some("previous", string(a.Previous))
	some("severity", string(a.Severity))
	some("impact", string(a.Impact))
	some("found", strconv.Itoa(a.Found))
	some("want", strconv.Itoa(a.Want))
	some("startedAt", stamp(a.StartedAt))
	some("at", stamp(a.At))
	some("endedAt", stamp(a.EndedAt))
	some("os", a.OS)
	some("agentVersion", a.AgentVersion)
	some("hostId", a.HostID)
	some("observer", a.Observer)
	some("language", a.Language)
	if k := a.Ack; k != nil {
		some("ackAuthor", k.Author)
		some("ackComment", k.Comment)
		some("ackAt", stamp(k.At))
	}
	if k := a.Withdrawn; k != nil {
		some("withdrawnAuthor", k.Author)
		some("withdrawnComment", k.Comment)
		some("withdrawnAt", stamp(k.At))
	}
	if a.AffectedCount > 0 {
		some("affectedCount", strconv.Itoa(a.AffectedCount))
		some("affected", sinks.AffectedKeys(*a, maxAffected))
	}
	if c := a.Heartbeat; c != nil {
		some("open", strconv.Itoa(c.Open))
		some("waiting", strconv.Itoa(c.Waiting))
		some("every", strconv.Itoa(c.Every))
	}
	if a.Test {
		some("test", "true")
	}
	if a.Replay {
		some("replay", "true")
	}
	some("reason", a.Reason)
	some("detail", a.Detail)
	some("confirm", a.Confirm)
}

// appendData writes one SD-ELEMENT (RFC 5424 section 6.3).
func (w *writer) appendData(b []byte, a event.Alert) []byte {
	b = append(b, '[')
	b = append(b, w.sdID...)
	each(&a, func(key, value string) {
		b = append(b, ' ')
		b = append(b, key...)
		b = append(b, `="`...)
		b = appendParam(b, value)
		b = append(b, '"')
	})
	return append(b, ']')
}

// appendParam escapes a PARAM-VALUE: '"', '\' and ']' get a backslash.
func appendParam(b []byte, s string) []byte {
	s = sinks.Line(s, len(s))
	for i := range len(s) {
		switch s[i] {
		case '"', '\\', ']':
			b = append(b, '\\')
		}
		b = append(b, s[i])
	}
	return b
}

// harmless reports whether s can stand as it is in every body: most values
// can, and this is quicker than to look at each of their characters.
func harmless(s string) bool {
	for i := range len(s) {
		if special[s[i]] {
			return false
		}
	}
	return true
}

// special are the bytes that some body escapes, and those of which
// characters outside ASCII consist.
var special = func() (t [256]bool) {
	for c := range t {
		t[c] = c < ' ' || c > '~' || strings.ContainsRune(`"\]|=`, rune(c))
	}
	return t
}()

// rfc3339 has the six digits of a second that RFC 5424 allows.
const rfc3339 = "2006-01-02T15:04:05.000000Z07:00"

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return string(appendStamp(make([]byte, 0, len(rfc3339)), t))
}

func appendTime(b []byte, t time.Time) []byte {
	if t.IsZero() || t.Year() < 0 || t.Year() > 9999 {
		return append(b, '-')
	}
	return appendStamp(b, t)
}

// appendStamp writes t as rfc3339 says, by way of time.RFC3339, for which
// package time is several times as fast as for other layouts.
func appendStamp(b []byte, t time.Time) []byte {
	if t.Year() < 0 || t.Year() > 9999 {
		return t.AppendFormat(b, rfc3339)
	}
	const seconds = len("2006-01-02T15:04:05")
	var whole [len(rfc3339)]byte
	w := t.AppendFormat(whole[:0], time.RFC3339)
	b = append(b, w[:seconds]...)
	micro := t.Nanosecond() / 1000
	b = append(b, '.', '0', '0', '0', '0', '0', '0')
	for i := len(b) - 1; micro > 0; i-- {
		b[i] = byte('0' + micro%10)
		micro /= 10
	}
	return append(b, w[seconds:]...)
}

// printable makes s fit for a header field: what is not a printable ASCII
// character, or is a space, becomes '_'.
func printable(s string, most int) string {
	return strings.Map(func(r rune) rune {
		if r < '!' || r > '~' {
			return '_'
		}
		return r
	}, s[:min(len(s), most)])
}

// tag makes s fit for the tag of RFC 3164, which ends at the first character
// that is not alphanumeric; receivers let a few more pass.
func tag(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9', r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r == '-', r == '_', r == '.', r == '/':
			return r
		}
		return '_'
	}, s[:min(len(s), maxTag)])
}

func orNil(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
