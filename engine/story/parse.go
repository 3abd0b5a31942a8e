package story

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"dswatch/event"
	"dswatch/rules"
	"dswatch/setting"
)

// Story is one file that was read.
type Story struct {
	File    string
	Title   string // its first line
	begin   time.Time
	configs []*section // the first one counts at the beginning; none: the reader's own
	facts   []*factsSection
	lines   []line
	wanted  []*wanted
	all     []*section
}

// factsSection is what is known about some hosts at the beginning.
type factsSection struct {
	*section
	hosts []string
}

// wanted is what the sinks are to be told, in one language.
type wanted struct {
	*section
	language string
	lines    []string
	numbers  []int // of the lines, in the file
}

// line is one line of the story.
type line struct {
	number int
	at     time.Duration // since the beginning
	act    act
}

// act is one thing that happens.
type act struct {
	verb  verb
	hosts []string // host: one that is removed, or the two names of one that is renamed

	item   string // observe, ack, unack: [component/]kind/name, or all
	state  event.State
	counts bool // found and want were written
	found  int
	want   int
	behind event.Key     // through which it would have been seen
	again  time.Duration // observe: until the next look, which the detector promises; 0: it tells changes only
	text   string        // observe: detail; ack, unack, silence: comment

	facts   []change
	name    string // of a configuration, a silence or a sink; where to kill
	author  string
	match   rules.Matchers
	every   string        // schedule of a silence that comes again and again
	forever bool          // of a silence
	length  time.Duration // of a silence, each time, 0: until cleared; by which the clock is set
	accepts bool
}

// change is one fact that changes; an empty value is unknown.
type change struct {
	name  event.Name
	value string
}

type verb string

// What may happen. A line that begins with none of these words begins with a
// host.
const (
	observe verb = "observe" // never written: HOST ITEM STATE
	learn   verb = "facts"   // never first: HOST facts NAME=VALUE
	silence verb = "silence"
	expire  verb = "expire"
	ackn    verb = "ack"
	unack   verb = "unack"
	reload  verb = "config"
	restart verb = "restart"
	kill    verb = "kill"
	stop    verb = "stop"
	start   verb = "start"
	sink    verb = "sink"
	clock   verb = "clock"
	host    verb = "host"
	end     verb = "end"
)

func verbs() []string {
	return []string{string(silence), string(expire), string(ackn), string(unack), string(reload), string(restart), string(kill),
		string(stop), string(start), string(sink), string(clock), string(host), string(end)}
}

// Bounds on a story. A month of minutes is told in under a second.
const (
	longest   = 31 * 24 * time.Hour
	mostHosts = 10_000
	mostTold  = 200_000 // observations
)

// beginning is a Monday without anything special in any time zone.
var beginning = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)

// Parse reads a story. The error is a *Problem.
func Parse(file string, data []byte) (*Story, error) {
	sections, err := split(file, data)
	if err != nil {
		return nil, err
	}
	s := &Story{File: file, begin: beginning, all: sections}
	for _, l := range sections[0].lines {
		if s.Title = strings.TrimSpace(strings.TrimLeft(l, "# ")); s.Title != "" {
			break
		}
	}
	p := parser{Story: s, hosts: map[string]bool{}}
	var told *section
	for _, sec := range sections[1:] {
		switch sec.words[0] {
		case "config":
			err = p.config(sec)
		case "facts":
			err = p.factsOf(sec)
		case "wanted":
			err = p.want(sec)
		default:
			if told != nil {
				err = p.problem(sec.line, "the story is told twice; the other one is in line %d", told.line)
			}
			told = sec
		}
		if err != nil {
			return nil, err
		}
	}
	if told == nil {
		return nil, p.problem(1, "there is no section -- story --; add one with lines such as: 10s web01 process/ds_agent down")
	}
	return s, p.tell(told)
}

type parser struct {
	*Story
	hosts    map[string]bool // that have facts
	silences []string
	told     int
}

func (s *Story) problem(line int, format string, args ...any) error {
	return &Problem{s.File, max(1, line), fmt.Sprintf(format, args...)}
}

