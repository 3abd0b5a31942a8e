package manager

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"dswatch/catalog"
	"dswatch/event"
	"dswatch/words"
)

// record is what is kept of a computer: a hundred thousand are.
type record struct {
	id     int64
	name   string // that it has if no other one has it
	sights [len(parts)]sight
	has    uint8 // which of the items are known, a bit of each
	speaks bool  // its facts are known
	active bool  // it is or was activated
	lapsed bool  // it is not activated
	at     int64 // when it was listed, in nanoseconds since 1970; 0: not since the program started
	traits
}

// part is one of the items of a computer.
type part struct {
	kind event.Kind
	name string
}

// parts are the items of a computer, its modules in the order of modules.
var parts = [...]part{
	{event.Heartbeat, event.Agent},
	{event.Module, "anti_malware"}, {event.Module, "web_reputation"}, {event.Module, "firewall"}, {event.Module, "intrusion_prevention"},
}

func (p part) of(host string) event.Key {
	return event.Key{Host: host, Component: event.Agent, Kind: p.kind, Name: p.name}
}

// sight is what was seen of one item.
type sight struct {
	state  event.State
	detail event.Said
}

func (s sight) found() int {
	if s.state == event.Up || s.state == event.Degraded {
		return 1
	}
	return 0
}

// traits are the facts about a computer, as they can be compared; the zero
// value knows nothing.
type traits struct {
	managed  bool
	id       int64
	version  string
	features [len(parts) - 1]feature
}

// feature is whether a module is on; absent: the record does not tell of it.
type feature uint8

const (
	untold feature = iota
	on
	off
	absent
)

func (f feature) value() string { return [...]string{on: event.On, off: event.Off, absent: ""}[f] }

// record returns what is kept of c. A communication before late is too long
// ago.
func (c computer) record(late time.Time, have *common) *record {
	r := &record{id: c.ID, name: c.plainName(), has: 1<<len(parts) - 1}
	if c.fault != "" {
		for n := range r.sights {
			r.sights[n] = sight{event.Unknown, words.ManagerRecord.With(c.fault)}
		}
		return r
	}
	r.sights[0] = c.heartbeat(late)
	r.active, r.lapsed = c.activated(), c.lapsed()
	for n, m := range c.modules() {
		r.sights[n+1] = have.sight(m)
	}
	if r.speaks = c.status() != ""; r.speaks {
		r.traits = c.traits(have.versions)
	}
	return r
}

// common is what several computers of a listing have, which is made and kept
// once: the modules of 20,000 computers say a few things only.
type common struct {
	sights   map[said]sight
	versions map[string]string
}

// said is all that a sight of a module is made from.
type said struct{ status, state, message string }

func newCommon() *common {
	return &common{sights: map[said]sight{}, versions: map[string]string{}}
}

func (c *common) sight(m namedModule) sight {
	k := said{status: m.status()}
	if k.status != "" {
		k.state, k.message = m.State, m.Status.Message
	}
	s, ok := c.sights[k]
	if !ok {
		s = m.observe()
		c.sights[k] = s
	}
	return s
}

// lapse says that the computer waits for activation. One that was activated
// stays managed, so that its heartbeat is expected; nothing is known of its
// modules, which went with the activation.
func (r *record) lapse(version string) {
	why := words.NotActivated
	if r.active {
		why, r.traits = words.NoLongerActivated, traits{managed: true, id: r.id, version: version}
	}
	r.sights[0].detail = why.With().And(r.sights[0].detail)
}

// once returns s as it is kept already, so that equal texts are kept once.
func once(texts map[string]string, s string) string {
	if have, ok := texts[s]; ok {
		return have
	}
	texts[s] = s
	return s
}

// plainName is the name of the computer's host, or nothing.
func (c computer) plainName() string {
	if strings.TrimSpace(c.HostName) != "" {
		return hostName(c.HostName)
	}
	return hostName(c.DisplayName)
}

// host is the name of the computer's items.
func (r *record) host(taken map[string]bool) string {
	if r.name == "" || taken[event.Token(r.name)] {
		return r.numbered()
	}
	return r.name
}

// numbered is the name where another computer has the plain one.
func (r *record) numbered() string { return fmt.Sprintf("%s#%d", r.name, r.id) }

// traits returns what the record tells; nothing of a computer that is not
// managed.
func (c computer) traits(versions map[string]string) (t traits) {
	switch c.status() {
	case active, warning, failing:
	default:
		return t
	}
	t.managed, t.id = true, c.ID
	if v, err := catalog.ParseVersion(c.AgentVersion); err == nil && v != (catalog.Version{}) {
		t.version = once(versions, strings.TrimSpace(c.AgentVersion))
	}
	for n, m := range c.modules() {
		t.features[n] = m.fact(c.status() != failing)
	}
	return t
}

// keep takes from before what is missing now: that is not off, its item says
// that it cannot be seen.
func (t *traits) keep(before traits) {
	for n, f := range t.features {
		if f == absent {
			t.features[n] = before.features[n]
		}
	}
}

// origin of every fact that the manager tells.
const origin = "manager API"

// facts returns t as it is told.
func (t traits) facts(now time.Time, edition string) event.Facts {
	f := event.Facts{}
	set := func(n event.Name, value string) {
		if value != "" {
			f[n] = event.Fact{Value: value, Origin: origin, At: now}
		}
	}
	if !t.managed {
		return f
	}
	set(event.Components, event.Agent)
	set(event.Edition, edition)
	set(event.HostID, strconv.FormatInt(t.id, 10))
	set(event.AgentVersion, t.version)
	for n, m := range (computer{}).modules() {
		set(m.feature, t.features[n].value())
	}
	return f
}
