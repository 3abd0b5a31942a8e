package port

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	"dswatch/event"
	"dswatch/words"
)

// TestOwner: Windows names the process that listens.
func TestOwner(t *testing.T) {
	want := fmt.Sprintf("(pid %d); from GetExtendedTcpTable", os.Getpid())
	for _, bind := range []string{"127.0.0.1:0", "[::1]:0"} {
		l := listenAt(t, bind)
		if o := pass(t, detect(t, Target{Port: portOfListener(l), Loopback: true}))[0]; o.State != event.Up || !strings.Contains(words.English(o.Detail), want) {
			t.Errorf("%s: %s, %q; want up and %q", bind, o.State, words.English(o.Detail), want)
		}
	}
}

// TestNoHalfOpen: without the gentle probe nothing is sent at all.
func TestNoHalfOpen(t *testing.T) {
	port, accepted := serve(t, func(net.Conn) {})
	o := pass(t, detect(t, Target{Host: "127.0.0.1", Port: port}))[0]
	if o.State != event.Unknown || !strings.Contains(words.English(o.Detail), "needs Linux") || !strings.Contains(words.English(o.Detail), "method listen") {
		t.Errorf("%s, %q; want unknown with a next step", o.State, words.English(o.Detail))
	}
	if n := accepted.Load(); n != 0 {
		t.Errorf("%d connections", n)
	}
}