func (p *parser) config(sec *section) error {
	switch {
	case len(sec.words) > 2:
		return p.problem(sec.line, "a configuration has one word as its name; write -- config NAME --")
	case len(p.configs) > 0 && len(sec.words) == 1:
		return p.problem(sec.line, "a second configuration needs a name; write -- config NAME -- and, in the story, config NAME")
	}
	for _, c := range p.configs {
		if c.name() == sec.name() {
			return p.problem(sec.line, "another configuration has the same name, in line %d; give each its own", c.line)
		}
	}
	p.configs = append(p.configs, sec)
	return nil
}

func (p *parser) factsOf(sec *section) error {
	if len(sec.words) < 2 {
		return p.problem(sec.line, "facts are those of a host; write -- facts HOST --")
	}
	f := &factsSection{section: sec}
	for _, w := range sec.words[1:] {
		hosts, err := expand(w)
		if err != nil {
			return p.problem(sec.line, "%s", err)
		}
		f.hosts = append(f.hosts, hosts...)
	}
	p.facts = append(p.facts, f)
	for _, h := range f.hosts {
		p.hosts[h] = true
	}
	if len(p.hosts) > mostHosts {
		return p.problem(sec.line, "more than %d hosts; a story needs fewer", mostHosts)
	}
	return nil
}

// want reads a section of what is wanted.
func (p *parser) want(sec *section) error {
	if len(sec.words) != 2 || sec.words[1] != "en" && sec.words[1] != "ja" {
		return p.problem(sec.line, "what is wanted has a language; write -- wanted en -- or -- wanted ja --")
	}
	w := &wanted{section: sec, language: sec.words[1]}
	for _, other := range p.wanted {
		if other.language == w.language {
			return p.problem(sec.line, "this is wanted twice; the other one is in line %d", other.line)
		}
	}
	for i, l := range sec.lines {
		t := strings.Join(strings.Fields(l), " ")
		if t == "" || strings.HasPrefix(t, "#") {
			continue
		}
		number := sec.line + 1 + i
		if !strings.HasPrefix(t, also) {
			if err := p.checkWanted(number, t); err != nil {
				return err
			}
		}
		w.lines, w.numbers = append(w.lines, t), append(w.numbers, number)
	}
	p.wanted = append(p.wanted, w)
	return nil
}

// checkWanted looks at the words of a wanted line that can only be few.
func (p *parser) checkWanted(number int, text string) error {
	f := strings.SplitN(text, " ", 5)
	if len(f) < 5 {
		return p.problem(number, "%q is too short; write TIME SINKS TRANSITION SEVERITY TITLE, such as: 30s nms raised critical web01: process ds_agent is down", setting.Clip(text))
	}
	if _, err := time.ParseDuration(f[0]); err != nil {
		return p.problem(number, "%q is not a time since the beginning; write it as 30s or 1h5m", setting.Clip(f[0]))
	}
	if t := event.Transition(f[2]); !t.Valid() {
		return p.problem(number, "%q is not a transition; %s", setting.Clip(f[2]), instead(f[2], []string{
			string(event.Raised), string(event.Changed), string(event.Repeated), string(event.Acknowledged), string(event.Unacknowledged), string(event.Cleared)}))
	}
	if event.Severity(f[3]).Rank() == 0 {
		var valid []string
		for _, s := range event.Severities() {
			valid = append(valid, string(s))
		}
		return p.problem(number, "%q is not a severity; %s", setting.Clip(f[3]), instead(f[3], valid))
	}
	return nil
}

