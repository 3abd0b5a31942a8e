package app

import (
	"strings"
	"testing"

	"dswatch/words"
)

// TestWeak: a secret that is too short to be hidden is refused where it is new,
// and goes on where it is that of the configuration in force.
func TestWeak(t *testing.T) {
	read := func(key string) *Loaded {
		l, err := Parse("x.yaml", []byte("detectors: {manager: {url: 'https://dsm', api_key: '"+key+"'}}"))
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	for _, c := range []struct {
		name, key string
		before    *Loaded
		refused   bool
	}{
		{"long, nothing runs", "abcdef", nil, false},
		{"short, nothing runs", "abc", nil, true},
		{"short instead of long", "abc", read("abcdef"), true},
		{"short instead of another", "abc", read("xyz"), true},
		{"short as before", "abc", read("abc"), false},
	} {
		err := read(c.key).Weak(c.before)
		if (err != nil) != c.refused || err != nil && !strings.Contains(err.Error(), "x.yaml:1:52: detectors.manager.api_key: a secret of 3 bytes is too short") {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestNames: names that only look alike, or are none, are warned of; nothing
// that has run is refused.
func TestNames(t *testing.T) {
	for text, want := range map[string]string{
		"host: web01":           "",
		"host: ...":             "has no letter and no digit",
		"host: \"cafe\\u0301\"": "is another name",
		"host: \"caf\\u00e9\"":  "",
		"host: \"\\uff57eb01\"": "is another name",
		"host: h\nwatch: {items: [{kind: process, name: DSA.EXE}, {kind: process, name: dsa.exe}]}":                 "are one on Windows",
		"host: h\nwatch: {items: [{kind: process, name: DSA.EXE, component: agent}]}":                               "are watched there as one item, \"dsa.exe\"",
		"host: h\ndetectors: {remote: {user: u, agent: true, targets: [{host: \"cafe\\u0301\", os: linux}]}}":       "is another name",
		"host: h\ndetectors: {vsphere: {url: 'https://vc', user: u, password: abcdefgh, hosts: [\"cafe\\u0301\"]}}": "is another name",
		"host: h\nwatch: {items: [{kind: process, name: A, os: [linux]}, {kind: process, name: a, os: [linux]}]}":   "",
		"host: h\nsinks: [{name: nms, type: snmp, address: '192.0.2.1:162', community: abc}]":                       "a secret of 3 bytes is too short",
		"host: h\nsinks: [{name: nms, type: snmp, address: '192.0.2.1:162', community: abcdefghijklmnop}]":          "",
		"host: h\ndetectors: {port: {targets: [{host: web01, ports: [4118]}, {host: WEB01, ports: [4118]}]}}":       "written in another way",
	} {
		l, err := Parse("x.yaml", []byte(text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		said := strings.Join(words.In("en", nil).Lines(l.Warnings), "\n")
		if want == "" && said != "" || !strings.Contains(said, want) {
			t.Errorf("%s: %q", text, said)
		}
	}
}
