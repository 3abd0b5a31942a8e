package remote

import (
	"bytes"
	"strings"
	"time"

	"dswatch/catalog"
	"dswatch/detector/facts"
	"dswatch/event"
)

// factCommand finds one fact out. A command that fails or has no answer
// leaves the fact unknown: the package may have another name, or none.
type factCommand struct {
	fact    event.Name
	command string
	origin  string
	parse   func([]byte) string // empty: not found
}

// discover asks for the facts that the system's commands tell.
func (s system) discover(run runner, at time.Time) event.Facts {
	found := event.Facts{}
	for _, c := range s.facts {
		if _, known := found.Get(c.fact); known {
			continue
		}
		out, err := run(c.command)
		if err != nil {
			continue
		}
		value := c.parse(out)
		if _, err := catalog.ParseVersion(value); err != nil {
			continue
		}
		found[c.fact] = event.Fact{Value: value, Origin: "package (" + c.origin + ")", At: at}
		if c.fact == event.KernelVersion {
			found[c.fact] = event.Fact{Value: value, Origin: "kernel (" + c.origin + ")", At: at}
		}
	}
	return found
}

func parseUname(b []byte) string { return strings.TrimSpace(string(b)) }

// parseRPM reads what linuxPackage prints.
func parseRPM(b []byte) string {
	v, err := facts.ParseRPM(b)
	if err != nil {
		return ""
	}
	return v
}

// parseDpkg reads what linuxDeb prints: status and version, perhaps with an epoch.
func parseDpkg(b []byte) string {
	f := strings.Fields(string(b))
	if len(f) != 2 || !facts.DpkgHas(f[0]) {
		return ""
	}
	if _, after, ok := strings.Cut(f[1], ":"); ok {
		return after
	}
	return f[1]
}

// values reads lines of "   NAME:  value", with the names in lower case.
func values(b []byte) map[string]string {
	out := map[string]string{}
	for line := range bytes.Lines(b) {
		name, value, ok := strings.Cut(string(line), ":")
		if name = strings.ToLower(strings.TrimSpace(name)); ok && out[name] == "" {
			out[name] = strings.TrimSpace(value)
		}
	}
	return out
}

// parsePkginfo reads the output of pkginfo -l on Solaris 10.
func parsePkginfo(b []byte) string {
	v := values(b)
	if !strings.Contains(v["status"], "installed") {
		return ""
	}
	version, _, _ := strings.Cut(v["version"], ",")
	return version
}

// parsePkg reads the output of pkg info on Solaris 11, where the build may
// stand in the branch.
func parsePkg(b []byte) string {
	v := values(b)
	version, branch := v["version"], v["branch"]
	if version == "" || !strings.HasPrefix(v["state"], "Installed") {
		return ""
	}
	version, _, _ = strings.Cut(version, " ")
	if strings.Count(version, ".") < 3 && branch != "" && branch != "None" {
		version += "-" + branch
	}
	return version
}

// parseLslpp reads the output of lslpp -Lqc: package, fileset, level, ...
// separated by colons.
func parseLslpp(b []byte) string {
	for line := range bytes.Lines(b) {
		if f := strings.Split(string(line), ":"); len(f) > 5 && strings.HasPrefix(f[1], "ds_agent") {
			return strings.TrimSpace(f[2])
		}
	}
	return ""
}

// parseVib reads the version of the filter driver from esxcli software vib
// list.
func parseVib(b []byte) string {
	for line := range bytes.Lines(b) {
		if f := strings.Fields(string(line)); len(f) >= 3 && f[0] == "dvfilter-dsa" {
			return f[1]
		}
	}
	return ""
}
