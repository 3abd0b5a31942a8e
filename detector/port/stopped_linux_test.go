package port

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"dswatch/event"
	"dswatch/words"
)

// TestStopped probes a listener over a slow link from a process that is
// stopped for 300 ms at random moments, longer than the kernel holds back the third
// packet of a handshake: none is completed. Where the kernel refuses what this
// needs, the old way is taken, and what that completes is confessed.
func TestStopped(t *testing.T) {
	t.Parallel()
	switch os.Getenv("PORT_TEST") {
	case "":
		for _, tool := range []string{"ip", "tc"} {
			if _, err := exec.LookPath(tool); err != nil {
				t.Fatalf("%s is missing: apt-get install iproute2", tool)
			}
		}
		again(t, "stopped", newNetwork)
		return
	case "probes", "probes in a sandbox":
		manyProbes(t)
		return
	}
	command(t, "ip", "link set lo up")
	// A packet each 5 ms: the answers of a batch arrive for a quarter of a second.
	command(t, "tc", "qdisc add dev lo root tbf rate 100kbit burst 1600 latency 20s")
	batches := 12
	if os.Getenv("DSWATCH_SOAK") != "" {
		batches = 100
	}
	for _, how := range []string{"probes", "probes in a sandbox"} {
		port, accepted := serve(t, func(net.Conn) {})
		stops, confessed := stopped(t, how, port, batches)
		time.Sleep(3 * time.Second) // the last packets are on the link
		t.Logf("%s: %d probes, stopped %d times: %d handshakes were completed, %d confessed", how, batches*batch, stops, accepted.Load(), confessed)
		if n := int(accepted.Load()); how == "probes" && n > 0 || n > confessed {
			t.Errorf("%s: %d handshakes were completed, %d confessed", how, n, confessed)
		}
		if how != "probes" && confessed == 0 {
			t.Errorf("%s: no stop was long enough to matter, so this proves nothing", how)
		}
	}
}

// batch is how many probes are made at the same moment.
const batch = 24

// stopped starts the calling test as a process that probes the port, and stops
// it for 300 ms at a time until it ends. It returns how often, and how many of
// the probes say that they were too late.
func stopped(t *testing.T, how string, port, batches int) (stops, confessed int) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), "PORT_TEST="+how, "GORACE=atexit_sleep_ms=0", fmt.Sprintf("PORT_TEST_TO=127.0.0.1:%d %d", port, batches))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	well := 0
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var up, late int
			if n, _ := fmt.Sscanf(lines.Text(), "batch: %d up, %d late", &up, &late); n == 2 {
				well += up
				confessed += late
			} else if lines.Text() != "" {
				t.Log(lines.Text())
			}
		}
	}()
	for {
		select {
		case <-time.After(time.Duration(rand.IntN(400)) * time.Millisecond):
			_ = cmd.Process.Signal(unix.SIGSTOP)
			time.Sleep(300 * time.Millisecond)
			_ = cmd.Process.Signal(unix.SIGCONT)
			stops++
			continue
		case <-ended:
		}
		break
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%s: %v", how, err)
	}
	if well != batches*batch {
		t.Errorf("%s: %d of %d probes saw the listener", how, well, batches*batch)
	}
	return stops, confessed
}

// manyProbes is the process that is stopped.
func manyProbes(t *testing.T) {
	if os.Getenv("PORT_TEST") == "probes in a sandbox" {
		refuse(t, unix.SYS_GETSOCKOPT, 2, unix.SO_MEMINFO, unix.EPERM)
	}
	var address string
	var batches int
	if _, err := fmt.Sscan(os.Getenv("PORT_TEST_TO"), &address, &batches); err != nil {
		t.Fatal(err)
	}
	to := netip.MustParseAddrPort(address)
	for range batches {
		var answers [batch]answer
		var asking sync.WaitGroup
		for i := range answers {
			asking.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				answers[i] = halfOpen(ctx, to)
			})
		}
		asking.Wait()
		up, late := 0, 0
		for _, a := range answers {
			if a.state != event.Up {
				t.Errorf("%s, %q", a.state, words.English(a.detail))
				continue
			}
			up++
			if strings.Contains(words.English(a.detail), "too late") {
				late++
			}
		}
		fmt.Printf("batch: %d up, %d late\n", up, late)
	}
}
