package catalog_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"dswatch/catalog"
	"dswatch/event"
	"dswatch/words"
)

// This file holds the decision table of the watch list a second time, as Go
// code that shares nothing with the catalog: its own truth values, its own
// version numbers, its own conditions. TestTruthTable compares the two.

// answer is a truth value of the oracle.
type answer string

const (
	yes   answer = "yes"
	no    answer = "no"
	maybe answer = "unknown"
)

func all(as ...answer) answer {
	if slices.Contains(as, no) {
		return no
	}
	if slices.Contains(as, maybe) {
		return maybe
	}
	return yes
}

func some(as ...answer) answer {
	if slices.Contains(as, yes) {
		return yes
	}
	if slices.Contains(as, maybe) {
		return maybe
	}
	return no
}

func answerOf(b bool) answer {
	if b {
		return yes
	}
	return no
}

// spelled is a version as a host tells it, with its four numbers written
// down by hand; nil where it cannot be known.
type spelled struct {
	text    string
	numbers []int
}

var agentVersions = []spelled{
	{"", nil},
	{"not-a-version", nil},
	{"12.5.0-1033", []int{12, 5, 0, 1033}},
	{"19.99.99.99999", []int{19, 99, 99, 99999}},
	{"20.0", []int{20, 0, 0, 0}},
	{"20.0.0.4184", []int{20, 0, 0, 4184}},
	{"20.0.0.4185", []int{20, 0, 0, 4185}},
	{"20.0.0-4185.el7", []int{20, 0, 0, 4185}},
	{"20.0.0-7118", []int{20, 0, 0, 7118}},
	{"20.0.0-7119", []int{20, 0, 0, 7119}},
	{"20.0.0.8437", []int{20, 0, 0, 8437}},
	{"20.0.0-8438", []int{20, 0, 0, 8438}},
	{"20.0.1-7380", []int{20, 0, 1, 7380}},
	{"20.0.2-1390.el8", []int{20, 0, 2, 1390}},
}

var kernels = []spelled{
	{"", nil},
	{"generic", nil},
	{"3.10.0-1160.el7.x86_64", []int{3, 10, 0, 1160}},
	{"4.4.302", []int{4, 4, 302, 0}},
	{"4.5.0-rc1", []int{4, 5, 0, 0}},
	{"4.5", []int{4, 5, 0, 0}},
	{"5.14.0-362.el9", []int{5, 14, 0, 362}},
}

var appliances = []spelled{
	{"", nil},
	{"?", nil},
	{"9.5", []int{9, 5, 0, 0}},
	{"9.5.3-9999", []int{9, 5, 3, 9999}},
	{"9.6", []int{9, 6, 0, 0}},
	{"9.6.2-1", []int{9, 6, 2, 1}},
	{"20.0.0-877", []int{20, 0, 0, 877}},
}

// least reports whether v is at least the version with these numbers.
func least(v spelled, n ...int) answer {
	if v.numbers == nil {
		return maybe
	}
	for i := range 4 {
		if v.numbers[i] != n[i] {
			return answerOf(v.numbers[i] > n[i])
		}
	}
	return yes
}

func below(v spelled, n ...int) answer {
	switch least(v, n...) {
	case yes:
		return no
	case no:
		return yes
	}
	return maybe
}

// host is one combination of facts; "" is unknown.
type host struct {
	os, components, edition, relay, communication string
	am, wrs, fw, ips, tls, sessions               string
	agent, appliance, kernel                      spelled
}

func on(v string) answer {
	if v == "" {
		return maybe
	}
	return answerOf(v == "on")
}

func same(v, want string) answer {
	if v == "" {
		return maybe
	}
	return answerOf(v == want)
}

// question is one row of the watch list.
type question struct {
	component string
	os        string // words; empty: any
	kind      event.Kind
	name      string
	n         int
	ask       string // the facts that matter besides os and components
	footnotes string
	when      func(h host) answer
}

