package catalog_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"dswatch/catalog"
	"dswatch/event"
	"dswatch/setting"
	"dswatch/words"
)

var update = flag.Bool("update", false, "write the golden files")

// once, because a Catalog is immutable.
var loaded = sync.OnceValues(catalog.Load)

func load(t testing.TB) *catalog.Catalog {
	t.Helper()
	c, err := loaded()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestKleene(t *testing.T) {
	for _, c := range []struct{ a, b, and, or catalog.Tri }{
		{catalog.Yes, catalog.Yes, catalog.Yes, catalog.Yes},
		{catalog.Yes, catalog.No, catalog.No, catalog.Yes},
		{catalog.Yes, catalog.Unknown, catalog.Unknown, catalog.Yes},
		{catalog.No, catalog.No, catalog.No, catalog.No},
		{catalog.No, catalog.Unknown, catalog.No, catalog.Unknown},
		{catalog.Unknown, catalog.Unknown, catalog.Unknown, catalog.Unknown},
	} {
		if c.a.And(c.b) != c.and || c.b.And(c.a) != c.and || c.a.Or(c.b) != c.or || c.b.Or(c.a) != c.or {
			t.Errorf("%s and %s: and is %s, or is %s", c.a, c.b, c.a.And(c.b), c.a.Or(c.b))
		}
	}
	for _, v := range []catalog.Tri{catalog.Yes, catalog.No, catalog.Unknown} {
		b, _ := v.MarshalText()
		var back catalog.Tri = 7
		if err := back.UnmarshalText(b); err != nil || back != v || v.Not().Not() != v {
			t.Errorf("%s became %s, %v", v, back, err)
		}
	}
	if new(catalog.Tri).UnmarshalText([]byte("perhaps")) == nil {
		t.Error("perhaps was accepted")
	}
}

// TestVendorsFootnotesAreThere names every footnote of the vendor's article
// by section and number.
func TestVendorsFootnotesAreThere(t *testing.T) {
	c := load(t)
	want := map[string]int{
		"agent-windows-1": 1, "agent-windows-2": 2, "agent-windows-3": 3, "agent-windows-4": 4, "agent-windows-5": 5, "agent-windows-6": 6, "agent-windows-7": 7,
		"agent-linux-1": 1, "agent-linux-2": 2, "agent-linux-3": 3, "agent-linux-4": 4, "agent-linux-5": 5, "agent-linux-6": 6, "agent-linux-7": 7, "agent-linux-8": 8,
		"appliance-version": 0, "port-1": 1, "port-notice": 0,
	}
	sections := map[string]string{
		"agent-windows": "Deep Security Agent - Windows", "agent-linux": "Deep Security Agent - Linux",
		"appliance": "Deep Security Virtual Appliance", "port": "Deep Security Agent / Deep Security Virtual Appliance - ポートで監視する",
	}
	used := map[string]bool{}
	for _, r := range c.Rows("") {
		for _, id := range r.Footnotes {
			used[id] = true
		}
	}
	for id, number := range want {
		n, ok := c.Footnote(id)
		prefix := id[:strings.LastIndex(id, "-")]
		if !ok || n.Number != number || n.Section != sections[prefix] {
			t.Errorf("%s: found %v, number %d in section %q", id, ok, n.Number, n.Section)
		}
		if !used[id] {
			t.Errorf("%s is of no row", id)
		}
		sentence(t, id, n.In("en"), n.In("ja"))
	}
	n, ok := c.Footnote("port-direction")
	if !ok || n.Section != "" || !used[n.ID] {
		t.Errorf("our own note is missing, unused or passed off as the vendor's: %+v", n)
	}
	sentence(t, n.ID, n.In("en"), n.In("ja"))
	if _, ok := c.Footnote("agent-linux-9"); ok {
		t.Error("a footnote that the vendor does not have was found")
	}
}

// sentence looks at the form of a text in both languages.
func sentence(t *testing.T, what, en, ja string) {
	t.Helper()
	if !strings.HasSuffix(en, ".") || strings.Contains(en, "  ") || strings.ContainsFunc(en, func(r rune) bool { return r > unicode.MaxASCII || r < ' ' }) {
		t.Errorf("%s: English text is not whole sentences in ASCII: %q", what, en)
	}
	if !strings.HasSuffix(ja, "。") || !strings.ContainsFunc(ja, func(r rune) bool { return unicode.In(r, unicode.Hiragana) }) ||
		strings.Contains(ja, "。 ") || strings.Contains(ja, "、 ") || strings.Contains(ja, ". ") && !strings.Contains(ja, "BIO_") || strings.ContainsFunc(ja, unicode.IsControl) {
		t.Errorf("%s: Japanese text is not whole sentences: %q", what, ja)
	}
	if strings.Contains(ja, "である。") || strings.Contains(ja, "した。") && !strings.Contains(ja, "ました。") && !strings.Contains(ja, "でした。") {
		t.Errorf("%s: Japanese text is not in the polite style: %q", what, ja)
	}
}

// systems returns where a row can be.
func systems(r *catalog.Row) []string {
	if len(r.OS) == 0 {
		return event.OS.Allowed()
	}
	return r.OS
}

func TestEveryRowHasMeaningAndImpact(t *testing.T) {
	for _, r := range load(t).Rows("") {
		for _, os := range append(systems(r), "") {
			for _, state := range []event.State{event.Down, event.Degraded} {
				en, ja := meaning(r, os, state, "en"), meaning(r, os, state, "ja")
				what := r.ID() + " " + string(state) + " on " + os
				sentence(t, what, en, ja)
				if n := strings.Count(en+" ", ". "); n < 1 || n > 3 || len(en) > 400 {
					t.Errorf("%s: %d sentences, %d bytes: %q", what, n, len(en), en)
				}
				if strings.Contains(en, "added in the configuration") {
					t.Errorf("%s: has no text of its own", what)
				}
				if i := r.ImpactOf(os, state); i == "" || i == event.VisibilityLost {
					t.Errorf("%s: impact %q", what, i)
				}
			}
			if meaning(r, os, event.Up, "en") != "" || r.ImpactOf(os, event.Unknown) != event.VisibilityLost {
				t.Errorf("%s on %s: up means %q, unknown is %s", r.ID(), os, meaning(r, os, event.Up, "en"), r.ImpactOf(os, event.Unknown))
			}
			sentence(t, r.ID()+" unknown", meaning(r, os, event.Unknown, "en"), meaning(r, os, event.Unknown, "ja"))
		}
		if r.Want() > 1 && meaning(r, "linux", event.Degraded, "en") == "It is present but does not fully run. If it is lost: "+meaning(r, "linux", event.Down, "en") {
			t.Errorf("%s counts instances and has no text for degraded", r.ID())
		}
	}
}

func TestImpacts(t *testing.T) {
	c := load(t)
	for _, x := range []struct {
		kind           event.Kind
		name, os       string
		down, degraded event.Impact
	}{
		{event.Process, "ds_agent", event.Linux, event.ManagementLost, event.ManagementLost},
		{event.Process, "ds_agent", "", event.ManagementLost, event.ManagementLost},
		{event.Process, "dsa.exe", event.Windows, event.ProtectionLost, event.ProtectionReduced},
		{event.Service, "ds_agent", event.Windows, event.ProtectionLost, event.ProtectionReduced},
		{event.Process, "ds_monitor.exe", event.Windows, event.ProtectionReduced, event.ProtectionReduced},
		{event.Process, "Notifier.exe", event.Windows, event.NoticeLost, event.NoticeLost},
		{event.Process, "ds_am", event.Linux, event.ProtectionLost, event.ProtectionReduced},
		{event.Process, "dsvp", event.Solaris, event.UpdatesLost, event.UpdatesLost},
		{event.Driver, "dsa_filter", event.Linux, event.ProtectionLost, event.ProtectionReduced},
		{event.Driver, "tbimdsa", event.Windows, event.ProtectionLost, event.ProtectionReduced},
		{event.Port, "4118/tcp", event.Linux, event.ManagementLost, event.ManagementLost},
		{event.Port, "4122/tcp", event.Windows, event.UpdatesLost, event.UpdatesLost},
	} {
		r := c.Find(event.Key{Host: "h", Component: event.Agent, Kind: x.kind, Name: x.name}, x.os)
		if r == nil {
			t.Errorf("%s/%s on %s is not there", x.kind, x.name, x.os)
			continue
		}
		if down, degraded := r.ImpactOf(x.os, event.Down), r.ImpactOf(x.os, event.Degraded); down != x.down || degraded != x.degraded {
			t.Errorf("%s on %s: %s when down, %s when degraded; want %s and %s", r.ID(), x.os, down, degraded, x.down, x.degraded)
		}
	}
}

// TestEveryRowCanBeConfirmed holds the commands to the list of tools that
// the watch list names, and Unix ones to the shell's grammar.
func TestEveryRowCanBeConfirmed(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal("sh is missing; install dash or another POSIX shell")
	}
	tools := map[string][]string{
		"windows process": {"tasklist"}, "windows service": {"sc.exe query "}, "windows driver": {"sc.exe query "}, "windows port": {"netstat "},
		"linux process": {"ps -ef"}, "linux driver": {"lsmod"}, "linux port": {"ss -ltn"},
		"solaris process": {"ps -ef"}, "solaris driver": {"modinfo"}, "solaris port": {"netstat -an -f inet"},
		"esxi driver": {"vmkload_mod -l"}, "esxi port": {"esxcli network ip connection list"}, "aix port": {"netstat -an"},
	}
	for _, r := range load(t).Rows("") {
		for _, os := range systems(r) {
			got := r.ConfirmOn(os)
			want := tools[os+" "+string(r.Kind)]
			if len(want) == 0 || !strings.Contains(got, want[0]) {
				t.Errorf("%s on %s: %q, want one with %q", r.ID(), os, got, want)
			}
			for _, bad := range []string{"telnet", "nc ", "curl", "openssl", "Test-NetConnection", "/dev/tcp"} {
				if strings.Contains(got, bad) {
					t.Errorf("%s on %s: %q connects", r.ID(), os, got)
				}
			}
			if os != event.Windows {
				if out, err := exec.CommandContext(t.Context(), sh, "-n", "-c", got).CombinedOutput(); err != nil {
					t.Errorf("%s on %s: %q: %s", r.ID(), os, got, out)
				}
			}
		}
		if got := r.ConfirmOn(""); got == "" || strings.Contains(got, "telnet") {
			t.Errorf("%s on an unknown system: %q", r.ID(), got)
		}
	}
}

