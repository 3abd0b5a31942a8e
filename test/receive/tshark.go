package receive

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// DissectOptions say how tshark is to look.
type DissectOptions struct {
	Port     uint16   // UDP port the datagrams were sent to
	Protocol string   // as tshark's -d names it: "snmp", "syslog"
	Fields   []string // as its -e names them
	Prefer   []string // further preferences, as its -o has them
}

// Dissect writes datagrams into a capture file, so that no privilege to
// capture is needed, and has tshark read it. It returns for each datagram the
// fields that were asked for. What tshark calls malformed, or an error in any
// protocol, fails the test.
func Dissect(t testing.TB, o DissectOptions, datagrams ...[]byte) []map[string]string {
	t.Helper()
	tshark := lookup(t, "tshark", "tshark")
	file := filepath.Join(t.TempDir(), "capture.pcap")
	if err := os.WriteFile(file, capture(o.Port, datagrams), 0o600); err != nil {
		t.Fatal(err)
	}
	base := []string{"-n", "-r", file, "-d", "udp.port==" + strconv.Itoa(int(o.Port)) + "," + o.Protocol}
	for _, p := range o.Prefer {
		base = append(base, "-o", p)
	}
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.Command(tshark, append(base[:len(base):len(base)], args...)...)
		var warn bytes.Buffer
		cmd.Stderr = &warn
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("tshark: %v\n%s", err, &warn)
		}
		return string(out)
	}
	const separator = "\x1f"
	args := []string{"-T", "fields", "-E", "separator=" + separator, "-e", "_ws.malformed", "-e", "_ws.expert.severity"}
	for _, f := range o.Fields {
		args = append(args, "-e", f)
	}
	var all []map[string]string
	for i, line := range strings.Split(strings.TrimSuffix(run(args...), "\n"), "\n") {
		values := strings.Split(line, separator)
		if len(values) != len(o.Fields)+2 {
			t.Fatalf("tshark: %d values for datagram %d: %q", len(values), i, line)
		}
		// Expert severities: 0x800000 is an error, 0x600000 a warning.
		if values[0] != "" || strings.Contains(values[1], "8388608") {
			t.Errorf("datagram %d is malformed\n%s", i, run("-V"))
		}
		fields := map[string]string{}
		for j, f := range o.Fields {
			fields[f] = values[j+2]
		}
		all = append(all, fields)
	}
	if len(all) != len(datagrams) {
		t.Fatalf("tshark: %d datagrams, want %d\n%s", len(all), len(datagrams), run("-V"))
	}
	return all
}

// capture builds a pcap file of raw IPv4 packets.
func capture(port uint16, datagrams [][]byte) []byte {
	le, be := binary.LittleEndian, binary.BigEndian
	const rawIPv4 = 228
	b := le.AppendUint32(nil, 0xa1b2c3d4)
	b = le.AppendUint16(b, 2)
	b = le.AppendUint16(b, 4)
	b = append(b, make([]byte, 8)...)
	b = le.AppendUint32(b, 1<<18)
	b = le.AppendUint32(b, rawIPv4)
	for i, d := range datagrams {
		n := 28 + len(d)
		b = le.AppendUint32(b, uint32(time.Now().Unix()))
		b = le.AppendUint32(b, uint32(i))
		b = le.AppendUint32(b, uint32(n))
		b = le.AppendUint32(b, uint32(n))
		b = append(b, 0x45, 0)
		b = be.AppendUint16(b, uint16(n))
		b = append(b, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2)
		b = be.AppendUint16(b, 40000)
		b = be.AppendUint16(b, port)
		b = be.AppendUint16(b, uint16(8+len(d)))
		b = append(b, 0, 0) // no checksum
		b = append(b, d...)
	}
	return b
}
