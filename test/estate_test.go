package test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"dswatch/detector/manager/managertest"
	"dswatch/event"
	"dswatch/test/receive"
	"dswatch/web"
)

// farCommands is the place of an estate's commands on the far side: ps, cat, ss and
// netstat answer from the captures, but for hosts at an address that ends in .4, .8,
// .12 or .16, where they hang, each in its own way.
const farCommands = `#!/bin/sh
case ${0##*/} in cat) answer=linux-modules;; ps) answer=linux-ps;; netstat) answer=linux-netstat;; *) answer=linux-ss;; esac
case $FAR in
*.4) exec sleep 86400;;
*.8) trap "" TERM HUP INT PIPE; while :; do sleep 1; done;;
*.12) kill -STOP $$;;
*.16) trap "" PIPE; while :; do echo not yet; sleep 1; done;;
esac
while IFS= read -r line; do printf '%%s\n' "$line"; done <%s/$answer.txt
`

// farShell runs what a client asks for, with the commands of farCommands first.
const farShell = `set -- $SSH_CONNECTION
export FAR=$3
exec /bin/sh -c "$(printf '%%s\n' "$SSH_ORIGINAL_COMMAND" | sed 's|PATH=[^ ]*|PATH=%s:/usr/bin:/bin|')"
`

const estateOfSSH = `
host: hub
watch: {ignore: [port/4122/tcp]}
rules: {hold: 0s}
web: {listen: %q}
bus: {dir: %q}
detectors:
  remote:
    schedule: "@every %s"
    timeout: %s
    confirm: 0s
    user: %q
    key_file: %q
    known_hosts: %q
    targets:
`