// TestConfirmCommandsTellApart runs what stands behind the pipe of a command
// over lines as the tool prints them.
func TestConfirmCommandsTellApart(t *testing.T) {
	ps := `UID        PID  PPID  C STIME TTY          TIME CMD
root      1201     1  0 Nov20 ?        00:00:01 /opt/ds_agent/ds_agent -w /var/opt/ds_agent -b -i -e /opt/ds_agent/ext
root      1202  1201  0 Nov20 ?        00:03:11 /opt/ds_agent/ds_agent -w /var/opt/ds_agent -b -i -e /opt/ds_agent/ext
root      1310  1202  0 Nov20 ?        00:00:40 /opt/ds_agent/ds_am -g ../diag -v 5 -d /var/opt/ds_agent/am
root      1311  1310  0 Nov20 ?        00:09:40 /opt/ds_agent/ds_am -g ../diag -v 5 -d /var/opt/ds_agent/am
root      1400     2  0 Nov20 ?        00:00:00 [ds_kmemcg]
root      1500     1  0 Nov20 ?        00:00:00 nginx: master process /usr/sbin/nginx
root      1600     1  0 Nov20 ?        00:09:00 /opt/dsm/jre/bin/java -jar dsm.jar
root      1700  1699  0 10:00 pts/0    00:00:00 vi ds_agent.init
`
	lsmod := `Module                  Size  Used by
dsa_filter            913408  1
dsa_filter_hook        16384  1 dsa_filter
`
	c := load(t)
	for _, x := range []struct {
		component, kind, name, screen string
		lines                         int
	}{
		{"agent", "process", "ds_agent", ps, 2},
		{"agent", "process", "ds_am", ps, 2},
		{"agent", "process", "ds_kmemcg", ps, 1},
		{"agent", "process", "tm_netagent", ps, 0},
		{"manager", "process", "/opt/dsm/jre/bin/java", ps, 1},
		{"agent", "driver", "dsa_filter_hook", lsmod, 1},
	} {
		r := c.Find(event.Key{Host: "h", Component: x.component, Kind: event.Kind(x.kind), Name: x.name}, event.Linux)
		_, filter, _ := strings.Cut(r.ConfirmOn(event.Linux), "|")
		cmd := exec.CommandContext(t.Context(), "sh", "-c", filter)
		cmd.Stdin = strings.NewReader(x.screen)
		out, err := cmd.Output()
		if exit := (*exec.ExitError)(nil); err != nil && !(errors.As(err, &exit) && exit.ExitCode() == 1) {
			t.Fatalf("%s: %v", filter, err)
		}
		if n := bytes.Count(out, []byte("\n")); n != x.lines {
			t.Errorf("%s: %q shows %d lines, want %d:\n%s", x.name, filter, n, x.lines, out)
		}
	}
}