// tell reads the lines of the story.
func (p *parser) tell(sec *section) error {
	var last time.Duration
	for i, text := range sec.lines {
		number := sec.line + 1 + i
		ws, err := wordsOf(text)
		if err != nil {
			return p.problem(number, "%s", err)
		}
		if len(ws) == 0 {
			continue
		}
		if ws[0] == "begin" {
			if err := p.begins(number, ws); err != nil {
				return err
			}
			continue
		}
		at, err := p.when(ws[0], last)
		if err != nil {
			return p.problem(number, "%s", err)
		}
		switch {
		case at < last:
			return p.problem(number, "%s is before the line above (%s); tell it in order", ws[0], brief(last))
		case at > longest:
			return p.problem(number, "%s is later than a story may go on (%s after its beginning)", ws[0], brief(longest))
		case len(ws) == 1:
			return p.problem(number, "nothing happens; write what does, such as: %s web01 process/ds_agent down, or %s end", ws[0], ws[0])
		}
		a, err := p.act(ws[1:])
		if err != nil {
			return p.problem(number, "%s", err)
		}
		p.told += len(a.hosts)
		if p.told > mostTold {
			return p.problem(number, "the story tells of more than %d observations; shorten it", mostTold)
		}
		last = at
		p.lines = append(p.lines, line{number, at, a})
	}
	return nil
}

func (p *parser) begins(number int, ws []string) error {
	if len(p.lines) > 0 || len(ws) != 2 {
		return p.problem(number, "begin stands alone in the first line; write begin 2026-03-29T01:00:00+01:00")
	}
	t, err := time.Parse(time.RFC3339, ws[1])
	if err != nil || t.Year() < 2000 || t.Year() > 2200 {
		return p.problem(number, "%q is not a time; write it as 2026-03-29T01:00:00+01:00 or with Z", setting.Clip(ws[1]))
	}
	p.begin = t.UTC()
	return nil
}

// when reads a time: since the beginning, since the line before, or of the
// clock.
func (p *parser) when(word string, last time.Duration) (time.Duration, error) {
	if rest, ok := strings.CutPrefix(word, "+"); ok {
		d, err := time.ParseDuration(rest)
		if err == nil && d >= 0 {
			return last + min(d, longest+1), nil
		}
	} else if t, err := time.Parse(time.RFC3339, word); err == nil {
		return t.Sub(p.begin), nil
	} else if d, err := time.ParseDuration(word); err == nil && d >= 0 {
		return d, nil
	}
	return 0, fmt.Errorf("%q is not a time; write it since the beginning as 90s or 1h5m, since the line above as +30s, or as 2026-03-29T01:00:00Z", setting.Clip(word))
}

// act reads what happens.
func (p *parser) act(ws []string) (act, error) {
	v, rest := verb(ws[0]), ws[1:]
	if !slices.Contains(verbs(), ws[0]) || v == host && p.hosts[ws[0]] {
		return p.host(ws)
	}
	a := act{verb: v}
	none := func() (act, error) {
		if len(rest) > 0 {
			return a, fmt.Errorf("%q says too much; write %s alone", setting.Clip(rest[0]), v)
		}
		return a, nil
	}
	one := func(what string) (act, error) {
		if len(rest) != 1 {
			return a, fmt.Errorf("%s needs one word; write %s %s", v, v, what)
		}
		a.name = rest[0]
		return a, nil
	}
	switch v {
	case silence:
		return p.silence(a, rest)
	case expire:
		if a, err := one("NAME"); err != nil || slices.Contains(p.silences, a.name) {
			return a, err
		}
		if len(p.silences) == 0 {
			return a, fmt.Errorf("there is no silence above; write silence %s MATCHER... for 1h first", setting.Clip(a.name))
		}
		return a, fmt.Errorf("no silence above is named %q; %s", setting.Clip(a.name), instead(a.name, p.silences))
	case ackn, unack:
		return p.ack(a, rest)
	case reload:
		if _, err := one("NAME"); err != nil {
			return a, err
		}
		var names []string
		for _, c := range p.configs {
			names = append(names, strings.Join(c.words[1:], ""))
		}
		if !slices.Contains(names, a.name) {
			return a, fmt.Errorf("there is no section -- config %s --; %s", setting.Clip(a.name), instead(a.name, names))
		}
		return a, nil
	case kill:
		if len(rest) == 0 {
			return a, nil
		}
		where := []string{string(Save), string(Put), string(Acks)}
		if len(rest) != 2 || rest[0] != "at" || !slices.Contains(where, rest[1]) {
			return a, fmt.Errorf("kill says when: write kill alone, or kill at %s (before the next status is stored), kill at %s (after that, before the alert is in the outbox) or kill at %s (after both)", Save, Put, Acks)
		}
		a.name = rest[1]
		return a, nil
	case clock:
		return a, a.set(rest)
	case host:
		if len(rest) != 2 && len(rest) != 3 || rest[0] != map[int]string{2: "remove", 3: "rename"}[len(rest)] {
			return a, fmt.Errorf("a host is removed or renamed; write host remove NAME, or host rename OLD NEW")
		}
		a.hosts = rest[1:]
		for _, h := range a.hosts {
			if _, err := p.hostsOf(h); err != nil {
				return a, err
			}
		}
		return a, nil
	case sink:
		if len(rest) != 2 || rest[1] != "refuses" && rest[1] != "accepts" {
			return a, fmt.Errorf("a sink refuses or accepts; write sink NAME refuses, or sink NAME accepts")
		}
		a.name, a.accepts = rest[0], rest[1] == "accepts"
		return a, nil
	}
	return none()
}

