package remote

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dswatch/detector/driver"
	"dswatch/event"
	"dswatch/setting"
	"dswatch/words"
)

// capture reads a file of testdata; its README says where they come from.
func capture(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// answers runs commands from captures. What has none does not exist.
func answers(t testing.TB, by map[string]string) runner {
	return func(command string) ([]byte, error) {
		name, ok := by[command]
		if !ok {
			return nil, &answerError{err: os.ErrNotExist}
		}
		return capture(t, name), nil
	}
}

var captures = map[string]string{
	solarisModules: "solaris-modinfo", solarisPS: "solaris-ps", solarisZone: "solaris-zonename", solarisServices: "solaris-svcs",
	solarisPorts: "solaris-netstat", solarisPorts6: "solaris-netstat6", solarisPackage: "solaris-pkginfo",
	aixPS: "aix-ps", aixPorts: "aix-netstat", aixPackage: "aix-lslpp",
	esxiModules: "esxi-vmkload", esxiPackage: "esxi-vib",
	linuxProgram: "linux-ls", linuxModules: "linux-modules", linuxPS: "linux-ps", linuxPorts: "linux-ss", linuxPackage: "linux-rpm", linuxKernel: "linux-uname",
}

func item(kind event.Kind, want int, names ...string) Item {
	it := Item{Key: event.Key{Host: "h", Component: "agent", Kind: kind, Name: names[0]}, Names: names, Want: want}
	if strings.HasPrefix(names[0], "/") {
		it.Names, it.Exe = nil, names
	}
	return it
}

func portItem(n int) Item { it := item(event.Port, 1, "port"); it.Port = n; return it }

func TestWhatTheCommandsTell(t *testing.T) {
	for name, c := range map[string]struct {
		os     string
		it     Item
		state  event.State
		found  int
		detail string
	}{
		"solaris module":                      {"solaris", item(event.Driver, 1, "dsa_filter"), event.Up, 1, "dsa_filter is loaded"},
		"solaris module not the longer one":   {"solaris", item(event.Driver, 1, "dsa_filte"), event.Down, 0, "no module named dsa_filte is loaded"},
		"solaris module with several lines":   {"solaris", item(event.Driver, 1, "ip"), event.Up, 1, ""},
		"solaris module of a long name":       {"solaris", item(event.Driver, 1, "ip_nat_with_a_name_that_is_too_long"), event.Unknown, 0, "cut short"},
		"solaris module alias":                {"solaris", item(event.Driver, 1, "absent", "genunix"), event.Up, 1, ""},
		"solaris agent of the own zone only":  {"solaris", item(event.Process, 2, "ds_agent"), event.Up, 2, "pid 421 (ppid 1); pid 422 (ppid 421)"},
		"solaris one of two":                  {"solaris", item(event.Process, 2, "ds_am"), event.Degraded, 1, "pid 430"},
		"solaris process that is not there":   {"solaris", item(event.Process, 1, "dsvp"), event.Down, 0, "no process is named dsvp"},
		"solaris name cut in the list":        {"solaris", item(event.Process, 1, "svc.startd"), event.Up, 1, "pid 11"},
		"solaris cut name of another":         {"solaris", item(event.Process, 1, "svc.startx"), event.Down, 0, ""},
		"solaris service by FMRI":             {"solaris", item(event.Service, 1, "svc:/application/ds_agent:default"), event.Up, 1, "svc:/application/ds_agent:default is online"},
		"solaris service by short name":       {"solaris", item(event.Service, 1, "ds_agent"), event.Up, 1, ""},
		"solaris service without instance":    {"solaris", item(event.Service, 1, "application/ds_agent"), event.Up, 1, ""},
		"solaris service of the old kind":     {"solaris", item(event.Service, 1, "S99custom"), event.Up, 1, "legacy_run"},
		"solaris service in maintenance":      {"solaris", item(event.Service, 1, "broken"), event.Down, 0, "is maintenance"},
		"solaris service that starts":         {"solaris", item(event.Service, 1, "starting"), event.Unknown, 0, "changing"},
		"solaris service that is not there":   {"solaris", item(event.Service, 1, "agent"), event.Down, 0, "no service named agent"},
		"solaris port":                        {"solaris", portItem(4118), event.Up, 1, "4118/tcp listens at *"},
		"solaris port of the other family":    {"solaris", portItem(4122), event.Up, 1, ""},
		"solaris port of loopback":            {"solaris", portItem(4999), event.Down, 0, "loopback only, at 127.0.0.1"},
		"solaris port of loopback6":           {"solaris", portItem(25), event.Down, 0, "loopback only, at ::1"},
		"solaris port that is only connected": {"solaris", portItem(45122), event.Down, 0, "nothing listens"},
		"aix agent":                           {"aix", item(event.Process, 2, "ds_agent"), event.Up, 2, "pid 6291884"},
		"aix process that is not there":       {"aix", item(event.Process, 1, "ds_am"), event.Down, 0, ""},
		"aix port":                            {"aix", portItem(4118), event.Up, 1, ""},
		"aix port of loopback":                {"aix", portItem(199), event.Down, 0, "loopback"},
		"aix port that is not there":          {"aix", portItem(4122), event.Down, 0, ""},
		"esxi module":                         {"esxi", item(event.Driver, 1, "dvfilter-dsa"), event.Up, 1, ""},
		"esxi module that is not there":       {"esxi", item(event.Driver, 1, "dvfilter"), event.Down, 0, ""},
		"esxi module of a long name":          {"esxi", item(event.Driver, 1, "vmkernel_with_a_name_of_31_bytes"), event.Unknown, 0, "cut"},
		"linux module with a dash":            {"linux", item(event.Driver, 1, "dsa-filter-hook"), event.Up, 1, ""},
		"linux module that is not there":      {"linux", item(event.Driver, 1, "bmhook"), event.Down, 0, ""},
		"linux agent":                         {"linux", item(event.Process, 2, "ds_agent"), event.Up, 2, ""},
		"linux kernel thread":                 {"linux", item(event.Process, 1, "ds_kmemcg"), event.Up, 1, ""},
		"linux relay's nginx, workers too":    {"linux", item(event.Process, 1, "/opt/ds_agent/**/nginx"), event.Up, 2, "pid 910 (ppid 812); pid 911 (ppid 910)"},
		"linux nginx of nobody":               {"linux", item(event.Process, 1, "/srv/nginx"), event.Down, 0, "no process runs /srv/nginx"},
		"linux manager":                       {"linux", item(event.Process, 1, "/opt/dsm/jre/bin/java"), event.Up, 1, ""},
		"linux other java":                    {"linux", item(event.Process, 1, "/opt/app/bin/java"), event.Down, 0, ""},
		"linux name with a blank":             {"linux", item(event.Process, 1, "tmux: server"), event.Up, 1, ""},
		"linux cut name without a path":       {"linux", item(event.Process, 1, "a_name_of_more_than_15"), event.Up, 1, ""},
		"linux cut name with a path":          {"linux", item(event.Process, 1, "b_name_of_more_than_15"), event.Up, 1, ""},
		"linux cut name of another":           {"linux", item(event.Process, 1, "b_name_of_more_than_16"), event.Down, 0, ""},
		"linux cut name that nothing tells":   {"linux", item(event.Process, 1, "a_name_of_more_than_16"), event.Unknown, 0, "look by hand"},
		"linux port":                          {"linux", portItem(4118), event.Up, 1, ""},
		"linux port of loopback":              {"linux", portItem(4122), event.Down, 0, "::1"},
		"linux port of the operator's own":    {"linux", Item{Port: 4122, Key: portItem(4122).Key, Loopback: true}, event.Up, 1, "4122/tcp listens at "},
		"linux port of loopback on a device":  {"linux", portItem(53), event.Down, 0, "127.0.0.53%lo"},
	} {
		t.Run(name, func(t *testing.T) {
			s := systems[c.os]
			seen, err := s.kinds[c.it.Key.Kind](answers(t, captures), s)
			if err != nil {
				t.Fatal(err)
			}
			v := seen.judge(c.it, s)
			if v.state != c.state || v.found != c.found || !strings.Contains(words.English(v.detail), c.detail) {
				t.Errorf("got %s, %d found, %q; want %s, %d found, %q", v.state, v.found, words.English(v.detail), c.state, c.found, c.detail)
			}
		})
	}
}

// TestAnswersThatTellNothing holds every reader to an error, so that the
// items become unknown, where nothing can be concluded from the answer.
func TestAnswersThatTellNothing(t *testing.T) {
	readers := map[string]func([]byte) error{
		"modinfo":      func(b []byte) error { _, err := parseModinfo(b); return err },
		"vmkload_mod":  func(b []byte) error { _, err := parseVmkload(b); return err },
		"proc/modules": func(b []byte) error { _, err := parseProcModules(b); return err },
		"ps":           func(b []byte) error { _, err := parsePS(b); return err },
		"svcs":         func(b []byte) error { _, err := parseSvcs(b); return err },
		"netstat":      func(b []byte) error { _, err := parseNetstat(b, '.'); return err },
	}
	for what, answer := range map[string]string{
		"nothing": "", "a blank line": "\n", "a complaint": "modinfo: can't get module information\n", "HTML": "<html><body>Local address</body></html>",
		"binary": "\x00\xff\xfe\x01", "a shell's greeting": "Last login: Mon\nSunOS 5.11\n$ \n",
	} {
		for name, read := range readers {
			if err := read([]byte(answer)); err == nil {
				t.Errorf("%s: %s was taken for an answer", name, what)
			}
		}
	}
	for name, answer := range map[string]string{
		"modinfo": " Id Loadaddr   Size Info Rev Module Name\n", "vmkload_mod": "Name Used Size (kb)\n", "ps": "PID PPID USER S NAME ARGS\n", "svcs": "STATE STIME FMRI\n",
	} {
		if err := readers[name]([]byte(answer)); err == nil {
			t.Errorf("%s: a heading alone was taken for an answer", name)
		}
	}
}

// TestDoubt leaves an item unknown where part of the list cannot be read, and
// still sees what is there.
func TestDoubt(t *testing.T) {
	modinfo, _ := parseModinfo([]byte(" Id Loadaddr   Size Info Rev Module Name\n 1 10 20 - 1 here (x)\n 2 ??? what\n"))
	ps, _ := parsePS([]byte("PID PPID USER S NAME     ARGS\n 1 0 root S init     /sbin/init\n 2 1 root S here     /x/here\nwhat\n"))
	hidden, _ := parsePS([]byte("PID PPID USER S NAME     ARGS\n 7 1 me   S here     /x/here\n 8 7 me   R ps       ps -A\n"))
	six, err := solarisListeners(answers(t, map[string]string{solarisPorts: "solaris-netstat"}), systems["solaris"])
	if err != nil {
		t.Fatal(err)
	}
	cutAddress, _ := parseNetstat([]byte("Proto Recv-Q Send-Q  Local Address\ntcp6 0 0 fe80::1234:5678:9ab *.* LISTEN\ntcp4 0 0 *.22 *.* LISTEN\n"), '.')
	for name, c := range map[string]struct {
		seen    sight
		os      string
		there   Item
		missing Item
		why     string
	}{
		"modinfo with an odd line":  {modinfo, "solaris", item(event.Driver, 1, "here"), item(event.Driver, 1, "gone"), "please report it"},
		"ps with an odd line":       {ps, "linux", item(event.Process, 1, "here"), item(event.Process, 1, "gone"), "please report it"},
		"ps without others' lines":  {hidden, "linux", item(event.Process, 1, "here"), item(event.Process, 1, "gone"), "hidepid"},
		"netstat without IPv6":      {six, "solaris", portItem(4118), portItem(4122), "file does not exist"},
		"netstat with a cut column": {cutAddress, "aix", portItem(22), portItem(4118), "cut"},
	} {
		s := systems[c.os]
		if v := c.seen.judge(c.there, s); v.state != event.Up {
			t.Errorf("%s: what is there is %s: %s", name, v.state, words.English(v.detail))
		}
		if v := c.seen.judge(c.missing, s); v.state != event.Unknown || !strings.Contains(words.English(v.detail), c.why) {
			t.Errorf("%s: what is missing is %s: %s", name, v.state, words.English(v.detail))
		}
	}
}

// TestModuleStates: what is there and does not work is told as it is, and a
// list with names that may be cut proves no absence.
func TestModuleStates(t *testing.T) {
	cut, short := strings.Repeat("m", 31), strings.Repeat("k", 30) // Solaris keeps 31 bytes of a name
	l := moduleList{states: map[string]string{"live": driver.Live, "going": "Unloading", cut: driver.Live, short: driver.Live}}
	for name, c := range map[string]struct {
		item  Item
		state event.State
		says  string
		not   string
	}{
		"it works":               {item(event.Driver, 1, "live"), event.Up, "live", "going"},
		"it goes":                {item(event.Driver, 1, "going"), event.Down, "Unloading", "no module"},
		"one of two works":       {item(event.Driver, 1, "going", "live"), event.Up, "live", "no module"},
		"one goes, one is gone":  {item(event.Driver, 1, "going", "gone"), event.Down, "Unloading", "no module"},
		"it is gone":             {item(event.Driver, 1, "gone"), event.Down, "no module", "Unloading"},
		"its name may be cut":    {item(event.Driver, 1, cut+"x"), event.Unknown, cut, "no module"},
		"it is as long as a cut": {item(event.Driver, 1, cut), event.Up, cut, "no module"},
		"its name was not cut":   {item(event.Driver, 1, short+"x"), event.Down, "no module", "cut"},
		"another name is longer": {item(event.Driver, 1, short[1:]), event.Down, "no module", "cut"},
	} {
		v := l.judge(c.item, system{})
		said := words.English(v.detail)
		if v.state != c.state || !strings.Contains(said, c.says) || strings.Contains(said, c.not) {
			t.Errorf("%s: %s, %s; want %s with %q and without %q", name, v.state, said, c.state, c.says, c.not)
		}
		if v.want != 1 || v.found == 1 != (c.state == event.Up) {
			t.Errorf("%s: %d of %d", name, v.found, v.want)
		}
	}
}

func TestLinuxWithoutSS(t *testing.T) {
	s := systems["linux"]
	seen, err := s.kinds[event.Port](answers(t, map[string]string{linuxPorts2: "linux-netstat"}), s)
	if err != nil {
		t.Fatal(err)
	}
	if v := seen.judge(portItem(4122), s); v.state != event.Up {
		t.Errorf("%+v", v)
	}
	if _, err := s.kinds[event.Port](answers(t, nil), s); err == nil {
		t.Error("neither ss nor netstat was taken for an answer")
	}
}

func TestDiscoveredFacts(t *testing.T) {
	for os, want := range map[string]map[event.Name]string{
		"solaris": {event.AgentVersion: "20.0.0.5137"}, "aix": {event.AgentVersion: "20.0.0.5137"}, "esxi": {event.ApplianceVersion: "9.5.2-2754"},
		"linux": {event.AgentVersion: "20.0.2-1390.el8", event.KernelVersion: "5.14.0-362.el9.x86_64"},
	} {
		got := systems[os].discover(answers(t, captures), testTime)
		if len(got) != len(want) {
			t.Errorf("%s: %v", os, got)
		}
		for n, v := range want {
			if got[n].Value != v || got[n].Origin == "" {
				t.Errorf("%s: %s is %+v, want %s", os, n, got[n], v)
			}
		}
	}
	if v := parsePkg(capture(t, "solaris-pkg")); v != "20.0.0-5137" {
		t.Errorf("pkg info: %q", v)
	}
	for text, want := range map[string]string{"installed 20.0.0-7119\n": "20.0.0-7119", "installed 1:20.0.0-7119\n": "20.0.0-7119", "config-files 20.0.0-7119\n": "", "": "",
		"half-configured 20.0.2-4960\n": "20.0.2-4960", "unpacked 20.0.2-4960\n": "20.0.2-4960", "triggers-pending 20.0.2-4960\n": "20.0.2-4960", "half-installed 20.0.2-4960\n": "", "not-installed \n": ""} {
		if v := parseDpkg([]byte(text)); v != want {
			t.Errorf("dpkg %q: %q", text, v)
		}
	}
	if got := systems["linux"].discover(answers(t, map[string]string{linuxKernel: "linux-ps"}), testTime); len(got) != 0 {
		t.Errorf("nonsense was believed: %v", got)
	}
}

// TestCommandsAreConstants holds what people see of a command.
func TestBareCommand(t *testing.T) {
	for command, want := range map[string]string{solarisModules: "modinfo", linuxPorts: "ss -ltn", esxiModules: "vmkload_mod -l"} {
		if got := bare(command); got != want {
			t.Errorf("bare(%q) = %q, want %q", command, got, want)
		}
	}
}

// FuzzAnswers holds that no answer makes a reader panic, that a detail stays
// one bounded line, and that nothing is concluded from what cannot be read.
func FuzzAnswers(f *testing.F) {
	for _, name := range captures {
		f.Add(capture(f, name))
	}
	f.Add([]byte("PID PPID USER S NAME ARGS\n1 0 root"))
	f.Add([]byte("Local Address\n.LISTEN LISTEN\n"))
	items := []Item{item(event.Driver, 1, "dsa_filter"), item(event.Driver, 1, strings.Repeat("m", 60)), item(event.Process, 2, "ds_agent"),
		item(event.Process, 1, "/opt/ds_agent/**/nginx"), item(event.Service, 1, "ds_agent"), portItem(4118)}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, s := range systems {
			run := func(string) ([]byte, error) { return b, nil }
			for _, it := range items {
				ask := s.kinds[it.Key.Kind]
				if ask == nil {
					continue
				}
				seen, err := ask(run, s)
				if err != nil {
					continue
				}
				v := seen.judge(it, s)
				if !v.state.Valid() || v.found < 0 || strings.ContainsAny(words.English(v.detail), "\n\r\x1b\x00") || len(words.English(v.detail)) > event.MaxDetail {
					t.Errorf("%+v", v)
				}
				if v.state == event.Up && v.found == 0 {
					t.Errorf("up without an instance: %+v", v)
				}
			}
			for n, fact := range s.discover(run, testTime) {
				if err := (event.Facts{n: fact}).Validate(); err != nil {
					t.Error(err)
				}
			}
		}
	})
}