func TestConfirmOfOwnRows(t *testing.T) {
	for _, x := range []struct {
		os   string
		row  catalog.Row
		want string
	}{
		{"linux", catalog.Row{Kind: "service", Name: "my app@1.service"}, `systemctl status 'my app@1.service'`},
		{"linux", catalog.Row{Kind: "process", Name: "it's"}, `ps -ef | grep '[i]t'\''s'`},
		{"linux", catalog.Row{Kind: "process", Name: "[kworker]"}, `ps -ef | grep '\[kworker\]'`},
		{"linux", catalog.Row{Kind: "process", Name: "a.b*"}, `ps -ef | grep '[a]\.b\*'`},
		{"linux", catalog.Row{Kind: "port", Name: "8080/tcp"}, `ss -ltn | grep ':8080 '`},
		{"windows", catalog.Row{Kind: "service", Name: "My Service"}, `sc.exe query "My Service"`},
		{"windows", catalog.Row{Kind: "port", Name: "4118/tcp"}, `netstat -ano | findstr LISTENING | findstr /c:":4118 "`},
		{"windows", catalog.Row{Kind: "process", Name: `C:\x\my.exe`}, `tasklist /FI "IMAGENAME eq my.exe"`},
		{"solaris", catalog.Row{Kind: "service", Name: "svc:/application/ds_agent:default"}, `svcs svc:/application/ds_agent:default`},
		{"aix", catalog.Row{Kind: "service", Name: "ds_agent"}, `lssrc -s ds_agent`},
		{"aix", catalog.Row{Kind: "driver", Name: "x"}, `genkex | grep -w x`},
		{"esxi", catalog.Row{Kind: "process", Name: "x"}, `ps -c | grep '[x]'`},
		{"esxi", catalog.Row{Kind: "service", Name: "x"}, `/etc/init.d/x status`},
		{"linux", catalog.Row{Kind: "process", Name: "x", Confirm: map[string]string{"linux": "systemd-cgls x"}}, `systemd-cgls x`},
		{"", catalog.Row{Kind: "process", Name: "x"}, `windows: tasklist /FI "IMAGENAME eq x"; linux: ps -ef | grep '[x]'`},
	} {
		if err := x.row.Validate(); err != nil {
			t.Errorf("%+v: %v", x.row, err)
		}
		if got := x.row.ConfirmOn(x.os); got != x.want {
			t.Errorf("%s %s on %s:\ngot  %s\nwant %s", x.row.Kind, x.row.Name, x.os, got, x.want)
		}
	}
}

func TestMatch(t *testing.T) {
	c := load(t)
	find := func(component string, kind event.Kind, name string) *catalog.Row {
		return c.Find(event.Key{Host: "h", Component: component, Kind: kind, Name: name}, "")
	}
	java := find("manager", event.Process, "/opt/dsm/jre/bin/java")
	for _, x := range []struct {
		row          *catalog.Row
		names, paths []string
	}{
		{java, []string{"java"}, []string{"/opt/dsm/jre/bin/java"}},
		{find("agent", event.Process, "nginx"), []string{"nginx"}, []string{"/opt/ds_agent/**/nginx"}},
		{find("agent", event.Process, "nginx.exe"), []string{"nginx.exe"}, []string{`**/Deep Security Agent/**/nginx.exe`}},
		{find("agent", event.Process, "dsa.exe"), []string{"dsa.exe", "ds_agent.exe"}, nil},
		{find("agent", event.Process, "ds_kproc"), []string{"ds_kproc"}, nil},
		{find("manager", event.Service, "Trend Micro Deep Security Manager"), []string{"Trend Micro Deep Security Manager"}, nil},
		{&catalog.Row{Kind: event.Process, Name: `D:\a\b.exe`}, []string{"b.exe"}, []string{`D:\a\b.exe`}},
		{&catalog.Row{Kind: event.Service, Name: "svc:/a/b:c"}, []string{"svc:/a/b:c"}, nil},
	} {
		if d := cmp.Diff(x.names, x.row.Names()) + cmp.Diff(x.paths, x.row.Paths()); d != "" {
			t.Errorf("%s: %s", x.row.ID(), d)
		}
	}
	if p := find("agent", event.Port, "4122/tcp").Port(); p != 4122 || java.Port() != 0 {
		t.Errorf("port %d and %d", p, java.Port())
	}
}

func TestFindAndRows(t *testing.T) {
	c := load(t)
	k := event.Key{Host: "h", Component: "agent", Kind: event.Process, Name: "ds_agent"}
	if c.Find(k, event.Linux) == nil || c.Find(k, event.Solaris) != c.Find(k, event.Linux) || c.Find(k, "") == nil {
		t.Error("ds_agent is not found where it is")
	}
	if c.Find(k, event.Windows) != nil {
		t.Error("the process ds_agent was found on Windows")
	}
	k.Component = "manager"
	if c.Find(k, event.Linux) != nil {
		t.Error("the process ds_agent was found as a manager's")
	}
	for os, n := range map[string]int{"windows": 20, "linux": 14, "solaris": 9, "esxi": 4, "aix": 3, "": len(questions)} {
		if got := len(c.Rows(os)); got != n {
			t.Errorf("%d rows for %q, want %d", got, os, n)
		}
	}
}

