package syslog

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"dswatch/event"
	"dswatch/sinks"
)

// signer is who speaks, in CEF and LEEF: never the vendor.
const signer = "dswatch"

// level maps an alert to 0..10, as CEF and LEEF count.
func level(a event.Alert) string {
	return [...]string{sinks.Good: "1", sinks.Calm: "3", sinks.Warm: "6", sinks.Hot: "9"}[sinks.ToneOf(a)]
}

// class names the sort of event: one for each rule and transition.
func class(a event.Alert) string {
	if a.Class != "" {
		return a.Class + "-" + a.Rule + "-" + string(a.Transition)
	}
	return a.Rule + "-" + string(a.Transition)
}

// className is class in words: the same for every host and item, because a
// SIEM makes one kind of event of each name. The title stands in msg.
func className(a event.Alert) string {
	w := sinks.In(a.Language)
	a.Title = w.Kind(a.Key.Kind) + ": " + w.StateOf(a.State)
	if a.Rule != event.RuleLoss && a.Rule != event.RuleUnknown {
		a.Title = w.Kind(a.Key.Kind) + ": " + a.Rule
	}
	return headline(a)
}

// address returns a host that is written as an IPv4 address. The vendor's
// own events carry one as dvc, so that both can be joined.
func address(host string) string {
	if strings.Trim(host, "0123456789.") != "" { // a name, as most are
		return ""
	}
	if a, err := netip.ParseAddr(host); err == nil && a.Is4() {
		return host
	}
	return ""
}

// number returns s if it is one: cn1 holds nothing else.
func number(s string) string {
	if _, err := strconv.ParseUint(s, 10, 63); err != nil {
		return ""
	}
	return s
}

// appendCEF writes CEF:0 (ArcSight Common Event Format, revision 25). Keys
// are those of its dictionary; dvchost, dvc and cn1 with "Host ID" are those of
// the vendor's own events, so that both can be joined.
func (w *writer) appendCEF(b []byte, a event.Alert) []byte {
	b = append(b, "CEF:0"...)
	for _, f := range []string{signer, signer, w.version, class(a), className(a), level(a)} {
		b = append(b, '|')
		b = appendCEFHeader(b, f)
	}
	b = append(b, '|')
	first := true
	begin := func(key string) {
		if !first {
			b = append(b, ' ')
		}
		first = false
		b = append(b, key...)
		b = append(b, '=')
	}
	add := func(key, value string) {
		if value != "" {
			begin(key)
			b = appendCEFValue(b, value)
		}
	}
	millis := func(key string, t time.Time) {
		if !t.IsZero() {
			begin(key)
			b = strconv.AppendInt(b, t.UnixMilli(), 10)
		}
	}
	labelled := func(key, label, value string) {
		if value != "" {
			add(key+"Label", label)
			add(key, value)
		}
	}
	millis("rt", a.At)
	millis("start", a.StartedAt)
	millis("end", a.EndedAt)
	add("dvchost", a.Key.Host)
	add("dvc", address(a.Key.Host))
	add("externalId", a.DeliveryID())
	add("cat", string(a.Transition))
	add("outcome", string(a.State))
	labelled("cs1", "Alert ID", a.ID)
	labelled("cs2", "Component", a.Key.Component)
	labelled("cs3", "Item", a.Key.Row())
	labelled("cs4", "Impact", string(a.Impact))
	labelled("cs5", "Detail", a.Detail)
	labelled("cs6", "How to confirm", a.Confirm)
	if c := a.Heartbeat; c != nil {
		labelled("cn2", "Open alerts", strconv.Itoa(c.Open))
		labelled("cn3", "Waiting deliveries", strconv.Itoa(c.Waiting))
		labelled("flexNumber1", "Seconds to the next", strconv.Itoa(c.Every))
	} else {
		labelled("cn1", "Host ID", number(a.HostID))
		labelled("cn2", "Found", strconv.Itoa(a.Found))
		labelled("cn3", "Want", strconv.Itoa(a.Want))
	}
	labelled("flexString1", "Previous state", string(a.Previous))
	labelled("flexString2", "Observer", a.Observer)
	add("dswatchTechniques", sinks.Techniques(a)) // no key of the dictionary is meant for it
	if a.Ack != nil {
		add("suser", a.Ack.Author)
	}
	add("reason", a.Reason)
	text := prose(a)
	if a.Ack != nil && a.Ack.Comment != "" {
		text = strings.TrimSpace(text + " [" + a.Ack.Comment + "]")
	}
	if a.AffectedCount > 0 {
		add("cnt", strconv.Itoa(a.AffectedCount))
		text = strings.TrimSpace(text + " [" + sinks.AffectedKeys(a, maxAffected) + "]")
	}
	add("msg", text)
	return b
}

