package facts

import (
	"maps"
	"strings"
	"testing"
	"unicode/utf8"

	"dswatch/event"
)

func TestParseStatus(t *testing.T) {
	const installed = "Package: ds-agent\nStatus: install ok installed\nVersion: 20.0.0-7119\n"
	for name, c := range map[string]struct{ in, want string }{
		"empty":                {"", ""},
		"alone":                {installed, "20.0.0-7119"},
		"without a last break": {strings.TrimSuffix(installed, "\n"), "20.0.0-7119"},
		"between others":       {"Package: a\nStatus: install ok installed\nVersion: 1\n\n" + installed + "\nPackage: b\nVersion: 2\n", "20.0.0-7119"},
		"CRLF":                 {strings.ReplaceAll(installed, "\n", "\r\n"), "20.0.0-7119"},
		"other case, an epoch": {"PACKAGE: ds-agent\nstatus: install ok installed\nVERSION: 3:20.0.1-7380\n", "20.0.1-7380"},
		"removed":              {strings.Replace(installed, "ok installed", "ok config-files", 1), ""},
		"being unpacked":       {strings.Replace(installed, "ok installed", "reinstreq half-installed", 1), ""},
		"on hold":              {strings.Replace(installed, "install ok", "hold ok", 1), "20.0.0-7119"},
		"no status":            {"Package: ds-agent\nVersion: 1\n", ""},
		"a torn status":        {"Package: ds-agent\nStatus: installed\nVersion: 1\n", ""},
		"no version":           {"Package: ds-agent\nStatus: install ok installed\n", ""},
		"name in a text":       {"Package: a\nStatus: install ok installed\nVersion: 1\nDescription: x\n Package: ds-agent\n", ""},
		"fields of two":        {"Package: ds-agent\n\nStatus: install ok installed\nVersion: 1\n", ""},
		"a line of 200 KB":     {"Conffiles: " + strings.Repeat("x", 200<<10) + "\n" + installed, "20.0.0-7119"},
		"200 KB at the end":    {installed + "Conffiles: " + strings.Repeat("x", 200<<10), "20.0.0-7119"},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := parseStatus(strings.NewReader(c.in)); err != nil || got.known() != c.want {
				t.Errorf("%q, %v; want %q", got.known(), err, c.want)
			}
		})
	}
}

func TestParseRPM(t *testing.T) {
	for name, c := range map[string]struct {
		in, want string
		bad      bool
	}{
		"one":          {in: "1700000000 20.0.0-8438.el8\n", want: "20.0.0-8438.el8"},
		"newest last":  {in: "1 20.0.0-8438.el8\n2 20.0.2-1390.el8\n", want: "20.0.2-1390.el8"},
		"newest first": {in: "2 20.0.2-1390.el8\n1 20.0.0-8438.el8\n", want: "20.0.2-1390.el8"},
		"empty":        {bad: true},
		"a sentence":   {in: "package ds_agent is broken\n", bad: true},
		"no time":      {in: "(none) 1-1\n", bad: true},
		"only a time":  {in: "1700000000\n", bad: true},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := ParseRPM([]byte(c.in)); (err != nil) != c.bad || got != c.want {
				t.Errorf("%q, %v; want %q", got, err, c.want)
			}
		})
	}
}

const (
	// The forms that captures show: an index of names first, numbers that
	// differ from host to host, then the values.
	agentStatus = `AgentStatus.0: agentState
AgentStatus.13: driverHooked
AgentStatus.14: dsmUrl
AgentStatus.agentState: green
AgentStatus.auStatus: 2
AgentStatus.currentTime: 1786547918
AgentStatus.driverHooked: 7
AgentStatus.dsmUrl: https://192.0.2.48:4120/
AgentStatus.lastAgentToManagerSession: 1786541835
`
	componentInfo = `Component.0: AM
Component.7: WRS
Component.AM.driverOffline: false
Component.AM.mode: on
Component.AM.version.pattern.1.name: Trusted Certificate Authorities Pattern
Component.CORE.version: 12.5
Component.FWDPI.driverState: 7
Component.FWDPI.firewallMode: off
Component.FWDPI.mode: on-prevent
Component.IM.mode: real-time
Component.LI.mode: on
Component.WRS.mode: off
`
)