// badSetting fails unless err names key and ends with a step that holds all
// of the texts.
func badSetting(t *testing.T, err error, key string, texts ...string) {
	t.Helper()
	var s *setting.Error
	if !errors.As(err, &s) {
		t.Errorf("%v is not a setting error for %s", err, key)
		return
	}
	if s.Key != key {
		t.Errorf("key %s, want %s: %v", s.Key, key, err)
	}
	for _, want := range texts {
		if !strings.Contains(s.Err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
}

func TestOwnRows(t *testing.T) {
	text := `
- {kind: service, name: sshd.service, os: [linux]}
- component: agent
  os: [linux]
  kind: process
  name: ds_extra
  match: {aliases: [ds_extra2], paths: ["/opt/ds_agent/**/ds_extra*"]}
  instances: 3
  when: relay AND agent_version >= 20.0
  footnotes: [agent-linux-4]
  loss:
    - os: [linux]
      down: {impact: updates_lost, en: It is gone., ja: ありません。}
  confirm: {linux: pgrep -a ds_extra}
- {component: shop, kind: port, name: 8080/tcp, loss: [{down: {ja: 停止しています。}}]}
`
	var items []catalog.Row
	if err := yaml.NewDecoder(strings.NewReader(text), yaml.Strict()).Decode(&items); err != nil {
		t.Fatal(err)
	}
	for _, r := range items {
		if err := r.Validate(); err != nil {
			t.Error(err)
		}
	}
	vendor := load(t)
	before := len(vendor.Rows(""))
	c, err := vendor.With(items, []string{"driver/dsa_filter_hook", "4118/tcp"})
	if err != nil {
		t.Fatal(err)
	}
	if len(vendor.Rows("")) != before || len(c.Rows("")) != before-3+3 {
		t.Errorf("%d rows became %d, and the vendor's list has %d", before, len(c.Rows("")), len(vendor.Rows("")))
	}
	linux := event.Facts{event.OS: {Value: "linux", Origin: "kernel"}, event.Components: {Value: "agent", Origin: "package"}, event.Relay: {Value: "on", Origin: "learned"}, event.AgentVersion: {Value: "20.0.0-1", Origin: "package"}}
	for _, x := range []struct {
		component, kind, name string
		expected              catalog.Tri
		reason, meaning       string
		impact                event.Impact
	}{
		{catalog.Own, "service", "sshd.service", catalog.Yes, "it is always expected", "added in the configuration", event.ProtectionReduced},
		{"agent", "process", "ds_extra", catalog.Yes, "expected because relay is on [learned] and agent_version is 20.0.0-1 [package] (>= 20.0); note: Runs only on an agent that is a relay.", "It is gone.", event.UpdatesLost},
		{"shop", "port", "8080/tcp", catalog.Yes, "always expected", "停止しています。", event.ProtectionReduced},
	} {
		r := c.Find(event.Key{Host: "h", Component: x.component, Kind: event.Kind(x.kind), Name: x.name}, "linux")
		if r == nil {
			t.Errorf("%s is not there", x.name)
			continue
		}
		v := r.Evaluate(linux)
		if v.Expected != x.expected || !strings.Contains(v.ReasonIn("en"), x.reason) || v.ReasonIn("ja") == "" {
			t.Errorf("%s: %s, %s", x.name, v.Expected, v.ReasonIn("en"))
		}
		if m := meaning(r, "linux", event.Down, "en"); !strings.Contains(m, x.meaning) || r.ImpactOf("linux", event.Down) != x.impact {
			t.Errorf("%s: %q, %s", x.name, m, r.ImpactOf("linux", event.Down))
		}
		if meaning(r, "linux", event.Down, "ja") == "" {
			t.Errorf("%s has no Japanese text", x.name)
		}
	}
	if c.Find(event.Key{Host: "h", Component: "agent", Kind: event.Driver, Name: "dsa_filter_hook"}, "linux") != nil {
		t.Error("an ignored row is still there")
	}
}

func TestWithRefuses(t *testing.T) {
	own := func(kind event.Kind, name string) catalog.Row { return catalog.Row{Kind: kind, Name: name} }
	vendors := catalog.Row{Component: "agent", Kind: "process", Name: "ds_agent", OS: []string{"linux"}, Instances: 1}
	for _, x := range []struct {
		name   string
		items  []catalog.Row
		ignore []string
		key    string
		texts  []string
	}{
		{"ignore with a typo", nil, []string{"dsa_filter", "driver/dsa_filter_hok"}, "ignore[1]", []string{"matches no row", "did you mean driver/dsa_filter_hook?"}},
		{"ignore of another kind", nil, []string{"service/tbimdsa"}, "ignore[0]", []string{"did you mean driver/tbimdsa?"}},
		{"ignore nothing like it", nil, []string{"completely-other-thing"}, "ignore[0]", []string{"dswatch catalog"}},
		{"ignore empty", nil, []string{""}, "ignore[0]", []string{"matches no row"}},
		{"the vendor's row again", []catalog.Row{vendors}, nil, "items[0].name", []string{"on the list already", "process/ds_agent into watch.ignore"}},
		{"twice", []catalog.Row{own("service", "x"), own("service", "x")}, nil, "items[1].name", []string{"on the list already"}},
		{"invalid", []catalog.Row{own("service", "x"), own("servce", "x")}, nil, "items[1].kind", []string{"did you mean service?"}},
		{"footnote", []catalog.Row{{Kind: "service", Name: "x", Footnotes: []string{"agent-linux-11"}}}, nil, "items[0].footnotes[0]", []string{"did you mean agent-linux-1?"}},
	} {
		t.Run(x.name, func(t *testing.T) {
			_, err := load(t).With(x.items, x.ignore)
			badSetting(t, err, x.key, x.texts...)
		})
	}
	if _, err := load(t).With([]catalog.Row{vendors}, []string{"process/ds_agent"}); err != nil {
		t.Errorf("a row cannot be replaced: %v", err)
	}
	elsewhere := vendors
	elsewhere.OS = []string{"aix"}
	if _, err := load(t).With([]catalog.Row{elsewhere}, nil); err != nil {
		t.Errorf("a row cannot be added for another system: %v", err)
	}
}

func TestRowValidate(t *testing.T) {
	good := func() catalog.Row { return catalog.Row{Kind: "process", Name: "x"} }
	for _, x := range []struct {
		key   string
		make  func(*catalog.Row)
		texts []string
	}{
		{"kind", func(r *catalog.Row) { r.Kind = "" }, []string{"write process, service, driver or port"}},
		{"kind", func(r *catalog.Row) { r.Kind = "proces" }, []string{"did you mean process?"}},
		{"name", func(r *catalog.Row) { r.Name = "" }, []string{"is missing"}},
		{"name", func(r *catalog.Row) { r.Name = "a\nb" }, nil},
		{"name", func(r *catalog.Row) { r.Name = " a" }, nil},
		{"name", func(r *catalog.Row) { r.Name = "\u202ex" }, nil},
		{"name", func(r *catalog.Row) { r.Name = "\xff" }, nil},
		{"name", func(r *catalog.Row) { r.Name = strings.Repeat("x", 513) }, nil},
		{"name", func(r *catalog.Row) { r.Name = "/opt/x/" }, []string{"is a directory"}},
		{"name", func(r *catalog.Row) { r.Kind, r.Name = "port", "4118" }, []string{"4118/tcp"}},
		{"name", func(r *catalog.Row) { r.Kind, r.Name = "port", "0/tcp" }, nil},
		{"name", func(r *catalog.Row) { r.Kind, r.Name = "port", "65536/tcp" }, nil},
		{"name", func(r *catalog.Row) { r.Kind, r.Name = "port", "080/tcp" }, nil},
		{"name", func(r *catalog.Row) { r.Kind, r.Name = "port", "/tcp" }, nil},
		{"component", func(r *catalog.Row) { r.Component = "a/b" }, nil},
		{"os[1]", func(r *catalog.Row) { r.OS = []string{"linux", "window"} }, []string{"did you mean windows?"}},
		{"match.aliases[0]", func(r *catalog.Row) { r.Match.Aliases = []string{"/a/b"} }, nil},
		{"match.paths[0]", func(r *catalog.Row) { r.Match.Paths = []string{"*"} }, []string{"/opt/ds_agent/**/nginx"}},
		{"match.paths[0]", func(r *catalog.Row) { r.Match.Paths = []string{"bin/x"} }, nil},
		{"match.paths[1]", func(r *catalog.Row) { r.Match.Paths = []string{"/a", "/a/[b"} }, nil},
		{"match.paths[0]", func(r *catalog.Row) { r.Match.Paths = []string{""} }, nil},
		{"match", func(r *catalog.Row) { r.Kind, r.Match.Paths = "driver", []string{"/a"} }, nil},
		{"match", func(r *catalog.Row) { r.Kind, r.Match.Aliases = "service", []string{"a"} }, nil},
		{"instances", func(r *catalog.Row) { r.Instances = -1 }, nil},
		{"instances", func(r *catalog.Row) { r.Instances = 10001 }, nil},
		{"instances", func(r *catalog.Row) { r.Kind, r.Instances = "service", 2 }, nil},
		{"loss[0].os[0]", func(r *catalog.Row) { r.Loss = []catalog.Loss{{OS: []string{"lnux"}}} }, []string{"did you mean linux?"}},
		{"loss[0].degraded.impact", func(r *catalog.Row) { r.Loss = []catalog.Loss{{Degraded: catalog.Effect{Impact: "protection_los"}}} }, []string{"did you mean protection_lost?"}},
		{"loss[0].down.ja", func(r *catalog.Row) { r.Loss = []catalog.Loss{{Down: catalog.Effect{Text: catalog.Text{JA: "a\nb"}}}} }, nil},
		{"confirm.linx", func(r *catalog.Row) { r.Confirm = map[string]string{"linx": "ps"} }, []string{"did you mean linux?"}},
		{"confirm.linux", func(r *catalog.Row) { r.Confirm = map[string]string{"linux": ""} }, nil},
	} {
		r := good()
		x.make(&r)
		err := r.Validate()
		if err == nil {
			t.Errorf("%s: %+v was accepted", x.key, r)
			continue
		}
		badSetting(t, err, x.key, x.texts...)
	}
	if err := good().Validate(); err != nil {
		t.Error(err)
	}
}

func TestRowStrictDecoding(t *testing.T) {
	for _, bad := range []string{
		"[{kind: service, name: x, whn: relay}]",
		"[{kind: service, name: x, match: {path: [/a]}}]",
		"[{kind: service, name: x, loss: [{down: {impakt: updates_lost}}]}]",
		"[{kind: service, name: x, when: relai}]",
		"[{kind: service, name: x, when: [relay]}]",
	} {
		var items []catalog.Row
		if err := yaml.NewDecoder(strings.NewReader(bad), yaml.Strict()).Decode(&items); err == nil {
			t.Errorf("%s was accepted", bad)
		}
	}
}

// TestHostileFacts: what comes from another host cannot break a line or
// flood a reason.
func TestHostileFacts(t *testing.T) {
	c := load(t)
	r := c.Find(event.Key{Host: "h", Component: "agent", Kind: event.Process, Name: "tm_netagent"}, "linux")
	for _, version := range []string{"20.0\x1b[31m", "20.0\nx", "20.0\u202e", strings.Repeat("9", 500), "\xff\xfe", "1e9", "-20.0", "20..1"} {
		f := event.Facts{
			event.OS:            {Value: "linux"},
			event.Components:    {Value: "agent"},
			event.TLSInspection: {Value: "on", Origin: "evil\nline\x1b[2J" + strings.Repeat("x", 1000)},
			event.AgentVersion:  {Value: version, Origin: "evil\nline\u202e"},
		}
		v := r.Evaluate(f)
		if v.Expected != catalog.Unknown && version != "1e9" {
			t.Errorf("%q: %s", version, v.Expected)
		}
		for _, s := range []string{v.ReasonIn("en"), v.ReasonIn("ja")} {
			if strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }) || len(s) > 1000 {
				t.Errorf("%q: reason %q", version, s)
			}
		}
		f[event.AgentVersion] = event.Fact{Value: "20.0.0-8438"}
		if v := r.Evaluate(f); v.Expected != catalog.Yes || strings.ContainsFunc(v.ReasonIn("en"), unicode.IsControl) || len(v.ReasonIn("en")) > 1000 {
			t.Errorf("origin: %q", v.ReasonIn("en"))
		}
	}
}

