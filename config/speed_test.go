package config_test

import (
	"fmt"
	"strings"
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

func TestLargeFile(t *testing.T) {
	data := large(2000)
	start := time.Now()
	_, c, err := build("large.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(start)
	if len(c.Sinks) != 2001 || len(c.Detectors.Port.Targets) != 2000 {
		t.Errorf("read %d sinks and %d targets", len(c.Sinks), len(c.Detectors.Port.Targets))
	}
	if took > 5*time.Second { // far above what the benchmark measures, so that only a quadratic step fails
		t.Errorf("%d KiB took %s", len(data)>>10, took)
	}
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
