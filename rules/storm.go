package rules

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"dswatch/event"
	"dswatch/words"
)

// StormSettings are the keys below `rules.storm:`.
type StormSettings struct {
	Alerts int           `yaml:"alerts" doc:"how many alerts of one rule may rise within the window before the next ones are told as one digest, 2 to 10000; 0: off"`
	Window time.Duration `yaml:"window" doc:"how far back alerts count, 1s to 1h"`
	Every  time.Duration `yaml:"every" doc:"least time between two messages of one digest, its first and last one apart; at least 5s"`
	Settle time.Duration `yaml:"settle" doc:"how long after the last alert that joined a digest those that are still open become alerts of their own, if there are no more of them than alerts says"`
}

// DefaultStorm returns the settings of an empty `rules.storm:`.
func DefaultStorm() StormSettings {
	return StormSettings{Window: time.Minute, Every: 30 * time.Second, Settle: 10 * time.Minute}
}

// Validate refuses numbers with which digests would flood, or never end.
func (s StormSettings) Validate() error {
	switch {
	case s.Alerts == 0:
		return nil
	case s.Alerts < 2 || s.Alerts > 10_000:
		return words.Bad("alerts", words.StormAlerts.With(s.Alerts))
	case s.Window < time.Second || s.Window > time.Hour:
		return words.Bad("window", words.StormWindow.With(s.Window.String()))
	case s.Every < 5*time.Second:
		return words.Bad("every", words.StormEvery.With(s.Every.String()))
	case s.Settle < s.Window:
		return words.Bad("settle", words.StormSettle.With(s.Settle.String(), s.Window.String()))
	}
	return nil
}

// gathering is how long the first message of a digest waits for the alerts
// that rise at the same time.
const gathering = 5 * time.Second

// Storm is what Decide knows about other items: which rules have so many
// alerts at this moment that the next one joins a digest.
type Storm struct {
	host   string                 // of this dswatch: whose digests they are
	rising map[string][]time.Time // rule -> when its last alerts rose, at most StormSettings.Alerts of them
	groups map[event.Key]*Digest
}

// NewStorm returns one in which nothing has risen. Host is that of this
// dswatch, if it has one.
func NewStorm(host string) *Storm {
	return &Storm{host: cmp.Or(host, "fleet"), rising: map[string][]time.Time{}, groups: map[event.Key]*Digest{}}
}

// Add makes a digest known that new alerts may join while it is open.
func (s *Storm) Add(d *Digest) { s.groups[d.Key] = d }

// Shift moves the times of the alerts that rose.
func (s *Storm) Shift(step time.Duration) {
	for _, rose := range s.rising {
		for i := range rose {
			rose[i] = rose[i].Add(step)
		}
	}
}

// Count notes an alert that rose at now, or would have.
func (s *Storm) Count(now time.Time, rule string, most int) {
	if most == 0 {
		return
	}
	r := s.rising[rule]
	if len(r) >= most {
		r = slices.Delete(r, 0, len(r)-most+1)
	}
	s.rising[rule] = append(r, now)
}

// rages reports whether the next alert of the rule joins a digest.
func (s *Storm) rages(now time.Time, rule string, set StormSettings) bool {
	if s == nil || set.Alerts == 0 {
		return false
	}
	r := s.rising[rule]
	return len(r) >= set.Alerts && now.Sub(r[len(r)-set.Alerts]) <= set.Window
}

// Group names the digest of a rule for an audience. Alerts that different
// sinks are told of are in different digests, so that each sink is told of
// what concerns it and of nothing else.
func (s *Storm) Group(rule string, sinks []string) event.Key {
	sorted := slices.Sorted(slices.Values(sinks))
	name := rule
	if len(sorted) > 0 {
		name += " to " + strings.Join(sorted, ",")
	}
	return s.key(rule, name)
}

// key is that of a digest of the rule.
func (s *Storm) key(rule, name string) event.Key {
	if len(name) > event.MaxName {
		name = rule + " " + event.Key{Name: name}.Hash()
	}
	return event.Key{Host: s.host, Component: "dswatch", Kind: event.Host, Name: name}
}

// joins returns the id of the digest that a new alert of the slot joins, and
// who is told of it; "": none, it is told by itself.
func (s *Set) joins(now time.Time, st *Status, snap Snapshot, name string) (id string, sinks []string) {
	if snap.Single || !snap.Storm.rages(now, name, s.Storm) {
		return "", nil
	}
	sinks = names(s.targets(now, subject(st, snap, name), snap.Sinks, nil))
	key := snap.Storm.Group(name, sinks)
	last := ""
	if d := snap.Storm.groups[key]; d != nil {
		if d.Open() {
			return d.Slot.ID, sinks
		}
		last = d.Slot.ID
	}
	return event.AlertID(key, event.RuleStorm, st.AlertID(name)+"/"+last), sinks
}

// Gathered reports whether a digest speaks for the slot's trouble.
func (slot *Slot) Gathered() bool { return slot.Phase == Held && slot.Digest != "" }

// told reports whether the digest that speaks for the slot has told of it, or is
// quiet because all that it speaks for are silenced.
func (s *Storm) told(slot *Slot) bool {
	if s == nil {
		return false
	}
	for _, d := range s.groups {
		if d.Slot.ID == slot.Digest {
			return d.Mute || d.Slot.Phase == Firing && !d.Last.Before(slot.Raised)
		}
	}
	return false
}