func TestReasons(t *testing.T) {
	c := load(t)
	full := event.Facts{
		event.OS: {Value: "linux", Origin: "kernel"}, event.Components: {Value: "agent,manager", Origin: "package"},
		event.AgentVersion: {Value: "20.0.0-8437.el9", Origin: "package"}, event.KernelVersion: {Value: "4.4.302", Origin: "kernel"},
		event.TLSInspection: {Value: "on", Origin: "declared"}, event.Relay: {Value: "on", Origin: "learned (4122/tcp is listening)"},
		event.Edition: {Value: "workload_security", Origin: "dsa_query"}, event.Firewall: {Value: "on", Origin: "dsa_query"},
		event.WebReputation: {Value: "on", Origin: "manager API"},
	}
	for _, x := range []struct{ kind, name, en, ja string }{
		{"process", "ds_agent", "the agent is installed [package], so this is expected; note: The vendor marks this process with a footnote whose text is missing.",
			"Agent が導入されているため監視対象です (検出: パッケージ)。注記: ベンダの記事ではこのプロセスに注記の印がありますが、注記の本文がありません。"},
		{"process", "ds_am", "features.anti_malware unknown; declare it in a facts file or in watch.facts; note: Runs only while anti-malware is enabled",
			"features.anti_malware が不明なため判定できません。値を facts ファイルまたは watch.facts に記述してください。注記: 不正プログラム対策を有効にしている間だけ、"},
		{"process", "dsvp", "not expected because edition is workload_security [dsa_query]; note: Runs only on an agent that is a relay, and never",
			"エディションが Workload Security (検出: dsa_query) のため監視対象外です。注記: Relay の役割を持つ Agent でだけ動作します。Cloud One"},
		{"process", "nginx", "expected because relay is on [learned (4122/tcp is listening)]; note: Runs only on an agent that is a relay.",
			"Relay が有効 (学習 (4122/tcp is listening)) のため監視対象です。注記: Relay の役割を持つ Agent でだけ動作します。"},
		{"process", "ds_kmemcg", "not expected because kernel_version is 4.4.302 [kernel] (< 4.5); note: Runs only on kernel 4.5 or later",
			"カーネルのバージョンが 4.4.302 (検出: カーネル、< 4.5) のため監視対象外です。注記: カーネル 4.5 以降"},
		{"process", "ds_nuagent", "expected because features.tls_inspection is on [declared] and agent_version is 20.0.0-8437.el9 [package] (>= 20.0.0.4185, < 20.0.0.8438); note: ",
			"高度な TLS トラフィックインスペクションが有効 (設定)、Agent のバージョンが 20.0.0-8437.el9 (検出: パッケージ、>= 20.0.0.4185、< 20.0.0.8438) のため監視対象です。注記: "},
		{"driver", "dsa_filter", "expected because features.web_reputation is on [manager API] and features.firewall is on [dsa_query]; note: ",
			"Webレピュテーションが有効 (検出: Manager の API)、ファイアウォールが有効 (検出: dsa_query) のため監視対象です。注記: "},
		{"port", "4118/tcp", "communication unknown; declare it in a facts file or in watch.facts; note: The vendor's list has no condition here.",
			"communication が不明なため判定できません。値を facts ファイルまたは watch.facts に記述してください。注記: ベンダの一覧に条件はありませんが、"},
	} {
		v := c.Find(event.Key{Host: "h", Component: "agent", Kind: event.Kind(x.kind), Name: x.name}, "linux").Evaluate(full)
		if !strings.HasPrefix(v.ReasonIn("en"), x.en) {
			t.Errorf("%s:\ngot  %s\nwant %s", x.name, v.ReasonIn("en"), x.en)
		}
		if !strings.HasPrefix(v.ReasonIn("ja"), x.ja) {
			t.Errorf("%s:\ngot  %s\nwant %s", x.name, v.ReasonIn("ja"), x.ja)
		}
	}
	onPrem := full.Merge(event.Facts{event.Edition: {Value: "deep_security", Origin: "declared"}})
	v := c.Find(event.Key{Host: "h", Component: "agent", Kind: event.Port, Name: "4118/tcp"}, "linux").Evaluate(onPrem)
	if want := "expected because communication is unknown and edition is deep_security [declared]; note: "; !strings.HasPrefix(v.ReasonIn("en"), want) {
		t.Errorf("got  %s\nwant %s", v.ReasonIn("en"), want)
	}
}

