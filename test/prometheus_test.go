package test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestFigures: a real run shows what it sees and what waits after Prometheus'
// conventions, and every figure that our alert rules ask for; the rules fire as
// their tests say.
func TestFigures(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Fatal("promtool is not installed: apt-get install prometheus")
	}
	listen := freeAddress(t)
	path := configFile(t, fmt.Sprintf(`
host: web01
bus: {dir: %q}
watch:
  facts: {os: linux, components: []}
  items:
%srules: {hold: 0s}
web: {listen: %q}
sinks:
  - {name: hook, type: webhook, url: "http://127.0.0.1:1/", patience: 1h}
`, filepath.Join(t.TempDir(), "bus"), processRows([]string{"absent"}), listen))
	startFile(t, path)
	var text string
	until(t, "the loss waits for the sink and is counted", func() bool {
		r, err := http.Get("http://" + listen + "/metrics")
		if err != nil {
			return false
		}
		defer r.Body.Close()
		data, err := io.ReadAll(r.Body)
		text = string(data)
		return err == nil && strings.Contains(text, `dswatch_outbox_waiting{sink="hook"} 1`) && regexp.MustCompile(`dswatch_outbox_oldest_seconds\{sink="hook"\} [0-9.]*[1-9]`).MatchString(text)
	})
	for _, want := range []string{
		`dswatch_item_state{component="custom",host="web01",kind="process",name="absent"} 3`, `dswatch_items{host="web01",state="down"} 1`, `dswatch_alerts{severity="warning"} 1`,
		`dswatch_alerts{severity="critical"} 0`, `dswatch_dead_letters{sink="hook"} 0`, `dswatch_item_series_left_out 0`, `dswatch_build_info{goversion="go`, `dswatch_config_hash `,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %s", want)
		}
	}
	check := exec.Command(promtool, "check", "metrics")
	check.Stdin = strings.NewReader(text)
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("the figures are not after the conventions: %v\n%s", err, out)
	}
	rules, err := os.ReadFile("../deploy/prometheus/dswatch.rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`dswatch_[a-z_]+`).FindAllString(string(rules), -1)
	if len(names) < 7 {
		t.Fatalf("the rules ask for %d figures only", len(names))
	}
	for _, name := range names {
		if !strings.Contains(text, "\n"+name) {
			t.Errorf("a rule asks for %s, which a real run does not show", name)
		}
	}
	for _, args := range [][]string{{"check", "rules", "dswatch.rules.yml"}, {"test", "rules", "dswatch.test.yml"}} {
		run := exec.Command(promtool, args...)
		run.Dir = "../deploy/prometheus"
		if out, err := run.CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %v\n%s", args, err, out)
		}
	}
}
