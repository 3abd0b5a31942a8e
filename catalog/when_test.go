package catalog_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"dswatch/catalog"
	"dswatch/event"
	"dswatch/setting"
)

func TestParseVersion(t *testing.T) {
	for in, want := range map[string]catalog.Version{
		"20.0.0.4185":                            {20, 0, 0, 4185},
		"20.0.0-7119":                            {20, 0, 0, 7119},
		"20.0.2-1390 (20 LTS Update 2025-02-18)": {20, 0, 2, 1390},
		"20.0.2-1390.el8":                        {20, 0, 2, 1390},
		"20.0.2.1390.el8":                        {20, 0, 2, 1390},
		"4.5.0-rc1":                              {4, 5, 0, 0},
		"5.14.0-362.el9":                         {5, 14, 0, 362},
		"5.14.0-362.24.1.el9_3.x86_64":           {5, 14, 0, 362},
		"6.1.0-13-amd64":                         {6, 1, 0, 13},
		"5.15.0+":                                {5, 15, 0, 0},
		"4.5rc1":                                 {4, 5, 0, 0},
		"5.10.16.3-microsoft-standard-WSL2":      {5, 10, 16, 3},
		"9.6":                                    {9, 6, 0, 0},
		"20":                                     {20, 0, 0, 0},
		" 20.0 ":                                 {20, 0, 0, 0},
		"020.00.0":                               {20, 0, 0, 0},
		"4294967295.0":                           {4294967295, 0, 0, 0},
		"1.2.3.4.99999999999999":                 {1, 2, 3, 4},
	} {
		got, err := catalog.ParseVersion(in)
		if err != nil || got != want {
			t.Errorf("%q is %v, %v; want %v", in, got, err, want)
		}
	}
	for _, bad := range []string{"", " ", "latest", "v20.0", "-1", "-1.0", "20.-5", "20..1", ".5", "20.", "4294967296", "20.0.0-99999999999999999999", "20 0", "20.0\n1", "２０.0", "1:20.0", "20.0.0-é", strings.Repeat("1.", 100)} {
		if v, err := catalog.ParseVersion(bad); err == nil {
			t.Errorf("%q was accepted as %v", bad, v)
		} else if v != (catalog.Version{}) || !strings.Contains(err.Error(), "write it like") {
			t.Errorf("%q: %v, %v", bad, v, err)
		}
	}
}

