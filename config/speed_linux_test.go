package config_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"
)

// large is a configuration of n sinks, half in lines and half in braces, and
// n targets.
func large(n int) []byte {
	var b strings.Builder
	b.WriteString("detectors:\n  port:\n    targets:\n")
	for i := range n {
		fmt.Fprintf(&b, "      - {host: 192.0.2.%d, ports: [4118, 4122], method: syn}\n", i%256)
	}
	b.WriteString("sinks:\n  - &base {name: first, type: snmp, address: 192.0.2.1:162, version: 2c, community: x}\n")
	for i := range n / 2 {
		fmt.Fprintf(&b, "  - {<<: *base, name: nms%d, patience: 1h}\n", i)
		fmt.Fprintf(&b, "  - name: hook%d # a comment\n    type: webhook\n    url: https://example.com/%d\n    secret: x\n    retries: %d\n    tls: {verify: true}\n", i, i, i)
	}
	return []byte(b.String())
}

// Sixteen times the file must not take 256 times as long. The bound lies between,
// and the best of runs that take turns is taken, because other work disturbs them.
func TestTimeGrowsWithTheFile(t *testing.T) {
	took := func(n int) time.Duration {
		data := large(n)
		start := used(t)
		_, c, err := build("large.yaml", data)
		took := used(t) - start
		if err != nil {
			t.Fatal(err)
		}
		if len(c.Sinks) != n+1 || len(c.Detectors.Port.Targets) != n {
			t.Fatalf("read %d sinks and %d targets of %d", len(c.Sinks), len(c.Detectors.Port.Targets), n)
		}
		return took
	}
	small, big := took(150), took(2400)
	for range 9 {
		if big <= 64*small {
			return
		}
		small, big = min(small, took(150)), min(big, took(2400))
	}
	t.Errorf("150 sinks took %s, 2400 took %s", small, big)
}

// used is the processor time of this process: on a busy machine a long piece
// of work is interrupted, a short one is not.
func used(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkParse(b *testing.B) {
	data := large(2000)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := build("large.yaml", data); err != nil {
			b.Fatal(err)
		}
	}
}
