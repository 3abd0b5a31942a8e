package snmp

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/japanese"

	"dswatch/event"

	"github.com/gosnmp/gosnmp"
)

func testForm(t testing.TB, enterprise string) *form {
	t.Helper()
	f, err := newForm(enterprise)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// FuzzEncode compares our messages with gosnmp's, byte for byte, for the
// same content.
func FuzzEncode(f *testing.F) {
	f.Add("web01", "text", 1, uint64(1), uint32(1), uint32(1))
	f.Add("", "", -1, uint64(0), uint32(0), uint32(0))
	f.Add("監視", strings.Repeat("x", 5000), 127, uint64(128), uint32(32767), uint32(32768))
	f.Add("\xff", "a\x00b", 1<<31, uint64(1<<63), uint32(1<<31-1), uint32(1<<32-1))
	f.Add("h", strings.Repeat("é", 130), 255, uint64(1<<64-1), uint32(255), uint32(1<<24))
	forms := []*form{testForm(f, ""), testForm(f, "1.3.6.1.4.1.99999"), testForm(f, "1.3.6.1.4.1.1.127.128.16383.16384"), testForm(f, "1.3.6.1.4.1.4294967295")}
	f.Fuzz(func(t *testing.T, host, text string, count int, sequence uint64, request, uptime uint32) {
		a := event.Alert{
			ID: "0123456789abcdef", Seq: count, Transition: event.Raised, Key: event.Key{Host: host, Kind: event.Port, Name: text},
			Found: count, Want: -count, Text: text, Title: text, StartedAt: time.Unix(int64(uptime), 0),
		}
		h := header{
			pdu: gosnmp.SNMPv2Trap, community: "public", request: request & 0x7fffffff, uptime: uptime,
			which: notifyTest, agent: [4]byte{192, 0, 2, 1},
		}
		for _, form := range forms {
			n := newNotice(a, sequence)
			bindings := form.bindings(n, uptime, h.which)
			for _, pdu := range []gosnmp.PDUType{gosnmp.SNMPv2Trap, gosnmp.InformRequest} {
				h.pdu = pdu
				same(t, form.encodeV2c(n, h), gosnmp.SnmpPacket{
					Version: gosnmp.Version2c, Community: h.community, PDUType: pdu, RequestID: h.request, Variables: bindings,
				})
			}
			same(t, form.encodeV1(n, h), gosnmp.SnmpPacket{
				Version: gosnmp.Version1, Community: h.community, PDUType: gosnmp.Trap, Variables: bindings[2 : len(bindings)-1], // without uptime, trap and Counter64
				SnmpTrap: gosnmp.SnmpTrap{
					Enterprise: form.root, AgentAddress: "192.0.2.1", GenericTrap: 6, SpecificTrap: notifyTest, Timestamp: uint(uptime),
				},
			})
		}
	})
}

// bindings returns n as gosnmp wants it.
func (f *form) bindings(n *notice, uptime uint32, which int) []gosnmp.SnmpPDU {
	b := make([]gosnmp.SnmpPDU, 0, objCount+2)
	b = append(b,
		gosnmp.SnmpPDU{Name: oidUptime, Type: gosnmp.TimeTicks, Value: uptime},
		gosnmp.SnmpPDU{Name: oidTrapOID, Type: gosnmp.ObjectIdentifier, Value: f.notification(which)})
	for at, i := range f.order {
		v := n.values[i]
		if at >= f.always && !n.says(i) {
			continue
		}
		p := gosnmp.SnmpPDU{Name: fmt.Sprintf("%s.1.%d.0", f.root, i+1), Type: v.tag}
		switch v.tag {
		case gosnmp.OctetString:
			p.Value = v.text
		case gosnmp.Integer:
			p.Value = int(v.num)
		case gosnmp.Counter64:
			p.Value = v.num
		default:
			p.Value = uint32(v.num)
		}
		b = append(b, p)
	}
	return b
}

// notification is the value of snmpTrapOID.0.
func (f *form) notification(n int) string { return f.root + ".0." + strconv.Itoa(n) }

func same(t *testing.T, got []byte, p gosnmp.SnmpPacket) {
	t.Helper()
	want, err := p.MarshalMsg()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("got  %x\nwant %x", got, want)
	}
	if cap(got) != len(got) {
		t.Errorf("the length was reckoned as %d and is %d", cap(got), len(got))
	}
}