// TestThreePartVersions: the vendor's pages write 20.0.4184 for build 4184 of
// 20.0.0, and people 20.0.2 for any build of update 2. What is not told is not
// guessed.
func TestThreePartVersions(t *testing.T) {
	v := func(n ...uint32) (out catalog.Version) { copy(out[:], n); return out }
	const any = 1<<32 - 1
	for in, want := range map[string]catalog.Release{
		"20.0.4184":      {Least: v(20, 0, 0, 4184), Most: v(20, 0, 0, 4184)},
		"20.0.4184.el8":  {Least: v(20, 0, 0, 4184), Most: v(20, 0, 0, 4184)},
		"20.0-4184":      {Least: v(20, 0, 0, 4184), Most: v(20, 0, 0, 4184)},
		"20.0.100":       {Least: v(20, 0, 0, 100), Most: v(20, 0, 0, 100)},
		"20.0.99":        {Least: v(20, 0, 99), Most: v(20, 0, 99, any)},
		"20.0.2":         {Least: v(20, 0, 2), Most: v(20, 0, 2, any)},
		"20.0.0":         {Least: v(20), Most: v(20, 0, 0, any)},
		"9.6":            {Least: v(9, 6), Most: v(9, 6)},
		"20.0":           {Least: v(20), Most: v(20)},
		"20":             {Least: v(20), Most: v(20)},
		"20.0.2-1390":    {Least: v(20, 0, 2, 1390), Most: v(20, 0, 2, 1390)},
		"20.0.0.4184":    {Least: v(20, 0, 0, 4184), Most: v(20, 0, 0, 4184)},
		"20.0.4184.0":    {Least: v(20, 0, 4184), Most: v(20, 0, 4184)},
		"20.0.4184.99.1": {Least: v(20, 0, 4184, 99), Most: v(20, 0, 4184, 99)},
	} {
		if got, err := catalog.ParseRelease(in); err != nil || got != want {
			t.Errorf("%q is %v, %v; want %v", in, got, err, want)
		}
	}
	if _, err := catalog.ParseRelease("20..1"); err == nil {
		t.Error("20..1 is taken")
	}

	for _, x := range []struct {
		version, when string
		want          catalog.Tri
	}{
		{"20.0.4184", "agent_version >= 20.0.0.4185", catalog.No},
		{"20.0.4185", "agent_version >= 20.0.0.4185", catalog.Yes},
		{"20.0.4185", "agent_version >= 20.0.4185", catalog.Yes}, // in a row of one's own
		{"20.0.0-4185", "agent_version is 20.0.4185", catalog.Yes},
		{"20.0.4184", "agent_version < 20.0.2", catalog.Yes},
		{"20.0.2", "agent_version >= 20.0.0.4185", catalog.Yes},
		{"20.0.2", "agent_version < 20.0.0.8438", catalog.No},
		{"20.0.2", "agent_version >= 20.0.2", catalog.Yes},
		{"20.0.2", "agent_version < 20.0.2", catalog.No},
		{"20.0.2", "agent_version < 20.0.3", catalog.Yes},
		{"20.0.2", "agent_version >= 20.0.2.1390", catalog.Unknown},
		{"20.0.2", "agent_version < 20.0.2.1390", catalog.Unknown},
		{"20.0.2", "agent_version > 20.0.2.1390", catalog.Unknown},
		{"20.0.2", "agent_version <= 20.0.2.1390", catalog.Unknown},
		{"20.0.2", "agent_version is 20.0.2.1390", catalog.Unknown},
		{"20.0.2", "agent_version is not 20.0.2.1390", catalog.Unknown},
		{"20.0.2", "agent_version > 20.0.2", catalog.Unknown},
		{"20.0.2", "agent_version is 20.0.2", catalog.Unknown},
		{"20.0.2", "agent_version is 20.0.3", catalog.No},
		{"20.0.2", "agent_version is not 20.0.1", catalog.Yes},
		{"20.0", "agent_version >= 20.0.0.4185", catalog.No}, // stays as it is
		{"9.6", "agent_version < 20.0", catalog.Yes},
	} {
		w, err := catalog.ParseWhen(x.when)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.Eval(event.Facts{event.AgentVersion: {Value: x.version}}); got != x.want {
			t.Errorf("%s with %s is %s, want %s", x.when, x.version, got, x.want)
		}
		back, err := catalog.ParseWhen(w.String())
		if err != nil || back.String() != w.String() || back.Eval(event.Facts{event.AgentVersion: {Value: x.version}}) != x.want {
			t.Errorf("%s is written as %s, which means another thing: %v", x.when, w, err)
		}
	}
	// A kernel is not written like that.
	w, err := catalog.ParseWhen("kernel_version < 4.4.302")
	if err != nil || w.Eval(event.Facts{event.KernelVersion: {Value: "4.4.301"}}) != catalog.Yes || w.Eval(event.Facts{event.KernelVersion: {Value: "4.4.302"}}) != catalog.No {
		t.Errorf("%s: %v", w, err)
	}
	if w, err := catalog.ParseWhen("agent_version >= 20.0.4184.0"); err != nil || w.String() != "agent_version >= 20.0.4184.0" {
		t.Errorf("%s, %v", w, err)
	}

	own := func(when string) catalog.Row {
		w, err := catalog.ParseWhen(when)
		if err != nil {
			t.Fatal(err)
		}
		return catalog.Row{Component: catalog.Own, Kind: "process", Name: "x", When: w}
	}
	for _, x := range []struct{ version, en, ja string }{
		{"20.0.4184", "not expected because agent_version is 20.0.4184 [declared] (< 20.0.0.4185); agent_version is read as 20.0.0.4184", "Agent のバージョンが 20.0.4184 (設定、< 20.0.0.4185) のため監視対象外です。Agent のバージョンは 20.0.0.4184 と解釈しています"},
		{"20.0.0", `agent_version "20.0.0" [declared] tells no build; declare it in a facts file or in watch.facts`, `agent_version "20.0.0" [declared] にビルド番号がないため判定できません。値を facts ファイルまたは watch.facts に記述してください`},
	} {
		v := own("agent_version >= 20.0.0.4185").Evaluate(event.Facts{event.AgentVersion: {Value: x.version, Origin: "declared"}})
		if v.ReasonIn("en") != x.en || v.ReasonIn("ja") != x.ja {
			t.Errorf("%s:\n%s\n%s", x.version, v.ReasonIn("en"), v.ReasonIn("ja"))
		}
	}
}