// TestDocsListEveryCommand holds the pages that operators write their forced
// commands from to the program.
func TestDocsListEveryCommand(t *testing.T) {
	for _, page := range []string{"agentless.md", "agentless.ja.md"} {
		b, err := os.ReadFile("../../docs/" + page)
		if err != nil {
			t.Fatal(err)
		}
		commands := []string{solarisPackage5, linuxPorts2, linuxDeb}
		for c := range captures {
			commands = append(commands, c)
		}
		for _, c := range commands {
			if !strings.Contains(string(b), "`"+c+"`") {
				t.Errorf("%s does not list `%s`", page, c)
			}
		}
	}
}

// TestModinfoOfSolaris114: modinfo(8) of Solaris 11.4 has another heading, and
// shows unprivileged users -- in place of the address. The columns are those of
// the manual page; the lines are made after it, no capture of a host was found.
func TestModinfoOfSolaris114(t *testing.T) {
	for who, text := range map[string]string{
		"root": " ID         LOADADDR   SIZE INFO REV NAMEDESC\n" +
			"  2         7b600000   1734   --   1 swapgeneric (root and swap configuration)\n" +
			"211         7bf2e000  c3a20  287   1 dsa_filter (Deep Security filter)\n",
		"a user without privilege": " ID LOADADDR   SIZE INFO REV NAMEDESC\n" +
			"  2       --   1734    -   1 swapgeneric (root and swap configuration)\n" +
			"211       --  c3a20  287   1 dsa_filter (Deep Security filter)\n",
	} {
		l, err := parseModinfo([]byte(text))
		if err != nil {
			t.Fatalf("%s: %v", who, err)
		}
		s := systems["solaris"]
		if v := l.judge(item(event.Driver, 1, "dsa_filter"), s); v.state != event.Up {
			t.Errorf("%s: dsa_filter is %+v", who, v)
		}
		if v := l.judge(item(event.Driver, 1, "dsa_filter_hook"), s); v.state != event.Down {
			t.Errorf("%s: dsa_filter_hook is %+v", who, v)
		}
	}
}