// set reads forward|back DURATION.
func (a *act) set(ws []string) error {
	const form = "write clock forward 1h, or clock back 1h"
	if len(ws) != 2 || ws[0] != "forward" && ws[0] != "back" {
		return fmt.Errorf("the clock is set forward or back; %s", form)
	}
	d, err := time.ParseDuration(ws[1])
	if err != nil || d <= 0 || d > longest {
		return fmt.Errorf("%q is not a duration; %s", setting.Clip(ws[1]), form)
	}
	if a.length = d; ws[0] == "back" {
		a.length = -d
	}
	return nil
}

// silence reads NAME MATCHER... [every "CRON"] for DURATION | for forever | until-cleared
// ["COMMENT"].
func (p *parser) silence(a act, ws []string) (act, error) {
	const form = `write silence NAME MATCHER... for 2h, or silence NAME MATCHER... until-cleared`
	if len(ws) < 3 {
		return a, fmt.Errorf("a silence has a name, matchers and an end; %s", form)
	}
	a.name, a.author, a.text = ws[0], "story", "story"
	if slices.Contains(p.silences, a.name) {
		return a, fmt.Errorf("another silence is named %q; give each its own name", setting.Clip(a.name))
	}
	ws = ws[1:]
	if last := ws[len(ws)-1]; strings.HasPrefix(last, `"`) {
		a.text, ws = plain(last), ws[:len(ws)-1]
	}
	switch n := len(ws); {
	case n > 1 && ws[n-1] == "until-cleared":
		ws = ws[:n-1]
	case n > 2 && ws[n-2] == "for" && ws[n-1] == "forever":
		a.forever, ws = true, ws[:n-2]
	case n > 2 && ws[n-2] == "for":
		d, err := time.ParseDuration(ws[n-1])
		if err != nil || d <= 0 {
			return a, fmt.Errorf("%q is not a duration; write it as 2h or 30m", setting.Clip(ws[n-1]))
		}
		a.length, ws = d, ws[:n-2]
		if n := len(ws); n > 2 && ws[n-2] == "every" {
			a.every, ws = plain(ws[n-1]), ws[:n-2]
		}
	default:
		return a, fmt.Errorf("the silence has no end; %s", form)
	}
	for _, w := range ws {
		m, err := rules.ParseMatcher(w)
		if err != nil {
			return a, err
		}
		a.match = append(a.match, m)
	}
	p.silences = append(p.silences, a.name)
	return a, a.hush(p.begin, time.UTC).Validate()
}

// hush is the silence that somebody adds at now.
func (a *act) hush(now time.Time, zone *time.Location) rules.Silence {
	s := rules.Silence{ID: a.name, Match: a.match, Starts: now, Author: a.author, Comment: a.text,
		History: []rules.Entry{{At: now, By: a.author, What: "added"}}}
	switch {
	case a.every != "":
		s.Every, s.Lasts, s.TimeZone = a.every, a.length, zone.String()
	case a.length > 0:
		s.Ends = now.Add(a.length)
	}
	s.Forever = a.forever
	return s.Bounded().Scheduled()
}

