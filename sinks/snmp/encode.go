package snmp

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"

	"github.com/gosnmp/gosnmp"
)

// Object identifiers that every v2 notification begins with (RFC 3416).
const (
	oidUptime  = "1.3.6.1.2.1.1.3.0"
	oidTrapOID = "1.3.6.1.6.3.1.1.4.1.0"
)

// form is what all notifications of one sink have in common: the object
// identifiers below its enterprise, as text and as they are on the wire.
type form struct {
	root, rootWire string
	wire           [objCount]string // of the instances: ROOT.1.N.0
	uptime, trapID string

	order  []int // of the objects in a message
	always int   // how many of them every message has; others only where they say something
}

func newForm(enterprise string) (*form, error) {
	arcs, err := parseEnterprise(enterprise)
	if err != nil {
		return nil, err
	}
	var root strings.Builder
	root.WriteString(strings.TrimSuffix(enterprises, "."))
	for _, a := range arcs {
		root.WriteString("." + strconv.FormatUint(uint64(a), 10))
	}
	f := &form{root: root.String(), uptime: wireOID(oidUptime), trapID: wireOID(oidTrapOID), order: sent(), always: alwaysSent}
	f.rootWire = wireOID(f.root)
	for i := range f.wire {
		f.wire[i] = wireOID(fmt.Sprintf("%s.1.%d.0", f.root, i+1))
	}
	return f, nil
}

// wireOID encodes an object identifier that this package made itself.
func wireOID(oid string) string {
	var b []byte
	for i, p := range strings.Split(oid, ".") {
		n, _ := strconv.ParseUint(p, 10, 32)
		switch i {
		case 0:
			b = append(b, byte(n*40))
		case 1:
			b[0] += byte(n)
		default:
			for shift := (max(bits.Len64(n), 1) - 1) / 7 * 7; shift > 0; shift -= 7 {
				b = append(b, byte(n>>shift)|0x80)
			}
			b = append(b, byte(n)&0x7f)
		}
	}
	return string(b)
}

// The rest writes BER (X.690) forwards: every length is computed before its
// content is written.

// lenSize is how many bytes the length n takes.
func lenSize(n int) int {
	if n < 0x80 {
		return 1
	}
	return 1 + (bits.Len(uint(n))+7)/8
}

// tlvSize is how many bytes a content of n bytes takes with tag and length.
func tlvSize(n int) int { return 1 + lenSize(n) + n }

// intSize is the shortest two's complement of a number that is not negative.
func intSize(n uint64) int { return bits.Len64(n)/8 + 1 }

func appendHeader(b []byte, tag gosnmp.Asn1BER, n int) []byte {
	b = append(b, byte(tag))
	if n < 0x80 {
		return append(b, byte(n))
	}
	size := lenSize(n) - 1
	b = append(b, 0x80|byte(size))
	for i := size - 1; i >= 0; i-- {
		b = append(b, byte(n>>(8*i)))
	}
	return b
}

func appendInt(b []byte, tag gosnmp.Asn1BER, n uint64) []byte {
	size := intSize(n)
	b = appendHeader(b, tag, size)
	for i := size - 1; i >= 0; i-- {
		b = append(b, byte(n>>(8*i))) // a shift of 64 gives 0
	}
	return b
}

func appendString(b []byte, tag gosnmp.Asn1BER, s string) []byte {
	return append(appendHeader(b, tag, len(s)), s...)
}

func (v value) size() int {
	if v.tag == gosnmp.OctetString || v.tag == gosnmp.ObjectIdentifier {
		return tlvSize(len(v.text))
	}
	return tlvSize(intSize(v.num))
}

func appendBind(b []byte, oid string, v value) []byte {
	b = appendHeader(b, gosnmp.Asn1BER(gosnmp.Sequence), tlvSize(len(oid))+v.size())
	b = appendString(b, gosnmp.ObjectIdentifier, oid)
	if v.tag == gosnmp.OctetString || v.tag == gosnmp.ObjectIdentifier {
		return appendString(b, v.tag, v.text)
	}
	return appendInt(b, v.tag, v.num)
}

func bindSize(oid string, v value) int { return tlvSize(tlvSize(len(oid)) + v.size()) }

// short makes f send the first objects only, and none that is empty.
func (f *form) short() *form {
	f.order, f.always = f.order[:shortSent], 0
	return f
}

// objects calls each with every object that is sent of n, in order.
func (f *form) objects(n *notice, each func(oid string, v value)) {
	for at, i := range f.order {
		if at < f.always || n.says(i) {
			each(f.wire[i], n.values[i])
		}
	}
}

// size is how many bytes the objects of n take as bindings.
func (f *form) size(n *notice) int {
	sum := 0
	f.objects(n, func(oid string, v value) { sum += bindSize(oid, v) })
	return sum
}