// FuzzSeal compares our v3 messages with gosnmp's, byte for byte, at every
// level and with every protocol.
func FuzzSeal(f *testing.F) {
	f.Add("text", uint32(7), uint32(8), uint32(9), uint64(10))
	f.Add("", uint32(0), uint32(0), uint32(0), uint64(0))
	f.Add(strings.Repeat("監視", 700), uint32(1<<31-1), uint32(1<<31-1), uint32(1<<31-1), uint64(1<<64-1))
	form := testForm(f, "")
	const engine = "\x80\x00\x1f\x88\x05engine"
	var users []*user
	for _, auth := range []string{"", "MD5", "SHA", "SHA-224", "SHA-256", "SHA-384", "SHA-512"} {
		for _, priv := range []string{"", "DES", "AES", "AES-192", "AES-256", "AES-192-C", "AES-256-C"} {
			if auth == "" && priv != "" {
				continue
			}
			cfg := V3{User: "bert", AuthProtocol: auth, PrivProtocol: priv, AuthPassword: "auth password", PrivPassword: "priv password", Context: "ctx"}
			u, err := newUser(cfg, engine, new(atomic.Uint64))
			if err != nil {
				f.Fatal(err)
			}
			users = append(users, u)
		}
	}
	f.Fuzz(func(t *testing.T, text string, id, boots, now uint32, salt uint64) {
		n := newNotice(event.Alert{ID: "a", Transition: event.Cleared, Text: text}, salt)
		e := envelope{boots: boots & 0x7fffffff, time: now & 0x7fffffff, context: "context engine"}
		// gosnmp writes the message id with four bytes, however small it is.
		h := header{pdu: gosnmp.SNMPv2Trap, request: id&0x3fffffff | 0x40000000, uptime: now, which: notifyCleared}
		for i, u := range users {
			if i%2 == 1 {
				h.pdu = gosnmp.InformRequest
			} else {
				h.pdu = gosnmp.SNMPv2Trap
			}
			u.salt.Store(salt)
			got := u.seal(form, n, h, e)
			p := u.parameters(e.boots, e.time)
			switch next := salt + 1; p.PrivacyProtocol {
			case gosnmp.NoPriv:
			case gosnmp.DES:
				p.PrivacyParameters = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, e.boots), uint32(next))
			default:
				p.PrivacyParameters = binary.BigEndian.AppendUint64(nil, next)
			}
			flags := u.cfg.level()
			if h.pdu == gosnmp.InformRequest {
				flags |= gosnmp.Reportable
			}
			same(t, got, gosnmp.SnmpPacket{
				Version: gosnmp.Version3, MsgFlags: flags, SecurityModel: gosnmp.UserSecurityModel, SecurityParameters: p, MsgMaxSize: maxSize,
				ContextEngineID: e.context, ContextName: "ctx", PDUType: h.pdu, MsgID: h.request, RequestID: h.request,
				Variables: form.bindings(n, h.uptime, h.which),
			})
		}
	})
}

// FuzzFit cuts to any budget and looks that it is kept, that nothing but
// text was lost, and that characters are whole.
func FuzzFit(f *testing.F) {
	f.Add("title", "text", "reason", "name", 900)
	f.Add(strings.Repeat("監視", 100), strings.Repeat("x", 4000), "", strings.Repeat("n", 512), 1000)
	f.Add(strings.Repeat("a", 200), strings.Repeat("b", 200), strings.Repeat("c", 200), "ds_agent", 1100)
	form := testForm(f, "")
	f.Fuzz(func(t *testing.T, title, text, reason, name string, budget int) {
		a := event.Alert{
			ID: "0123456789abcdef01234567", Seq: 1, Transition: event.Raised, Severity: event.Critical, State: event.Down,
			Key:  event.Key{Host: name, Component: name, Kind: event.Process, Name: name},
			Rule: "loss", Title: title, Text: text, Reason: reason, Detail: text, Confirm: title, Observer: name,
		}
		whole := newNotice(a, 1)
		n := newNotice(a, 1)
		empty := newNotice(event.Alert{ID: a.ID}, 1)
		budget = max(budget, form.size(empty))
		n.fit(form, budget)
		if got := form.size(n); got > budget {
			t.Errorf("%d bytes do not fit into %d", got, budget)
		}
		if form.size(whole) <= budget && *n != *whole {
			t.Error("cut although it fitted")
		}
		first := func(n *notice) string {
			return n.values[objTitle].text + n.values[objText].text + n.values[objNext].text
		}
		rest := func(n *notice) string {
			return n.values[objReason].text + n.values[objDetail].text + n.values[objConfirm].text + n.values[objAffected].text
		}
		if first(n) != first(whole) && strings.Trim(rest(n), "….") != "" {
			t.Error("what was lost or what to do was cut while there was still something to look up")
		}
		for i := range n.values {
			if !utf8.ValidString(n.values[i].text) && utf8.ValidString(whole.values[i].text) {
				t.Errorf("object %d was cut within a character", i+1)
			}
			if kept := strings.TrimRight(n.values[i].text, "… ."); !strings.HasPrefix(whole.values[i].text, kept) {
				t.Errorf("object %d is %q, was %q", i+1, n.values[i].text, whole.values[i].text)
			}
			n.values[i].text, whole.values[i].text = "", ""
		}
		if *n != *whole {
			t.Error("a number was changed")
		}
	})
}