// ack reads, after ack and unack, HOST ITEM [by NAME] ["COMMENT"].
func (p *parser) ack(a act, ws []string) (act, error) {
	if len(ws) < 2 {
		return a, fmt.Errorf(`an acknowledgement is of an item; write %s HOST ITEM by NAME "COMMENT"`, a.verb)
	}
	hosts, err := p.hostsOf(ws[0])
	if err != nil {
		return a, err
	}
	a.hosts, a.item, a.author = hosts, plain(ws[1]), "story"
	rest := ws[2:]
	if len(rest) > 1 && rest[0] == "by" {
		a.author, rest = plain(rest[1]), rest[2:]
	}
	if len(rest) > 0 {
		if len(rest) > 1 || !strings.HasPrefix(rest[0], `"`) {
			return a, fmt.Errorf(`%q is not understood; write %s HOST ITEM by NAME "COMMENT"`, setting.Clip(rest[0]), a.verb)
		}
		a.text = plain(rest[0])
	}
	return a, checkItem(a.item)
}

// host reads HOST ITEM STATE, and HOST facts NAME=VALUE.
func (p *parser) host(ws []string) (a act, err error) {
	if len(ws) < 2 {
		if _, err := p.hostsOf(ws[0]); err != nil {
			return a, err
		}
		return a, fmt.Errorf("nothing is said about %s; write HOST ITEM STATE, such as: %s process/ds_agent down", ws[0], ws[0])
	}
	if ws[1] == string(learn) {
		return p.learns(ws[0], ws[2:])
	}
	a = act{verb: observe, item: plain(ws[1])}
	if a.hosts, err = p.hostsOf(ws[0]); err != nil {
		return a, err
	}
	if a.item != "all" {
		if err := checkItem(a.item); err != nil {
			return a, err
		}
	}
	rest := ws[2:]
	for i, w := range rest {
		found, want, isCount := strings.Cut(w, "/")
		switch {
		case strings.HasPrefix(w, `"`) && i == len(rest)-1 && i > 0:
			a.text = plain(w)
		case event.State(w).Valid() && i == 0:
			a.state = event.State(w)
		case w == "behind" && i+1 < len(rest) && i > 0:
			if a.behind, err = event.ParseKey(plain(rest[i+1])); err != nil {
				return a, fmt.Errorf("%q is not an item; write HOST/COMPONENT/KIND/NAME, such as dsm01/manager/heartbeat/api", setting.Clip(rest[i+1]))
			}
			if a.state != event.Unknown {
				return a, fmt.Errorf("what is behind another item is unknown; write unknown behind %s", setting.Clip(rest[i+1]))
			}
		case i > 0 && (rest[i-1] == "behind" || rest[i-1] == "again"):
		case w == "again" && i+1 < len(rest) && i > 0:
			if a.again, err = time.ParseDuration(rest[i+1]); err != nil || a.again <= 0 {
				return a, fmt.Errorf("%q is not a duration; write when it is looked at again, such as again 20s", setting.Clip(rest[i+1]))
			}
		case isCount && !a.counts:
			f, err := strconv.ParseUint(found, 10, 16)
			n, err2 := strconv.ParseUint(want, 10, 16)
			if err != nil || err2 != nil {
				return a, fmt.Errorf("%q is not a count; write FOUND/WANT, such as 1/2", setting.Clip(w))
			}
			a.counts, a.found, a.want = true, int(f), int(n)
		default:
			return a, fmt.Errorf("%q is not a state; %s", setting.Clip(w), instead(w, []string{
				string(event.Up), string(event.Degraded), string(event.Down), string(event.Unknown)}))
		}
	}
	if a.state == "" && !a.counts {
		return a, fmt.Errorf("the state of %s is missing; write up, degraded, down or unknown, or a count such as 1/2", setting.Clip(a.item))
	}
	if a.state == "" {
		a.state = event.StateOf(a.found, a.want)
	}
	return a, nil
}