// farHosts starts a server for hosts at 127.0.0.1 to 127.0.0.16 whose commands
// cat, ps, ss and netstat are this script, and returns a file with their keys.
func farHosts(t *testing.T, script string) (s *receive.SSHD, knownHosts string) {
	t.Helper()
	captures, err := filepath.Abs(capturesOfSSH)
	if err != nil {
		t.Fatal(err)
	}
	s = receive.StartSSHD(t, receive.Loopbacks(16)...)
	bin := filepath.Join(t.TempDir(), "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"cat", "ps", "ss", "netstat"} {
		if err := os.WriteFile(filepath.Join(bin, name), fmt.Appendf(nil, script, captures), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s.Runs(t, fmt.Sprintf(farShell, bin))
	known, err := os.ReadFile(s.KnownHosts)
	if err != nil {
		t.Fatal(err)
	}
	_, key, _ := strings.Cut(string(known), " ")
	knownHosts = filepath.Join(t.TempDir(), "known_hosts")
	if err := os.WriteFile(knownHosts, fmt.Appendf(nil, "[*]:%d %s", s.Port, key), 0o600); err != nil {
		t.Fatal(err)
	}
	return s, knownHosts
}

// TestManyHostsOverSSH looks at many hosts of a real sshd of which a quarter
// never answers, in four ways. The others are seen, nothing that
// was begun there is older than its bound, and nothing is left when the program
// is killed in the middle of it. The long form has 200 hosts and takes an hour,
// or as long as DSWATCH_SOAK says.
func TestManyHostsOverSSH(t *testing.T) {
	t.Parallel()
	hosts, lasts, every, timeout, first := 32, 25*time.Second, 2*time.Second, 6*time.Second, time.Minute
	if soak := os.Getenv("DSWATCH_SOAK"); soak != "" {
		hosts, lasts, every, timeout, first = 200, time.Hour, time.Minute, 30*time.Second, 10*time.Minute
		if d, err := time.ParseDuration(soak); err == nil {
			lasts = d
		}
	}
	s, knownHosts := farHosts(t, farCommands)
	config := fmt.Sprintf(estateOfSSH, freeAddress(t), filepath.Join(t.TempDir(), "bus"), every, timeout, s.User, s.KeyFile, knownHosts)
	bad := map[string]bool{}
	for i := range hosts {
		name := fmt.Sprintf("lin%03d", i)
		bad[name] = i%4 == 3
		config += fmt.Sprintf("      - {host: %s, address: 127.0.0.%d, port: %d, os: linux, facts: {edition: deep_security, relay: off, features: {anti_malware: on, firewall: on}}}\n", name, i%16+1, s.Port)
	}
	path := configFile(t, config)
	r := startFile(t, path)

	far := farProcesses{home: s.Home()}
	begin, seen, oldest := time.Now(), map[string]bool{}, time.Duration(0)
	cpu, looked, blind := 0.0, 0, 0
	for len(seen) < hosts {
		if time.Since(begin) > first {
			t.Fatalf("%d of %d hosts were looked at within %s", len(seen), hosts, first)
		}
		time.Sleep(time.Second)
		for _, row := range statusRows(t, path) {
			if row.Key.Kind == event.Process && row.Key.Host != "hub" {
				seen[row.Key.Host] = true
			}
		}
	}
	begin = time.Now()
	for looks := 0; time.Since(begin) < lasts; looks++ {
		time.Sleep(min(lasts/20, 10*time.Second))
		for pid, age := range far.now(t) {
			oldest = max(oldest, age)
			if age > timeout+5*time.Second {
				t.Errorf("%s after the start, process %d of ours is %s old: %s", time.Since(begin), pid, age, far.what(pid))
			}
		}
		var wrong []string
		left := 0
		for _, row := range statusRows(t, path) {
			if row.Key.Host == "hub" || row.Key.Kind == event.Heartbeat || row.Expected != "yes" {
				continue
			}
			switch {
			case !bad[row.Key.Host]:
				looked++
				if row.State == event.Unknown {
					blind++
				}
			case bad[row.Key.Host] && row.State != event.Unknown:
				wrong = append(wrong, row.Key.String()+" "+string(row.State))
			case bad[row.Key.Host] && strings.Contains(row.Detail, "left alone until"):
				left++
			}
		}
		if len(wrong) > 0 {
			t.Fatalf("%s after the start, hosts that do not answer are seen: %v", time.Since(begin), wrong)
		}
		if time.Since(begin) > lasts/2 && left < hosts/4 {
			t.Errorf("status says only of %d rows that they are left alone", left)
		}
		if now := cpuOf(t, r.cmd.Process.Pid); looks == 0 {
			cpu = now
		} else if time.Since(begin) >= lasts {
			t.Logf("%d hosts, a quarter hangs, for %s: the oldest command on the far side was %s old, of %d rows of the others %d were not seen, %d logins; %.2f %% of a core, %d MB resident",
				hosts, lasts, oldest.Round(time.Second), looked, blind, s.Logins(), (now-cpu)/time.Since(begin).Seconds()*100, residentMB(t, r.cmd.Process.Pid))
		}
	}
	if blind*4 > looked { // a host is as slow as the machine of this test now and then
		t.Errorf("of %d rows of hosts that answer %d were not seen", looked, blind)
	}
	r.kill()
	far.gone(t, timeout+10*time.Second)
}

// endlessCommands answer without end: at .2 on standard error.
const endlessCommands = `#!/bin/sh
# %s
case $FAR in *.2) exec yes 'and so on' >&2;; *) exec yes 'and so on';; esac
`

// TestEndlessAnswers: two hosts whose commands answer, or complain, without end
// cost the program next to nothing under the default timings, and nothing is
// left there. It takes ten minutes, so that the second attempt is among them.
func TestEndlessAnswers(t *testing.T) {
	if os.Getenv("DSWATCH_SOAK") == "" {
		t.Skip("ten minutes; make soak runs it")
	}
	const lasts = 10 * time.Minute
	s, knownHosts := farHosts(t, endlessCommands)
	config := fmt.Sprintf(estateOfSSH, freeAddress(t), filepath.Join(t.TempDir(), "bus"), time.Minute, 30*time.Second, s.User, s.KeyFile, knownHosts)
	for n := range 2 {
		config += fmt.Sprintf("      - {host: lin%d, address: 127.0.0.%d, port: %d, os: linux}\n", n+1, n+1, s.Port)
	}
	r := startFile(t, configFile(t, config))
	until(t, "dswatch watches", func() bool { return strings.Contains(r.log.String(), "watching") })
	far, began, cpu := farProcesses{home: s.Home()}, time.Now(), cpuOf(t, r.cmd.Process.Pid)
	for time.Since(began) < lasts {
		time.Sleep(5 * time.Second)
		for pid, age := range far.now(t) {
			if age > 35*time.Second {
				t.Errorf("process %d of ours is %s old: %s", pid, age, far.what(pid))
			}
		}
	}
	share := (cpuOf(t, r.cmd.Process.Pid) - cpu) / time.Since(began).Seconds() * 100
	t.Logf("an endless answer and an endless complaint for %s: %.2f %% of a core, %d MB resident", lasts, share, residentMB(t, r.cmd.Process.Pid))
	if share >= 1 {
		t.Errorf("%.2f %% of a core", share)
	}
	far.gone(t, 35*time.Second)
	r.stop(t)
}

// statusRows are the items that the program with this configuration shows, none
// while it does not answer.
func statusRows(t *testing.T, path string) []web.Item {
	t.Helper()
	out, _, _ := output(t, "status", "-c", path, "--format", "json")
	var st web.Status
	if err := json.Unmarshal([]byte(out), &st); err != nil && out != "" {
		t.Fatalf("status: %v: %s", err, out)
	}
	return st.Items
}

// farProcesses are those that an sshd started for whoever logged in.
type farProcesses struct{ home string }

// now returns how old each is.
func (f farProcesses) now(t *testing.T) map[int]time.Duration {
	t.Helper()
	uptime, err := os.ReadFile("/proc/uptime")
	if err != nil {
		t.Fatal(err)
	}
	up, err := strconv.ParseFloat(strings.Fields(string(uptime))[0], 64)
	if err != nil {
		t.Fatal(err)
	}
	all, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	out := map[int]time.Duration{}
	for _, path := range all {
		b, _ := os.ReadFile(path)
		if !slices.Contains(strings.Split(string(b), "\x00"), "HOME="+f.home) {
			continue
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		fields := statOf(pid)
		if fields == nil {
			continue
		}
		started, _ := strconv.ParseFloat(fields[19], 64) // proc(5): starttime, in ticks of 1/100 s
		out[pid] = time.Duration((up - started/100) * float64(time.Second))
	}
	return out
}

// gone waits until none is left.
func (f farProcesses) gone(t *testing.T, patience time.Duration) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		n := len(f.now(t))
		if n == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d processes are still on the far side", n)
		}
	}
}

