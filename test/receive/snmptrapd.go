package receive

import (
	"embed"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"dswatch/test/ports"
)

// Mibs are the IETF's modules that ours is built on, cut down to what the
// tools need. Debian ships none.
//
//go:embed mibs
var mibs embed.FS

// WriteMIBs puts the modules that DSWATCH-MIB imports, and ours, into dir,
// where net-snmp (-M dir) and smilint (SMIPATH=dir) find them.
func WriteMIBs(t testing.TB, dir, ours string) {
	t.Helper()
	files, err := mibs.ReadDir("mibs")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := mibs.ReadFile("mibs/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, f.Name()), string(b))
	}
	if ours != "" {
		write(t, filepath.Join(dir, "DSWATCH-MIB.txt"), ours)
	}
}

// SNMPUser is a v3 user that snmptrapd knows.
type SNMPUser struct {
	Name                       string
	AuthProtocol, AuthPassword string // as createUser of snmptrapd.conf has them; empty: none
	PrivProtocol, PrivPassword string
	EngineID                   string // of the sender of traps, as 0x...; empty: for informs
}

// SNMPOptions say what snmptrapd accepts.
type SNMPOptions struct {
	MIB       string // text of DSWATCH-MIB; empty: numbers instead of names
	Community string // default "public"
	Users     []SNMPUser
	Handler   string // command line of a traphandle, which is given numbers; empty: none
	Names     bool   // it is given names, as far as a MIB has them
}

// Snmptrapd is a running snmptrapd of net-snmp.
type Snmptrapd struct {
	Address string // 127.0.0.1:PORT, UDP

	o     SNMPOptions
	owner testing.TB // the test it lasts as long as
	dir   string
	proc  *process
	old   string // what earlier runs said
}

// StartSnmptrapd starts snmptrapd, which runs until the end of t.
func StartSnmptrapd(t testing.TB, o SNMPOptions) *Snmptrapd {
	t.Helper()
	d := &Snmptrapd{o: o, owner: t, dir: t.TempDir(), Address: "127.0.0.1:" + ports.Free(t, "udp")}
	WriteMIBs(t, d.dir, o.MIB)
	d.start(t)
	return d
}

// Each notification becomes lines of "name = value" between two marks.
const (
	trapBegin = "notification received"
	trapEnd   = "end of notification"
)

func (d *Snmptrapd) start(t testing.TB) {
	t.Helper()
	var conf strings.Builder
	community := d.o.Community
	if community == "" {
		community = "public"
	}
	allowed := "log"
	if d.o.Handler != "" {
		allowed = "log,execute"
		conf.WriteString("traphandle default " + d.o.Handler + "\n")
	}
	conf.WriteString("authCommunity " + allowed + " " + community + "\n")
	for _, u := range d.o.Users {
		engine := ""
		if u.EngineID != "" {
			engine = "-e " + u.EngineID + " "
		}
		level := "noauth"
		line := "createUser " + engine + u.Name
		if u.AuthProtocol != "" {
			level = "auth"
			line += " " + u.AuthProtocol + " " + u.AuthPassword
		}
		if u.PrivProtocol != "" {
			level = "priv"
			line += " " + u.PrivProtocol + " " + u.PrivPassword
		}
		conf.WriteString(line + "\nauthUser log " + u.Name + " " + level + "\n")
	}
	conf.WriteString("format1 " + trapBegin + `\nversion = 1\nenterprise = %N\nsnmpTrapOID.0 = %q\nsysUpTime.0 = %T\nagent = %a\n%V\n%v\n` + trapEnd + `\n` + "\n")
	conf.WriteString("format2 " + trapBegin + `\n%V\n%v\n` + trapEnd + `\n` + "\n")
	path := filepath.Join(d.dir, "snmptrapd.conf")
	write(t, path, conf.String())

	names := "SNMPv2-MIB"
	if d.o.MIB != "" {
		names += ":DSWATCH-MIB"
	}
	output := "-OQts"
	switch {
	case d.o.Handler != "" && d.o.Names:
		output = "-Ot"
	case d.o.Handler != "":
		output = "-On"
	}
	// -OQ leaves out the types, -Ot prints times as numbers, -Os drops the
	// modules' names.
	cmd := exec.Command(lookup(t, "snmptrapd", "snmptrapd"), "-f", "-Lo", "-C", "-c", path, output, "-M", d.dir, "-m", names, "udp:"+d.Address)
	cmd.Env = append(os.Environ(), "SNMP_PERSISTENT_DIR="+filepath.Join(d.dir, "state"), "LC_ALL=C.UTF-8")
	d.proc = launch(d.owner, cmd)
	d.proc.await(t, "open port", func() bool { return d.proc.listens(t, "udp", d.Address) })
}

// Stop ends snmptrapd; nobody listens on Address then.
func (d *Snmptrapd) Stop() {
	d.proc.stop()
	d.old += d.proc.said.String()
	d.proc.said = &output{}
}

// Restart starts it again with the state it left, so with higher boots.
func (d *Snmptrapd) Restart(t testing.TB) {
	t.Helper()
	d.Stop()
	d.start(t)
}

// Log is everything that snmptrapd has printed.
func (d *Snmptrapd) Log() string { return d.old + d.proc.said.String() }

// Trap is one notification by the short names of its objects:
// "dswatchAlertState.0" is "down", "snmpTrapOID.0" is "dswatchRaised".
type Trap map[string]string

// Traps returns what has arrived so far, oldest first.
func (d *Snmptrapd) Traps() []Trap {
	var all []Trap
	for part := range strings.SplitSeq(d.Log(), trapBegin+"\n") {
		body, _, complete := strings.Cut(part, "\n"+trapEnd)
		if !complete {
			continue
		}
		trap, last := Trap{}, ""
		for line := range strings.SplitSeq(body, "\n") {
			name, v, ok := strings.Cut(line, " = ")
			if !ok || strings.Contains(name, " ") {
				trap[last] += "\n" + line // a text of several lines
				continue
			}
			trap[name], last = v, name
		}
		all = append(all, trap)
	}
	return all
}

// Await waits until n notifications have arrived and returns them all.
func (d *Snmptrapd) Await(t testing.TB, n int) []Trap {
	t.Helper()
	d.proc.await(t, "notification", func() bool { return len(d.Traps()) >= n })
	return d.Traps()
}
