package test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestStoreCommands: a store in use is refused; of a stopped one, check says
// what is lost and repair mends it and keeps what was there.
func TestStoreCommands(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := configFile(t, fmt.Sprintf("host: h\nbus: {dir: %q}\nweb: {listen: \"127.0.0.1:0\"}\nrules: {hold: 0s}\n"+
		"watch: {facts: {os: linux, components: []}, items: [{kind: process, name: no-such-program, component: custom}]}\nsinks: [{name: out, type: stdout}]\n", dir))
	r := startFile(t, file)
	until(t, "the alert", func() bool { return strings.Contains(r.log.String(), "[ALERT]") })
	if _, stderr, code := output(t, "store", "check", "-c", file); code != 1 || !strings.Contains(stderr, "stopped") {
		t.Errorf("of a store in use: %d %s", code, stderr)
	}
	r.stop(t)
	if stdout, stderr, code := output(t, "store", "check", "-c", file); code != 0 || !strings.Contains(stdout, "lost messages: 0") {
		t.Errorf("of a good store: %d %s %s", code, stdout, stderr)
	}
	name := filepath.Join(dir, "jetstream", "$G", "streams", "KV_dswatch_items", "msgs", "1.blk")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	text[bytes.LastIndex(text, []byte("no-such-program"))] ^= 1
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if stdout, stderr, code := output(t, "store", "check", "-c", file); code != 1 || !strings.Contains(stdout, "lost messages: 1") {
		t.Errorf("of a damaged store: %d %s %s", code, stdout, stderr)
	}
	if stdout, stderr, code := output(t, "store", "repair", "-c", file); code != 0 || !strings.Contains(stdout, "lost messages: 1") || !strings.Contains(stdout, "the store as it was is in ") {
		t.Errorf("repair: %d %s %s", code, stdout, stderr)
	}
	if stdout, stderr, code := output(t, "store", "check", "-c", file); code != 0 || !strings.Contains(stdout, "lost messages: 0") {
		t.Errorf("after the repair: %d %s %s", code, stdout, stderr)
	}
}
