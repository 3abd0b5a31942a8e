package demo

import (
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"

	"github.com/gosnmp/gosnmp"

	"dswatch/sinks/snmp"
)

// message is one trap or syslog line that arrived.
type message struct {
	kind       string // trap, syslog
	transition string
	state      string
	name       string // of the item
	alert      string // id
	shown      string
}

// receiver is a UDP socket whose packets become messages.
type receiver struct {
	conn net.PacketConn
}

func listenUDP(into chan<- message, decode func([]byte) (message, error)) (*receiver, error) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for what the sinks send: %w", err)
	}
	go func() {
		buf := make([]byte, 64<<10)
		for {
			n, _, err := conn.ReadFrom(buf)
			if err != nil {
				return // closed
			}
			m, err := decode(buf[:n])
			if err != nil {
				m = message{shown: "unreadable: " + err.Error()}
			}
			into <- m
		}
	}()
	return &receiver{conn}, nil
}

func (r *receiver) address() string { return r.conn.LocalAddr().String() }

// trapDecoder names what arrives with the MIB that operators load.
type trapDecoder struct {
	objects       map[string]string // OID -> name
	notifications map[string]string
	enums         map[string]map[int]string
}

var (
	mibObject = regexp.MustCompile(`(?s)\n(dswatch\w+) OBJECT-TYPE\s+SYNTAX (\w+).*?::= \{ dswatchObjects (\d+) \}`)
	mibNotify = regexp.MustCompile(`(?s)\n(dswatch\w+) NOTIFICATION-TYPE.*?::= \{ dswatchNotifications (\d+) \}`)
	mibEnum   = regexp.MustCompile(`(?s)\n(Dswatch\w+) ::= TEXTUAL-CONVENTION.*?SYNTAX (?:INTEGER \{(.*?)\}|OCTET)`)
	mibValue  = regexp.MustCompile(`(\w+)\((\d+)\)`)
)

func newTrapDecoder() (*trapDecoder, error) {
	mib, err := snmp.MIB("")
	if err != nil {
		return nil, err
	}
	d := &trapDecoder{objects: map[string]string{}, notifications: map[string]string{}, enums: map[string]map[int]string{}}
	byType := map[string]map[int]string{}
	for _, m := range mibEnum.FindAllStringSubmatch(mib, -1) {
		byType[m[1]] = map[int]string{}
		for _, v := range mibValue.FindAllStringSubmatch(m[2], -1) {
			n, _ := strconv.Atoi(v[2])
			byType[m[1]][n] = v[1]
		}
	}
	for _, m := range mibObject.FindAllStringSubmatch(mib, -1) {
		d.objects["."+snmp.DefaultEnterprise+".1."+m[3]] = m[1]
		d.enums[m[1]] = byType[m[2]]
	}
	for _, m := range mibNotify.FindAllStringSubmatch(mib, -1) {
		d.notifications["."+snmp.DefaultEnterprise+".0."+m[2]] = m[1]
	}
	return d, nil
}

// decode reads a v2c trap and shows the values a night operator reads first.
func (d *trapDecoder) decode(b []byte) (message, error) {
	p, err := (&gosnmp.GoSNMP{Version: gosnmp.Version2c, Logger: gosnmp.Logger{}}).SnmpDecodePacket(b)
	if err != nil {
		return message{}, err
	}
	m := message{kind: "trap"}
	values := map[string]string{}
	for _, v := range p.Variables {
		if v.Name == ".1.3.6.1.6.3.1.1.4.1.0" {
			oid, _ := v.Value.(string)
			values["trap"] = d.notifications[oid]
			continue
		}
		name := d.objects[strings.TrimSuffix(v.Name, ".0")]
		switch x := v.Value.(type) {
		case []byte:
			values[name] = string(x)
		case int:
			values[name] = strconv.Itoa(x)
			if e := d.enums[name][x]; e != "" {
				values[name] = e
			}
		}
	}
	m.transition, m.state = values["dswatchAlertTransition"], values["dswatchAlertState"]
	m.name, m.alert = values["dswatchAlertName"], values["dswatchAlertId"]
	m.shown = fmt.Sprintf("%-14s %-8s %s", values["trap"], values["dswatchAlertSeverity"], values["dswatchAlertTitle"])
	return m, nil
}

var sdParam = regexp.MustCompile(`(\w+)="((?:[^"\\\]]|\\.)*)"`)

// decodeSyslog reads the structured data of an RFC 5424 line and shows the
// line as it came, without what comes after its first 100 characters.
func decodeSyslog(b []byte) (message, error) {
	line := strings.ToValidUTF8(string(b), "?")
	m := message{kind: "syslog", shown: line}
	for _, p := range sdParam.FindAllStringSubmatch(line, -1) {
		switch p[1] {
		case "transition":
			m.transition = p[2]
		case "state":
			m.state = p[2]
		case "name":
			m.name = p[2]
		case "id":
			m.alert = p[2]
		}
	}
	if r := []rune(line); len(r) > 100 {
		m.shown = string(r[:100]) + "..."
	}
	return m, nil
}
