package port

import (
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"dswatch/event"
	"dswatch/setting"
)

func decode(t *testing.T, text string) Config {
	t.Helper()
	c := Defaults()
	if err := yaml.UnmarshalWithOptions([]byte(text), &c, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestConfigRefuses(t *testing.T) {
	for _, tc := range []struct{ name, text, key, says string }{
		{"connect on 4118", `targets: [{host: 192.0.2.10, ports: [4118], method: connect}]`,
			"targets[0].method", "write method: syn, or accept_handshake_errors: true beside it"},
		{"tls on 4118", `targets: [{host: web01, ports: [443], method: tls}, {host: 192.0.2.10, ports: [443, 4118], method: tls}]`,
			"targets[1].method", "write method: syn, or accept_handshake_errors: true beside it"},
		{"unknown method", `targets: [{host: web01, ports: [1], method: telnet}]`, "targets[0].method", "write listen, syn, connect or tls"},
		{"listen on another host", `targets: [{host: web01, ports: [1], method: listen}]`, "targets[0].method", "write method: syn"},
		{"syn without host", `targets: [{ports: [1], method: syn}]`, "targets[0].host", "write its name or address"},
		{"no ports", `targets: [{host: web01}]`, "targets[0].ports", "such as [4118]"},
		{"port zero", `targets: [{host: web01, ports: [0]}]`, "targets[0].ports", "from 1 to 65535"},
		{"port too large", `targets: [{host: web01, ports: [65536]}]`, "targets[0].ports", "65536 is no TCP port"},
		{"port in host", `targets: [{host: "web01:4118", ports: [4118]}]`, "targets[0].host", "write host: web01 and ports: [4118]"},
		{"port behind address", `targets: [{host: "192.0.2.1:4118", ports: [4118]}]`, "targets[0].host", "write host: 192.0.2.1 and ports: [4118]"},
		{"port behind IPv6 address", `targets: [{host: "[2001:db8::1]:4118", ports: [4118]}]`, "targets[0].host", "write host: 2001:db8::1 and ports: [4118]"},
		{"URL as host", `targets: [{host: "https://web01/", ports: [443]}]`, "targets[0].host", "write the host alone"},
		{"broken address", `targets: [{host: 192.0.2.300, ports: [443]}]`, "targets[0].host", "neither an address nor a DNS name"},
		{"space in host", `targets: [{host: "web 01", ports: [443]}]`, "targets[0].host", "neither an address nor a DNS name"},
		{"slash in host", `targets: [{host: "192.0.2.0/24", ports: [443]}]`, "targets[0].host", "neither an address nor a DNS name"},
		{"any address", `targets: [{host: 0.0.0.0, ports: [443]}]`, "targets[0].host", "is not the address of one host"},
		{"multicast", `targets: [{host: "ff02::1", ports: [443]}]`, "targets[0].host", "is not the address of one host"},
		{"broadcast", `targets: [{host: 255.255.255.255, ports: [443]}]`, "targets[0].host", "is not the address of one host"},
		{"timeout too short", `targets: [{host: web01, ports: [1], timeout: 1ms}]`, "targets[0].timeout", "write 100ms to 1m"},
		{"timeout too long", `targets: [{host: web01, ports: [1], timeout: 2m}]`, "targets[0].timeout", "such as 3s"},
		{"timeout of listen", `targets: [{ports: [1], timeout: 1s}]`, "targets[0].timeout", "leave it out"},
		{"loopback of syn", `targets: [{host: web01, ports: [1], loopback: true}]`, "targets[0].loopback", "leave it out"},
		{"accepted errors of syn", `targets: [{host: web01, ports: [4118], accept_handshake_errors: true}]`, "targets[0].accept_handshake_errors", "leave it out"},
		{"min_version of connect", `targets: [{host: web01, ports: [1], method: connect, min_version: "1.2"}]`, "targets[0].min_version", "method: tls"},
		{"bad min_version", `targets: [{host: web01, ports: [1], method: tls, min_version: "3.0"}]`, "targets[0].min_version", `write "1.0"`},
		{"server_name of syn", `targets: [{host: web01, ports: [1], server_name: x}]`, "targets[0].server_name", "method: tls"},
		{"bad server_name", `targets: [{host: web01, ports: [1], method: tls, server_name: "a b"}]`, "targets[0].server_name", "DNS name"},
		{"slash in component", `targets: [{host: web01, ports: [1], component: a/b}]`, "targets[0].component", "write a word such as agent"},
		{"port twice", `targets: [{host: web01, ports: [1, 2, 1]}]`, "targets[0].ports", "write it once"},
		{"row twice", `targets: [{host: web01, ports: [1]}, {host: web01, ports: [2, 1]}]`, "targets[1].ports", "already listed in targets[0]"},
		{"local row twice", `targets: [{ports: [1]}, {ports: [1], method: listen}]`, "targets[1].ports", "already listed in targets[0]"},
		{"two methods for one endpoint", `targets: [{host: web01, ports: [1]}, {host: WEB01., ports: [1], method: connect}]`,
			"targets[1].method", "web01:1 is asked in another way in targets[0]"},
		{"two timeouts for one endpoint", `targets: [{host: "::1", ports: [1]}, {host: "0::1", ports: [1], timeout: 1s}]`,
			"targets[1].method", "[::1]:1 is asked in another way in targets[0]"},
		{"rate zero", `rate: 0`, "rate", "such as 500"},
		{"rate above the most", `rate: 100001`, "rate", "write 1 to 100000"},
		{"port zero", `targets: [{host: web01, ports: [0]}]`, "targets[0].ports", "1 to 65535"},
		{"port above the most", `targets: [{host: web01, ports: [65535, 65536]}]`, "targets[0].ports", "65536 is no TCP port"},
		{"timeout below the least", `targets: [{host: web01, ports: [1], timeout: 99ms}]`, "targets[0].timeout", "100ms to 1m0s"},
		{"timeout above the most", `targets: [{host: web01, ports: [1], timeout: 61s}]`, "targets[0].timeout", "100ms to 1m0s"},
		{"rate too high", `rate: 1000000`, "rate", "write 1 to 100000"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := decode(t, tc.text).Validate()
			var s *setting.Error
			if !errors.As(err, &s) {
				t.Fatalf("got %v, want a SettingError", err)
			}
			if s.SettingKey() != tc.key || !strings.Contains(s.Error(), tc.says) {
				t.Errorf("got %q, want key %s and %q", s, tc.key, tc.says)
			}
		})
	}
}

// TestConfigBounds takes each bound itself.
func TestConfigBounds(t *testing.T) {
	for _, text := range []string{
		`rate: 1`, `rate: 100000`, `targets: [{host: web01, ports: [1, 65535]}]`,
		`targets: [{host: web01, ports: [1], timeout: 100ms}]`, `targets: [{host: web01, ports: [1], timeout: 1m}]`,
	} {
		if err := decode(t, text).Validate(); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestConfigAccepts(t *testing.T) {
	c := decode(t, `
targets:
  - {host: 192.0.2.10, ports: [4118, 4122]}
  - {host: web01.example.com, ports: [4118], method: tls, accept_handshake_errors: true, timeout: 5s, min_version: "1.0", server_name: agent}
  - {host: "2001:db8::7", ports: [4118], component: appliance}
  - {host: "fe80::1%eth0", ports: [4119], method: connect, component: manager}
  - {ports: [4123], component: relay, loopback: true}
`)
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	if err := Defaults().Validate(); err != nil {
		t.Fatalf("the defaults are refused: %v", err)
	}
	got := c.Expand("here")
	want := []Target{
		{Key: key("192.0.2.10", "agent", "4118/tcp"), Host: "192.0.2.10", Port: 4118},
		{Key: key("192.0.2.10", "agent", "4122/tcp"), Host: "192.0.2.10", Port: 4122},
		{Key: key("web01.example.com", "agent", "4118/tcp"), Host: "web01.example.com", Port: 4118, Method: TLS,
			AcceptHandshakeErrors: true, Timeout: 5 * time.Second, MinVersion: "1.0", ServerName: "agent"},
		{Key: key("2001:db8::7", "appliance", "4118/tcp"), Host: "2001:db8::7", Port: 4118},
		{Key: key("fe80::1%eth0", "manager", "4119/tcp"), Host: "fe80::1%eth0", Port: 4119, Method: Connect},
		{Key: key("here", "relay", "4123/tcp"), Port: 4123, Loopback: true},
	}
	if len(got) != len(want) {
		t.Fatalf("%d targets, want %d", len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("target %d is %+v, want %+v", i, got[i], want[i])
		}
	}
	if _, err := New(got, Options{Rate: c.Rate}); err != nil {
		t.Errorf("New refuses what Validate accepts: %v", err)
	}
	if m := got[0].method(); m != Syn {
		t.Errorf("default method with a host is %s", m)
	}
	if m := got[5].method(); m != Listen {
		t.Errorf("default method without a host is %s", m)
	}
}

func TestNewRefuses(t *testing.T) {
	k := key("web01", "agent", "4118/tcp")
	for _, tc := range []struct {
		name    string
		targets []Target
		says    string
	}{
		{"connect on 4118", []Target{{Key: k, Host: "web01", Port: 4118, Method: Connect}}, "accept_handshake_errors: true"},
		{"no key", []Target{{Host: "web01", Port: 4118}}, "host is empty"},
		{"one key twice", []Target{{Key: k, Host: "web01", Port: 4118}, {Key: k, Host: "web02", Port: 4118}}, "given twice"},
		{"two methods", []Target{{Key: k, Host: "web01", Port: 80}, {Key: key("web01", "appliance", "80/tcp"), Host: "web01", Port: 80, Method: TLS}}, "asked in another way"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, err := New(tc.targets, Options{}); err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("got %v, want %q", err, tc.says)
			}
		})
	}
}

func key(host, component, name string) event.Key {
	return event.Key{Host: host, Component: component, Kind: event.Port, Name: name}
}

func FuzzHost(f *testing.F) {
	for _, s := range []string{"web01", "web01.example.com.", "192.0.2.1", "::1", "fe80::1%eth0", "a:1", "[::1]:2", "https://x", "1.2.3", "-a", "a_b", "[[a]:1]:2", "é"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		err := checkHost(s)
		if err != nil {
			if len(err.Error()) > 1000 {
				t.Errorf("error of %d bytes", len(err.Error()))
			}
			return
		}
		if c := canonical(s); checkHost(c) != nil || canonical(c) != c {
			t.Errorf("%q is accepted, but its canonical form %q is not, or is not final", s, c)
		}
	})
}