// pduSize and appendPDU write an SNMPv2-Trap or InformRequest (RFC 3416).
func (f *form) pduSize(n *notice, h header) int {
	return tlvSize(tlvSize(intSize(uint64(h.request))) + 3 + 3 + tlvSize(f.listSize(n, h)))
}

func (f *form) listSize(n *notice, h header) int {
	return bindSize(f.uptime, h.ticks()) + bindSize(f.trapID, f.identity(h)) + f.size(n)
}

func (f *form) appendPDU(b []byte, n *notice, h header) []byte {
	list := f.listSize(n, h)
	b = appendHeader(b, gosnmp.Asn1BER(h.pdu), tlvSize(intSize(uint64(h.request)))+3+3+tlvSize(list))
	b = appendInt(b, gosnmp.Integer, uint64(h.request))
	b = appendInt(b, gosnmp.Integer, 0) // error-status
	b = appendInt(b, gosnmp.Integer, 0) // error-index
	b = appendHeader(b, gosnmp.Asn1BER(gosnmp.Sequence), list)
	b = appendBind(b, f.uptime, h.ticks())
	b = appendBind(b, f.trapID, f.identity(h))
	f.objects(n, func(oid string, v value) { b = appendBind(b, oid, v) })
	return b
}

// ticks and identity are the values of sysUpTime.0 and snmpTrapOID.0.
func (h header) ticks() value { return value{tag: gosnmp.TimeTicks, num: uint64(h.uptime)} }

func (f *form) identity(h header) value {
	return value{tag: gosnmp.ObjectIdentifier, text: f.rootWire + string([]byte{0, byte(h.which)})}
}

// encodeV2c writes an SNMPv2c message.
func (f *form) encodeV2c(n *notice, h header) []byte { return f.writeV2c(nil, n, h) }

// writeV2c is encodeV2c into b, if that is large enough.
func (f *form) writeV2c(b []byte, n *notice, h header) []byte {
	msg := 3 + tlvSize(len(h.community)) + f.pduSize(n, h)
	if size := tlvSize(msg); size <= cap(b) {
		b = b[:0]
	} else {
		b = make([]byte, 0, size)
	}
	b = appendHeader(b, gosnmp.Asn1BER(gosnmp.Sequence), msg)
	b = appendInt(b, gosnmp.Integer, uint64(gosnmp.Version2c))
	b = appendString(b, gosnmp.OctetString, h.community)
	return f.appendPDU(b, n, h)
}

// encodeV1 writes an SNMPv1 Trap-PDU as RFC 3584 section 3.2 translates the
// v2 notification: our root is the enterprise and the number of the
// notification the specific trap; v1 has no Counter64.
func (f *form) encodeV1(n *notice, h header) []byte {
	const enterpriseSpecific = 6
	list := 0
	f.objects(n, func(oid string, v value) {
		if v.tag != gosnmp.Counter64 {
			list += bindSize(oid, v)
		}
	})
	pdu := tlvSize(len(f.rootWire)) + tlvSize(len(h.agent)) + 3 + 3 + tlvSize(intSize(uint64(h.uptime))) + tlvSize(list)
	msg := 3 + tlvSize(len(h.community)) + tlvSize(pdu)

	b := make([]byte, 0, tlvSize(msg))
	b = appendHeader(b, gosnmp.Asn1BER(gosnmp.Sequence), msg)
	b = appendInt(b, gosnmp.Integer, uint64(gosnmp.Version1))
	b = appendString(b, gosnmp.OctetString, h.community)
	b = appendHeader(b, gosnmp.Asn1BER(gosnmp.Trap), pdu)
	b = appendString(b, gosnmp.ObjectIdentifier, f.rootWire)
	b = appendString(b, gosnmp.IPAddress, string(h.agent[:]))
	b = appendInt(b, gosnmp.Integer, enterpriseSpecific)
	b = appendInt(b, gosnmp.Integer, uint64(h.which))
	b = appendInt(b, gosnmp.TimeTicks, uint64(h.uptime))
	b = appendHeader(b, gosnmp.Asn1BER(gosnmp.Sequence), list)
	f.objects(n, func(oid string, v value) {
		if v.tag != gosnmp.Counter64 {
			b = appendBind(b, oid, v)
		}
	})
	return b
}

// header is what stands around the objects of one message.
type header struct {
	pdu       gosnmp.PDUType // of v2c and v3: SNMPv2Trap or InformRequest
	community string         // of v1 and v2c
	request   uint32         // of v3 also the message id
	uptime    uint32
	which     int     // the notification
	agent     [4]byte // of v1: the sender's address
}