// TestVersionOrder lists versions from old to new.
func TestVersionOrder(t *testing.T) {
	order := []string{"9.5", "9.6", "12.5.0-1033", "20.0", "20.0.0.4184", "20.0.0-4185", "20.0.0-7118.el8", "20.0.0.7119", "20.0.0-8437", "20.0.0-8438", "20.0.1-7380", "20.0.2-1390.el8", "20.1"}
	for i, a := range order {
		for j, b := range order {
			va, _ := catalog.ParseVersion(a)
			vb, _ := catalog.ParseVersion(b)
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			if got := va.Compare(vb); got != want {
				t.Errorf("%s against %s is %d, want %d", a, b, got, want)
			}
		}
	}
}

func TestParseWhen(t *testing.T) {
	for in, want := range map[string]string{
		"":                                       "always",
		"always":                                 "always",
		" Always ":                               "always",
		"relay":                                  "relay",
		"relay is on":                            "relay",
		"RELAY IS ON":                            "relay",
		"relay is off":                           "relay is off",
		"relay is not on":                        "relay is not on",
		"not relay":                              "NOT relay",
		"NOT not relay":                          "NOT NOT relay",
		"features.anti_malware":                  "anti_malware",
		"agent_version>=20":                      "agent_version >= 20.0",
		"agent_version < 20.0.0-8438.el8":        "agent_version < 20.0.0.8438",
		"kernel_version is 4.5":                  "kernel_version is 4.5",
		"kernel_version is not 4.5":              "kernel_version is not 4.5",
		"communication is unknown":               "communication is unknown",
		"agent_version is not unknown":           "agent_version is not unknown",
		"relay and firewall or web_reputation":   "(relay AND firewall) OR web_reputation",
		"relay and (firewall or web_reputation)": "relay AND (firewall OR web_reputation)",
		"(relay and firewall) and web_reputation": "relay AND firewall AND web_reputation",
		"((relay))":                      "relay",
		"not (relay or firewall)":        "NOT (relay OR firewall)",
		"(agent_version>20.0)and(relay)": "agent_version > 20.0 AND relay",
		"os is linux OR os is not aix":   "os is linux OR os is not aix",
		"communication is not agent_initiated OR (communication is unknown AND edition is deep_security)": "communication is not agent_initiated OR (communication is unknown AND edition is deep_security)",
	} {
		w, err := catalog.ParseWhen(in)
		if err != nil || w.String() != want {
			t.Errorf("%q is %q, %v; want %q", in, w, err, want)
		}
		if w.IsZero() != (want == "always") {
			t.Errorf("%q: IsZero is %v", in, w.IsZero())
		}
		back, err := catalog.ParseWhen(w.String())
		if err != nil || !back.Equal(w) {
			t.Errorf("%q was written as %q and read as %q, %v", in, w, back, err)
		}
	}
	for in, want := range map[string]string{
		"anti_malwre":                    "column 1: \"anti_malwre\" is not a fact; did you mean anti_malware?",
		"relay AND":                      "column 10: the condition ends where a fact was expected",
		"relay firewall":                 `column 7: "firewall" where AND, OR or the end was expected`,
		"(relay":                         `column 7: "" where ) was expected`,
		"relay)":                         `column 6: ")" where AND, OR or the end was expected`,
		"relay is maybe":                 `column 10: "maybe" is not a value of relay; write one of on, off, unknown`,
		"edition is deep-security":       "did you mean deep_security?",
		"edition":                        "nothing is asked of edition; write edition is VALUE with one of deep_security, workload_security",
		"agent_version":                  "write agent_version >= VERSION",
		"agent_version >= latest":        "does not begin with a number",
		"agent_version >=":               "a value is missing after agent_version >=",
		"(agent_version >= )":            "a value is missing",
		"agent_version => 20.0":          `"=>" is not a comparison; write is, is not, <, <=, > or >=`,
		"agent_version == 20.0":          `"==" is not a comparison`,
		"relay >= 1":                     "column 7: relay is not a version and cannot be compared by >=",
		"components is agent":            "write the row's component instead",
		"always AND relay":               "write always alone",
		"relay AND always":               `"always" is not a fact`,
		"\xff":                           "is not a fact",
		strings.Repeat("(", 30):          "inside each other",
		strings.Repeat("not ", 30):       "inside each other",
		strings.Repeat("relay or ", 300): "at most 2000",
	} {
		_, err := catalog.ParseWhen(in)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", in, err, want)
		}
	}
}

