package port

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"dswatch/event"
	"dswatch/setting"
	"dswatch/words"
)

// Config is what `detectors.port` takes beside the settings that every
// detector has.
type Config struct {
	Rate    int            `yaml:"rate" doc:"How many remote probes are begun per second, so that thousands of hosts are not asked at the same moment; default 500."`
	Targets []TargetConfig `yaml:"targets" doc:"Ports to look at beside those of the watch list; default none."`
}

// TargetConfig is one entry of `targets`: some ports of one host.
type TargetConfig struct {
	Host                  string        `yaml:"host" doc:"Name or address of the host to probe; left out with method listen."`
	Ports                 []int         `yaml:"ports" doc:"TCP ports, each an item of its own; at least one."`
	Method                Method        `yaml:"method" doc:"listen (this host's own sockets), syn (half-open, leaves no trace), connect or tls; default syn, or listen without a host."`
	Component             string        `yaml:"component" doc:"What the ports belong to: agent, manager, appliance or a word of your own; default agent."`
	Loopback              bool          `yaml:"loopback" doc:"With method listen: a listener bound to loopback only is up, not down; default false."`
	AcceptHandshakeErrors bool          `yaml:"accept_handshake_errors" doc:"Allows methods connect and tls on port 4118, where each probe makes the agent log a failed handshake; default false."`
	Timeout               time.Duration `yaml:"timeout" doc:"How long a probe waits for an answer, 100ms to 1m; default 3s."`
	MinVersion            string        `yaml:"min_version" doc:"With method tls: the lowest TLS version that is good enough, \"1.0\" to \"1.3\"; default \"1.2\"."`
	ServerName            string        `yaml:"server_name" doc:"With method tls: the server name that is sent; default the host, if it is a name."`
}

// Bounds of Rate.
const (
	defaultRate = 500
	maxRate     = 100_000
)

// Defaults returns the configuration of an empty section.
func Defaults() Config { return Config{Rate: defaultRate} }

// Validate rejects what Expand or New could not use. Errors name the key
// below `detectors.port`, such as targets[0].method.
func (c Config) Validate() error {
	if c.Rate < 1 || c.Rate > maxRate {
		return words.Bad("rate", words.RateRange.With(c.Rate, maxRate, defaultRate))
	}
	const here = "(this host)" // stands for its name, which the configuration does not know; no target has it
	keys := map[event.Key]int{}
	hows := map[place]first{}
	for i, tc := range c.Targets {
		if len(tc.Ports) == 0 {
			return words.Bad(at(i, "ports"), words.PortsEmpty.With())
		}
		for _, t := range tc.targets(here) {
			if err := t.check(); err != nil {
				var s *setting.Error
				if errors.As(err, &s) {
					return &setting.Error{Key: at(i, s.Key), Err: s.Err}
				}
				return err
			}
			if err := t.Key.Validate(); err != nil {
				return words.Bad(at(i, "component"), words.WriteAWord.With(err))
			}
			if j, ok := keys[t.Key]; ok {
				return words.Bad(at(i, "ports"), words.PortListed.With(t.Port, j))
			}
			keys[t.Key] = i
			if t.method() == Listen {
				continue
			}
			p, h := t.place(), t.how()
			if f, ok := hows[p]; ok && f.how != h {
				return words.Bad(at(i, "method"), words.PortAskedOtherwise.With(p.String(), f.index))
			} else if !ok {
				hows[p] = first{how: h, index: i}
			}
		}
	}
	return nil
}

// first is the way in which an endpoint was asked for first, and where.
type first struct {
	how   how
	index int
	n     int // of the target
}

func at(i int, key string) string { return "targets[" + strconv.Itoa(i) + "]." + key }

// Expand turns the configured targets into one Target per port. Ports of
// this host are items of the host named here. An endpoint that is written in
// several ways is one item, as it was written first.
func (c Config) Expand(here string) []Target {
	ts, _ := c.expand(here)
	return ts
}

// expand is Expand, and names what was left out because it is another spelling.
func (c Config) expand(here string) (ts []Target, again []setting.Error) {
	type endpoint struct {
		place
		component string
	}
	seen := map[endpoint]first{}
	for i, tc := range c.Targets {
		for _, t := range tc.targets(here) {
			e := endpoint{t.place(), t.Key.Component}
			f, twice := seen[e]
			if twice && t.Key.Host != ts[f.n].Key.Host && !t.Local() {
				again = append(again, setting.Error{Key: at(i, "host"), Err: words.Fail(words.PortSameItem.With(short(t.Host), short(ts[f.n].Host), f.index, ts[f.n].Key.String()))})
				continue
			}
			if !twice {
				seen[e] = first{index: i, n: len(ts)}
			}
			ts = append(ts, t)
		}
	}
	return ts, again
}

func (tc TargetConfig) targets(here string) []Target {
	host, component := tc.Host, tc.Component
	if host == "" {
		host = here
	}
	if component == "" {
		component = event.Agent
	}
	ts := make([]Target, 0, len(tc.Ports))
	for _, p := range tc.Ports {
		ts = append(ts, Target{
			Key:  event.Key{Host: host, Component: component, Kind: event.Port, Name: fmt.Sprintf("%d/tcp", p)},
			Host: tc.Host, Port: p, Method: tc.Method, Loopback: tc.Loopback, AcceptHandshakeErrors: tc.AcceptHandshakeErrors,
			Timeout: tc.Timeout, MinVersion: tc.MinVersion, ServerName: tc.ServerName,
		})
	}
	return ts
}
