package test

import (
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"dswatch/event"
	"dswatch/sinks"
	"dswatch/sinks/sinktest"
	"dswatch/sinks/syslog"
	"dswatch/test/ports"
)

// packed copies a file of a pack with other paths and ports.
func packed(t *testing.T, file string, change ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../deploy/packs", file))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(change); i += 2 {
		if !strings.Contains(string(b), change[i]) {
			t.Fatalf("%s has no %q", file, change[i])
		}
	}
	return strings.NewReplacer(change...).Replace(string(b))
}

// tool finds a program, also where an ordinary user's PATH does not lead.
func tool(t *testing.T, name, debianPackage string) string {
	t.Helper()
	for _, p := range []string{name, "/usr/sbin/" + name, "/sbin/" + name} {
		if p, err := exec.LookPath(p); err == nil {
			return p
		}
	}
	t.Fatalf("%s is not installed: apt-get install %s", name, debianPackage)
	return ""
}

// syslogNG runs syslog-ng, which cannot be installed beside rsyslog: tools.sh
// unpacks it.
func syslogNG(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	if p, err := exec.LookPath("syslog-ng"); err == nil {
		return exec.Command(p, args...)
	}
	const unpacked = "/opt/syslog-ng"
	libs, err := filepath.Glob(unpacked + "/usr/lib/syslog-ng/*/libjson-plugin.so")
	if err != nil || len(libs) != 1 {
		t.Fatal("syslog-ng is neither installed nor unpacked: run test/tools.sh as root")
	}
	modules := filepath.Dir(libs[0])
	cmd := exec.Command(unpacked+"/usr/sbin/syslog-ng", append([]string{"--module-path=" + modules}, args...)...)
	cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+strings.Join([]string{modules, filepath.Dir(modules), unpacked + "/usr/lib"}, ":"))
	return cmd
}

// TestPackSyslogJSON sends alerts through rsyslog and syslog-ng with our packs:
// each becomes one line of JSON that has the alert's fields and its whole text.
func TestPackSyslogJSON(t *testing.T) {
	for name, framing := range map[string]string{"rsyslog": "newline", "rsyslog/octets": "octet-counting", "syslog-ng": "octet-counting"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			port, out, conf := ports.Free(t, "tcp"), filepath.Join(dir, "out.json"), filepath.Join(dir, "conf")
			var cmd *exec.Cmd
			if strings.HasPrefix(name, "rsyslog") {
				text := "global(workDirectory=\"" + dir + "\" maxMessageSize=\"64k\")\n" + packed(t, "rsyslog/30-dswatch.conf", "5514", port, "/var/log/dswatch.json", out)
				write(t, conf, text)
				cmd = exec.Command(tool(t, "rsyslogd", "rsyslog"), "-n", "-f", conf, "-i", filepath.Join(dir, "pid"))
			} else {
				text := "@version: 3.38\noptions { keep-hostname(yes); log-msg-size(65536); };\n" + packed(t, "syslog-ng/dswatch.conf", "5514", port, "/var/log/dswatch.json", out)
				write(t, conf, text)
				cmd = syslogNG(t, "-F", "-f", conf, "-R", filepath.Join(dir, "persist"), "-p", filepath.Join(dir, "pid"), "-c", filepath.Join(dir, "ctl"))
			}
			var said strings.Builder
			cmd.Stdout, cmd.Stderr = &said, &said
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
			until(t, "an open port", func() bool {
				c, err := net.Dial("tcp", "127.0.0.1:"+port)
				if err == nil {
					_ = c.Close()
				}
				return err == nil
			})
			c := syslog.Defaults()
			c.Name, c.Type, c.Network, c.Address, c.Framing = "siem", "syslog", "tcp", "127.0.0.1:"+port, framing
			s, err := syslog.New(c, sinks.Env{Name: "siem", Host: "web01"})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			raised, cleared := sinktest.Sample(1, event.Raised, "ja"), sinktest.Sample(1, event.Cleared, "en")
			raised.Detail = `"quoted" ] \ | <b>`
			for _, a := range []event.Alert{raised, cleared} {
				if err := s.Send(t.Context(), a); err != nil {
					t.Fatal(err)
				}
			}
			var lines []string
			until(t, "two lines", func() bool {
				b, _ := os.ReadFile(out) // none yet is none
				lines = lines[:0]
				for line := range strings.Lines(string(b)) {
					if strings.Contains(line, raised.ID) {
						lines = append(lines, line)
					}
				}
				return len(lines) >= 2
			})
			for i, a := range []event.Alert{raised, cleared} {
				var got struct {
					Transition, Message string
					Dswatch             map[string]string
				}
				if err := json.Unmarshal([]byte(lines[i]), &got); err != nil {
					t.Fatalf("%v\n%s\n%s", err, lines[i], said.String())
				}
				if got.Transition != string(a.Transition) || !strings.HasPrefix(got.Message, "[") || !strings.Contains(got.Message, a.Title) || !strings.HasSuffix(got.Message, a.Text) {
					t.Errorf("%s", lines[i])
				}
				for key, want := range map[string]string{"id": a.ID, "host": a.Key.Host, "severity": string(a.Severity), "detail": a.Detail, "confirm": a.Confirm} {
					if got.Dswatch[key] != want {
						t.Errorf("%s is %q, want %q", key, got.Dswatch[key], want)
					}
				}
			}
		})
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
