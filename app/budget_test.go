package app

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"dswatch/catalog"
	"dswatch/detector"
	"dswatch/event"
	"dswatch/words"
)

// TestPortsOfOthersAreAJobOfTheirOwn: own sockets and the targets share
// nothing, and a look at these has the time that it needs.
func TestPortsOfOthersAreAJobOfTheirOwn(t *testing.T) {
	text := func(more string, hosts int) string {
		var b strings.Builder
		fmt.Fprintf(&b, "host: here\ndetectors:\n  port:\n    %s\n    targets:\n      - {ports: [9999]}\n", more)
		for i := range hosts {
			fmt.Fprintf(&b, "      - {host: 10.%d.%d.1, ports: [4118]}\n", i/250, i%250)
		}
		return b.String()
	}
	for name, c := range map[string]struct {
		more     string
		hosts    int
		timeout  time.Duration // of the targets, at least
		warnings []string
	}{
		"few":                    {"rate: 500", 5, 20 * time.Second, nil},
		"many":                   {"rate: 500", 3000, 30 * time.Second, []string{"detectors.port.schedule: a look at 3000 ports takes"}},
		"many, and time for few": {"timeout: 5s", 3000, 5 * time.Second, []string{"detectors.port.timeout: a look at 3000 ports", "detectors.port.schedule"}},
		"many, seldom":           {`schedule: "@every 5m"`, 3000, 30 * time.Second, nil},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := Parse("x.yaml", []byte(text(c.more, c.hosts)))
			if err != nil {
				t.Fatal(err)
			}
			jobs, err := l.watch.jobs(detector.Live{Known: []event.Key{detector.Way("here", "192.0.2.0/24"), detector.Way("other", "192.0.2.0/24"), detector.Way("here", "ssh")}})
			if err != nil {
				t.Fatal(err)
			}
			by := map[string]detector.Job{}
			for _, j := range jobs {
				by[j.Name] = j
			}
			own, far := by["port"], by["port targets"]
			if len(own.Keys) == 0 || own.Open || own.Timeout > 20*time.Second || len(far.Keys) != c.hosts+2 || !far.Open {
				t.Errorf("own %d keys, open %v, %s; targets %d keys, open %v", len(own.Keys), own.Open, own.Timeout, len(far.Keys), far.Open)
			}
			if len(far.Known) != 1 || far.Known[0].Name != "192.0.2.0/24" {
				t.Errorf("known %v", far.Known)
			}
			if far.Timeout < c.timeout || c.timeout < 20*time.Second && far.Timeout != c.timeout {
				t.Errorf("the targets have %s, want %s", far.Timeout, c.timeout)
			}
			said := strings.Join(words.In("en", nil).Lines(l.Warnings), "\n")
			if len(l.Warnings) != len(c.warnings) {
				t.Errorf("warnings %q", said)
			}
			for _, w := range c.warnings {
				if !strings.Contains(said, w) {
					t.Errorf("%q is not among %q", w, said)
				}
			}
			if b := words.In("en", nil).Lines(l.Budgets()); len(b) != 1 || !strings.Contains(b[0], fmt.Sprintf("%d ports of other hosts (0 names to look up)", c.hosts)) || !strings.Contains(b[0], far.Timeout.String()) {
				t.Errorf("%q", b)
			}
			rows := newRows(l)
			for name, want := range map[string]catalog.Tri{"192.0.2.0/24": catalog.Yes, "network": catalog.Yes, "targets": catalog.Yes, "ssh": catalog.No, "vsphere": catalog.No} {
				row, v := rows.Find(detector.Way("here", name), nil)
				if (row != nil) != (want == catalog.Yes) || row != nil && v.Expected != want {
					t.Errorf("%s: row %v, %+v", name, row, v)
				}
			}
		})
	}
}