// TestLoginBounds: a port and a host name at their bounds.
func TestLoginBounds(t *testing.T) {
	good := TargetConfig{Host: "h", Port: 22, User: "u", Agent: true, KnownHosts: filepath.Join(t.TempDir(), "known_hosts")}
	for name, c := range map[string]struct {
		change func(*TargetConfig)
		key    string // that is wrong
	}{
		"as it is":               {func(*TargetConfig) {}, ""},
		"the last port":          {func(c *TargetConfig) { c.Port = 65535 }, ""},
		"one after it":           {func(c *TargetConfig) { c.Port = 65536 }, "port"},
		"the first port":         {func(c *TargetConfig) { c.Port = 1 }, ""},
		"no port":                {func(c *TargetConfig) { c.Port = 0 }, "port"},
		"the longest host":       {func(c *TargetConfig) { c.Host = strings.Repeat("h", 253) }, ""},
		"a longer one":           {func(c *TargetConfig) { c.Host = strings.Repeat("h", 254) }, "host"},
		"the longest address":    {func(c *TargetConfig) { c.Address = strings.Repeat("a", 253) }, ""},
		"a longer address":       {func(c *TargetConfig) { c.Address = strings.Repeat("a", 254) }, "address"},
		"the longest user":       {func(c *TargetConfig) { c.User = strings.Repeat("u", 255) }, ""},
		"a longer user":          {func(c *TargetConfig) { c.User = strings.Repeat("u", 256) }, "user"},
		"a relative known_hosts": {func(c *TargetConfig) { c.KnownHosts = "known_hosts" }, "known_hosts"},
	} {
		target := good
		c.change(&target)
		err := target.validateLogin()
		var wrong *setting.Error
		if errors.As(err, &wrong); (wrong == nil) != (c.key == "") || wrong != nil && wrong.Key != c.key {
			t.Errorf("%s: %v, want wrong %q", name, err, c.key)
		}
	}
}
