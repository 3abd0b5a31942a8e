package service

import (
	"bufio"
	"context"
	"encoding/hex"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	systemd "github.com/coreos/go-systemd/v22/dbus"
	"github.com/godbus/dbus/v5"
	"go.uber.org/goleak"

	"dswatch/event"
	"dswatch/words"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bus is a real message bus of the test's own.
type bus struct {
	address string
	cmd     *exec.Cmd
}

const busConfig = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>%s</listen>
  <auth>EXTERNAL</auth>
  <policy context="default"><allow user="*"/><allow own="*"/><allow send_type="method_call"/><allow send_type="method_return"/><allow send_type="error"/><allow send_type="signal"/>
  <allow receive_type="method_call"/><allow receive_type="method_return"/><allow receive_type="error"/><allow receive_type="signal"/>%s</policy>
</busconfig>
`

// startBus runs dbus-daemon at address until the test ends; rules go into its policy.
func startBus(t *testing.T, address, rules string) *bus {
	t.Helper()
	program, err := exec.LookPath("dbus-daemon")
	if err != nil {
		t.Fatalf("%v; install it: apt-get install dbus-daemon", err)
	}
	file := filepath.Join(t.TempDir(), "bus.conf")
	if err := os.WriteFile(file, fmt.Appendf(nil, busConfig, address, rules), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "--config-file="+file, "--nofork", "--print-address")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	b := &bus{address, cmd}
	t.Cleanup(b.stop)
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || !strings.HasPrefix(line, "unix:") {
		t.Fatalf("dbus-daemon said %q, %v", line, err)
	}
	return b
}

func (b *bus) stop() {
	b.cmd.Process.Kill()
	b.cmd.Wait()
}

// socket returns a bus address in a directory of the test's own.
func socket(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "bus") // t.TempDir may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return "unix:path=" + dir + "/s"
}

// manager stands in for systemd, which must be process 1 to be itself. It
// answers as systemd 252 was seen to (its user instance, under busctl and
// under this package): the same names, types and errors.
type manager struct {
	conn *dbus.Conn

	mu    sync.Mutex
	units map[string]unit
	files fileStates
	calls int
	stall chan struct{} // while set, calls wait for it
}

type unit struct{ load, active, sub, result string }

// fileStates are the UnitFileState of units that have one.
type fileStates map[string]string

const unitRoot = "/org/freedesktop/systemd1/unit"

func startManager(t *testing.T, b *bus, units map[string]unit) *manager {
	t.Helper()
	conn, err := dbus.Connect(b.address)
	if err != nil {
		t.Fatal(err)
	}
	m := &manager{conn: conn, units: units}
	t.Cleanup(func() { conn.Close() })
	if err := conn.ExportSubtree(m, unitRoot, "org.freedesktop.DBus.Properties"); err != nil {
		t.Fatal(err)
	}
	reply, err := conn.RequestName("org.freedesktop.systemd1", dbus.NameFlagDoNotQueue)
	if err != nil || reply != dbus.RequestNameReplyPrimaryOwner {
		t.Fatalf("the name was not given: %v, %v", reply, err)
	}
	return m
}

func (m *manager) set(name string, u unit) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.units[name] = u
}

func fault(name, format string, args ...any) *dbus.Error {
	return dbus.NewError(name, []any{fmt.Sprintf(format, args...)})
}

// GetAll is org.freedesktop.DBus.Properties.GetAll.
func (m *manager) GetAll(msg dbus.Message, iface string) (map[string]dbus.Variant, *dbus.Error) {
	m.mu.Lock()
	stall := m.stall
	m.calls++
	m.mu.Unlock()
	if stall != nil {
		<-stall
	}
	path := string(msg.Headers[dbus.FieldPath].Value().(dbus.ObjectPath))
	name, ok := unescape(strings.TrimPrefix(path, unitRoot+"/"))
	if !ok || !strings.Contains(name, ".") {
		return nil, fault("org.freedesktop.DBus.Error.InvalidArgs", "Unit name %s is neither a valid invocation ID nor unit name.", name)
	}
	m.mu.Lock()
	u, known := m.units[name]
	file := m.files[name]
	m.mu.Unlock()
	if !known {
		u = unit{"not-found", "inactive", "dead", "success"}
	}
	if u.load == "hangs" {
		<-m.conn.Context().Done()
	}
	if strings.HasPrefix(u.load, "org.") { // an error of that name
		return nil, fault(u.load, "Unit %s not loaded.", name)
	}
	v := dbus.MakeVariant
	switch {
	case iface == "org.freedesktop.systemd1.Unit":
		return map[string]dbus.Variant{"Id": v(name), "Names": v([]string{name}), "LoadState": v(u.load), "ActiveState": v(u.active), "SubState": v(u.sub), "UnitFileState": v(file),
			"InactiveEnterTimestamp": v(uint64(0)), "CanStart": v(true), "Job": v(struct {
				ID   uint32
				Path dbus.ObjectPath
			}{0, "/"})}, nil
	case iface == "org.freedesktop.systemd1.Service" && strings.HasSuffix(name, ".service"):
		return map[string]dbus.Variant{"Result": v(u.result), "MainPID": v(uint32(0)), "ExecMainStatus": v(int32(1))}, nil
	}
	return nil, fault("org.freedesktop.DBus.Error.UnknownInterface", "Unknown interface '%s'.", iface)
}

// Get is org.freedesktop.DBus.Properties.Get.
func (m *manager) Get(msg dbus.Message, iface, property string) (dbus.Variant, *dbus.Error) {
	all, err := m.GetAll(msg, iface)
	if err != nil {
		return dbus.Variant{}, err
	}
	p, ok := all[property]
	if !ok {
		return p, fault("org.freedesktop.DBus.Error.UnknownProperty", "Unknown property '%s'.", property)
	}
	return p, nil
}

// unescape undoes what systemd does to a unit name in an object path: all but
// letters and digits is _ and two hexadecimal digits.
func unescape(s string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '_' {
			b.WriteByte(s[i])
			continue
		}
		if i+3 > len(s) {
			return "", false
		}
		c, err := hex.DecodeString(s[i+1 : i+3])
		if err != nil {
			return "", false
		}
		b.Write(c)
		i += 2
	}
	return b.String(), true
}

// overBus makes a detector that dials the bus in DBUS_SYSTEM_BUS_ADDRESS and
// nothing else: on a host with systemd, root would fall back on the real one.
func overBus(t *testing.T, address string, targets ...Target) *Detector {
	t.Helper()
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
	d, err := newDetector(&units{dial: systemd.NewSystemConnectionContext}, targets)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func see(t *testing.T, d *Detector) event.Observation {
	t.Helper()
	// As the scheduler does it: the context ends with the look.
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	got, err := d.Detect(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := got[0].Validate(); err != nil {
		t.Error(err)
	}
	return got[0]
}

func TestStates(t *testing.T) {
	cases := map[string]struct {
		unit  unit
		state event.State
		say   string
	}{
		"active":        {unit{"loaded", "active", "running", "success"}, event.Up, "is active (running)"},
		"exited":        {unit{"loaded", "active", "exited", "success"}, event.Up, "is active (exited)"},
		"reloading":     {unit{"loaded", "reloading", "reload", "success"}, event.Up, "is reloading (reload)"},
		"refreshing":    {unit{"loaded", "refreshing", "refresh", "success"}, event.Up, "is refreshing"},
		"activating":    {unit{"loaded", "activating", "auto-restart", "exit-code"}, event.Down, "is activating (auto-restart), result exit-code"},
		"deactivating":  {unit{"loaded", "deactivating", "stop-sigterm", "success"}, event.Down, "is deactivating (stop-sigterm)"},
		"inactive":      {unit{"loaded", "inactive", "dead", "success"}, event.Down, "is inactive (dead)"},
		"failed":        {unit{"loaded", "failed", "failed", "oom-kill"}, event.Down, "is failed (failed), result oom-kill"},
		"maintenance":   {unit{"loaded", "maintenance", "dead", "success"}, event.Down, "is maintenance"},
		"masked":        {unit{"masked", "inactive", "dead", "success"}, event.Down, "its unit file is masked"},
		"bad file":      {unit{"bad-setting", "inactive", "dead", "success"}, event.Down, "its unit file is bad-setting"},
		"not found":     {unit{"not-found", "inactive", "dead", "success"}, event.Down, "systemd finds no such unit"},
		"removed, runs": {unit{"not-found", "active", "running", "success"}, event.Up, "is active"},
		"no such unit":  {unit{load: "org.freedesktop.systemd1.NoSuchUnit"}, event.Down, "is not known to systemd"},
		"bad name":      {unit{load: "org.freedesktop.DBus.Error.InvalidArgs"}, event.Unknown, "was not told"},
		"from 2040":     {unit{"loaded", "hibernating", "dead", "success"}, event.Unknown, `the state hibernating`},
	}
	b := startBus(t, socket(t), "")
	m := startManager(t, b, map[string]unit{})
	d := overBus(t, b.address, target("ds_agent"))
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			m.set("ds_agent.service", c.unit)
			if o := see(t, d); o.State != c.state || !strings.Contains(words.English(o.Detail), c.say) {
				t.Errorf("%s, %q; want %s and %q", o.State, words.English(o.Detail), c.state, c.say)
			}
		})
	}
}

func TestNamesOfUnits(t *testing.T) {
	b := startBus(t, socket(t), "")
	up := unit{"loaded", "active", "running", "success"}
	startManager(t, b, map[string]unit{"ds_agent.service": up, "a-b@c\\x2d.socket": up, "x.y.service": up, "off.timer": {"loaded", "inactive", "dead", ""}})
	for name, want := range map[string]event.State{
		"ds_agent": event.Up, "ds_agent.service": event.Up, `a-b@c\x2d.socket`: event.Up, "x.y": event.Up, "off.timer": event.Down, "DS_agent": event.Down, "nothing": event.Down,
	} {
		if o := see(t, overBus(t, b.address, target(name))); o.State != want {
			t.Errorf("%s is %s (%s), want %s", name, o.State, words.English(o.Detail), want)
		}
	}
	for _, bad := range []string{"", "a b", "../x", "a/b", "x\n", "サービス", strings.Repeat("x", 250)} {
		if _, err := New([]Target{target(bad)}); err == nil || !strings.Contains(err.Error(), "h/agent/service/x") {
			t.Errorf("%q: error %v, want one about the item", bad, err)
		}
	}
	if _, err := New([]Target{target()}); err == nil {
		t.Error("a target without names was accepted")
	}
}

// One connection serves every look, and a restart of the bus costs none.
func TestConnectionIsKeptAndRebuilt(t *testing.T) {
	running := map[string]unit{"ds_agent.service": {"loaded", "active", "running", "success"}}
	address := socket(t)
	b := startBus(t, address, "")
	startManager(t, b, running)
	d := overBus(t, address, target("ds_agent"))
	see(t, d)
	first := d.table.(*units).conn
	if see(t, d); d.table.(*units).conn != first {
		t.Error("the second look made a new connection")
	}

	b.stop()
	if o, err := d.Detect(t.Context()); err == nil {
		t.Errorf("without a bus: %v, want an error", o)
	} else if !strings.Contains(err.Error(), "check that dbus") {
		t.Errorf("the error does not say what to do: %v", err)
	}
	if _, err := d.Detect(t.Context()); err == nil || !strings.Contains(err.Error(), "connect to D-Bus") {
		t.Errorf("the second look without a bus: %v", err)
	}

	startManager(t, startBus(t, address, ""), running)
	if o := see(t, d); o.State != event.Up {
		t.Errorf("after the restart: %s, %s", o.State, words.English(o.Detail))
	}
}

func TestBusRestartBetweenLooksIsNotNoticed(t *testing.T) {
	running := map[string]unit{"ds_agent.service": {"loaded", "active", "running", "success"}}
	address := socket(t)
	b := startBus(t, address, "")
	startManager(t, b, running)
	d := overBus(t, address, target("ds_agent"))
	see(t, d)
	b.stop()
	startManager(t, startBus(t, address, ""), running)
	if o := see(t, d); o.State != event.Up {
		t.Errorf("%s, %s", o.State, words.English(o.Detail))
	}
}

func TestNobodyToAsk(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(t *testing.T) string
		want    []string
	}{
		"no bus":     {socket, []string{"connect to D-Bus", "check that dbus runs"}},
		"no systemd": {func(t *testing.T) string { return startBus(t, socket(t), "").address }, []string{"ask systemd", "systemctl"}},
		"not permitted": {func(t *testing.T) string {
			b := startBus(t, socket(t), `<deny send_destination="org.freedesktop.systemd1" send_type="method_call"/>`)
			startManager(t, b, map[string]unit{})
			return b.address
		}, []string{"ask systemd", "run dswatch as root or let its user"}},
		"no bus at all": {func(t *testing.T) string { // something listens and never answers
			address := socket(t)
			l, err := net.Listen("unix", strings.TrimPrefix(address, "unix:path="))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { l.Close() })
			return address
		}, []string{"connect to D-Bus"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := overBus(t, c.prepare(t), target("ds_agent"))
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			begin := time.Now()
			o, err := d.Detect(ctx)
			if err == nil || o != nil {
				t.Fatalf("%v, %v; want only an error", o, err)
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("the error does not say %q: %v", w, err)
				}
			}
			if took := time.Since(begin); took > 4*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}

// A manager that hangs costs the time of the look and no more, and the
// connection is made anew.
func TestManagerThatHangs(t *testing.T) {
	b := startBus(t, socket(t), "")
	m := startManager(t, b, map[string]unit{"ds_agent.service": {"loaded", "active", "running", "success"}})
	d := overBus(t, b.address, target("ds_agent"))
	see(t, d)
	hung := d.table.(*units).conn
	m.mu.Lock()
	m.stall = make(chan struct{})
	m.mu.Unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	begin := time.Now()
	if o, err := d.Detect(ctx); err == nil {
		t.Errorf("%v, want an error", o)
	}
	if took := time.Since(begin); took > 2*time.Second {
		t.Errorf("took %s", took)
	}
	m.mu.Lock()
	close(m.stall)
	m.stall = nil
	m.mu.Unlock()
	if o := see(t, d); o.State != event.Up {
		t.Errorf("afterwards: %s, %s", o.State, words.English(o.Detail))
	}
	if d.table.(*units).conn == hung {
		t.Error("the connection that hung is still used")
	}
}

// TestOneUnitHidesNoOther: a unit that a security module keeps to itself, and one
// at which systemd hangs, are unknown; the others are seen, all of them with the
// look after at the latest.
func TestOneUnitHidesNoOther(t *testing.T) {
	b := startBus(t, socket(t), "")
	well := unit{"loaded", "active", "running", "success"}
	m := startManager(t, b, map[string]unit{"a.service": well, "b.service": {"org.freedesktop.DBus.Error.AccessDenied", "", "", ""}, "c.service": well, "d.service": {"loaded", "failed", "failed", "exit-code"}})
	var targets []Target
	for _, names := range []string{"a", "b", "c", "d", "b c", "b d"} {
		one := target(strings.Fields(names)...)
		one.Key.Name = strings.ReplaceAll(names, " ", "+")
		targets = append(targets, one)
	}
	d := overBus(t, b.address, targets...)
	look := func(patience time.Duration) (string, error) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		all, err := d.Detect(ctx)
		var got []string
		for _, o := range all {
			got = append(got, o.Key.Name+"="+string(o.State))
		}
		return strings.Join(got, " "), err
	}
	got, err := look(5 * time.Second)
	if want := "a=up c=up d=down b+c=up"; got != want || err == nil || !strings.Contains(err.Error(), "let its user") {
		t.Errorf("one is refused: %s, %v; want %s", got, err, want)
	}
	m.set("b.service", unit{"hangs", "", "", ""})
	seen := map[string]bool{}
	for range 2 {
		got, err := look(500 * time.Millisecond)
		if err == nil {
			t.Errorf("one hangs: %s, without an error", got)
		}
		for _, one := range strings.Fields(got) {
			seen[one] = true
		}
	}
	for _, want := range []string{"a=up", "c=up", "d=down"} {
		if !seen[want] {
			t.Errorf("two looks past one that hangs have not told %s, but %v", want, seen)
		}
	}
	if seen["b=down"] {
		t.Error("what hangs is down")
	}
}

// The dialler of New on this host, whatever it is: an answer or an error that
// says what to do, and nothing left open.
func TestThisHost(t *testing.T) {
	d, err := New([]Target{target("dswatch-no-such-unit")})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	o, err := d.Detect(t.Context())
	switch {
	case err != nil:
		t.Logf("no systemd here: %v", err)
		if !strings.Contains(err.Error(), "leave service rows out") {
			t.Errorf("the error does not say what to do: %v", err)
		}
	case o[0].State != event.Down:
		t.Errorf("%+v, want down", o[0])
	}
}

// TestStarts: how units begin with the host, as systemd tells it.
func TestStarts(t *testing.T) {
	b := startBus(t, socket(t), "")
	m := startManager(t, b, map[string]unit{
		"on.service": {"loaded", "active", "running", "success"}, "off.service": {"loaded", "active", "running", "success"},
		"masked.service": {"masked", "inactive", "dead", "success"}, "script.service": {"loaded", "active", "running", "success"},
		"unlinked.service": {"loaded", "active", "running", "success"}, "silent.service": {"loaded", "active", "running", "success"},
		"broken.service": {"org.freedesktop.systemd1.UnitFileError", "", "", ""}, "nosuch.service": {"org.freedesktop.systemd1.NoSuchUnit", "", "", ""},
	})
	m.mu.Lock()
	m.files = fileStates{"on.service": "enabled", "off.service": "disabled", "script.service": "generated", "unlinked.service": "generated"}
	m.mu.Unlock()
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", b.address)
	u := &units{root: t.TempDir(), dial: systemd.NewSystemConnectionContext}
	defer u.close()
	if err := os.MkdirAll(filepath.Join(u.root, "etc/rc3.d"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, link := range []string{"etc/rc3.d/S20script", "etc/rc3.d/K20unlinked"} {
		if err := os.WriteFile(filepath.Join(u.root, link), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := u.starts(t.Context(), []string{"on", "off", "masked", "script", "unlinked", "silent", "broken", "nosuch", "absent"})
	want := map[string]string{"on": "enabled", "off": "disabled", "masked": "masked", "script": "generated", "unlinked": "disabled", "nosuch": Gone, "absent": Gone}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
	m.conn.Close() // systemd is not there
	if got, err := u.starts(t.Context(), []string{"on"}); err == nil {
		t.Errorf("without systemd: %v, want an error", got)
	}
}
