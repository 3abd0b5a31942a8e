package test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dswatch/event"
	"dswatch/setting"
	"dswatch/sinks"
	"dswatch/sinks/sinktest"
	"dswatch/sinks/snmp"
	"dswatch/test/receive"
)

// TestPackSnmptt sends real traps through snmptrapd to snmptt with our pack:
// one line each, with the severity of the alert, and a clear that names its
// raise, in versions 1 and 2c, with and without the MIB.
func TestPackSnmptt(t *testing.T) {
	snmptt, err := exec.LookPath("snmptt")
	if err != nil {
		t.Fatal("snmptt is not installed: apt-get install snmptt")
	}
	mib, err := snmp.MIB("")
	if err != nil {
		t.Fatal(err)
	}
	conf, err := filepath.Abs("../deploy/packs/snmptt/snmptt.conf.dswatch")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ version, mib string }{"v2c": {"2c", mib}, "v1": {"1", mib}, "v2c without MIB": {"2c", ""}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			log, ini := filepath.Join(dir, "snmptt.log"), filepath.Join(dir, "snmptt.ini")
			text := fmt.Sprintf("[General]\nmode = standalone\nmultiple_event = 0\n[Logging]\nlog_enable = 1\nlog_file = %s\nsyslog_enable = 0\n[TrapFiles]\nsnmptt_conf_files = <<END\n%s\nEND\n", log, conf)
			if err := os.WriteFile(ini, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			d := receive.StartSnmptrapd(t, receive.SNMPOptions{MIB: c.mib, Handler: snmptt + " --ini=" + ini})
			cfg := snmp.Defaults()
			cfg.Name, cfg.Type, cfg.Address, cfg.Community, cfg.Version = "nms", "snmp", d.Address, setting.Secret("public"), c.version
			s, err := snmp.New(cfg, sinks.Env{Name: "nms", Host: "web01", StateDir: dir})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			raised, cleared := sinktest.Sample(1, event.Raised, "en"), sinktest.Sample(1, event.Cleared, "en")
			raised.Detail, raised.Severity = "first line\nsecond line", event.Warning
			for _, a := range []event.Alert{raised, cleared} {
				if err := s.Send(t.Context(), a); err != nil {
					t.Fatal(err)
				}
			}
			var lines []string
			for end := time.Now().Add(20 * time.Second); len(lines) < 2 && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
				b, _ := os.ReadFile(log)
				lines = strings.Split(strings.TrimSpace(string(b)), "\n")
			}
			if len(lines) != 2 {
				t.Fatalf("%d lines, want 2:\n%s\n%s", len(lines), strings.Join(lines, "\n"), d.Log())
			}
			for _, want := range []string{raised.Title + " | " + raised.Short + " | " + raised.Next + " | " + raised.ID, " Warning "} {
				if !strings.Contains(lines[0], want) {
					t.Errorf("raise is %q, want %q in it", lines[0], want)
				}
			}
			if !strings.Contains(lines[1], cleared.Title+" | "+raised.ID) || !strings.Contains(lines[1], " Normal ") {
				t.Errorf("clear is %q", lines[1])
			}
		})
	}
}