func TestFeatureFacts(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		want event.Facts
		bad  bool
	}{
		"as captured":              {in: componentInfo, want: facts("features.anti_malware", "on", "features.web_reputation", "off", "features.firewall", "off", "features.intrusion_prevention", "on")},
		"driver offline is on":     {in: "Component.AM.mode: driver-offline\n", want: facts("features.anti_malware", "on")},
		"detect only is on":        {in: "Component.FWDPI.mode: on-detect\r\n", want: facts("features.intrusion_prevention", "on")},
		"no blank after the colon": {in: "Component.WRS.mode:on", want: facts("features.web_reputation", "on")},
		"only an index":            {in: "Component.0: AM.mode\nComponent.1: WRS.mode\n"},
		"an index like a value":    {in: "Component.3: AM.mode: on\n"},
		"another mode":             {in: "Component.AM.mode: purple\nComponent.WRS.mode: on\n", want: facts("features.web_reputation", "on"), bad: true},
		"twice, the same":          {in: "Component.AM.mode: on\nComponent.AM.mode: on\n", want: facts("features.anti_malware", "on")},
		"twice and differently":    {in: "Component.AM.mode: on\nComponent.AM.mode: off\nComponent.AM.mode: on\n"},
		"an empty mode":            {in: "Component.AM.mode:\n", bad: true},
		"another prefix":           {in: "AgentStatus.AM.mode: on\nMyComponent.AM.mode: on\n"},
		"garbage":                  {in: "\x00\xff::\n"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := featureFacts(parseAnswer("Component.", []byte(c.in)))
			if (err != nil) != c.bad || !got.Equal(c.want) || got.Validate() != nil {
				t.Errorf("%v, %v; want %v", got, err, c.want)
			}
		})
	}
}

func TestEditionFacts(t *testing.T) {
	for name, c := range map[string]struct {
		in, want string
		bad      bool
	}{
		"as captured":          {in: agentStatus, want: "deep_security"},
		"cloud":                {in: "AgentStatus.dsmUrl: https://agents.workload.us-1.cloudone.trendmicro.com:443/", want: "workload_security"},
		"cloud, other case":    {in: "AgentStatus.dsmUrl: https://Agents.Workload.JP-1.CloudOne.TrendMicro.com.:443/", want: "workload_security"},
		"the old cloud":        {in: "AgentStatus.dsmUrl: https://agents.deepsecurity.trendmicro.com:443/", want: "workload_security"},
		"looks like the cloud": {in: "AgentStatus.dsmUrl: https://cloudone.trendmicro.com.example.com:4120/", want: "deep_security"},
		"ends like the cloud":  {in: "AgentStatus.dsmUrl: https://notcloudone.trendmicro.com/", want: "deep_security"},
		"another scheme":       {in: "AgentStatus.dsmUrl: dsm://dsm.example.com:4120/", want: "deep_security"},
		"IPv6":                 {in: "AgentStatus.dsmUrl: https://[2001:db8::1]:4120/", want: "deep_security"},
		"not activated":        {in: "AgentStatus.dsmUrl:\nAgentStatus.agentState: black\n"},
		"absent":               {in: "AgentStatus.agentState: green\n"},
		"only in the index":    {in: "AgentStatus.14: dsmUrl\nAgentStatus.agentState: green\n"},
		"no address":           {in: "AgentStatus.dsmUrl: none\n", bad: true},
		"a torn address":       {in: "AgentStatus.dsmUrl: https://[::1\n", bad: true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := editionFacts(parseAnswer("AgentStatus.", []byte(c.in)))
			if v, _ := got.Get(event.Edition); (err != nil) != c.bad || v.Value != c.want || got.Validate() != nil {
				t.Errorf("%v, %v; want %q", got, err, c.want)
			}
		})
	}
}