// TestOneEndpointIsOneItem: however it is written, and the warning names the
// line that can go.
func TestOneEndpointIsOneItem(t *testing.T) {
	c := Defaults()
	lo := "1" // Wine names no interfaces
	if first, err := net.InterfaceByIndex(1); err == nil {
		lo = first.Name
	}
	for _, host := range []string{"web01.example.com", "WEB01.example.com", "web01.example.com.", "192.0.2.1", "::ffff:192.0.2.1", "::FFFF:c000:201", "2001:db8::1", "2001:DB8:0::1",
		"fe80::1%" + lo, "FE80::0:1%1", "fe80::1%other"} {
		c.Targets = append(c.Targets, TargetConfig{Host: host, Ports: []int{4118}})
	}
	c.Targets = append(c.Targets, TargetConfig{Host: "WEB01.example.com", Ports: []int{4118}, Component: "manager"}, TargetConfig{Ports: []int{4118}})
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	ts, again := c.expand("here")
	var hosts []string
	for _, x := range ts {
		hosts = append(hosts, x.Key.Host+"/"+x.Key.Component)
	}
	if got := strings.Join(hosts, " "); got != "web01.example.com/agent 192.0.2.1/agent 2001:db8::1/agent fe80::1%"+lo+"/agent fe80::1%other/agent WEB01.example.com/manager here/agent" {
		t.Errorf("%s", got)
	}
	if len(again) != 6 || again[0].Key != "targets[1].host" || !strings.Contains(again[0].Error(), "is web01.example.com of targets[0], written in another way") {
		t.Errorf("%v", again)
	}
}

