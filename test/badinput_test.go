package test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dswatch/detector/manager/managertest"
)

// TestNoFacts: a facts file that is not there is told as one.
func TestNoFacts(t *testing.T) {
	for _, command := range []string{"check", "catalog"} {
		path := filepath.Join(t.TempDir(), "facts.yaml")
		out, stderr, code := output(t, command, "--facts", path)
		if code == 0 || out != "" || !strings.Contains(stderr, path) || !strings.Contains(stderr, "--facts") || strings.Contains(stderr, "configuration") {
			t.Errorf("%s: exit status %d, %q, %q", command, code, out, stderr)
		}
	}
}

// TestBadFacts: a facts file that is not right is refused with its place, and
// nothing is taken for lost.
func TestBadFacts(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		says []string
	}{
		"an unknown key":         {"os: linux\nagent_verson: 20.0.0-8438\n", []string{":2:1", "agent_verson", `did you mean "agent_version"?`}},
		"an unknown feature":     {"features: {antimalware: on}\n", []string{":1:", "antimalware", "anti_malware"}},
		"no version":             {"agent_version: soon\n", []string{":1:", `"soon"`, "20.0.0-8438"}},
		"an impossible version":  {"kernel_version: 99999999999999999999.1\n", []string{":1:", "above", "20.0.0-8438"}},
		"a negative version":     {"agent_version: \"-1\"\n", []string{":1:", "agent_version"}},
		"a system there is none": {"os: beos\n", []string{":1:", "beos", "linux"}},
		"a list for a word":      {"os: [linux]\n", []string{":1:"}},
		"no YAML":                {"\x00\x01", []string{"facts.yaml"}},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "facts.yaml")
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, command := range []string{"check", "catalog"} {
				out, stderr, code := output(t, command, "--facts", path)
				if code == 0 || command == "check" && code != 3 || out != "" {
					t.Errorf("%s: exit %d, %q", command, code, out)
				}
				for _, say := range c.says {
					if !strings.Contains(stderr, say) {
						t.Errorf("%s does not say %q: %s", command, say, stderr)
					}
				}
			}
		})
	}
}

// TestExitStatusOfMistakes: a command line that is wrong is 2, and 3 of check,
// where a monitoring system would take 1 and 2 for a warning and an outage.
func TestExitStatusOfMistakes(t *testing.T) {
	for line, want := range map[string]int{
		"check --bogus": 3, "check --format xml": 3, "check extra": 3, "check -c missing.yaml": 3,
		"bogus": 2, "config shwo": 2, "run extra": 2, "status --bogus": 2, "ack": 2, "catalog --format xml": 2,
	} {
		if out, stderr, code := output(t, strings.Fields(line)...); code != want || out != "" || stderr == "" {
			t.Errorf("%s: exit %d, want %d; %q, %q", line, code, want, out, stderr)
		}
	}
}

// answer begins with text, and goes on in it for size bytes if it is no page of
// its own.
func answer(text string, size int) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		_, err := io.WriteString(w, text)
		for sent := 0; err == nil && strings.HasPrefix(text, "{") && sent < size; sent += 1 << 20 {
			_, err = w.Write(bytes.Repeat([]byte("x"), 1<<20))
		}
		return true
	}
}

// TestAcceptanceBadSources: a package database that cannot be read and a
// manager that answers with its login page make the rows concerned unknown,
// with a reason; everything else is seen as ever.
func TestAcceptanceBadSources(t *testing.T) {
	h := newHost(t)
	if err := os.Remove(filepath.Join(h.dir, "dpkg/status")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(h.dir, "dpkg/status"), 0o755); err != nil { // cannot be read as a file, not even by root
		t.Fatal(err)
	}
	h.write("rpm/rpmdb.sqlite", strings.Repeat("not a database ", 1000))
	h.write("features", "Component.AM.mode: no idea\nComponent.FWDPI.mode: on-prevent\n\xff\x00\n")
	h.pair(h.start, "ds_agent")
	dsm := managertest.Start(t, managertest.Computer(1, "web02"))
	for name, page := range map[string]string{"HTML": "<!DOCTYPE html><html>log in</html>", "2 GB": `{"computers":[{"hostName":"`} {
		t.Run(name, func(t *testing.T) {
			dsm.Set(func() { dsm.Page = answer(page, 2<<30) })
			h.write("dswatch.yaml", fmt.Sprintf(`
host: web01
watch: {facts: {os: linux, components: [agent]}}
bus: {dir: %q}
detectors: {manager: {url: %q, api_key: %q, fingerprint: %q, proxy: none, timeout: 20s}}
`, filepath.Join(h.dir, "bus"), dsm.URL, managertest.Key, dsm.Fingerprint()))
			cmd := h.command("check", "--format", "json")
			var errs strings.Builder
			cmd.Stderr = &errs
			out, _ := cmd.Output()
			var res struct {
				Facts map[string]string
				Items []struct{ Host, Kind, Name, Expected, State, Detail, Reason string }
			}
			if err := json.Unmarshal(out, &res); err != nil {
				t.Fatalf("%v: %s%s", err, out, &errs)
			}
			if res.Facts["agent_version"] != "" || res.Facts["features.intrusion_prevention"] != "on" || res.Facts["features.anti_malware"] != "" || res.Facts["edition"] != "deep_security" {
				t.Errorf("facts %v", res.Facts)
			}
			found := map[string]string{}
			for _, i := range res.Items {
				found[i.Host+" "+i.Kind+"/"+i.Name] = i.Expected + " " + i.State + " " + i.Reason + " " + i.Detail
			}
			for item, want := range map[string][]string{
				"web01 process/ds_agent":      {"yes up"},
				"web01 process/tm_netagent":   {"unknown down", "agent_version"},
				"web01 process/ds_am":         {"unknown down", "features.anti_malware unknown"},
				"127.0.0.1 heartbeat/manager": {"yes up"},
				"127.0.0.1 heartbeat/api":     {"yes unknown"},
			} {
				for _, w := range want {
					if !strings.Contains(found[item], w) {
						t.Errorf("%s is %q, want %q", item, found[item], w)
					}
				}
			}
			for _, say := range []string{"ds-agent in ", "dpkg", "rpm", "AM.mode", "declare agent_version in watch.facts"} {
				if !strings.Contains(errs.String(), say) {
					t.Errorf("the log does not say %q: %s", say, &errs)
				}
			}
			if strings.Contains(errs.String()+string(out), managertest.Key) || len(out) > 1<<20 {
				t.Errorf("%d bytes, or the key, are told", len(out))
			}
		})
	}
}