func TestWhenEval(t *testing.T) {
	facts := event.Facts{event.Relay: {Value: "on"}, event.Firewall: {Value: "off"}, event.AgentVersion: {Value: "20.0.0-8438"}, event.KernelVersion: {Value: "?"}}
	for in, want := range map[string]catalog.Tri{
		"always":                              catalog.Yes,
		"relay":                               catalog.Yes,
		"NOT relay":                           catalog.No,
		"relay is off":                        catalog.No,
		"relay is not off":                    catalog.Yes,
		"anti_malware":                        catalog.Unknown,
		"NOT anti_malware":                    catalog.Unknown,
		"anti_malware is unknown":             catalog.Yes,
		"anti_malware is not unknown":         catalog.No,
		"relay is unknown":                    catalog.No,
		"relay OR anti_malware":               catalog.Yes,
		"relay AND anti_malware":              catalog.Unknown,
		"firewall AND anti_malware":           catalog.No,
		"firewall OR anti_malware":            catalog.Unknown,
		"agent_version is 20.0.0.8438":        catalog.Yes,
		"agent_version is not 20.0.0.8438":    catalog.No,
		"agent_version > 20.0.0.8438":         catalog.No,
		"agent_version >= 20.0.0.8438":        catalog.Yes,
		"agent_version < 20.0.0.8438":         catalog.No,
		"agent_version <= 20.0.0.8438":        catalog.Yes,
		"kernel_version >= 1.0":               catalog.Unknown,
		"kernel_version is unknown":           catalog.No, // it has a value, which cannot be read
		"appliance_version < 9.6":             catalog.Unknown,
		"NOT (firewall OR agent_version < 1)": catalog.Yes,
	} {
		w, err := catalog.ParseWhen(in)
		if err != nil {
			t.Errorf("%q: %v", in, err)
			continue
		}
		if got := w.Eval(facts); got != want {
			t.Errorf("%q is %s, want %s", in, got, want)
		}
	}
}

func TestWhenYAML(t *testing.T) {
	type holder struct {
		When catalog.When `yaml:"when"`
	}
	for _, text := range []string{"when: relay AND agent_version >= 20.0", "when: >-\n  relay AND\n  agent_version >= 20.0", "when: 'relay AND agent_version >= 20.0'"} {
		var h holder
		if err := yaml.UnmarshalWithOptions([]byte(text), &h, yaml.Strict()); err != nil || h.When.String() != "relay AND agent_version >= 20.0" {
			t.Errorf("%q is %q, %v", text, h.When, err)
		}
		out, err := yaml.Marshal(h)
		if err != nil || string(out) != "when: relay AND agent_version >= 20.0\n" {
			t.Errorf("written as %q, %v", out, err)
		}
	}
}

var at = time.Date(2026, 11, 22, 3, 4, 5, 0, time.UTC)