func always(host) answer        { return yes }
func antiMalware(h host) answer { return on(h.am) }
func isRelay(h host) answer     { return on(h.relay) }
func relayOnPrem(h host) answer { return all(on(h.relay), same(h.edition, "deep_security")) }
func anyNetwork(h host) answer  { return some(on(h.wrs), on(h.fw), on(h.ips)) }
func oldTLSName(h host) answer {
	return all(on(h.tls), least(h.agent, 20, 0, 0, 4185), below(h.agent, 20, 0, 0, 8438))
}
func newTLSName(h host) answer { return all(on(h.tls), least(h.agent, 20, 0, 0, 8438)) }
func tlsService(h host) answer {
	return all(on(h.tls), least(h.agent, 20, 0, 0, 4185), below(h.agent, 20, 0, 0, 7119))
}
func kernelHelper(h host) answer {
	return all(least(h.kernel, 4, 5, 0, 0), least(h.agent, 20, 0, 0, 0), anyNetwork(h))
}

func loggedOn(h host) answer { return answerOf(h.sessions != "off") }

func listens4118(h host) answer {
	switch {
	case h.communication == "agent_initiated":
		return no
	case h.communication != "":
		return yes
	case h.edition == "deep_security":
		return yes
	}
	return maybe
}

var questions = []question{
	{"manager", "windows", event.Process, "Deep Security Manager.exe", 1, "", "", always},
	{"manager", "windows", event.Service, "Trend Micro Deep Security Manager", 1, "", "", always},
	{"manager", "linux", event.Process, "/opt/dsm/jre/bin/java", 1, "", "", always},
	{"agent", "windows", event.Process, "dsa.exe", 1, "", "", always},
	{"agent", "windows", event.Process, "ds_monitor.exe", 1, "", "", always},
	{"agent", "windows", event.Process, "Notifier.exe", 1, "sessions", "", loggedOn},
	{"agent", "windows", event.Process, "coreFrameworkHost.exe", 1, "am", "agent-windows-1", antiMalware},
	{"agent", "windows", event.Process, "coreServiceShell.exe", 1, "am", "agent-windows-1", antiMalware},
	{"agent", "windows", event.Process, "dsvp.exe", 1, "relay edition", "agent-windows-2", relayOnPrem},
	{"agent", "windows", event.Process, "nginx.exe", 1, "relay", "agent-windows-3", isRelay},
	{"agent", "windows", event.Process, "ds_nuagent.exe", 1, "tls agent", "agent-windows-4", oldTLSName},
	{"agent", "windows", event.Process, "tm_netagent.exe", 1, "tls agent", "agent-windows-4 agent-windows-7", newTLSName},
	{"agent", "windows", event.Service, "ds_agent", 1, "", "", always},
	{"agent", "windows", event.Service, "ds_monitor", 1, "", "", always},
	{"agent", "windows", event.Service, "ds_notifier", 1, "", "", always},
	{"agent", "windows", event.Service, "Amsp", 1, "am", "agent-windows-1", antiMalware},
	{"agent", "windows", event.Service, "ds_nuagent", 1, "tls agent", "agent-windows-4 agent-windows-5", tlsService},
	{"agent", "windows", event.Driver, "tbimdsa", 1, "ips fw", "agent-windows-6", func(h host) answer { return some(on(h.ips), on(h.fw)) }},
	{"agent", "linux solaris", event.Process, "ds_agent", 2, "", "agent-linux-1", always},
	{"agent", "linux solaris", event.Process, "ds_am", 2, "am", "agent-linux-2", antiMalware},
	{"agent", "linux solaris", event.Process, "dsvp", 1, "relay edition", "agent-linux-3", relayOnPrem},
	{"agent", "linux solaris", event.Process, "nginx", 1, "relay", "agent-linux-4", isRelay},
	{"agent", "linux", event.Process, "ds_kmemcg", 1, "kernel agent wrs fw ips", "agent-linux-5", kernelHelper},
	{"agent", "linux", event.Process, "ds_kproc", 1, "kernel agent wrs fw ips", "agent-linux-5", kernelHelper},
	{"agent", "linux", event.Process, "ds_nuagent", 2, "tls agent", "agent-linux-6", oldTLSName},
	{"agent", "linux", event.Process, "tm_netagent", 2, "tls agent", "agent-linux-6 agent-linux-8", newTLSName},
	{"agent", "linux solaris", event.Driver, "dsa_filter", 1, "wrs fw ips", "agent-linux-7", anyNetwork},
	{"agent", "linux solaris", event.Driver, "dsa_filter_hook", 1, "", "", always},
	{"appliance", "esxi", event.Driver, "dvfilter-dsa", 1, "appliance", "appliance-version", func(h host) answer { return below(h.appliance, 9, 6, 0, 0) }},
	{"agent", "", event.Port, "4118/tcp", 1, "communication edition", "port-direction port-notice", listens4118},
	{"appliance", "", event.Port, "4118/tcp", 1, "", "port-notice", always},
	{"agent", "", event.Port, "4122/tcp", 1, "relay", "port-1", isRelay},
}

