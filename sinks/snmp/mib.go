package snmp

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"

	"dswatch/setting"
	"dswatch/words"
)

// DefaultEnterprise is the arc that DSWATCH-MIB hangs under as long as the
// operator has none of his own: below netSnmpPlaypen, which NET-SNMP-MIB
// sets aside for private use.
const DefaultEnterprise = "1.3.6.1.4.1.8072.9999.9999.4118"

//go:embed DSWATCH-MIB.tmpl
var mibText string

// MIB returns the text of DSWATCH-MIB for the arc that the sinks are
// configured with, such as 1.3.6.1.4.1.99999.7. "" is DefaultEnterprise.
func MIB(enterprise string) (string, error) {
	arcs, err := parseEnterprise(enterprise)
	if err != nil {
		return "", err
	}
	// SMIv2 wants every arc between enterprises and the module to be named.
	parent, named := "enterprises", strings.Builder{}
	for i, arc := range arcs[:len(arcs)-1] {
		name := "dswatchArc" + strconv.Itoa(i+1)
		fmt.Fprintf(&named, "%s OBJECT IDENTIFIER ::= { %s %d }\n", name, parent, arc)
		parent = name
	}
	above := ""
	if named.Len() > 0 {
		above = "-- The arcs above this module, named only because SMIv2 wants every one\n-- of them to have a name.\n" + named.String() + "\n"
	}
	names, order := objects(), sent()
	list := func(objects []int) string {
		var l []string
		for _, o := range objects {
			l = append(l, "        "+names[o])
		}
		return strings.Join(l, ",\n")
	}
	return strings.NewReplacer(
		"@PARENT@", fmt.Sprintf("%s %d", parent, arcs[len(arcs)-1]),
		"@ABOVE@\n", above,
		"@OBJECTS@", list(order[:alwaysSent]),
		"@BEAT@", list([]int{objOpen, objWaiting, objEvery}),
		"@ALL@", list(order),
	).Replace(mibText), nil
}

const enterprises = "1.3.6.1.4.1."

// vendorArc is Trend Micro's own. dswatch does not speak in its name.
const vendorArc = 6101

// parseEnterprise returns the sub-identifiers below enterprises.
func parseEnterprise(s string) ([]uint32, error) {
	if s == "" {
		s = DefaultEnterprise
	}
	const hint = "write the arc of your own enterprise number, such as 1.3.6.1.4.1.99999.7"
	below, ok := strings.CutPrefix(strings.TrimPrefix(s, "."), enterprises)
	if !ok {
		return nil, words.Fail(words.NotBelowEnterprises.With(words.Inner(setting.Clip(s)), hint))
	}
	var arcs []uint32
	for p := range strings.SplitSeq(below, ".") {
		n, err := strconv.ParseUint(p, 10, 32)
		if err != nil || p != strconv.FormatUint(n, 10) {
			return nil, words.Fail(words.NotAnOID.With(words.Inner(setting.Clip(s)), hint))
		}
		arcs = append(arcs, uint32(n))
	}
	if n := len(wireOID(enterprises+below)) - len(wireOID(strings.TrimSuffix(enterprises, "."))); n > maxArcBytes {
		return nil, words.Fail(words.OIDTooLong.With(words.Inner(setting.Clip(s)), n, maxArcBytes, hint))
	}
	if arcs[0] == vendorArc {
		return nil, words.Fail(words.VendorsOID.With(vendorArc, hint))
	}
	return arcs, nil
}

// maxArcBytes bounds what the arc adds to a message, thirty times, so that
// minSize holds. An enterprise number takes three bytes, a small arc one.
const maxArcBytes = 10
