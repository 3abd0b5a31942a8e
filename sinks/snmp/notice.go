package snmp

import (
	"math"
	"slices"
	"strings"
	"time"

	"dswatch/event"
	"dswatch/sinks"

	"github.com/gosnmp/gosnmp"
)

// The objects of dswatchAlertGroup; an object's number in the MIB is its
// position here, counted from 1.
const (
	objSequence = iota
	objID
	objSeq
	objTransition
	objSeverity
	objState
	objPrevious
	objImpact
	objHost
	objComponent
	objKind
	objName
	objRule
	objFound
	objWant
	objStartedAt
	objAt
	objEndedAt
	objTitle
	objText
	objReason
	objDetail
	objConfirm
	objLanguage
	objOS
	objAgentVersion
	objObserver
	objTest
	objReplay
	objAffectedCount
	objAffected
	objAckAuthor
	objAckComment
	objOpen
	objWaiting
	objEvery
	objNext
	objShort
	objTechniques
	objCount
)

// sent is the order in which the objects stand in a message: what a person
// at a receiver that cuts, or that shows positions, needs first. The counter
// is last, because version 1 leaves it out and every position before it
// stays the same in all versions.
func sent() []int {
	return []int{
		objTitle, objShort, objNext, objSeverity, objTransition,
		objState, objHost, objName, objAt, objID,
		objText, objSeq, objPrevious, objImpact, objComponent, objKind, objRule, objFound, objWant, objStartedAt, objEndedAt,
		objAffectedCount, objAffected, objDetail, objReason, objConfirm, objLanguage, objOS, objAgentVersion, objObserver,
		objTest, objReplay, objAckAuthor, objAckComment, objOpen, objWaiting, objEvery, objTechniques, objSequence,
	}
}

const (
	// shortSent is how many of sent a message with `varbinds: short` has.
	shortSent = 10
	// alwaysSent is how many of them every other message has. What follows
	// is appended where it says something (RFC 3416 section 4.2.6).
	alwaysSent = 32
)

// objects lists the names of the objects as the MIB has them.
func objects() []string {
	return []string{
		objSequence: "dswatchSequence", objID: "dswatchAlertId", objSeq: "dswatchAlertSeq",
		objTransition: "dswatchAlertTransition", objSeverity: "dswatchAlertSeverity", objState: "dswatchAlertState",
		objPrevious: "dswatchAlertPrevious", objImpact: "dswatchAlertImpact", objHost: "dswatchAlertHost",
		objComponent: "dswatchAlertComponent", objKind: "dswatchAlertKind", objName: "dswatchAlertName",
		objRule: "dswatchAlertRule", objFound: "dswatchAlertFound", objWant: "dswatchAlertWant",
		objStartedAt: "dswatchAlertStartedAt", objAt: "dswatchAlertAt", objEndedAt: "dswatchAlertEndedAt",
		objTitle: "dswatchAlertTitle", objText: "dswatchAlertText", objReason: "dswatchAlertReason",
		objDetail: "dswatchAlertDetail", objConfirm: "dswatchAlertConfirm", objLanguage: "dswatchAlertLanguage",
		objOS: "dswatchAlertOs", objAgentVersion: "dswatchAlertAgentVersion", objObserver: "dswatchAlertObserver",
		objTest: "dswatchAlertTest", objReplay: "dswatchAlertReplay",
		objAffectedCount: "dswatchAlertAffectedCount", objAffected: "dswatchAlertAffected",
		objAckAuthor: "dswatchAlertAckAuthor", objAckComment: "dswatchAlertAckComment",
		objOpen: "dswatchHeartbeatOpen", objWaiting: "dswatchHeartbeatWaiting", objEvery: "dswatchHeartbeatEvery",
		objNext: "dswatchAlertNext", objShort: "dswatchAlertShort", objTechniques: "dswatchAlertTechniques",
	}
}

// The notifications by their numbers in the MIB.
const (
	notifyRaised         = 1
	notifyCleared        = 2
	notifyAcknowledged   = 3
	notifyDigest         = 4
	notifyFlapping       = 5
	notifyHeartbeat      = 6
	notifyTest           = 7
	notifyUnacknowledged = 8
)