func (q question) expected(h host) answer {
	os := yes
	if q.os != "" {
		os = maybe
		if h.os != "" {
			os = answerOf(slices.Contains(strings.Fields(q.os), h.os))
		}
	}
	component := maybe
	if h.components != "" {
		component = answerOf(slices.Contains(strings.Split(h.components, ","), q.component))
	}
	return all(os, component, q.when(h))
}

// dimension is one fact with all its values.
type dimension struct {
	name string
	n    int
	set  func(h *host, i int)
}

func wording(name string, field func(h *host) *string, values ...string) dimension {
	values = append([]string{""}, values...)
	return dimension{name, len(values), func(h *host, i int) { *field(h) = values[i] }}
}

func versions(name string, field func(h *host) *spelled, values []spelled) dimension {
	return dimension{name, len(values), func(h *host, i int) { *field(h) = values[i] }}
}

var dimensions = []dimension{
	wording("os", func(h *host) *string { return &h.os }, "windows", "linux", "solaris", "esxi", "aix"),
	wording("components", func(h *host) *string { return &h.components }, "agent", "manager", "appliance", "agent,manager"),
	wording("edition", func(h *host) *string { return &h.edition }, "deep_security", "workload_security"),
	wording("relay", func(h *host) *string { return &h.relay }, "on", "off"),
	wording("communication", func(h *host) *string { return &h.communication }, "bidirectional", "manager_initiated", "agent_initiated"),
	wording("am", func(h *host) *string { return &h.am }, "on", "off"),
	wording("wrs", func(h *host) *string { return &h.wrs }, "on", "off"),
	wording("fw", func(h *host) *string { return &h.fw }, "on", "off"),
	wording("ips", func(h *host) *string { return &h.ips }, "on", "off"),
	wording("tls", func(h *host) *string { return &h.tls }, "on", "off"),
	wording("sessions", func(h *host) *string { return &h.sessions }, "on", "off"),
	versions("agent", func(h *host) *spelled { return &h.agent }, agentVersions),
	versions("kernel", func(h *host) *spelled { return &h.kernel }, kernels),
	versions("appliance", func(h *host) *spelled { return &h.appliance }, appliances),
}

var names = event.Names()

// values lists the facts as event.Names does.
func (h host) values() [15]string {
	return [...]string{h.os, h.components, h.agent.text, h.appliance.text, h.kernel.text, h.edition, h.relay, h.communication, h.am, h.wrs, h.fw, h.ips, h.tls, "", h.sessions}
}

// facts returns h as the program knows it. Each fact has an origin of its
// own, so that a reason can be held to it.
func (h host) facts() event.Facts {
	f := event.Facts{}
	for i, v := range h.values() {
		if n := names[i]; v != "" {
			f[n] = event.Fact{Value: v, Origin: "told by " + string(n)}
		}
	}
	return f
}

// known reports whether the fact has a value that can be used.
func (h host) known(n event.Name) bool {
	switch n {
	case event.AgentVersion:
		return h.agent.numbers != nil
	case event.KernelVersion:
		return h.kernel.numbers != nil
	case event.ApplianceVersion:
		return h.appliance.numbers != nil
	}
	return h.values()[slices.Index(names, n)] != ""
}