// TestBudgetIsSaid: what a look needs at worst is held against what it has
// and against the time between two, and an endpoint of two rows counts once.
func TestBudgetIsSaid(t *testing.T) {
	of := func(schedule string, timeout time.Duration) section {
		c := section{Config: decode(t, "targets: [{host: 192.0.2.10, ports: [1, 2]}, {host: 192.0.2.10, ports: [2], component: manager}]")}
		c.Settings.Schedule, c.Settings.Timeout = schedule, timeout
		return c
	}
	many := TargetConfig{Host: "192.0.2.10"}
	for n := range 1000 {
		many.Ports = append(many.Ports, n+1)
	}
	again := many
	again.Component = "manager"
	once, twice := Config{Targets: []TargetConfig{many}}.Budget(), Config{Targets: []TargetConfig{many, again}}.Budget()
	if once.Endpoints != 1000 || twice != once {
		t.Errorf("%+v, want %+v", twice, once)
	}
	for name, c := range map[string]struct {
		section section
		wrong   string // keys
	}{
		"enough":                {of("@every 10m", lookTimeout), ""},
		"too short for a look":  {of("@every 10m", 200*time.Millisecond), "timeout"},
		"too often":             {of("@every 1s", lookTimeout), "schedule"},
		"both":                  {of("@every 1s", 200*time.Millisecond), "timeout schedule"},
		"nothing to ask others": {section{Config: decode(t, "targets: [{ports: [1]}]")}, ""},
	} {
		var keys []string
		_, wrong := c.section.budget()
		for _, e := range wrong {
			keys = append(keys, e.Key)
		}
		if got := strings.Join(keys, " "); got != c.wrong {
			t.Errorf("%s: wrong is %q, want %q", name, got, c.wrong)
		}
	}
}