// notification says under which name an alert is told. What ends is always
// told as dswatchCleared, so that one rule of the receiver closes whatever
// was opened under whichever name.
func notification(a event.Alert) int {
	switch {
	case a.Test:
		return notifyTest
	case a.Transition == event.Beat:
		return notifyHeartbeat
	case a.Transition == event.Cleared:
		return notifyCleared
	case a.Transition == event.Acknowledged:
		return notifyAcknowledged
	case a.Transition == event.Unacknowledged:
		return notifyUnacknowledged
	case a.Rule == event.RuleStorm:
		return notifyDigest
	case a.Rule == event.RuleFlapping:
		return notifyFlapping
	}
	return notifyRaised
}

// transition is the number of DswatchTransition, in which a "none" stood before
// the last ones came.
func transition(t event.Transition) int {
	switch t {
	case event.Beat:
		return 7
	case event.Unacknowledged:
		return 8
	}
	return number(t, 6, event.Raised, event.Changed, event.Repeated, event.Cleared, event.Acknowledged)
}

// numberOf is the number of DswatchImpact, in which a "none" stood before noted.
func numberOf(i event.Impact) int {
	if i == event.Noted {
		return 8
	}
	return number(i, 7, event.Impacts()...)
}

// value is one object's value: text for octet strings, num for all else.
type value struct {
	tag  gosnmp.Asn1BER
	num  uint64
	text string
}

// notice holds the values of one notification by the objects' numbers.
type notice struct {
	values [objCount]value
	chars  charset // of the texts
	beat   bool    // it is a heartbeat, of which a count of 0 says something
}

// says reports whether the object has something to say.
func (n *notice) says(object int) bool {
	switch v := n.values[object]; v.tag {
	case gosnmp.OctetString:
		return v.text != ""
	case gosnmp.Gauge32:
		return v.num != 0 || n.beat
	}
	return true
}

// Sizes of SnmpAdminString (RFC 3411) and DswatchText (our MIB) in bytes.
const (
	maxAdmin = 255
	maxText  = 4096
	// maxAffected keeps the list short enough that its last line, which
	// counts what is not listed, is not cut in the default max_size.
	maxAffected = 256
)

// newNotice returns a notice that is filled, in UTF-8.
func newNotice(a event.Alert, sequence uint64) *notice {
	n := new(notice)
	n.fill(&a, sequence)
	return n
}

// oneLine is text without line breaks: receivers such as snmptt and a handler
// of snmptrapd take one line for one varbind.
func oneLine(s string, most int) string {
	s = strings.ReplaceAll(sinks.Lines(s, most), "\n", "; ")
	return sinks.CutSentence(s, most)
}

// fill sets the objects from an alert. Numbers of enumerations are those of
// the MIB; a word of a newer version becomes its "none" or "other".
func (n *notice) fill(a *event.Alert, sequence uint64) {
	admin := func(s string) value {
		return value{tag: gosnmp.OctetString, text: n.chars.encode(sinks.Line(s, maxAdmin))}
	}
	text := func(s string) value { return value{tag: gosnmp.OctetString, text: n.chars.encode(oneLine(s, maxText))} }
	enum := func(n int) value { return value{tag: gosnmp.Integer, num: uint64(n)} }
	gauge := func(n int) value {
		return value{tag: gosnmp.Gauge32, num: min(uint64(max(n, 0)), math.MaxUint32)}
	}
	truth := func(b bool) value {
		if b {
			return enum(1)
		}
		return enum(2)
	}
	n.beat = a.Transition == event.Beat
	impact := 7 // none: nothing was lost
	if !a.Test && !n.beat {
		impact = numberOf(a.Impact)
	}
	date := func(t time.Time) value { return value{tag: gosnmp.OctetString, text: dateAndTime(t)} }
	var ack event.Ack
	if a.Ack != nil {
		ack = *a.Ack
	}
	var beat event.Counts
	if a.Heartbeat != nil {
		beat = *a.Heartbeat
	}
	affected := ""
	if a.AffectedCount > 0 {
		affected = sinks.In(a.Language).AffectedList(*a, maxAffected)
	}
	n.values = [objCount]value{
		objSequence:     {tag: gosnmp.Counter64, num: sequence},
		objID:           admin(a.ID),
		objSeq:          gauge(a.Seq),
		objTransition:   enum(transition(a.Transition)),
		objSeverity:     enum(max(a.Severity.Rank(), 1)),
		objState:        enum(state(a.State)),
		objPrevious:     enum(state(a.Previous)),
		objImpact:       enum(impact),
		objHost:         admin(a.Key.Host),
		objComponent:    admin(a.Key.Component),
		objKind:         enum(a.Key.Kind.Number()),
		objName:         text(a.Key.Name),
		objRule:         admin(a.Rule),
		objFound:        gauge(a.Found),
		objWant:         gauge(a.Want),
		objStartedAt:    date(a.StartedAt),
		objAt:           date(a.At),
		objEndedAt:      date(a.EndedAt),
		objTitle:        admin(a.Title),
		objText:         text(a.Text),
		objShort:        text(a.Short),
		objNext:         text(a.Next),
		objReason:       text(a.Reason),
		objDetail:       text(a.Detail),
		objConfirm:      text(a.Confirm),
		objLanguage:     admin(a.Language),
		objOS:           admin(a.OS),
		objAgentVersion: admin(a.AgentVersion),
		objObserver:     admin(a.Observer),
		objTest:         truth(a.Test),
		objReplay:       truth(a.Replay),

		objAffectedCount: gauge(a.AffectedCount),
		objAffected:      text(affected),
		objAckAuthor:     admin(ack.Author),
		objAckComment:    text(ack.Comment),
		objOpen:          gauge(beat.Open),
		objWaiting:       gauge(beat.Waiting),
		objEvery:         gauge(beat.Every),
		objTechniques:    admin(sinks.Techniques(*a)),
	}
}