// TestReasonsNameWhatDecided: of a condition with NOT, AND and OR inside each
// other the reason names exactly the facts that make it what it is.
func TestReasonsNameWhatDecided(t *testing.T) {
	on := func(names ...event.Name) event.Facts {
		f := event.Facts{}
		for _, n := range names {
			f[n] = event.Fact{Value: "on", Origin: "declared"}
		}
		return f
	}
	off := func(f event.Facts, names ...event.Name) event.Facts {
		for _, n := range names {
			f[n] = event.Fact{Value: "off", Origin: "declared"}
		}
		return f
	}
	const relay, firewall, malware = "relay", "features.firewall", "features.anti_malware"
	for _, x := range []struct {
		when  string
		facts event.Facts
		want  catalog.Tri
		names []string // of relay, firewall and malware
	}{
		{"NOT relay", on(event.Relay), catalog.No, []string{relay}},
		{"NOT relay", off(event.Facts{}, event.Relay), catalog.Yes, []string{relay}},
		{"NOT relay", event.Facts{}, catalog.Unknown, []string{relay}},
		{"NOT (relay AND firewall)", off(on(event.Relay), event.Firewall), catalog.Yes, []string{firewall}},
		{"NOT (relay AND firewall)", on(event.Relay, event.Firewall), catalog.No, []string{relay, firewall}},
		{"NOT (relay AND firewall)", on(event.Relay), catalog.Unknown, []string{firewall}},
		{"NOT (relay OR firewall)", off(on(event.Relay), event.Firewall), catalog.No, []string{relay}},
		{"NOT (relay OR firewall)", off(event.Facts{}, event.Relay, event.Firewall), catalog.Yes, []string{relay, firewall}},
		{"NOT (relay OR firewall)", off(event.Facts{}, event.Relay), catalog.Unknown, []string{firewall}},
		{"NOT NOT relay", on(event.Relay), catalog.Yes, []string{relay}},
		{"firewall AND NOT (relay OR anti_malware)", off(on(event.Firewall, event.AntiMalware), event.Relay), catalog.No, []string{malware}},
		{"firewall AND NOT (relay OR anti_malware)", off(on(event.Firewall), event.AntiMalware, event.Relay), catalog.Yes, []string{firewall, relay, malware}},
		{"firewall OR NOT (relay AND anti_malware)", off(on(event.Relay, event.AntiMalware), event.Firewall), catalog.No, []string{firewall, relay, malware}},
		{"firewall OR NOT (relay AND anti_malware)", off(on(event.AntiMalware), event.Firewall, event.Relay), catalog.Yes, []string{relay}},
	} {
		w, err := catalog.ParseWhen(x.when)
		if err != nil {
			t.Fatal(err)
		}
		v := catalog.Row{Component: catalog.Own, Kind: "process", Name: "x", When: w}.Evaluate(x.facts)
		if v.Expected != x.want {
			t.Errorf("%s with %v is %s, want %s", x.when, x.facts, v.Expected, x.want)
		}
		for _, language := range []string{"en", "ja"} {
			reason := v.ReasonIn(language)
			for _, name := range []string{relay, firewall, malware} {
				if (strings.Contains(reason, name) || strings.Contains(reason, words.In(language, nil).Fact(name))) != slices.Contains(x.names, name) {
					t.Errorf("%s with %v is %s: %s; want it to name %v", x.when, x.facts, v.Expected, reason, x.names)
				}
			}
		}
	}
}

// goldens are the hosts whose tables and JSON are kept as files.
var goldens = map[string]catalog.FactsFile{
	"windows-relay": {
		OS: "windows", Components: []string{"agent"}, AgentVersion: "20.0.0-7118", Edition: "deep_security", Relay: "on", Communication: "bidirectional",
		Features: catalog.Features{AntiMalware: "on", Firewall: "off", IntrusionPrevention: "on", TLSInspection: "on"},
	},
	"linux-cloud": {
		OS: "linux", Components: []string{"agent"}, AgentVersion: "20.0.2-1390.el8", KernelVersion: "5.14.0-362.el9", Edition: "workload_security", Relay: "off",
		Features: catalog.Features{AntiMalware: "on", Firewall: "on", TLSInspection: "on"},
	},
	"nothing-known": {},
}

