package bus_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"dswatch/bus/bustest"
)

// listening returns the lines of the kernel's tables of listening sockets that
// belong to this process.
func listening(t *testing.T) []string {
	t.Helper()
	own := map[string]bool{}
	fds, err := filepath.Glob("/proc/self/fd/*")
	if err != nil || len(fds) == 0 {
		t.Fatalf("list open files: %v", err)
	}
	for _, fd := range fds {
		if to, err := os.Readlink(fd); err == nil && strings.HasPrefix(to, "socket:[") {
			own[strings.TrimSuffix(strings.TrimPrefix(to, "socket:["), "]")] = true
		}
	}
	var out []string
	for _, table := range []string{"tcp", "tcp6", "udp", "udp6"} {
		text, err := os.ReadFile("/proc/self/net/" + table)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			f := strings.Fields(line)
			// 0A is LISTEN; 07 is an unconnected UDP socket.
			if len(f) > 9 && (f[3] == "0A" || f[3] == "07") && own[f[9]] {
				out = append(out, fmt.Sprint(table, " ", f[1]))
			}
		}
	}
	return out
}

// TestNoPort runs in a process of its own, because other tests open ports.
func TestNoPort(t *testing.T) {
	t.Parallel()
	out, err := exec.Command(os.Args[0], "-test.run=^TestNoPortAlone$", "-test.v").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestNoPortAlone") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestNoPortAlone(t *testing.T) {
	if got := listening(t); len(got) > 0 {
		if strings.Contains(strings.Join(os.Args, " "), "TestNoPortAlone") {
			t.Errorf("listening before the bus is open: %q", got)
		}
		return // among other tests it proves nothing; TestNoPort runs it alone
	}
	b := bustest.New(t)
	publish(t, b, numbered(subject, 10)...)
	if got := listening(t); len(got) > 0 {
		t.Errorf("the embedded bus listens on %q", got)
	}
	// The table does tell: an external server is seen.
	bustest.NewServer(t, nil)
	if got := listening(t); len(got) == 0 {
		t.Error("a server with a port is not in the table; this test sees nothing")
	}
}
