package facts

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"dswatch/event"
)

// Learned tells what no file and no command of the host tells, from what the
// detectors saw: a host that listens on 4122 is a relay, one on which a
// process of TLS inspection ran inspects TLS. It also knows whether the
// agent's main process is up.
//
// What was learned counts until it is refuted (the port is a stranger's), also
// while the thing itself is lost: that is what it was learned for. A role that was taken away on purpose
// is declared as off. Safe for concurrent use.
type Learned struct {
	host string

	mu      sync.Mutex
	up      bool
	facts   event.Facts
	there   map[event.Key]bool
	changes uint64
}

// NewLearned returns a source for the items of host. Facts of before, those
// that an earlier Learned told, are remembered; all others are left out.
func NewLearned(host string, before event.Facts) *Learned {
	l := &Learned{host: host, facts: event.Facts{}, there: map[event.Key]bool{}}
	for n, f := range before {
		if strings.HasPrefix(f.Origin, learnedOrigin) {
			l.facts[n] = f
		}
	}
	return l
}

const learnedOrigin = "learned ("

// Observe takes what a detector saw and reports whether the facts of the
// host should be asked for again: something was learned, or an item of the
// agent came or went. That may be a loss, or an upgrade, or a feature that was
// switched: the facts must tell before somebody is alarmed.
func (l *Learned) Observe(o event.Observation) (news bool) {
	if o.Key.Host != l.host || o.Key.Component != event.Agent || o.State == event.Unknown {
		return false
	}
	seen := o.State == event.Up || o.State == event.Degraded
	l.mu.Lock()
	defer l.mu.Unlock()
	if before, known := l.there[o.Key]; known && before != seen {
		l.changes++
		news = true
	}
	l.there[o.Key] = seen
	switch {
	case o.Key.Kind == event.Process && mainProcess(o.Key.Name):
		news = news || l.up != seen
		l.up = seen
	case o.Key.Kind == event.Process && inspectsTLS(o.Key.Name) && seen:
		news = l.learn(event.TLSInspection, fmt.Sprintf("process %s was seen", o.Key.Name), o.At) || news
	case o.Key.Kind == event.Port && o.Key.Name == relayPort && seen:
		news = l.learn(event.Relay, "port "+strings.TrimSuffix(relayPort, "/tcp")+" is listening", o.At) || news
	case o.Key.Kind == event.Port && o.Key.Name == relayPort && o.Detail.Has(strangerCode):
		// It was learned from somebody else, or is held by him now: that is no relay.
		if _, known := l.facts[event.Relay]; known {
			delete(l.facts, event.Relay)
			news = true
		}
	}
	return news
}

// Changes counts how often an item of the agent came or went.
func (l *Learned) Changes() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changes
}

const relayPort = "4122/tcp"

// strangerCode is what the port detector says of a port that is not its
// owner's, see words.PortStranger.
const strangerCode = "port.stranger"

func mainProcess(name string) bool {
	return name == "ds_agent" || strings.EqualFold(name, "dsa.exe") || strings.EqualFold(name, "ds_agent.exe")
}

func inspectsTLS(name string) bool {
	name = strings.TrimSuffix(strings.ToLower(name), ".exe")
	return name == "tm_netagent" || name == "ds_nuagent"
}

func (l *Learned) learn(n event.Name, why string, at time.Time) (news bool) {
	_, known := l.facts[n]
	l.facts[n] = event.Fact{Value: event.On, Origin: learnedOrigin + why + ")", At: at}
	return !known
}

// Up reports whether the agent's main process was up when last seen.
func (l *Learned) Up() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.up
}

// Facts returns what was learned so far.
func (l *Learned) Facts(context.Context) (event.Facts, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return event.Facts{}.Merge(l.facts), nil
}

// outlived reports whether a learned TLS inspection is overtaken by a later
// word that intrusion prevention, whose part it is, is off. A minute is
// allowed for the processes to end.
func outlived(tls, ips event.Fact) bool {
	return strings.HasPrefix(tls.Origin, learnedOrigin) && ips.Value == event.Off && tls.At.Before(ips.At.Add(time.Minute))
}