func TestGolden(t *testing.T) {
	c := load(t)
	for name, file := range goldens {
		if err := file.Validate(); err != nil {
			t.Fatal(err)
		}
		f := file.Facts("declared", time.Time{})
		for _, language := range []string{"en", "ja"} {
			var b bytes.Buffer
			if err := c.WriteTable(&b, f, catalog.Shown{Language: language, All: true}); err != nil {
				t.Fatal(err)
			}
			golden(t, name+"."+language+".txt", b.Bytes())
		}
		var b bytes.Buffer
		if err := c.WriteJSON(&b, f, "en"); err != nil {
			t.Fatal(err)
		}
		golden(t, name+".json", b.Bytes())
	}
}

// TestTableColumns: in every line each column begins at the same cell of a
// terminal, and none is wider than its widest cell and the gap of two.
func TestTableColumns(t *testing.T) {
	// The width of α is ambiguous; it must not depend on the environment.
	c, err := load(t).With([]catalog.Row{{Component: "店", Kind: "service", Name: "α-サービス"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	cells := func(s string) (n int) {
		for _, r := range s {
			n++
			if unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana) || r == 'ー' {
				n++
			}
		}
		return n
	}
	for _, language := range []string{"en", "ja"} {
		var b bytes.Buffer
		if err := c.WriteTable(&b, nil, catalog.Shown{Language: language, All: true}); err != nil {
			t.Fatal(err)
		}
		table := strings.TrimSuffix(b.String(), "\n")
		gap := regexp.MustCompile("  +")
		starts := map[int]int{}
		tight := map[int]bool{}
		for _, line := range strings.Split(table, "\n") {
			gaps := gap.FindAllStringIndex(line, 5)
			if len(gaps) != 5 || strings.TrimRight(line, " ") != line {
				t.Fatalf("%s: %q has %d columns", language, line, len(gaps)+1)
			}
			for i, g := range gaps {
				at := cells(line[:g[1]])
				if was, ok := starts[i]; ok && was != at {
					t.Errorf("%s: column %d of %q begins at cell %d, elsewhere at %d", language, i+1, line, at, was)
				}
				starts[i] = at
				tight[i] = tight[i] || g[1]-g[0] == 2
			}
		}
		for i := range 5 {
			if !tight[i] {
				t.Errorf("%s: column %d is wider than needed", language, i)
			}
		}
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; write it with go test ./catalog -update", err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s differs (-file +now); if that is wanted, go test ./catalog -update:\n%s", path, d)
	}
}

// TestJSONContract reads the JSON as a stranger would.
func TestJSONContract(t *testing.T) {
	c := load(t)
	for name, file := range goldens {
		f := file.Facts("declared", time.Time{})
		var b bytes.Buffer
		if err := c.WriteJSON(&b, f, "en"); err != nil {
			t.Fatal(err)
		}
		var rows []map[string]any
		if err := json.Unmarshal(b.Bytes(), &rows); err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			if len(row) != 9 {
				t.Errorf("%s: %v has %d keys, want 8", name, row["name"], len(row))
			}
			if _, ok := row["footnotes"].([]any); !ok {
				t.Errorf("%s: footnotes of %v are %v", name, row["name"], row["footnotes"])
			}
			if e := row["expected"]; e != "yes" && e != "no" && e != "unknown" {
				t.Errorf("%s: %v is expected %v", name, row["name"], e)
			}
			if n, ok := row["instances"].(float64); !ok || n < 1 {
				t.Errorf("%s: %v has %v instances", name, row["name"], row["instances"])
			}
			if os := row["os"]; file.OS != "" && os != file.OS || file.OS == "" && os == "" {
				t.Errorf("%s: %v has os %v", name, row["name"], os)
			}
		}
		if want := map[string]int{"windows-relay": 20, "linux-cloud": 14, "nothing-known": 38}[name]; len(rows) != want {
			t.Errorf("%s: %d rows, want %d", name, len(rows), want)
		}
	}
}

func TestFactsFile(t *testing.T) {
	for _, x := range []struct {
		name, yaml string
		want       map[event.Name]string
	}{
		{"empty", "{}", nil},
		{"all", `
os: windows
components: [manager, agent]
agent_version: 20.0.0-8438
appliance_version: 9.5
kernel_version: "5.14.0-362.el9"
edition: deep_security
relay: on
communication: bidirectional
features: {anti_malware: on, web_reputation: off, firewall: true, intrusion_prevention: false, tls_inspection: yes}
`, map[event.Name]string{
			event.OS: "windows", event.Components: "agent,manager", event.AgentVersion: "20.0.0-8438", event.ApplianceVersion: "9.5",
			event.KernelVersion: "5.14.0-362.el9", event.Edition: "deep_security", event.Relay: "on", event.Communication: "bidirectional",
			event.AntiMalware: "on", event.WebReputation: "off", event.Firewall: "on", event.IntrusionPrevention: "off", event.TLSInspection: "on",
		}},
		{"unknown is absent", "os: unknown\ncomponents: [unknown]\nagent_version: unknown\nedition: unknown\nrelay: unknown\ncommunication: unknown\nfeatures: {firewall: unknown}", nil},
		{"null is absent", "os: ~\ncomponents:\nagent_version: null\nrelay:\nfeatures:", nil},
		{"other words", "relay: Off\nfeatures: {anti_malware: TRUE, firewall: No, tls_inspection: 'ON'}", map[event.Name]string{
			event.Relay: "off", event.AntiMalware: "on", event.Firewall: "off", event.TLSInspection: "on"}},
		{"a version that YAML takes for a number", "kernel_version: \"4.10\"\nagent_version: 20\nappliance_version: 9.5", map[event.Name]string{
			event.KernelVersion: "4.10", event.AgentVersion: "20", event.ApplianceVersion: "9.5"}},
	} {
		t.Run(x.name, func(t *testing.T) {
			f, err := decode(x.yaml)
			if err != nil {
				t.Fatal(err)
			}
			got := f.Facts("declared", at)
			want := event.Facts{}
			for n, v := range x.want {
				want[n] = event.Fact{Value: v, Origin: "declared", At: at}
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
			if err := got.Validate(); err != nil {
				t.Error(err)
			}
		})
	}
}

// decode is what the configuration loader does with a facts file.
func decode(text string) (catalog.FactsFile, error) {
	var f catalog.FactsFile
	if err := yaml.NewDecoder(strings.NewReader(text), yaml.Strict()).Decode(&f); err != nil {
		return f, err
	}
	return f, f.Validate()
}

func TestFactsFileRefuses(t *testing.T) {
	for _, x := range []struct {
		yaml, key string
		texts     []string
	}{
		{"os: Linux", "os", []string{"did you mean linux?"}},
		{"os: hpux", "os", []string{"write one of windows, linux, solaris, esxi, aix"}},
		{"components: [agnt]", "components[0]", []string{"did you mean agent?"}},
		{"components: [agent, relay]", "components[1]", nil},
		{"components: [agent, agent]", "components[1]", []string{"twice"}},
		{"components: [agent, unknown]", "components[1]", nil},
		{"edition: workload-security", "edition", []string{"did you mean workload_security?"}},
		{"communication: agent", "communication", nil},
		{"relay: 1", "relay", []string{"on, off, unknown"}},
		{"features: {anti_malware: onn}", "features.anti_malware", []string{"did you mean on?"}},
		{"features: {intrusion_prevention: prevent}", "features.intrusion_prevention", nil},
		{"agent_version: latest", "agent_version", []string{"write it like 20.0.0-8438"}},
		{"agent_version: -1.0", "agent_version", nil},
		{"agent_version: 20.0.0.99999999999", "agent_version", []string{"4294967295"}},
		{"kernel_version: 4..5", "kernel_version", nil},
		{"appliance_version: ' . '", "appliance_version", nil},
	} {
		_, err := decode(x.yaml)
		if err == nil {
			t.Errorf("%s was accepted", x.yaml)
			continue
		}
		badSetting(t, err, x.key, x.texts...)
	}
	_, err := decode("os: Linux\nagent_version: x\nfeatures: {firewall: onn}")
	for _, key := range []string{"os: ", "agent_version: ", "features.firewall: "} {
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%v does not tell %s", err, key)
		}
	}
	for _, bad := range []string{"osx: linux", "features: {antimalware: on}", "agent_version: [20]", "agent_version: {a: b}", "relay: [on]", "components: agent", "os: linux\nos: linux"} {
		if f, err := decode(bad); err == nil {
			t.Errorf("%s was accepted as %+v", bad, f)
		}
	}
}