// TestFitTakesFromTheLeast: what a person can look up gives way first, the
// longest of it, and the title last.
func TestFitTakesFromTheLeast(t *testing.T) {
	form := testForm(t, "")
	long := func(s string) string { return strings.Repeat(s+" ends here. ", 40) }
	a := event.Alert{ID: "id", Title: "web01: process ds_agent is down", Text: long("consequence"), Next: "Start it.", Reason: long("reason"), Confirm: "ps", Detail: long("detail")}
	for _, c := range []struct {
		over       int
		whole, cut []int
	}{
		{600, []int{objTitle, objText, objNext, objDetail, objConfirm}, []int{objReason}},
		{1200, []int{objTitle, objText, objNext}, []int{objReason, objDetail}},
		{1600, []int{objTitle, objNext}, []int{objReason, objConfirm, objDetail, objText}},
	} {
		whole, n := newNotice(a, 1), newNotice(a, 1)
		n.fit(form, form.size(n)-c.over)
		for _, o := range c.whole {
			if n.values[o] != whole.values[o] {
				t.Errorf("%d bytes over: %s was cut to %q", c.over, objects()[o], n.values[o].text)
			}
		}
		for _, o := range c.cut {
			if n.values[o] == whole.values[o] {
				t.Errorf("%d bytes over: %s is whole", c.over, objects()[o])
			}
		}
		if got := n.values[objText].text; got != whole.values[objText].text && !strings.HasSuffix(got, "ends here. ...") {
			t.Errorf("cut within a sentence: %q", got)
		}
	}
}

// TestShiftJIS: the length that counts is that of the bytes which are sent,
// and a cut leaves whole characters.
func TestShiftJIS(t *testing.T) {
	form := testForm(t, "")
	text := strings.Repeat("不正プログラム対策が停止しています。", 20)
	n := &notice{chars: charsets["shift_jis"]}
	a := event.Alert{ID: "id", Title: "web01: プロセス ds_am が停止しています 😀", Text: text}
	n.fill(&a, 1)
	if got, want := len(n.values[objText].text), len([]rune(text))*2; got != want {
		t.Errorf("%d bytes, want two a character: %d", got, want)
	}
	n.fit(form, form.size(n)-300)
	for o, want := range map[int]string{objTitle: "web01: プロセス ds_am が停止しています ?", objText: strings.Repeat("不正プログラム対策が停止しています。", 11) + "…"} {
		got, err := japanese.ShiftJIS.NewDecoder().String(n.values[o].text)
		if err != nil || got != want {
			t.Errorf("%s is %q (%v), want %q", objects()[o], got, err, want)
		}
	}
}

// TestOrder: what to act on stands first, whatever the version; the counter
// that version 1 does not have is last; every object is sent once.
func TestOrder(t *testing.T) {
	order := sent()
	if got := slices.Sorted(slices.Values(order)); len(got) != objCount || got[0] != 0 || got[objCount-1] != objCount-1 || len(slices.Compact(got)) != objCount {
		t.Errorf("the order is not that of every object once: %v", order)
	}
	if order[objCount-1] != objSequence {
		t.Errorf("%s is last", objects()[order[objCount-1]])
	}
	n := newNotice(event.Alert{ID: "id", Title: "t", Text: "a\nb", Transition: event.Raised}, 1)
	short := testForm(t, "").short()
	if got := n.values[objText].text; got != "a; b" {
		t.Errorf("line breaks: %q", got)
	}
	all := testForm(t, "").bindings(n, 1, notifyRaised)
	p, err := gosnmp.Default.SnmpDecodePacket(short.encodeV2c(n, header{pdu: gosnmp.SNMPv2Trap, community: "public"}))
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Variables) > 2+shortSent || len(p.Variables) >= len(all) {
		t.Errorf("short has %d varbinds, at most 10 and none that is empty are wanted", len(p.Variables)-2)
	}
	for _, v := range p.Variables {
		if b, ok := v.Value.([]byte); ok && len(b) == 0 {
			t.Errorf("%s is empty", v.Name)
		}
	}
}

func TestDateAndTime(t *testing.T) {
	tokyo := time.FixedZone("JST", 9*3600)
	for name, c := range map[string]struct {
		t    time.Time
		want string
	}{
		"utc":      {time.Date(2026, 11, 22, 3, 4, 5, 678e6, time.UTC), "07ea0b16030405062b0000"},
		"east":     {time.Date(2026, 11, 22, 3, 4, 5, 0, tokyo), "07ea0b16030405002b0900"},
		"west":     {time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", -(3*3600+30*60))), "07ea0102030405002d031e"},
		"none":     {time.Time{}, "0000000000000000"},
		"too late": {time.Date(70000, 1, 1, 0, 0, 0, 0, time.UTC), "0000000000000000"},
	} {
		if got := fmt.Sprintf("%x", dateAndTime(c.t)); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// TestNumbersOfNewerWords: a word this version does not know becomes the
// MIB's "none" or "other", never a number outside the enumeration.
func TestNumbersOfNewerWords(t *testing.T) {
	n := newNotice(event.Alert{Transition: "x", Severity: "x", State: "x", Impact: "x", Key: event.Key{Kind: "x"}, Seq: -1, Found: -1}, 1)
	for o, want := range map[int]uint64{objTransition: 6, objSeverity: 1, objState: 5, objPrevious: 5, objImpact: 7, objKind: 5, objSeq: 0, objFound: 0} {
		if n.values[o].num != want {
			t.Errorf("object %d is %d, want %d", o+1, n.values[o].num, want)
		}
	}
}
