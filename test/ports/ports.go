// Package ports gives tests ports that stay free while nobody listens on them.
package ports

import (
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"testing"
)

// The range lies below the one from which systems take the ports of outgoing
// connections (Linux 32768, Windows 49152), so that none of those takes a port
// before its server starts, or while it is stopped.
const first, beyond = 20000, 32000

var (
	mu    sync.Mutex
	given = map[string]bool{}
)

// Free returns a port of 127.0.0.1 that nobody has, and that no other test of
// this process is given; network is tcp or udp.
func Free(t testing.TB, network string) string {
	t.Helper()
	mu.Lock()
	defer mu.Unlock()
	for range 1000 {
		port := strconv.Itoa(first + rand.IntN(beyond-first))
		if id := network + port; !given[id] && free(network, port) {
			given[id] = true
			return port
		}
	}
	t.Fatalf("no %s port between %d and %d is free", network, first, beyond)
	return ""
}

func free(network, port string) bool {
	if network == "udp" {
		c, err := net.ListenPacket("udp4", "127.0.0.1:"+port)
		if err == nil {
			c.Close()
		}
		return err == nil
	}
	l, err := net.Listen("tcp4", "127.0.0.1:"+port)
	if err == nil {
		l.Close()
	}
	return err == nil
}
