package app

import (
	"fmt"
	"log/slog"
	"net"
	"testing"

	"dswatch/event"
)

// TestOwnPortOnLoopback: a port of the operator's own may listen on loopback
// only; one of the vendor's components must be reached from elsewhere.
func TestOwnPortOnLoopback(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	name := fmt.Sprintf("%d/tcp", l.Addr().(*net.TCPAddr).Port)
	for component, want := range map[string]event.State{"custom": event.Up, "database": event.Up, event.Agent: event.Down} {
		t.Run(component, func(t *testing.T) {
			loaded, err := Parse("test.yaml", fmt.Appendf(nil, "host: h\nwatch: {facts: {components: [agent]}, items: [{component: %s, kind: port, name: %s}]}\n", component, name))
			if err != nil {
				t.Fatal(err)
			}
			res, err := Check(t.Context(), loaded, nil, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			for _, it := range res.Items {
				if it.Name == name && it.State != want {
					t.Errorf("%s: %s", it.State, it.Detail)
				}
			}
		})
	}
}