func state(s event.State) int {
	return number(s, 5, event.Up, event.Degraded, event.Down, event.Unknown)
}

// number is the position of v in list, counted from 1, or other.
func number[T comparable](v T, other int, list ...T) int {
	if i := slices.Index(list, v); i >= 0 {
		return i + 1
	}
	return other
}

// dateAndTime encodes t as RFC 2579 DateAndTime with the distance from UTC.
// The zero time becomes eight zeros, as agents say that there is none.
func dateAndTime(t time.Time) string {
	var b [11]byte
	b[8] = '+'
	if t.IsZero() || t.Year() < 0 || t.Year() > math.MaxUint16 {
		return string(b[:8])
	}
	_, off := t.Zone()
	if off < 0 {
		b[8], off = '-', -off
	}
	b[0], b[1] = byte(t.Year()>>8), byte(t.Year())
	b[2], b[3] = byte(t.Month()), byte(t.Day())
	b[4], b[5], b[6] = byte(t.Hour()), byte(t.Minute()), byte(t.Second())
	b[7] = byte(t.Nanosecond() / int(100*time.Millisecond))
	b[9], b[10] = byte(off/3600), byte(off/60%60)
	return string(b[:])
}

// fit cuts texts until the objects that f sends take at most budget bytes.
// What a person can look up gives way first, then the list of what is
// affected, then the names, then the consequence and the next step, and the
// title last; the alert's id never.
func (n *notice) fit(f *form, budget int) {
	for _, group := range [][]int{
		{objReason, objAckComment, objTechniques},
		{objConfirm},
		{objDetail},
		{objAffected},
		{objOS, objAgentVersion, objObserver, objLanguage, objComponent, objRule, objAckAuthor},
		{objText},
		{objHost, objName},
		{objNext},
		{objShort},
		{objTitle},
	} {
		over := f.size(n) - budget
		if over <= 0 {
			return
		}
		if group[0] == objConfirm { // a command that was cut is none
			n.values[objConfirm].text = ""
			continue
		}
		n.cut(group, over)
	}
}

// cut takes at least over bytes from the texts of group, if they have as
// many, by lowering the longest ones to one common length.
func (n *notice) cut(group []int, over int) {
	lens := make([]int, len(group))
	total := 0
	for i, o := range group {
		lens[i] = len(n.values[o].text)
		total += lens[i]
	}
	slices.Sort(lens)
	// Keep the short ones whole as long as an equal share of what is left
	// suffices for them.
	left, level := max(total-over, 0), 0
	for i, l := range lens {
		level = left / (len(lens) - i)
		if l > level {
			break
		}
		left -= l
	}
	for _, o := range group {
		n.values[o].text = n.chars.cut(n.values[o].text, level)
	}
}