// what is the command line of a process.
func (farProcesses) what(pid int) string {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return strings.ReplaceAll(string(b), "\x00", " ")
}

// statOf are the fields of /proc/PID/stat from the third on; nil: it is gone.
func statOf(pid int) []string {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	i := strings.LastIndexByte(string(b), ')')
	if i < 0 {
		return nil
	}
	return strings.Fields(string(b[i+1:]))
}

// cpuOf is the seconds of a processor that a process has used.
func cpuOf(t *testing.T, pid int) float64 {
	t.Helper()
	fields := statOf(pid)
	if fields == nil {
		t.Fatalf("process %d is gone", pid)
	}
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return float64(user+system) / 100
}

// residentMB is the memory that a process holds, in MiB.
func residentMB(t *testing.T, pid int) int {
	t.Helper()
	fields := statOf(pid)
	if fields == nil {
		t.Fatalf("process %d is gone", pid)
	}
	pages, _ := strconv.Atoi(fields[21])
	return pages * os.Getpagesize() >> 20
}

// TestManagerOfAnEstate: whatever is wrong with the answers of a manager of
// many computers, nobody is told anything of a computer that is well; its own
// rows are told and cleared. A page that fails costs no more than one that does
// not. The long form has 20,000 computers.
func TestManagerOfAnEstate(t *testing.T) {
	t.Parallel() // it watches no process of this machine
	n, every, more, patience := 600, "1s", 2, 2*time.Minute
	if os.Getenv("DSWATCH_SOAK") != "" {
		n, every, more, patience = 20_000, "10s", 3, 15*time.Minute
	}
	listed := func(is func(id int) bool) func(after int64, most int) []map[string]any {
		return func(after int64, most int) []map[string]any {
			page := []map[string]any{}
			for id := int(after) + 1; id <= n && len(page) < most; id++ {
				if is(id) {
					page = append(page, managertest.Computer(id, fmt.Sprintf("h%05d", id)))
				}
			}
			return page
		}
	}
	all := listed(func(int) bool { return true })
	m := &managed{t: t, dsm: managertest.Start(t), hook: &receive.Webhook{}}
	m.dsm.Set(func() { m.dsm.Made = all })
	dir, listen := t.TempDir(), freeAddress(t)
	m.path = configFile(t, fmt.Sprintf(`
host: hub
watch: {facts: {os: linux}}
bus: {dir: %q}
rules: {hold: 1s, patience: 1s, flap: {changes: 0}}
web: {listen: %q}
detectors:
  manager: {url: %q, api_key_file: %q, fingerprint: %q, proxy: none, schedule: "@every %s", timeout: 60s, page: %d}
sinks:
  - {name: hook, type: webhook, url: %q}
`, filepath.Join(dir, "bus"), listen, m.dsm.URL, configFile(t, managertest.Key+"\n"), m.dsm.Fingerprint(), every, n/10, receive.StartWebhook(t, m.hook).URL))
	m.r = startFile(t, m.path)
	pid := m.r.cmd.Process.Pid

	answer := func(status int, kind, text string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, text)
			return true
		}
	}
	later := func(do func(w http.ResponseWriter)) func(http.ResponseWriter, int64) bool {
		return func(w http.ResponseWriter, after int64) bool {
			if after < int64(n/2) {
				return false
			}
			do(w)
			return true
		}
	}
	faults := []struct {
		name string
		set  func(s *managertest.StandIn)
	}{
		{"status 500", func(s *managertest.StandIn) { s.Page = answer(500, "text/plain", "oops") }},
		{"status 404", func(s *managertest.StandIn) { s.Page = answer(404, "text/html", "<html>") }},
		{"another key", func(s *managertest.StandIn) {
			s.Page = answer(403, "application/json", `{"message":"Invalid API Key"}`)
		}},
		{"HTML", func(s *managertest.StandIn) { s.Page = answer(200, "text/html", "<html>log in</html>") }},
		{"nothing", func(s *managertest.StandIn) { s.Page = answer(200, "application/json", "") }},
		{"no list", func(s *managertest.StandIn) { s.Page = answer(200, "application/json", `{"computers":null}`) }},
		{"a list of another thing", func(s *managertest.StandIn) { s.Page = answer(200, "application/json", "[]") }},
		{"cut off", func(s *managertest.StandIn) { s.Page = answer(200, "application/json", `{"computers":[{"ID":1,"host`) }},
		{"redirected", func(s *managertest.StandIn) {
			s.Page = func(w http.ResponseWriter, r *http.Request) bool {
				http.Redirect(w, r, "https://192.0.2.1/", http.StatusTemporaryRedirect)
				return true
			}
		}},
		{"hung up", func(s *managertest.StandIn) {
			s.Page = func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }
		}},
		{"too often", func(s *managertest.StandIn) { s.Limit, s.Retry = 1, "2" }},
		{"no computer", func(s *managertest.StandIn) { s.Made = listed(func(int) bool { return false }) }},
		{"the second half fails", func(s *managertest.StandIn) { s.After = later(func(w http.ResponseWriter) { w.WriteHeader(503) }) }},
		{"the second half hangs up", func(s *managertest.StandIn) {
			s.After = later(func(http.ResponseWriter) { panic(http.ErrAbortHandler) })
		}},
		{"ends in the middle", func(s *managertest.StandIn) { s.Made = listed(func(id int) bool { return id <= n/2 }) }},
		{"a narrowed role", func(s *managertest.StandIn) { s.Made = listed(func(id int) bool { return id%3 > 0 }) }},
	}
	// looks is what this many more looks cost, and the one that is under way.
	looks := func(more int) (cpu float64) {
		t.Helper()
		at, before := m.dsm.Pings(), cpuOf(t, pid)
		until := time.Now().Add(patience)
		for m.dsm.Pings() <= at+more {
			if time.Now().After(until) {
				t.Fatalf("%d more looks were not taken within %s", more, patience)
			}
			time.Sleep(20 * time.Millisecond)
		}
		return cpuOf(t, pid) - before
	}
	looks(2)
	// The pulse goes behind what was told before: when it gets through, every
	// computer is known. To ask for the rows of all would be work of its own.
	for end := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		resp, err := http.Get("http://" + listen + "/readyz")
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				break
			}
		}
		if time.Now().After(end) {
			t.Fatalf("what the first look saw is not decided within %s", patience)
		}
	}
	good := min(looks(more), looks(more), looks(more)) // the first ones may have work of the start
	worst := 0.0
	well := func(s *managertest.StandIn) { s.Page, s.After, s.Made, s.Limit, s.Retry = nil, nil, all, 0, "" }
	for _, f := range faults { // each can be run by itself
		t.Run(f.name, func(t *testing.T) {
			// A busy machine makes a look dearer than it is, not three times in turn.
			var used, after float64
			for range 3 {
				m.dsm.Set(func() { f.set(m.dsm) })
				used = looks(more) - good
				m.dsm.Set(func() { well(m.dsm) })
				if after = looks(1) - good*2/float64(more+1); max(used/float64(more), after) < 1 {
					break
				}
			}
			t.Logf("%d looks cost %.2f s of a processor more than as many good ones, the one after them %.2f s", more, used, after)
			worst = max(worst, used/float64(more), after)
			if used > float64(more) || after > 1 { // a second for each
				t.Error("a second for each look at most is wanted")
			}
		})
	}
	open, alerts := map[string]string{}, map[string]bool{}
	over := func() bool {
		clear(open)
		for _, d := range m.hook.Received() {
			alerts[d.Alert.ID] = true
			switch d.Alert.Transition {
			case event.Raised:
				open[d.Alert.ID] = d.Alert.Rule + " " + d.Alert.Key.String()
			case event.Cleared:
				delete(open, d.Alert.ID)
			}
		}
		return len(alerts) > 0 && len(open) == 0
	}
	for end := time.Now().Add(patience); !over(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("what was told is not over within %s: %v", patience, open)
		}
	}
	for _, d := range m.hook.Received() {
		if d.Alert.Key.Component != event.Manager {
			t.Errorf("told falsely: %s %s %s", d.Alert.Transition, d.Alert.Rule, d.Alert.Key)
		}
	}
	peak := peakMB(t, pid)
	t.Logf("%d computers, %d faults: %d alerts of the manager itself, 0 wanted of computers; at most %.2f s of a processor more for a failed look, or the one after it, than for a good one (%.2f s); %d MB resident at most",
		n, len(faults), len(alerts), worst, good/float64(more), peak)
	if peak >= 400 {
		t.Errorf("%d MB resident", peak)
	}
	m.r.stop(t)
}

// peakMB is the most memory that a process has held, in MiB.
func peakMB(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	kb, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kb >> 10
}
