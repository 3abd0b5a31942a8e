package test

import (
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"dswatch/event"
	"dswatch/sinks"
	"dswatch/sinks/sinktest"
	"dswatch/sinks/syslog"
)

// TestPackNagios lets Nagios verify our file, with a host that has the service,
// and runs the command that it names.
func TestPackNagios(t *testing.T) {
	me, err := user.Current() // whom Nagios must not leave: the files are his
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	objects, main := filepath.Join(dir, "objects.cfg"), filepath.Join(dir, "nagios.cfg")
	write(t, objects, packed(t, "nagios/dswatch.cfg", "/usr/bin/dswatch", dswatch)+`
define timeperiod { 
  timeperiod_name 24x7
  alias always
  monday 00:00-24:00
}
define command {
  command_name notify
  command_line /bin/true
}
define contact {
  contact_name noc
  host_notification_period 24x7
  service_notification_period 24x7
  host_notification_options d,r
  service_notification_options w,u,c,r
  host_notification_commands notify
  service_notification_commands notify
}
define host {
  host_name web01
  address 127.0.0.1
  check_command notify
  max_check_attempts 1
  check_period 24x7
  notification_period 24x7
  contacts noc
}
define service {
  use dswatch-service
  host_name web01
  contacts noc
}
define service {
  use dswatch-service
  service_description Deep Security here
  host_name web01
  check_command check_dswatch
  contacts noc
}
`)
	write(t, main, "cfg_file="+objects+"\nlog_file="+dir+"/log\ntemp_path="+dir+"\ncheck_result_path="+dir+"\nlock_file="+dir+"/lock\nnagios_user="+me.Username+"\nnagios_group="+me.Gid+"\nillegal_macro_output_chars=`~$&|'\"<>\n")
	out, err := exec.Command(tool(t, "nagios4", "nagios4-core"), "-v", main).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "Total Errors:   0") || !strings.Contains(string(out), "Total Warnings: 0") || !strings.Contains(string(out), "Checked 2 services") {
		t.Errorf("%v\n%s", err, out)
	}
	line := regexp.MustCompile(`command_line\s+(\S+ check --format nagios)`).FindStringSubmatch(packed(t, "nagios/dswatch.cfg"))
	if line == nil {
		t.Fatal("the file names no command")
	}
	cmd := exec.Command(dswatch, strings.Fields(line[1])[1:]...)
	said, _ := cmd.Output() // its exit code is the verdict
	if code := cmd.ProcessState.ExitCode(); code < 0 || code > 3 || !regexp.MustCompile(`(?m)\A(DSWATCH|dswatch|OK|WARNING|CRITICAL|UNKNOWN)`).Match(said) {
		t.Errorf("exit %d:\n%s", code, said)
	}
}

// TestPackAlertmanager checks our configuration, and where its route leads.
func TestPackAlertmanager(t *testing.T) {
	amtool := tool(t, "amtool", "prometheus-alertmanager")
	const file = "../deploy/packs/alertmanager/alertmanager.yml"
	if out, err := exec.Command(amtool, "check-config", file).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for labels, want := range map[string]string{
		"alertname=dswatch_loss severity=critical": "pager", "alertname=dswatch_loss severity=warning": "noc",
		"alertname=dswatch_alive severity=info": "deadman", "alertname=other": "default",
	} {
		out, err := exec.Command(amtool, append([]string{"config", "routes", "test", "--config.file=" + file}, strings.Fields(labels)...)...).Output()
		if got := strings.TrimSpace(string(out)); err != nil || got != want {
			t.Errorf("%s goes to %q, want %s (%v)", labels, got, want, err)
		}
	}
}

// TestPackSplunk reads real messages with the expressions of transforms.conf.
func TestPackSplunk(t *testing.T) {
	conf := packed(t, "splunk/TA-dswatch/default/transforms.conf")
	all := regexp.MustCompile(`(?m)^REGEX = (.*)$`).FindAllStringSubmatch(conf, -1)
	if len(all) != 2 {
		t.Fatalf("%d expressions", len(all))
	}
	fields, message := regexp.MustCompile(all[0][1]), regexp.MustCompile(all[1][1])
	address, next := udp(t)
	c := syslog.Defaults()
	c.Name, c.Type, c.Address = "siem", "syslog", address
	s, err := syslog.New(c, sinks.Env{Name: "siem", Host: "web01"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, language := range []string{"en", "ja"} {
		a := sinktest.Sample(1, event.Raised, language)
		a.Detail = `a "quoted" ] one`
		if err := s.Send(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		raw, got := next(), map[string]string{}
		for _, f := range fields.FindAllStringSubmatch(raw, -1) {
			got[f[1]] = f[2]
		}
		for key, want := range map[string]string{"id": a.ID, "transition": "raised", "severity": "critical", "host": a.Key.Host, "name": a.Key.Name, "detail": `a \"quoted\" \] one`} {
			if got[key] != want {
				t.Errorf("%s is %q, want %q", key, got[key], want)
			}
		}
		if m := message.FindStringSubmatch(raw); m == nil || !strings.HasPrefix(m[1], "[") || !strings.HasSuffix(m[1], a.Text) {
			t.Errorf("message %q of %s", m, raw)
		}
	}
}