func FuzzParseVersion(f *testing.F) {
	for _, s := range []string{"20.0.0.4185", "20.0.2-1390.el8", "4.5.0-rc1", "5.15.0+", "-1", "20..1", "4294967296", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := catalog.ParseVersion(s)
		if err != nil {
			return
		}
		back, err := catalog.ParseVersion(v.String())
		if err != nil || back != v || v.Compare(back) != 0 {
			t.Errorf("%q is %v, written %q, read %v, %v", s, v, v, back, err)
		}
		dashed, err := catalog.ParseVersion(strings.ReplaceAll(s, ".", "-"))
		if err != nil || dashed != v {
			t.Errorf("%q is %v with dots and %v with dashes, %v", s, v, dashed, err)
		}
	})
}

func FuzzParseWhen(f *testing.F) {
	for _, r := range load(f).Rows("") {
		f.Add(r.When.String())
	}
	for _, s := range []string{"not (relay or not firewall) and os is linux", "relay is not unknown", "((relay", "a<>b", "agent_version is 20.0.0-1.el8"} {
		f.Add(s)
	}
	some := typical()
	delete(some, event.Relay)
	delete(some, event.AgentVersion)
	f.Fuzz(func(t *testing.T, s string) {
		w, err := catalog.ParseWhen(s)
		if err != nil {
			return
		}
		text := w.String()
		back, err := catalog.ParseWhen(text)
		if err != nil {
			if len(text) > 2000 {
				return // the long form of a text that was just short enough
			}
			t.Fatalf("%q was written as %q, which is refused: %v", s, text, err)
		}
		if back.String() != text {
			t.Fatalf("%q was written as %q and then as %q", s, text, back)
		}
		for _, facts := range []event.Facts{nil, some, typical()} {
			if back.Eval(facts) != w.Eval(facts) {
				t.Fatalf("%q means %s, written as %q it means %s", s, w.Eval(facts), text, back.Eval(facts))
			}
			r := catalog.Row{Component: "agent", Kind: "process", Name: "x", When: w}
			if v := r.Evaluate(facts); v.ReasonIn("en") == "" || v.ReasonIn("ja") == "" {
				t.Fatalf("%q has no reason", s)
			}
		}
	})
}

// FuzzFactsFile fills a file as a reader of YAML does. The reader itself is
// fuzzed where it lives, in package config.
func FuzzFactsFile(f *testing.F) {
	f.Add("linux", "agent,manager", "20.0.2-1390.el8", "9.5", "5.14.0-362.el9", "deep_security", "bidirectional", "on", "TRUE")
	f.Add("unknown", "unknown", "unknown", "unknown", "unknown", "unknown", "unknown", "unknown", "Off")
	f.Add("", "", "", "", "4.5.0-rc1", "", "", " yes ", "1")
	f.Add("Linux", "agent,agent", "-1", "20..1", "4294967296", "\xff", "\n", "\u202e", "~")
	rows := load(f).Rows("")
	f.Fuzz(func(t *testing.T, os, components, agent, appliance, kernel, edition, communication, relay, feature string) {
		file := catalog.FactsFile{OS: os, AgentVersion: agent, ApplianceVersion: appliance, KernelVersion: kernel, Edition: edition, Communication: communication}
		if components != "" {
			file.Components = strings.Split(components, ",")
		}
		if file.Relay.UnmarshalText([]byte(relay)) != nil || file.Features.TLSInspection.UnmarshalText([]byte(feature)) != nil {
			t.Fatal("a switch does not take a word; Validate could not name its key")
		}
		if err := file.Validate(); err != nil {
			if s := (*setting.Error)(nil); !errors.As(err, &s) || s.Key == "" {
				t.Fatalf("%v names no key", err)
			}
			return
		}
		facts := file.Facts("declared", at)
		if err := facts.Validate(); err != nil {
			t.Fatalf("%+v was accepted and gives facts that are not: %v", file, err)
		}
		for _, r := range rows {
			v := r.Evaluate(facts)
			if v.ReasonIn("en") == "" || strings.ContainsAny(v.ReasonIn("en"), "\n\r") || strings.Contains(v.ReasonIn("en"), "cannot be read") {
				t.Fatalf("%+v: %s: reason %q", file, r.ID(), v.ReasonIn("en"))
			}
		}
	})
}