// TestTruthTable walks through every combination of the values of os,
// components and the facts that matter to a row, for every row.
func TestTruthTable(t *testing.T) {
	c := load(t)
	var total int
	seen := map[*catalog.Row]bool{}
	for _, q := range questions {
		r := q.row(c)
		if r == nil {
			t.Fatalf("%s %s/%s [%s] is not in the catalog", q.component, q.kind, q.name, q.os)
		}
		seen[r] = true
		if r.Want() != q.n || strings.Join(r.Footnotes, " ") != q.footnotes || strings.Join(r.OS, " ") != q.os {
			t.Errorf("%s: want %d of %q on %q, got %d of %q on %q", r.ID(), q.n, q.footnotes, q.os, r.Want(), r.Footnotes, r.OS)
		}
		asked := append([]string{"os", "components"}, strings.Fields(q.ask)...)
		var matter, rest []dimension
		for _, d := range dimensions {
			if slices.Contains(asked, d.name) {
				matter = append(matter, d)
			} else {
				rest = append(rest, d)
			}
		}
		if len(matter) != len(asked) {
			t.Fatalf("%s: asks for %v, which are not all dimensions", r.ID(), asked)
		}
		rng := rand.New(rand.NewPCG(1, uint64(total)))
		counts := map[answer]int{}
		n := 0
		every(matter, host{}, func(h host) {
			n++
			want := q.expected(h)
			counts[want]++
			f := h.facts()
			v := r.Evaluate(f)
			if got := answer(v.Expected.String()); got != want {
				t.Fatalf("%s %+v: expected %s, want %s (%s)", r.ID(), h, got, want, v.ReasonIn("en"))
			}
			if n%10 != 0 && n > 5000 {
				return // the texts of the largest rows: one in ten
			}
			if err := checkReason(c, q, h, v); err != nil {
				t.Fatalf("%s %+v: %v\n%s\n%s", r.ID(), h, err, v.ReasonIn("en"), v.ReasonIn("ja"))
			}
			for _, d := range rest { // facts that do not matter
				d.set(&h, rng.IntN(d.n))
			}
			if got := r.Evaluate(h.facts()); got.Expected != v.Expected || got.Reason != v.Reason {
				t.Fatalf("%s %+v: a fact that does not matter turned %s into %s", r.ID(), h, v.Expected, got.Expected)
			}
		})
		for _, a := range []answer{yes, no, maybe} {
			if counts[a] == 0 {
				t.Errorf("%s is never %s", r.ID(), a)
			}
		}
		total += n
	}
	for _, r := range c.Rows("") {
		if !seen[r] {
			t.Errorf("%s %s is in the catalog and not on the watch list", r.Component, r.ID())
		}
	}
	t.Logf("%d rows, %d combinations", len(questions), total)
}

func (q question) row(c *catalog.Catalog) *catalog.Row {
	os, _, _ := strings.Cut(q.os, " ")
	return c.Find(event.Key{Host: "h", Component: q.component, Kind: q.kind, Name: q.name}, os)
}

// every calls do for each combination of values.
func every(ds []dimension, h host, do func(host)) {
	if len(ds) == 0 {
		do(h)
		return
	}
	for i := range ds[0].n {
		ds[0].set(&h, i)
		every(ds[1:], h, do)
	}
}

// checkReason holds a verdict's reason to its promises.
func checkReason(c *catalog.Catalog, q question, h host, v catalog.Verdict) error {
	en, ja := v.ReasonIn("en"), v.ReasonIn("ja")
	for _, s := range []string{en, ja} {
		if s == "" || strings.ContainsAny(s, "\n\r\t") {
			return fmt.Errorf("a reason is empty or not one line")
		}
	}
	byOS := v.Reason.Has(words.OtherOS.Code())
	byComponent := v.Reason.Has(words.ComponentAbsent.Code())
	if !byOS && !byComponent && v.Expected != catalog.Unknown {
		for _, id := range strings.Fields(q.footnotes) {
			n, _ := c.Footnote(id)
			if n.EN == "" || !strings.Contains(en, n.EN) || !strings.Contains(ja, n.JA) {
				return fmt.Errorf("footnote %s is not cited", id)
			}
		}
	}
	en, _, _ = strings.Cut(en, "note: ")
	ja, _, _ = strings.Cut(ja, "注記: ")
	if v.Expected == catalog.Unknown {
		var named int
		for _, n := range names[1:] { // but os, which is a part of other words
			in := strings.Contains(en, string(n)+" unknown") || strings.Contains(en, string(n)+", ") || strings.Contains(en, string(n)+` "`)
			if in != strings.Contains(ja, string(n)) {
				return fmt.Errorf("%s is named in one language only", n)
			}
			if in && h.known(n) {
				return fmt.Errorf("%s is called unknown and is known", n)
			}
			if in {
				named++
			}
		}
		if named == 0 && !(h.os == "" && strings.HasPrefix(en, "os unknown")) {
			return fmt.Errorf("no unknown fact is named")
		}
		if !strings.Contains(en, "in watch.facts") || !strings.Contains(ja, "watch.facts") {
			return fmt.Errorf("does not say where to declare")
		}
		return nil
	}
	if strings.Contains(en, "told by ") != strings.Contains(ja, "told by ") || !strings.Contains(en, "[told by ") {
		return fmt.Errorf("no fact is named with its origin")
	}
	return nil
}

