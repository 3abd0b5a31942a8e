package test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"dswatch/event"
	"dswatch/setting"
	"dswatch/sinks"
	"dswatch/sinks/sinktest"
	"dswatch/sinks/snmp"
	"dswatch/test/receive"
)

// zabbixTemplate is the part of an export of Zabbix 6.0 that the pack uses.
type zabbixTemplate struct {
	Export struct {
		Version   string
		Date      string
		Groups    []struct{ UUID, Name string }
		Templates []struct {
			UUID, Template, Name, Description string
			Groups                            []struct{ Name string }
			Items                             []struct {
				UUID, Name, Type, Key, Delay, History, Trends, Description string
				ValueType                                                  string `yaml:"value_type"`
				Tags                                                       []struct{ Tag, Value string }
				Triggers                                                   []zabbixTrigger
			}
		}
	} `yaml:"zabbix_export"`
}

type zabbixTrigger struct {
	UUID, Expression, Name, Priority, Type string
	RecoveryMode                           string `yaml:"recovery_mode"`
	RecoveryExpression                     string `yaml:"recovery_expression"`
	CorrelationMode                        string `yaml:"correlation_mode"`
	CorrelationTag                         string `yaml:"correlation_tag"`
	EventName                              string `yaml:"event_name"`
	ManualClose                            string `yaml:"manual_close"`
	Tags                                   []struct{ Tag, Value string }
}

var (
	zabbixFind   = regexp.MustCompile(`find\(/([^/]+)/(.+?\]),,"regexp","(.*?)"\)=([01])`)
	zabbixRegsub = regexp.MustCompile(`\{\{ITEM\.VALUE\}\.regsub\("(.*)", "\\([0-9])"\)\}`)
	zabbixUUID   = regexp.MustCompile(`^[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}$`)
)

// zabbixTrue says whether an expression of find() and "and" is true of a value.
func zabbixTrue(t *testing.T, expression, template, key, value string) bool {
	t.Helper()
	parts := strings.Split(expression, " and find(")
	for i, part := range parts {
		if i > 0 {
			part = "find(" + part
		}
		m := zabbixFind.FindStringSubmatch(part)
		if m == nil || m[0] != part || m[1] != template || m[2] != key {
			t.Fatalf("expression %q", part)
		}
		if regexp.MustCompile("(?m)"+m[3]).MatchString(value) != (m[4] == "1") {
			return false
		}
	}
	return true
}

// zabbixText is what a macro with regsub makes of a value.
func zabbixText(t *testing.T, macro, value string) string {
	t.Helper()
	m := zabbixRegsub.FindStringSubmatch(macro)
	if m == nil {
		t.Fatalf("macro %q", macro)
	}
	found := regexp.MustCompile(m[1]).FindStringSubmatch(value)
	if found == nil {
		return ""
	}
	return strings.Replace(macro, m[0], found[m[2][0]-'0'], 1)
}

// TestPackZabbix sends real traps through snmptrapd to a traphandle that writes
// what Zabbix' own handler writes, with and without the MIB, and evaluates the
// template's expressions on it as its manual describes them. The server itself,
// which needs a database, does not run here.
func TestPackZabbix(t *testing.T) {
	data, err := os.ReadFile("../deploy/packs/zabbix/dswatch.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var pack zabbixTemplate
	if err := yaml.UnmarshalWithOptions(data, &pack, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	template := pack.Export.Templates[0]
	item := template.Items[0]
	if pack.Export.Version != "6.0" || item.Type != "SNMP_TRAP" || item.ValueType != "LOG" || item.Trends != "0" {
		t.Errorf("%+v", item)
	}
	ids := map[string]bool{}
	for _, id := range []string{template.UUID, item.UUID, item.Triggers[0].UUID, item.Triggers[1].UUID} {
		if !zabbixUUID.MatchString(id) || ids[id] {
			t.Errorf("uuid %q is none of version 4, or there twice", id)
		}
		ids[id] = true
	}
	mib, err := snmp.MIB("")
	if err != nil {
		t.Fatal(err)
	}
	raised, changed, cleared := sinktest.Sample(1, event.Raised, "en"), sinktest.Sample(1, event.Changed, "en"), sinktest.Sample(1, event.Cleared, "en")
	other, ack := sinktest.Sample(2, event.Raised, "en"), acknowledgement()
	raised.Severity, changed.Severity, cleared.Severity, ack.Severity, other.Severity = event.Critical, event.Critical, event.Critical, event.Critical, event.Warning
	test, over := raised, cleared
	test.Test, over.Test = true, true
	for name, options := range map[string]receive.SNMPOptions{"with the MIB": {MIB: mib, Names: true}, "without it": {}} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			handler, traps := filepath.Join(dir, "handler"), filepath.Join(dir, "traps")
			script := "#!/bin/sh\n{ read -r host; read -r sender; echo ZBXTRAP; while read -r oid val; do echo \"$oid = $val\"; done; echo END; } >>" + traps + "\n"
			if err := os.WriteFile(handler, []byte(script), 0o700); err != nil {
				t.Fatal(err)
			}
			options.Handler = handler
			d := receive.StartSnmptrapd(t, options)
			cfg := snmp.Defaults()
			cfg.Name, cfg.Type, cfg.Address, cfg.Community = "nms", "snmp", d.Address, setting.Secret("public")
			s, err := snmp.New(cfg, sinks.Env{Name: "nms", Host: "web01", StateDir: dir})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			all := []event.Alert{raised, changed, other, ack, cleared, test, over}
			for i, a := range all {
				if err := s.Send(t.Context(), a); err != nil {
					t.Fatal(err)
				}
				for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
					b, _ := os.ReadFile(traps)
					if strings.Count(string(b), "\nEND\n") == i+1 {
						break
					}
					if time.Now().After(end) {
						t.Fatalf("%s\n%s", b, d.Log())
					}
				}
			}
			b, err := os.ReadFile(traps)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for i, value := range strings.Split(strings.TrimSuffix(string(b), "\nEND\n"), "\nEND\n") {
				wanted := strings.TrimSuffix(strings.TrimPrefix(item.Key, `snmptrap["`), `"]`)
				if !regexp.MustCompile(wanted).MatchString(value) {
					t.Errorf("the item does not take %q", value)
				}
				for _, trigger := range item.Triggers {
					tag := zabbixText(t, trigger.Tags[0].Value, value)
					if tag != all[i].ID {
						t.Errorf("tag %q, want %s", tag, all[i].ID)
					}
					if zabbixTrue(t, trigger.Expression, template.Template, item.Key, value) {
						got = append(got, fmt.Sprint(i, " ", trigger.Priority))
						if title := zabbixText(t, trigger.EventName, value); strings.Trim(strings.TrimPrefix(title, "Deep Security: "), `"`) != all[i].Title {
							t.Errorf("name %q, want %q", title, all[i].Title)
						}
					}
					if zabbixTrue(t, trigger.RecoveryExpression, template.Template, item.Key, value) {
						got = append(got, fmt.Sprint(i, " ends"))
					}
				}
			}
			if want := "0 HIGH, 1 HIGH, 2 WARNING, 4 ends, 4 ends, 5 HIGH, 6 ends, 6 ends"; strings.Join(got, ", ") != want {
				t.Errorf("%s, want %s\n%s", strings.Join(got, ", "), want, b)
			}
		})
	}
}

func acknowledgement() event.Alert {
	a := sinktest.Sample(1, event.Changed, "en")
	a.Transition, a.Ack = event.Acknowledged, &event.Ack{Author: "kim", At: a.At}
	return a
}