func TestInstallation(t *testing.T) {
	agent := program{name: agentProgram, version: "20.0.7119"}
	for name, c := range map[string]struct {
		in   installation
		want event.Facts
		bad  bool
	}{
		"nothing":         {},
		"other programs":  {in: installation{programs: []program{{name: "7-Zip", version: "24.8"}, {name: "Trend Micro Deep Security Agent Tools", version: "1"}}}},
		"folder and file": {in: installation{folder: `C:\x`, fileVersion: "20.0.0.8438"}, want: facts("agent_version", "20.0.0.8438")},
		"the file counts": {in: installation{folder: `C:\x`, fileVersion: "20.0.0.8438", programs: []program{agent}}, want: facts("agent_version", "20.0.0.8438")},
		"only the list":   {in: installation{programs: []program{agent}}, want: facts("agent_version", "20.0.7119")},
		"other case":      {in: installation{programs: []program{{name: "trend micro deep security AGENT ", version: "20.0"}}}, want: facts("agent_version", "20.0")},
		"a manager":       {in: installation{programs: []program{{name: "Trend Micro Deep Security Manager", version: "20.0.1"}}}, want: nil},
		"both":            {in: installation{folder: `C:\x`, programs: []program{{name: "Trend Micro Deep Security Manager", version: "20.0.1"}}}, want: nil},
		"no version":      {in: installation{folder: `C:\x`}, want: nil},
		"an odd version":  {in: installation{folder: `C:\x`, programs: []program{{name: agentProgram, version: "最新"}}}, bad: true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := c.in.facts()
			if (err != nil) != c.bad || !got.Equal(c.want) || got.Validate() != nil {
				t.Errorf("%v, %v; want %v", got, err, c.want)
			}
		})
	}
	if v := fileVersion(20<<16, 8438); v != "20.0.0.8438" {
		t.Error(v)
	}
	if v := fileVersion(20<<16|1, 2<<16|7380); v != "20.1.2.7380" {
		t.Error(v)
	}
}

func FuzzParseStatus(f *testing.F) {
	f.Add("Package: ds-agent\nStatus: install ok installed\nVersion: 1:20.0.0-7119\n\n")
	f.Add(":\n::\r\n\n\n Package")
	f.Fuzz(func(t *testing.T, in string) {
		p, err := parseStatus(strings.NewReader(in))
		v := p.known()
		if err != nil || strings.ContainsAny(v, "\n") {
			t.Fatalf("%q, %v", v, err)
		}
		if _, err := agentVersion(v, "test"); v != "" && !strings.Contains(in, "ds-agent") {
			t.Fatalf("%q out of nothing, %v", v, err)
		}
	})
}

func FuzzParseRPM(f *testing.F) {
	f.Add([]byte("1700000000 20.0.0-8438.el8\n"))
	f.Add([]byte("package ds_agent is not installed\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		v, err := ParseRPM(in)
		if err != nil && (v != "" || len(err.Error()) > 700 || !utf8.ValidString(err.Error())) {
			t.Fatalf("%q, %v", v, err)
		}
	})
}

func FuzzParseAnswer(f *testing.F) {
	f.Add([]byte(componentInfo))
	f.Add([]byte(agentStatus))
	f.Add([]byte("Component.FWDPI.mode: on-\xff\nAgentStatus.dsmUrl: https://\xff:1/\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		features, err := featureFacts(parseAnswer("Component.", in))
		edition, eerr := editionFacts(parseAnswer("AgentStatus.", in))
		for _, fs := range []event.Facts{features, edition} {
			if verr := fs.Validate(); verr != nil {
				t.Fatalf("%v: %v", fs, verr)
			}
			for f := range maps.Values(fs) {
				if len(f.Origin) > 600 || !utf8.ValidString(f.Origin) || strings.ContainsAny(f.Origin, "\n\x1b\x00") {
					t.Fatalf("origin %q", f.Origin)
				}
			}
		}
		for _, err := range []error{err, eerr} {
			if err != nil && (len(err.Error()) > 4096 || !utf8.ValidString(err.Error()) || strings.ContainsAny(err.Error(), "\x1b\x00")) {
				t.Fatalf("%q", err)
			}
		}
	})
}