// upgrade is a host that is told as a story: at each step this runs, and
// nothing else of advanced TLS inspection does.
type step struct {
	version, tls string
	running      string
}

// TestUpgradeStories: at no step is anything expected that a healthy host of
// that version does not run, and everything that runs is expected, so that
// its loss is seen.
func TestUpgradeStories(t *testing.T) {
	for _, story := range []struct {
		name, os string
		steps    []step
	}{
		{"windows: the service disappears, then the process is renamed", event.Windows, []step{
			{"20.0.0-4184", "on", ""},
			{"20.0.0-4185", "on", "process/ds_nuagent.exe service/ds_nuagent"},
			{"20.0.0-7118", "on", "process/ds_nuagent.exe service/ds_nuagent"},
			{"20.0.0-7119", "on", "process/ds_nuagent.exe"},
			{"20.0.0-8437", "on", "process/ds_nuagent.exe"},
			{"20.0.0-8438", "on", "process/tm_netagent.exe"},
			{"20.0.1-7380", "on", "process/tm_netagent.exe"},
			{"20.0.2-1390", "on", "process/tm_netagent.exe"},
		}},
		{"linux: the process is renamed", event.Linux, []step{
			{"20.0.0-7118.el8", "on", "process/ds_nuagent"},
			{"20.0.0-7119.el8", "on", "process/ds_nuagent"},
			{"20.0.0-8437.el8", "on", "process/ds_nuagent"},
			{"20.0.0-8438.el8", "on", "process/tm_netagent"},
			{"20.0.2-1390.el8", "on", "process/tm_netagent"},
		}},
		{"windows: inspection is switched off and on", event.Windows, []step{
			{"20.0.0-7118", "on", "process/ds_nuagent.exe service/ds_nuagent"},
			{"20.0.0-7118", "off", ""},
			{"20.0.0-7118", "on", "process/ds_nuagent.exe service/ds_nuagent"},
		}},
		{"linux: inspection is switched off, the agent upgraded, and inspection switched on", event.Linux, []step{
			{"20.0.0-8437", "on", "process/ds_nuagent"},
			{"20.0.0-8437", "off", ""},
			{"20.0.0-8438", "off", ""},
			{"20.0.0-8438", "on", "process/tm_netagent"},
		}},
	} {
		t.Run(story.name, func(t *testing.T) {
			c := load(t)
			for _, s := range story.steps {
				f := host{os: story.os, components: "agent", tls: s.tls, agent: spelled{text: s.version}}.facts()
				var got []string
				for _, e := range c.Entries(f, "en") {
					if !strings.Contains(e.Name, "nuagent") && !strings.Contains(e.Name, "netagent") {
						continue
					}
					switch e.Expected {
					case catalog.Yes:
						got = append(got, string(e.Kind)+"/"+e.Name)
					case catalog.Unknown:
						t.Errorf("%s, inspection %s: %s is unknown: %s", s.version, s.tls, e.Name, e.Reason)
					}
				}
				if g := strings.Join(got, " "); g != s.running {
					t.Errorf("%s, inspection %s: expected %q, running %q", s.version, s.tls, g, s.running)
				}
			}
		})
	}
}