// AlertID returns the id of the rule's open alert, or of the one that it
// would be if nothing kept it from being told.
func (s *Status) AlertID(rule string) string {
	slot := s.slot(rule)
	if slot.Phase == Firing {
		return slot.ID
	}
	return event.AlertID(s.Key, rule, slot.First+"/"+slot.ID)
}

// tally counts the members of a digest that say the same.
type tally struct {
	what  words.Phrase // such as: process ds_agent is down
	hosts int
	items int
}

// summary is what the members of a digest are together.
type summary struct {
	tallies []tally // most items first
	hosts   int
	host    string // one of them
	items   int
}

// symptom is one member of a digest.
type symptom struct {
	key      event.Key
	rule     string
	state    event.State
	severity event.Severity
	since    time.Time
}

// said is what two symptoms have in common that are told in the same words.
type said struct {
	kind  event.Kind
	name  string
	state event.State
}

// tallied groups by what is said of an item.
func tallied(members []symptom) summary {
	type group struct {
		hosts map[string]bool
		items int
		rule  string
	}
	groups, hosts := map[said]*group{}, map[string]bool{}
	sum := summary{items: len(members)}
	for _, m := range members {
		k := said{m.key.Kind, m.key.Name, m.state}
		if k.kind == event.Host {
			k.name = "" // which differs, and is not said
		}
		g := groups[k]
		if g == nil {
			g = &group{hosts: map[string]bool{}, rule: m.rule}
			groups[k] = g
		}
		g.items++
		g.hosts[m.key.Host], hosts[m.key.Host] = true, true
		sum.host = m.key.Host
	}
	sum.hosts = len(hosts)
	for k, g := range groups {
		a := event.Alert{Rule: g.rule, Key: event.Key{Kind: k.kind, Name: k.name}, State: k.state, Transition: event.Raised}
		sum.tallies = append(sum.tallies, tally{headline(&a, false), len(g.hosts), g.items}) // each has its own numbers
	}
	slices.SortFunc(sum.tallies, func(a, b tally) int {
		return cmp.Or(b.items-a.items, cmp.Compare(a.what, b.what))
	})
	return sum
}

// affected lists the worst of them, and no more than a message can hold.
func affected(members []symptom) (out []symptom) {
	less := func(a, b symptom) int {
		return cmp.Or(b.severity.Rank()-a.severity.Rank(), strings.Compare(a.key.Host, b.key.Host), strings.Compare(a.key.Component, b.key.Component),
			strings.Compare(string(a.key.Kind), string(b.key.Kind)), strings.Compare(a.key.Name, b.key.Name))
	}
	for _, m := range members {
		if len(out) == event.MaxAffected && less(m, out[len(out)-1]) > 0 {
			continue
		}
		at, _ := slices.BinarySearchFunc(out, m, less)
		out = slices.Insert(out, at, m)
		out = out[:min(len(out), event.MaxAffected)]
	}
	size := 0
	for i, m := range out {
		if size += sizeOf(m.key); size > event.MaxEvent/2 {
			return out[:i]
		}
	}
	return out
}

// sizeOf is about how many bytes an affected item takes in an alert.
func sizeOf(k event.Key) int { return 200 + len(k.String()) }

// listed is how many kinds of trouble the text of a digest spells out.
const listed = 5

// title is one line about all of them.
func (m summary) title() event.Said {
	what := m.tallies[0].what
	if len(m.tallies) > 1 || m.items != m.hosts {
		what = words.MostOf.Phrase(m.items, what)
	}
	if m.hosts == 1 {
		return words.Title.With(shortHost(m.host), what)
	}
	return words.TitleHosts.With(m.hosts, what)
}

// text lists what is wrong and on how many hosts.
func (m summary) text() (text event.Said) {
	for i, t := range m.tallies {
		switch {
		case i == listed:
			return text.And(words.TallyMore.With(len(m.tallies) - listed))
		case i == len(m.tallies)-1:
			text = text.And(words.TallyLast.With(t.what, t.hosts))
		default:
			text = text.And(words.Tally.With(t.what, t.hosts))
		}
	}
	return text
}

// writeStorm states what a digest says that has stood for total alerts and
// stands for members now, because of why. Where both are not known any more it says less.
func (s *Set) writeStorm(a *event.Alert, members []symptom, total int, why event.Said) {
	text := lookedAfter(a, true)
	title := func(what words.Phrase) { a.TitleStatements = words.Title.With(shortHost(a.Key.Host), what) }
	a.ShortStatements, a.NextStatements = event.Said{}, event.Said{}
	if a.Transition.Firing() {
		a.ShortStatements, a.NextStatements = lookedAfter(a, false), words.NextDigest.With()
		if a.Impact != "" {
			a.ShortStatements = a.ShortStatements.And(words.ShortImpact.With(a.Impact))
		}
		a.ShortStatements = a.ShortStatements.And(words.ShortDigest.With())
	}
	switch {
	case a.Transition == event.Cleared && total == 0:
		title(words.DigestOver.Phrase())
	case a.Transition == event.Cleared:
		title(words.DigestOfOver.Phrase(total))
		text = text.And(lasted(a))
	case len(members) == 0:
		title(words.ToldAsOne.Phrase())
	default:
		sum := tallied(members)
		a.TitleStatements, text = sum.title(), text.And(sum.text())
		if over := total - len(members); over > 0 {
			text = text.And(words.DigestPartOver.With(over, total))
		} else {
			text = text.And(why)
		}
	}
	if a.Transition == event.Cleared {
		text = text.And(words.DigestAllOver.With())
	}
	a.TextStatements = text
	words.In(s.Language, s.Zone).Tell(a)
}
