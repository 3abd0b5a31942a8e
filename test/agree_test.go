package test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"dswatch/event"
	"dswatch/web"
)

// generated makes a host of a seed: what is installed, what runs, what the
// agent says of itself, and what is declared.
type generated struct {
	*host
	*rand.Rand
	story []string
	runs  []string // names of processes, one for each
}

func (g *generated) one(of ...string) string { return of[g.IntN(len(of))] }

func (g *generated) tell(format string, args ...any) {
	g.story = append(g.story, fmt.Sprintf(format, args...))
}

// say writes what dsa_query answers from now on.
func (g *generated) say() {
	mode := func() string { return g.one("on", "on", "off", "driver-offline", "odd") }
	how := g.one("answers", "answers", "answers", "refuses", "says nothing", "is not there")
	g.tell("dsa_query %s", how)
	switch how {
	case "is not there":
		g.inside("rm -f /opt/ds_agent/dsa_query")
		return
	case "refuses":
		g.write("dsa_query", "#!/bin/sh\necho 'a password is required'; exit 4\n")
	case "says nothing":
		g.write("dsa_query", "#!/bin/sh\n")
	default:
		g.write("features", fmt.Sprintf("Component.AM.mode: %s\nComponent.WRS.mode: %s\nComponent.FWDPI.firewallMode: %s\nComponent.FWDPI.mode: %s\n", mode(), mode(), mode(), mode()))
		g.write("dsa_query", fmt.Sprintf("#!/bin/sh\n[ \"$2\" = GetComponentInfo ] && exec cat %s/features\necho AgentStatus.dsmUrl: %s\necho AgentStatus.agentState: %s\n",
			g.dir, g.one("https://192.0.2.48:4120/", "https://agents.deepsecurity.trendmicro.com:443/"), g.one("green", "red")))
	}
	g.inside("cp " + g.dir + "/dsa_query /opt/ds_agent/dsa_query.new; mv /opt/ds_agent/dsa_query.new /opt/ds_agent/dsa_query")
}

// install writes dpkg's word, and the programs.
func (g *generated) install() {
	pkg, there := g.one("", "20.0.0-8437", "20.0.0-8438", "12.0.0-1", "removed"), g.one("yes", "yes", "no")
	g.tell("package %q, programs there: %s", pkg, there)
	switch pkg {
	case "":
		g.write("dpkg/status", "")
	case "removed":
		g.write("dpkg/status", "Package: ds-agent\nStatus: deinstall ok config-files\nVersion: 20.0.0-8437\n\n")
	default:
		g.write("dpkg/info/ds-agent.list", "/.\n/opt\n/opt/ds_agent\n/opt/ds_agent/ds_agent\n")
		g.write("dpkg/status", "Package: ds-agent\nStatus: install ok installed\nVersion: "+pkg+"\n\n")
	}
	if there == "yes" {
		g.inside("cd /opt/ds_agent; [ -e ds_agent ] || cp " + dswatch + " ds_agent; for n in ds_am ds_nuagent tm_netagent; do [ -e $n ] || ln ds_agent $n; done")
		g.agents.dir, g.agents.placed = "/opt/ds_agent", true
	}
}

func (g *generated) begin(names ...string) {
	for _, n := range names {
		g.agents.start(n)
		g.runs = append(g.runs, n)
	}
}

// happen changes something while the program runs.
func (g *generated) happen() {
	switch what := g.one("nothing", "the agent dies", "one process dies", "features change", "an upgrade", "a process more"); what {
	case "the agent dies":
		g.tell("%s", what)
		for _, n := range g.runs {
			g.agents.kill(n)
		}
		g.runs = nil
	case "one process dies":
		if len(g.runs) > 0 {
			i := g.IntN(len(g.runs))
			g.tell("%s dies", g.runs[i])
			g.agents.kill(g.runs[i])
			g.runs = slices.Delete(g.runs, i, i+1)
		}
	case "features change":
		g.say()
	case "an upgrade":
		g.install()
	case "a process more":
		n := g.one("ds_agent", "ds_am", "tm_netagent")
		g.tell("one more %s", n)
		g.begin(n)
	}
}

// row is what check and the running process say of an item.
type row struct {
	State          event.State
	Expected       string
	Found, Want    int
	Reason, Detail string
}

