package app

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dswatch/catalog"
	"dswatch/event"
	"dswatch/table"
	"dswatch/words"
)

// sick is the check of a hub with a lost process and a manager's computers, of
// which many are well.
func sick(lang string, lost int) *CheckResult {
	r := &CheckResult{Host: "hub", lang: lang, facts: event.Facts{event.Components: {Value: "agent", Origin: "declared"}}, Exit: ExitCritical}
	r.zone, r.Hosts = time.UTC, []CheckHost{
		{Host: "hub", Facts: r.facts},
		{Host: "sol01", Facts: event.Facts{
			event.AgentVersion: {Value: "20.0.0-8438", Origin: "package (pkginfo ds-agent)", At: time.Date(2026, 11, 22, 21, 0, 5, 0, time.UTC)},
			event.BootTime:     {Value: "2026-11-22T00:00:00Z", Origin: "kernel"}}},
		{Host: "web0001", managed: true, Facts: event.Facts{event.Edition: {Value: "deep_security", Origin: "manager API"}}},
		{Host: "web0500", managed: true, Facts: event.Facts{event.Edition: {Value: "deep_security", Origin: "manager API"}}},
	}
	add := func(host string, kind event.Kind, name string, s event.State, expected catalog.Tri, meaning string) {
		r.Items = append(r.Items, CheckItem{Host: host, Component: event.Agent, Kind: kind, Name: name, State: s, Expected: expected,
			Instances: 1, Reason: "reason", severity: event.Critical, meaning: meaning})
	}
	add("hub", event.Process, "ds_agent", event.Up, catalog.Yes, "")
	add("hub", event.Process, "ds_am", event.Down, catalog.Yes, map[string]string{
		"en": "Anti-malware has stopped, so this host is not protected. Confirm it with lsmod | grep dsa_filter.",
		"ja": "不正プログラム対策が停止しており、このホストは保護されていません（要確認）。lsmod | grep dsa_filter で確認できます。"}[lang])
	add("hub", event.Driver, "x", event.Down, catalog.No, "")
	for i := range 1000 {
		s := event.Up
		if i < lost {
			s = event.Down
		}
		add(fmt.Sprintf("web%04d", i), event.Heartbeat, "agent", s, catalog.Yes, "lost")
	}
	return r
}

// TestCheckTable: columns stand under each other in terminal cells, no line is
// wider than the terminal, commands are whole, and there is colour only where
// it is wanted.
func TestCheckTable(t *testing.T) {
	for _, lang := range []string{"en", "ja"} {
		for _, width := range []int{0, 40, 60, 80, 120, 200} {
			for _, color := range []bool{false, true} {
				t.Run(fmt.Sprint(lang, width, color), func(t *testing.T) {
					var b strings.Builder
					if err := sick(lang, 2).WriteTable(&b, table.Form{Width: width, Color: color}, true); err != nil {
						t.Fatal(err)
					}
					if got := strings.Contains(b.String(), "\x1b"); got != color {
						t.Errorf("colour %v", got)
					}
					text := b.String()
					for _, code := range []string{"\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[90m", "\x1b[0m"} {
						text = strings.ReplaceAll(text, code, "")
					}
					lines := strings.Split(text, "\n")
					column := -1
					for i, line := range lines {
						if n := table.Width(line); width > 0 && n > max(width, 58) && i > 9 {
							t.Errorf("%d cells: %q", n, line)
						}
						at := strings.Index(line, "/1 ")
						if at < 0 || width > 0 && strings.HasPrefix(line, " ") {
							continue
						}
						at = table.Width(line[:at])
						if column >= 0 && at != column {
							t.Errorf("column at %d, not %d: %q", at, column, line)
						}
						column = at
					}
					flat := strings.Join(strings.Fields(text), " ")
					solid := func(s string) string { return strings.Join(strings.Fields(s), "") } // a line may break anywhere in Japanese
					if !strings.Contains(solid(text), solid("sol01 agent_version 20.0.0-8438 ["+words.In(lang, nil).Origin("package (pkginfo ds-agent)")+", 2026-11-22 21:00:05]")) ||
						!strings.Contains(flat, "web0001 edition") || strings.Contains(flat, "web0500") {
						t.Errorf("facts: %s", text)
					}
					if !strings.Contains(flat, "lsmod | grep dsa_filter") || strings.Contains(flat, "web0002") || !strings.Contains(flat, "web0001 agent") || !strings.Contains(flat, " 998 ") {
						t.Errorf("%s", text)
					}
				})
			}
		}
	}
}

var update = flag.Bool("update", false, "write the golden files; read them before you commit")

// TestCheckScreen: the table at 80 cells, in both languages, is as in the golden
// file, which a person has read.
func TestCheckScreen(t *testing.T) {
	var b strings.Builder
	for _, lang := range []string{"en", "ja"} {
		for _, all := range []bool{false, true} {
			fmt.Fprintf(&b, "== %s, all %v\n", lang, all)
			if err := sick(lang, 2).WriteTable(&b, table.Form{Width: 80}, all); err != nil {
				t.Fatal(err)
			}
		}
	}
	file := filepath.Join("testdata", "check.txt")
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(file); err != nil || b.String() != string(want) {
		t.Errorf("%v; the table has changed; read it in %s after -update:\n%s", err, file, b.String())
	}
}

// TestAbsent: nobody who is root is told to be root.
func TestAbsent(t *testing.T) {
	for _, lang := range []string{"en", "ja"} {
		for _, root := range []bool{false, true} {
			var b strings.Builder
			if err := (&CheckResult{Host: "web01", lang: lang, root: root}).WriteTable(&b, table.Form{}, true); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(b.String(), "root") == root || !strings.Contains(b.String(), "watch.facts.components") {
				t.Errorf("%s, root %v: %s", lang, root, b.String())
			}
		}
	}
}

// TestNagiosLine: one short line whatever is lost, with performance data.
func TestNagiosLine(t *testing.T) {
	var b strings.Builder
	if err := sick("en", 1000).WriteNagios(&b); err != nil {
		t.Fatal(err)
	}
	line := b.String()
	if strings.Count(line, "\n") != 1 || strings.Count(line, "|") != 1 || len(line) > 1024 || !strings.Contains(line, "process ds_am down, heartbeat web0000 agent down") ||
		!strings.HasSuffix(line, "and 991 more; 1 of 1002 expected items are up | expected=1002 up=1 degraded=0 down=1001 unknown=0\n") {
		t.Errorf("%d bytes: %s", len(line), line)
	}
}

// TestCheckUndecided: that something runs while nothing is known to be expected
// is no OK.
func TestCheckUndecided(t *testing.T) {
	r := &CheckResult{Host: "hub", lang: "en", Exit: ExitUnknown, Items: []CheckItem{
		{Host: "hub", Kind: event.Process, Name: "ds_agent", State: event.Up, Found: 2, Instances: 2, Expected: catalog.Unknown, Reason: "components unknown"},
		{Host: "hub", Kind: event.Process, Name: "ds_am", State: event.Down, Instances: 2, Expected: catalog.Unknown},
	}}
	if r.absent() || !r.undecided() {
		t.Fatalf("absent %v, undecided %v", r.absent(), r.undecided())
	}
	var shown, nagios strings.Builder
	if err := errors.Join(r.WriteTable(&shown, table.Form{}, true), r.WriteNagios(&nagios)); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{shown.String(), nagios.String()} {
		if !strings.Contains(text, "what must run cannot be told; declare") {
			t.Error(text)
		}
	}
	r.Items[1].Expected = catalog.Yes
	if r.undecided() {
		t.Error("one expected row decides")
	}
}