// TestCertain: an outage is certainly told once it spans a look that sees it
// first, and one at or after the end of the hold.
func TestCertain(t *testing.T) {
	for name, c := range map[string]struct {
		every, jitter, hold time.Duration
		again               bool
		want                time.Duration
	}{
		"out of turn":             {10 * time.Second, 0, 20 * time.Second, true, 30 * time.Second},
		"out of turn, jitter":     {30 * time.Second, 2 * time.Second, 20 * time.Second, true, 52 * time.Second},
		"by schedule":             {30 * time.Second, 0, 20 * time.Second, false, time.Minute},
		"by schedule, exact":      {10 * time.Second, 0, 20 * time.Second, false, 30 * time.Second},
		"by schedule, in between": {15 * time.Second, 0, 20 * time.Second, false, 45 * time.Second},
		"no hold":                 {30 * time.Second, 0, 0, false, 30 * time.Second},
		"a hold of ten schedules": {time.Minute, 0, 10 * time.Minute, false, 11 * time.Minute},
		"a schedule of ten holds": {10 * time.Minute, 0, time.Minute, false, 20 * time.Minute},
	} {
		if got := certain(c.every, c.jitter, c.hold, c.again); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// TestBudgetOfOthers: what is looked at through SSH and vSphere is said too, and
// the time of a look follows the number of hosts unless it is written.
func TestBudgetOfOthers(t *testing.T) {
	text := func(ssh, esx int, more string) string {
		var b strings.Builder
		fmt.Fprintf(&b, "host: here\ndetectors:\n  vsphere: {url: 'https://vc', user: u, password: abcdefgh, %s hosts: [", more)
		for i := range esx {
			fmt.Fprintf(&b, "esx%d, ", i)
		}
		b.WriteString("]}\n  remote:\n    user: u\n    agent: true\n    targets:\n")
		for i := range ssh {
			fmt.Fprintf(&b, "      - {host: lin%d, os: linux}\n", i)
		}
		return b.String()
	}
	for name, c := range map[string]struct {
		ssh, esx int
		more     string
		timeout  time.Duration // of the look at vSphere
		warnings int
	}{
		"few":                  {2, 4, "", 30 * time.Second, 0},
		"many":                 {64, 40, "", 67 * time.Second, 1},
		"more than places":     {65, 40, "", 67 * time.Second, 2},
		"many, seldom":         {64, 40, `schedule: "@every 2m",`, 67 * time.Second, 0},
		"no time for the many": {2, 40, "timeout: 20s,", 20 * time.Second, 1},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := Parse("x.yaml", []byte(text(c.ssh, c.esx, c.more)))
			if err != nil {
				t.Fatal(err)
			}
			if len(l.Warnings) != c.warnings {
				t.Errorf("warned of %q", l.Warnings)
			}
			said := strings.Join(words.In("en", nil).Lines(l.Budgets()), "\n")
			for _, want := range []string{fmt.Sprintf("detectors.remote: %d hosts, at most 64 at a time", c.ssh), fmt.Sprintf("detectors.vsphere: %d hosts, at most 8 asked at a time", c.esx)} {
				if !strings.Contains(said, want) {
					t.Errorf("%q is not in %s", want, said)
				}
			}
			for _, p := range l.watch.plans {
				if p.Name == "vsphere" && p.Timing.Timeout.Truncate(time.Second) != c.timeout {
					t.Errorf("a look at vSphere has %s, want %s", p.Timing.Timeout, c.timeout)
				}
			}
		})
	}
}

// TestLooksThatOverrun: of every kind a look that may last beyond the next one is
// named, once; one at this host only where its time is written.
func TestLooksThatOverrun(t *testing.T) {
	const vsphere = "url: 'https://vc', user: u, password: abcdefgh, hosts: [esx1]"
	for name, c := range map[string]struct {
		detectors, kind, want string
	}{
		"manager":                    {`manager: {url: "https://dsm", api_key: abcdefgh, schedule: "@every 1m"}`, "manager", "may take 2m0s before it is given up, longer than the 1m0s"},
		"manager, as it comes":       {`manager: {url: "https://dsm", api_key: abcdefgh}`, "manager", ""},
		"processes":                  {`process: {schedule: "@every 5s", timeout: 6s}`, "process", "may take 6s before it is given up, longer than the 5s"},
		"processes, no time written": {`process: {schedule: "@every 1s"}`, "process", ""},
		"processes, in time":         {`process: {schedule: "@every 5s", timeout: 4s}`, "process", ""},
		"services":                   {`service: {schedule: "@every 10s", timeout: 20s}`, "service", "may take 20s"},
		"drivers":                    {`driver: {schedule: "@every 10s", timeout: 20s}`, "driver", "may take 20s"},
		"own ports":                  {`port: {schedule: "@every 10s", timeout: 15s}`, "port", "may take 15s"},
		"ports of others":            {`port: {rate: 1, schedule: "@every 1s", targets: [{host: 192.0.2.1, ports: [4118]}, {host: 192.0.2.2, ports: [4118]}]}`, "port", "takes"},
		"vSphere":                    {`vsphere: {` + vsphere + `, schedule: "@every 20s"}`, "vsphere", "may take 30s"},
		"vSphere, as it comes":       {`vsphere: {` + vsphere + `}`, "vsphere", ""},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := Parse("x.yaml", []byte("host: here\nwatch: {items: [{kind: service, name: x.service}, {kind: driver, name: x}, {kind: port, name: 9999/tcp}]}\ndetectors:\n  "+c.detectors+"\n"))
			if err != nil {
				t.Fatal(err)
			}
			var said []string
			for _, w := range words.In("en", nil).Lines(l.Warnings) {
				if strings.Contains(w, "detectors."+c.kind+".schedule") {
					said = append(said, w)
				}
			}
			if c.want == "" && len(said) > 0 || c.want != "" && (len(said) != 1 || !strings.Contains(said[0], c.want)) {
				t.Errorf("%q, want %q", l.Warnings, c.want)
			}
			if certain := words.English(l.Certain()); !strings.Contains(certain, c.kind+" ") && c.kind != "remote" {
				t.Errorf("%s is not in %s", c.kind, certain)
			}
		})
	}
}