// seen are the rows of both, by key. With a process beside it check says that it
// asked that.
func (g *generated) seen() (check, run map[string]row) {
	g.t.Helper()
	ask := func(into any, args ...string) {
		g.t.Helper()
		out, err := g.command(append(args, "--format", "json")...).Output()
		if jerr := json.Unmarshal(out, into); jerr != nil {
			g.t.Fatalf("%v: %v, %v: %s", args, err, jerr, out)
		}
	}
	var c struct {
		FactsFrom string `json:"facts_from"`
		Process   string `json:"process_error"`
		Items     []struct {
			Host, Component, Name, Expected, Reason, Detail string
			Kind                                            event.Kind
			State                                           event.State
			Found, Instances                                int
		}
	}
	ask(&c, "check")
	if c.FactsFrom != "process" || c.Process != "" {
		g.t.Fatalf("check took the facts from %q: %s", c.FactsFrom, c.Process)
	}
	var s web.Status
	ask(&s, "status")
	check, run = map[string]row{}, map[string]row{}
	for _, it := range c.Items {
		k := event.Key{Host: it.Host, Component: it.Component, Kind: it.Kind, Name: it.Name}
		check[k.String()] = row{State: it.State, Expected: it.Expected, Found: it.Found, Want: it.Instances, Reason: it.Reason, Detail: it.Detail}
	}
	for _, it := range s.Items {
		if it.Key.Kind.Class() != "" && (it.Expected != "yes" || it.State == event.Up) {
			continue // check has no line for it
		}
		run[it.Key.String()] = row{State: it.State, Expected: it.Expected, Found: it.Found, Want: max(1, it.Want), Reason: it.Reason, Detail: it.Detail}
	}
	return check, run
}

// differ lists the rows that are not the same.
func differ(check, run map[string]row) (out []string) {
	for k, c := range check {
		if r, ok := run[k]; !ok || r != c {
			out = append(out, fmt.Sprintf("%s:\n  check %+v\n  run   %+v", k, c, r))
		}
	}
	for k, r := range run {
		if _, ok := check[k]; !ok {
			out = append(out, fmt.Sprintf("%s:\n  check nothing\n  run   %+v", k, r))
		}
	}
	slices.Sort(out)
	return out
}

// TestCheckAgreesWithRun: with a running process beside it, check shows every
// row as that does, whatever is installed, runs, is declared and happens. The
// long form makes 50 hosts.
func TestCheckAgreesWithRun(t *testing.T) {
	hosts := 4
	if os.Getenv("DSWATCH_SOAK") != "" {
		hosts = 50
	}
	for seed := range hosts {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel() // in namespaces of its own
			g := &generated{host: newHost(t), Rand: rand.New(rand.NewPCG(uint64(seed), 23))}
			g.install()
			g.say()
			for _, n := range []string{"ds_agent", "ds_am", "ds_nuagent", "tm_netagent"} {
				for range g.IntN(3) {
					g.begin(n)
				}
			}
			g.tell("running %v", g.runs)
			var declared []string
			for _, d := range []string{"components: [agent]", "components: []", "relay: off", "communication: agent_initiated", "agent_version: 20.0.0-8438",
				"edition: deep_security", "features: {anti_malware: on}", "features: {firewall: off, intrusion_prevention: on, tls_inspection: on}"} {
				key, _, _ := strings.Cut(d, ":")
				if g.IntN(3) == 0 && !slices.ContainsFunc(declared, func(have string) bool { return strings.HasPrefix(have, key+":") }) {
					declared = append(declared, d)
				}
			}
			g.tell("declared %v", declared)
			g.write("dswatch.yaml", fmt.Sprintf(`
host: web01
watch: {facts: {%s}}
detectors: {process: {schedule: "@every 1s"}, service: {schedule: "@every 1s"}, driver: {schedule: "@every 1s"}, port: {schedule: "@every 1s"}}
web: {listen: %q}
bus: {dir: %q}
sinks: [{name: out, type: stdout}]
`, strings.Join(declared, ", "), freeAddress(t), filepath.Join(g.dir, "bus")))
			g.r = startCommand(t, g.command("run"))
			until(t, "dswatch watches", func() bool { return strings.Contains(g.r.log.String(), "watching") })
			for range 2 {
				var left []string
				end := time.Now().Add(90 * time.Second)
				for left = []string{"nothing was compared"}; len(left) > 0 && time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
					check, run := g.seen()
					if len(run) > 0 {
						left = differ(check, run)
					}
				}
				if len(left) > 0 {
					t.Fatalf("%s\n%d rows differ, such as\n%s", strings.Join(g.story, "; "), len(left), strings.Join(left[:min(5, len(left))], "\n"))
				}
				g.happen()
			}
			g.r.stop(t)
		})
	}
}