// learns reads what becomes known about hosts.
func (p *parser) learns(word string, ws []string) (act, error) {
	a := act{verb: learn}
	hosts, err := p.hostsOf(word)
	if err != nil {
		return a, err
	}
	a.hosts = hosts
	if len(ws) == 0 {
		return a, fmt.Errorf("no fact is named; write NAME=VALUE, such as features.tls_inspection=off")
	}
	var names []string
	for _, n := range event.Names() {
		names = append(names, string(n))
	}
	for _, w := range ws {
		name, value, ok := strings.Cut(w, "=")
		if !ok || value == "" {
			return a, fmt.Errorf("%q is not NAME=VALUE; write one such as features.tls_inspection=off, or NAME=unknown", setting.Clip(w))
		}
		n := event.Name(name)
		if !n.Valid() {
			return a, fmt.Errorf("%q is not a fact; %s", setting.Clip(name), instead(name, names))
		}
		value = plain(value)
		if value == string(event.Unknown) {
			a.facts = append(a.facts, change{name: n})
			continue
		}
		if err := (event.Facts{n: {Value: value}}).Validate(); err != nil {
			return a, fmt.Errorf("%q is not a value of %s; %s", setting.Clip(value), name, instead(value, append(slices.Clone(n.Allowed()), string(event.Unknown))))
		}
		a.facts = append(a.facts, change{n, value})
	}
	return a, nil
}

// hostsOf returns the hosts that word names; all of them must have facts.
func (p *parser) hostsOf(word string) ([]string, error) {
	hosts, err := expand(word)
	if err != nil {
		return nil, err
	}
	for _, h := range hosts {
		if !p.hosts[h] {
			next := "write a section -- facts " + setting.Clip(h) + " --"
			if n := setting.Nearest(h, append(verbs(), slices.Sorted(maps.Keys(p.hosts))...)); n != "" {
				next = fmt.Sprintf("did you mean %s? Otherwise %s", n, next)
			}
			return nil, fmt.Errorf("%q is neither a host with facts nor one of %s; %s", setting.Clip(h), strings.Join(verbs(), ", "), next)
		}
	}
	return hosts, nil
}

// span is FIRST..LAST in braces.
var span = regexp.MustCompile(`^(.*)\{(\d{1,6})\.\.(\d{1,6})\}(.*)$`)

// expand returns the hosts of web{01..20}, which is how shells write it.
func expand(word string) ([]string, error) {
	m := span.FindStringSubmatch(word)
	if m == nil {
		if strings.ContainsAny(word, `{}/"`) || len(word) > 253 {
			return nil, fmt.Errorf("%q is not a host name; write web01, or web{01..20} for many", setting.Clip(word))
		}
		return []string{word}, nil
	}
	first, _ := strconv.Atoi(m[2]) // six digits at most
	last, _ := strconv.Atoi(m[3])
	if last < first || last-first >= mostHosts {
		return nil, fmt.Errorf("%q is not a span of hosts; write the lower number first, and at most %d hosts", setting.Clip(word), mostHosts)
	}
	var out []string
	for n := first; n <= last; n++ {
		h := fmt.Sprintf("%s%0*d%s", m[1], len(m[2]), n, m[4])
		if strings.ContainsAny(h, `{}/"`) || len(h) > 253 {
			return nil, fmt.Errorf("%q is not a host name; write web{01..20}, with one span", setting.Clip(word))
		}
		out = append(out, h)
	}
	return out, nil
}

// checkItem refuses what cannot be [component/]kind/name.
func checkItem(item string) error {
	first, rest, ok := strings.Cut(item, "/")
	if kind, _, three := strings.Cut(rest, "/"); three && !event.Kind(first).Valid() {
		first = kind
	}
	var valid []string
	for _, k := range event.Kinds() {
		valid = append(valid, string(k))
	}
	if !ok {
		return fmt.Errorf("%q is not an item; write KIND/NAME, such as process/ds_agent, or all", setting.Clip(item))
	}
	if !event.Kind(first).Valid() {
		return fmt.Errorf("%q has no kind; %s", setting.Clip(item), instead(first, valid))
	}
	return nil
}