// typical is a host of which everything is known.
func typical() event.Facts {
	return catalog.FactsFile{
		OS: "linux", Components: []string{"agent"}, AgentVersion: "20.0.2-1390.el8", KernelVersion: "5.14.0-362.el9", Edition: "deep_security",
		Relay: "on", Communication: "bidirectional",
		Features: catalog.Features{AntiMalware: "on", WebReputation: "on", Firewall: "on", IntrusionPrevention: "on", TLSInspection: "on"},
	}.Facts("declared", time.Time{})
}

func BenchmarkLoad(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := catalog.Load(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkEvaluateHost evaluates the 14 rows of a Linux host.
func BenchmarkEvaluateHost(b *testing.B) {
	rows, f := load(b).Rows(event.Linux), typical()
	b.ReportAllocs()
	for b.Loop() {
		for _, r := range rows {
			r.Evaluate(f)
		}
	}
}

// BenchmarkEvaluateLongest evaluates the row with the longest condition.
func BenchmarkEvaluateLongest(b *testing.B) {
	r, f := load(b).Find(event.Key{Component: "agent", Kind: event.Process, Name: "ds_kmemcg"}, event.Linux), typical()
	b.ReportAllocs()
	for b.Loop() {
		r.Evaluate(f)
	}
}

// meaning is what the state means on a host of which only the OS is known.
func meaning(r *catalog.Row, os string, state event.State, language string) string {
	return words.In(language, nil).Say(r.Meaning(catalog.Sight{OS: os}, state))
}

// TestCaseOnWindows: names that differ by case only are one item there, under
// the name that was first, watched as the operator says; elsewhere they are two.
func TestCaseOnWindows(t *testing.T) {
	vendor, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	rows := func(c *catalog.Catalog, os string) (names []string) {
		for _, r := range c.Rows(os) {
			if strings.EqualFold(r.Name, "dsa.exe") || strings.EqualFold(r.Name, "other.exe") {
				names = append(names, r.Component+"/"+r.Name)
			}
		}
		slices.Sort(names)
		return names
	}
	before := rows(vendor, event.Windows)
	c, err := vendor.With([]catalog.Row{
		{Component: event.Agent, Kind: event.Process, Name: "DSA.EXE", Instances: 3},
		{Kind: event.Process, Name: "other.exe"},
		{Kind: event.Process, Name: "Other.EXE", Instances: 2},
		{Kind: event.Process, Name: "after.exe", OS: []string{event.Windows}, DependsOn: []string{"process/DSA.EXE"}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := rows(c, event.Windows), append([]string{"custom/other.exe"}, before...); !slices.Equal(got, sorted(want)) {
		t.Errorf("on Windows %v, want %v", got, want)
	}
	if got := rows(c, event.Linux); !slices.Equal(got, []string{"agent/DSA.EXE", "custom/Other.EXE", "custom/other.exe"}) {
		t.Errorf("on Linux %v", got)
	}
	for name, want := range map[string]int{"dsa.exe": 3, "other.exe": 2} {
		component := catalog.Own
		if name == "dsa.exe" {
			component = event.Agent
		}
		r := c.Find(event.Key{Component: component, Kind: event.Process, Name: name}, event.Windows)
		if r == nil || r.Instances != want || r.Evaluate(event.Facts{event.OS: {Value: event.Windows}, event.Components: {Value: event.Agent}}).Expected != catalog.Yes {
			t.Errorf("%s is %+v", name, r)
		}
	}
	if m := c.Merged(); len(m) != 2 || m[0].Item != 0 || m[0].Into != "dsa.exe" || m[1].Item != 2 || m[1].Into != "other.exe" {
		t.Errorf("merged %+v", m)
	}
	// One that is there for Windows only is followed by those that name it.
	c, err = vendor.With([]catalog.Row{
		{Component: event.Agent, Kind: event.Process, Name: "DSA.EXE", OS: []string{event.Windows}},
		{Kind: event.Process, Name: "after.exe", OS: []string{event.Windows}, DependsOn: []string{"process/DSA.EXE"}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r := c.Find(event.Key{Component: catalog.Own, Kind: event.Process, Name: "after.exe"}, event.Windows); r == nil || !slices.Equal(r.DependsOn, []string{"process/dsa.exe"}) {
		t.Errorf("it depends on %+v", r)
	}
	if again := rows(vendor, event.Windows); !slices.Equal(again, before) {
		t.Errorf("the vendor's list has changed: %v", again)
	}
}

func sorted(s []string) []string { slices.Sort(s); return s }
