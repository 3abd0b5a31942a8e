package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"dswatch/app"
	"dswatch/event"
	"dswatch/words"
)

// Options say how the demo is shown.
type Options struct {
	Language string // en or ja
	Version  string
	Out      io.Writer
}

// host is the name under which the demo's alerts appear.
const host = "demo-host"

// patience is how long a step waits for its alerts to arrive.
const patience = 15 * time.Second

// show is one run of the demo.
type show struct {
	Options
	began  time.Time
	agent  *pretender
	port   int
	got    chan message
	traps  int
	syslog int
}

// Run shows everything and returns nil when all of it arrived.
func Run(ctx context.Context, o Options) (err error) {
	if o.Language != "en" && o.Language != "ja" {
		return fmt.Errorf("run the demo: language %q is neither en nor ja", o.Language)
	}
	ctx, cancel := context.WithTimeout(ctx, 55*time.Second)
	defer cancel()
	if err := refuseRealAgent(ctx); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "dswatch-demo-")
	if err != nil {
		return fmt.Errorf("run the demo: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }() // nothing is left behind
	agent, err := newPretender(dir)
	if err != nil {
		return fmt.Errorf("run the demo: %w", err)
	}
	defer agent.killAll()
	s := &show{Options: o, began: time.Now(), agent: agent, got: make(chan message, 64)}
	if err := s.run(ctx, dir); err != nil {
		return fmt.Errorf("run the demo: %w", err)
	}
	return nil
}

// refuseRealAgent keeps the demo off hosts where its names are taken.
func refuseRealAgent(ctx context.Context) error {
	l, err := app.Load("")
	if err != nil {
		return err
	}
	res, err := app.Check(ctx, l, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	for _, it := range res.Items {
		if it.Kind == event.Process && it.Found > 0 {
			return fmt.Errorf("run the demo: a real %s runs here, which the demo would be mixed up with; run it on another machine, or look at this one with: dswatch check", it.Name)
		}
	}
	return nil
}

func (s *show) run(ctx context.Context, dir string) error {
	if err := s.startAgent(); err != nil {
		return err
	}
	traps, err := newTrapDecoder()
	if err != nil {
		return err
	}
	nms, err := listenUDP(s.got, traps.decode)
	if err != nil {
		return err
	}
	defer nms.conn.Close()
	siem, err := listenUDP(s.got, decodeSyslog)
	if err != nil {
		return err
	}
	defer siem.conn.Close()
	s.say(s.text("receivers", nms.address(), siem.address()))

	l, err := app.Parse("demo.yaml", []byte(s.config(dir, nms.address(), siem.address())))
	if err != nil {
		return err
	}
	a, err := app.Open(ctx, l, app.Options{Version: s.Version, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- a.Run(running) }()
	err = s.scenes(ctx, a)
	stop()
	err = errors.Join(err, <-done, a.Close())
	if err == nil {
		s.say(s.text("end", s.traps, s.syslog))
	}
	return err
}

func (s *show) startAgent() error {
	for _, name := range []string{"ds_am", "ds_am", "ds_agent"} {
		if _, err := s.agent.start(name); err != nil {
			return err
		}
	}
	address, err := s.agent.start("ds_agent", "127.0.0.1:4118")
	if err != nil {
		return err
	}
	s.port = portOf(address)
	s.say(s.text("agent", s.port))
	if s.port != 4118 {
		s.say(s.text("taken"))
	}
	return nil
}

// config is an ordinary configuration, only more impatient than usual.
func (s *show) config(dir, nms, siem string) string {
	ignore := "driver/dsa_filter_hook"
	if s.port != 4118 {
		ignore += ", port/4118/tcp"
	}
	return fmt.Sprintf(`
host: %s
language: %s
bus: {dir: %q}
watch:
  facts:
    os: linux
    components: [agent]
    edition: deep_security
    relay: off
    user: "%d"
    features: {anti_malware: on, web_reputation: off, firewall: off, intrusion_prevention: off, tls_inspection: off}
  ignore: [%s]   # a pretend agent has no kernel module
detectors:
  process: {schedule: "@every 1s"}
  service: {schedule: "@every 1s"}
  driver: {schedule: "@every 1s"}
  port: {schedule: "@every 1s", targets: [{ports: [%d], method: listen, loopback: true}]}
rules: {hold: 1s}
sinks:
  - {name: nms, type: snmp, address: %q, version: 2c, community: public}
  - {name: siem, type: syslog, network: udp, address: %q, format: rfc5424}
web: {listen: ""}
`, host, s.Language, filepath.Join(dir, "bus"), os.Geteuid(), ignore, s.port, nms, siem)
}

// scenes breaks one thing after another and waits for what must arrive.
func (s *show) scenes(ctx context.Context, a *app.App) error {
	if err := s.untilHealthy(ctx, a); err != nil {
		return err
	}
	listenerLost, listenerBack := []string{"ds_agent raised degraded"}, []string{"ds_agent cleared up"}
	lost := "kill listener"
	if s.port != 4118 { // a port of its own, which no row makes a symptom of ds_agent
		port := fmt.Sprintf("%d/tcp", s.port)
		listenerLost, listenerBack = append(listenerLost, port+" raised down"), append(listenerBack, port+" cleared up")
		lost = "kill other listener"
	}
	for _, scene := range []struct {
		say  string
		do   func() error
		want []string // "item transition state", from each sink
	}{
		{"kill one ds_am", func() error { s.agent.kill("ds_am"); return nil }, []string{"ds_am raised degraded"}},
		{"kill other ds_am", func() error { s.agent.kill("ds_am"); return nil }, []string{"ds_am changed down"}},
		{"start ds_am", func() error {
			_, err := s.agent.start("ds_am")
			if err == nil {
				_, err = s.agent.start("ds_am")
			}
			return err
		}, []string{"ds_am cleared up"}},
		{lost, func() error { s.agent.kill("ds_agent"); return nil }, listenerLost},
		{"start listener", func() error {
			address, err := s.agent.start("ds_agent", fmt.Sprintf("127.0.0.1:%d", s.port))
			if err == nil && portOf(address) != s.port {
				err = fmt.Errorf("port %d was taken by somebody else meanwhile; run the demo again", s.port)
			}
			return err
		}, listenerBack},
	} {
		s.say("")
		s.say("> " + s.text(scene.say))
		if err := scene.do(); err != nil {
			return err
		}
		if err := s.await(ctx, scene.want); err != nil {
			return err
		}
	}
	return nil
}

// untilHealthy waits until the program has seen everything running.
func (s *show) untilHealthy(ctx context.Context, a *app.App) error {
	for {
		st, err := a.Status(ctx)
		if err != nil {
			return err
		}
		up, expected := 0, 0
		for _, i := range st.Items {
			if i.Expected == "yes" {
				expected++
				if i.State == event.Up {
					up++
				}
			}
		}
		if expected == 3 && up == 3 {
			s.say(s.text("healthy", up, len(st.Items)-expected))
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("only %d of %d expected items were seen up", up, expected)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// await shows what arrives until every wanted message came over both sinks.
func (s *show) await(ctx context.Context, want []string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	missing := map[string]bool{}
	for _, w := range want {
		missing["trap "+w], missing["syslog "+w] = true, true
	}
	for len(missing) > 0 {
		select {
		case <-ctx.Done():
			var left []string
			for m := range missing {
				left = append(left, m)
			}
			return fmt.Errorf("these did not arrive within %s: %s", patience, strings.Join(left, ", "))
		case m := <-s.got:
			s.say(fmt.Sprintf("    %-7s %s", m.kind, m.shown))
			what := strings.Join([]string{m.kind, m.name, m.transition, m.state}, " ")
			if !missing[what] {
				return fmt.Errorf("this arrived though nothing of the kind happened, or a second time: %s", what)
			}
			delete(missing, what)
			if m.kind == "trap" {
				s.traps++
			} else {
				s.syslog++
			}
		}
	}
	return nil
}

// say prints one line of the timeline.
func (s *show) say(line string) {
	if line == "" {
		fmt.Fprintln(s.Out)
		return
	}
	fmt.Fprintf(s.Out, "%5.1fs  %s\n", time.Since(s.began).Seconds(), line)
}

// text returns a sentence in the demo's language.
func (s *show) text(key string, args ...any) string {
	return fmt.Sprintf(words.In(s.Language, nil).Pick(sentences[key]), args...)
}

var sentences = map[string]words.Both{
	"agent":               words.DemoAgent,
	"taken":               words.DemoTaken,
	"receivers":           words.DemoReceivers,
	"healthy":             words.DemoHealthy,
	"kill one ds_am":      words.DemoKillOne,
	"kill other ds_am":    words.DemoKillOther,
	"start ds_am":         words.DemoStart,
	"kill listener":       words.DemoKillListener,
	"kill other listener": words.DemoKillOtherListener,
	"start listener":      words.DemoStartListener,
	"end":                 words.DemoEnd,
}