// appendCEFHeader escapes '\' and '|'. A header has no way to say line break.
func appendCEFHeader(b []byte, s string) []byte {
	if harmless(s) {
		return append(b, s...)
	}
	s = sinks.Line(s, len(s))
	for i := range len(s) {
		if s[i] == '\\' || s[i] == '|' {
			b = append(b, '\\')
		}
		b = append(b, s[i])
	}
	return b
}

// appendCEFValue escapes '\' and '=', and writes a line break as \n.
func appendCEFValue(b []byte, s string) []byte {
	if harmless(s) {
		return append(b, s...)
	}
	s = sinks.Lines(s, len(s))
	for i := range len(s) {
		switch s[i] {
		case '\\', '=':
			b = append(b, '\\', s[i])
		case '\n':
			b = append(b, `\n`...)
		default:
			b = append(b, s[i])
		}
	}
	return b
}

// leefDelimiter stands between attributes. A tab, the default of LEEF, does not
// survive relays that escape control characters, as rsyslog does by default.
const leefDelimiter = "^"

// appendLEEF writes LEEF 2.0 (IBM QRadar). LEEF has no escapes: a value ends at
// the delimiter, a header field at the bar.
func (w *writer) appendLEEF(b []byte, a event.Alert) []byte {
	b = append(b, "LEEF:2.0|"+signer+"|"+signer+"|"...)
	for _, f := range []string{w.version, class(a)} {
		b = append(b, strings.Map(func(r rune) rune {
			if r == '|' || r == '\\' {
				return '_'
			}
			return r
		}, sinks.Line(f, 2*event.MaxName))...)
		b = append(b, '|')
	}
	b = append(b, leefDelimiter+"|"...)
	first := true
	add := func(key, value string) {
		if value == "" {
			return
		}
		if !first {
			b = append(b, leefDelimiter...)
		}
		first = false
		b = append(b, key...)
		b = append(b, '=')
		b = append(b, strings.ReplaceAll(sinks.Line(value, len(value)), leefDelimiter, "_")...)
	}
	add("devTime", stampLEEF(a.At))
	add("devTimeFormat", "yyyy-MM-dd'T'HH:mm:ss.SSSZ")
	add("cat", string(a.Transition))
	add("sev", level(a))
	add("identHostName", a.Key.Host)
	add("dvchost", a.Key.Host)
	add("dvc", address(a.Key.Host))
	if id := number(a.HostID); id != "" {
		add("cn1Label", "Host ID")
		add("cn1", id)
	}
	add("name", className(a))
	add("msg", prose(a))
	each(&a, func(key, value string) {
		switch key {
		case "host", "at", "name": // said above, or meant otherwise there
		default:
			add(key, value)
		}
	})
	add("item", a.Key.Row())
	return b
}

func stampLEEF(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format("2006-01-02T15:04:05.000-0700")
}

// appendJSON writes the payload that all our sinks with JSON share.
func appendJSON(b []byte, a event.Alert, link string) []byte {
	j, err := sinks.NewPayload(a, link).Encode()
	if err != nil { // no field of it can fail to encode but a time out of range
		a.StartedAt, a.At, a.EndedAt = time.Time{}, time.Time{}, time.Time{}
		j, _ = sinks.NewPayload(a, link).Encode()
	}
	return append(b, j...)
}
