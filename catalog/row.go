package catalog

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"dswatch/event"
	"dswatch/setting"
	"dswatch/words"
)

// Own is the component of the operator's own rows where they name none. Like
// every component that is not the vendor's, it is taken to be on every host.
const Own = "custom"

// Row is one thing to watch: a row of the vendor's list, or an operator's own
// in `watch.items`. A Row that passed Validate can be used as it is.
type Row struct {
	Component string            `yaml:"component" doc:"what the item belongs to: manager, agent, appliance or a word of your own; the vendor's three are expected only where the components fact names them (default custom)"`
	OS        []string          `yaml:"os" doc:"systems that have the item: windows, linux, solaris, esxi, aix (default any)"`
	Kind      event.Kind        `yaml:"kind" doc:"process, service, driver or port"`
	Name      string            `yaml:"name" doc:"name of the process, service or driver, path of the executable, or a port such as 8080/tcp"`
	Match     Match             `yaml:"match" doc:"how a process is told from others of the same name"`
	Instances int               `yaml:"instances" doc:"processes that a healthy host shows; fewer, but not none, is degraded (default 1)"`
	When      When              `yaml:"when" doc:"condition under which the item must run, such as relay AND agent_version >= 20.0 (default always)"`
	Footnotes []string          `yaml:"footnotes" doc:"ids of the footnotes behind the condition, shown beside the reason"`
	Loss      []Loss            `yaml:"loss" doc:"what the loss of the item means; the first entry that applies counts"`
	DependsOn []string          `yaml:"depends_on" doc:"rows of the same host, as kind/name, without which the item cannot run: while one of them is lost, the loss of this one is told with it and not on its own"`
	Next      []Step            `yaml:"next" doc:"what whoever is on duty does first when the item is down, in one sentence: what to check or start, and whom to call; the first entry that applies counts (default: how to confirm it)"`
	Confirm   map[string]string `yaml:"confirm" doc:"command by which a person confirms the state, by system (default made from kind and name)"`

	notes words.Both // what Footnotes say, once the row is on a list
}

// Match says how a process is recognised.
type Match struct {
	Aliases []string `yaml:"aliases" doc:"other names of the process that are accepted, such as its name in older versions"`
	Paths   []string `yaml:"paths" doc:"absolute paths of which the executable must match one; *, ? and [...] within a part, ** for any number of parts (default any path)"`
	User    string   `yaml:"user" doc:"user that the process must run as, a name or a number (default any)"`
	Args    []string `yaml:"args" doc:"arguments that the process must have, each a whole one; *, ? and [...] as in paths (default any)"`
}

// Loss is what the loss of an item means on some systems.
type Loss struct {
	OS       []string          `yaml:"os" doc:"systems that the entry is for (default any)"`
	When     When              `yaml:"when" doc:"condition under which the entry applies, as that of a row (default always)"`
	With     map[string]string `yaml:"with" doc:"rows of the same host, as kind/name, with the state that each must have for the entry to apply: up or lost (default none)"`
	Down     Effect            `yaml:"down" doc:"the item is down: what is lost then and what still works, in one or two sentences"`
	Degraded Effect            `yaml:"degraded" doc:"some instances are missing (default made from down)"`
}

// Effect is what one state takes away.
type Effect struct {
	Impact event.Impact `yaml:"impact" doc:"protection_lost, protection_reduced, management_lost, updates_lost, visibility_lost, notice_lost or noted (default protection_reduced)"`
	Short  Text         `yaml:"short" doc:"the same in a few words, for receivers that keep little of a message (default: none)"`
	Text   `yaml:",inline"`
}

// Text is what a row says to people, in both languages.
type Text struct {
	EN string `yaml:"en" doc:"in English"`
	JA string `yaml:"ja" doc:"the same in Japanese"`

	said event.Said // all of it, once the row is on a list
}

// Said is the text as a statement, which says nothing where there is none.
func (t Text) Said() event.Said {
	switch {
	case !t.said.Empty():
		return t.said
	case t.EN == "" && t.JA == "":
		return event.Said{}
	}
	return words.InBoth.With(words.Both{EN: t.EN, JA: t.JA})
}

// Step is what whoever is on duty does first.
type Step struct {
	OS   []string `yaml:"os" doc:"systems that the entry is for (default any)"`
	When When     `yaml:"when" doc:"condition under which the entry applies, as that of a row (default always)"`
	Text `yaml:",inline"`
}

// say makes the statements of the row's texts, which every alert of it uses.
func (r *Row) say() {
	r.Loss, r.Next = slices.Clone(r.Loss), slices.Clone(r.Next)
	for i := range r.Loss {
		for _, e := range []*Effect{&r.Loss[i].Down, &r.Loss[i].Degraded} {
			e.said, e.Short.said = e.Said(), e.Short.Said()
		}
	}
	for i := range r.Next {
		r.Next[i].said = r.Next[i].Said()
	}
}

// Reached reports whether other hosts must reach the row's port, as they must
// those of the vendor's components. A port of the operator's own, such as a
// database's, may listen on loopback only.
func (r Row) Reached() bool { return slices.Contains(event.Components.Allowed(), r.Component) }

// ID is the form that `watch.ignore` uses: kind/name.
func (r Row) ID() string { return string(r.Kind) + "/" + r.Name }

// Want is the number of instances a healthy host shows, at least 1.
func (r Row) Want() int { return max(1, r.Instances) }

// On reports whether the row is for os. An os of "" is any: yes.
func (r Row) On(os string) bool { return os == "" || len(r.OS) == 0 || slices.Contains(r.OS, os) }

// Names returns what the item may be called: of a process the kernel's comm
// or the image name, without a directory. Windows ignores case in them. On
// Linux the comm holds the first 15 bytes of a longer name.
func (r Row) Names() []string {
	name := r.Name
	if r.Kind == event.Process {
		name = name[strings.LastIndexAny(name, `/\`)+1:]
	}
	return append([]string{name}, r.Match.Aliases...)
}

// Paths returns the patterns of which the path of the process's executable
// must match one; none: any path will do. Within a part of the path *, ? and
// [...] are those of path.Match; the part ** is any number of parts. On
// Windows a slash also stands for a backslash, and case does not count. A
// process that is named by its path has that one pattern.
func (r Row) Paths() []string {
	if len(r.Match.Paths) == 0 && r.Kind == event.Process && strings.ContainsAny(r.Name, `/\`) {
		return []string{r.Name}
	}
	return r.Match.Paths
}

// maxInstances bounds what an operator may ask to be counted.
const maxInstances = 10000

// maxText is the longest text or command of a row in bytes: several sentences
// and still less than a trap carries.
const maxText = 1000

// Validate returns an setting.Error for the first field that no row may
// have. It cannot see other rows: duplicates and unknown footnotes are found
// by Catalog.With.
func (r Row) Validate() error {
	if err := r.validateIdentity(); err != nil {
		return err
	}
	if err := r.validateMatch(); err != nil {
		return err
	}
	switch {
	case r.Instances < 0 || r.Instances > maxInstances:
		return words.Bad("instances", words.NotACount.With(r.Instances, maxInstances))
	case r.Instances > 1 && r.Kind != event.Process:
		return words.Bad("instances", words.KindOnce.With(r.Kind))
	}
	for i, id := range r.DependsOn {
		if err := r.validRelative(fmt.Sprintf("depends_on[%d]", i), id); err != nil {
			return err
		}
		if slices.Contains(r.DependsOn[:i], id) {
			return words.Bad(fmt.Sprintf("depends_on[%d]", i), words.ThereTwice.With(id))
		}
	}
	for i, l := range r.Loss {
		for _, id := range slices.Sorted(maps.Keys(l.With)) {
			key := fmt.Sprintf("loss[%d].with", i)
			if err := r.validRelative(key, id); err != nil {
				return err
			}
			if v := l.With[id]; v != withUp && v != withLost {
				return words.Bad(key, words.NotAStateAsked.With(words.Inner(setting.Clip(v)), id))
			}
		}
		if err := l.validate(fmt.Sprintf("loss[%d].", i)); err != nil {
			return err
		}
	}
	for i, n := range r.Next {
		if err := n.validate(fmt.Sprintf("next[%d].", i)); err != nil {
			return err
		}
	}
	for _, os := range slices.Sorted(maps.Keys(r.Confirm)) {
		if err := validOS("confirm."+os, os); err != nil {
			return err
		}
		if c := r.Confirm[os]; c == "" || len(c) > maxText || !plain(c) {
			return words.Bad("confirm."+os, words.BadCommand.With(maxText))
		}
	}
	return nil
}

// validateIdentity looks at what makes the row's key.
func (r Row) validateIdentity() error {
	switch {
	case len(r.Component) > event.MaxName || strings.Contains(r.Component, "/") || !plain(r.Component):
		return words.Bad("component", words.BadComponentName.With(words.Inner(setting.Clip(r.Component))))
	case r.Kind == "":
		return words.Bad("kind", words.KindMissing.With(kinds()))
	case !r.Kind.Valid():
		return words.Bad("kind", words.NotAKind.With(words.Inner(setting.Clip(string(r.Kind))), meant(string(r.Kind), kinds())))
	case r.Name == "":
		return words.Bad("name", words.NameMissing.With(r.Kind))
	case len(r.Name) > event.MaxName || !plain(r.Name) || strings.TrimSpace(r.Name) != r.Name:
		return words.Bad("name", words.BadName.With(words.Inner(setting.Clip(r.Name))))
	case r.Kind == event.Process && strings.HasSuffix(strings.ReplaceAll(r.Name, `\`, "/"), "/"):
		return words.Bad("name", words.NameIsFolder.With(words.Inner(setting.Clip(r.Name))))
	}
	if r.Kind == event.Port {
		if _, ok := portNumber(r.Name); !ok {
			return words.Bad("name", words.NotAPort.With(words.Inner(setting.Clip(r.Name))))
		}
	}
	for i, os := range r.OS {
		if err := validOS(fmt.Sprintf("os[%d]", i), os); err != nil {
			return err
		}
	}
	return nil
}

func (r Row) validateMatch() error {
	for i, a := range r.Match.Args {
		if _, err := path.Match(a, ""); err != nil || a == "" || !plain(a) {
			return words.Bad(fmt.Sprintf("match.args[%d]", i), words.NotAnArgument.With(words.Inner(setting.Clip(a))))
		}
	}
	if !plain(r.Match.User) || strings.ContainsAny(r.Match.User, " /") {
		return words.Bad("match.user", words.NotAUser.With(words.Inner(setting.Clip(r.Match.User))))
	}
	if r.Kind != event.Process && (len(r.Match.Aliases)+len(r.Match.Paths)+len(r.Match.Args) > 0 || r.Match.User != "") {
		return words.Bad("match", words.KindByName.With(r.Kind))
	}
	for i, n := range r.Match.Aliases {
		if n == "" || !plain(n) || strings.ContainsAny(n, `/\`) {
			return words.Bad(fmt.Sprintf("match.aliases[%d]", i), words.NotAnAlias.With(words.Inner(setting.Clip(n))))
		}
	}
	for i, p := range r.Match.Paths {
		slashed := strings.ReplaceAll(p, `\`, "/")
		first, _, _ := strings.Cut(slashed, "/")
		_, err := path.Match(slashed, "")
		if err != nil || !plain(p) || p == "" || first != "" && first != "**" && !strings.HasSuffix(first, ":") {
			return words.Bad(fmt.Sprintf("match.paths[%d]", i), words.NotAPathPattern.With(words.Inner(setting.Clip(p))))
		}
	}
	return nil
}

func (l Loss) validate(at string) error {
	for i, os := range l.OS {
		if err := validOS(fmt.Sprintf("%sos[%d]", at, i), os); err != nil {
			return err
		}
	}
	for _, e := range []struct {
		key string
		Effect
	}{{"down", l.Down}, {"degraded", l.Degraded}} {
		if e.Impact != "" && !slices.Contains(event.Impacts(), e.Impact) {
			return words.Bad(at+e.key+".impact", words.NotAnImpact.With(words.Inner(setting.Clip(string(e.Impact))), meant(string(e.Impact), impacts())))
		}
		for _, t := range []struct{ key, text string }{{"en", e.EN}, {"ja", e.JA}} {
			if len(t.text) > maxText || !plain(t.text) {
				return words.Bad(at+e.key+"."+t.key, words.TextTooLong.With(maxText))
			}
		}
		for _, t := range []struct{ key, text string }{{"en", e.Short.EN}, {"ja", e.Short.JA}} {
			if len(t.text) > maxShort || !plain(t.text) {
				return words.Bad(at+e.key+".short."+t.key, words.ShortTooLong.With(maxShort))
			}
		}
	}
	return nil
}

// The longest step and the longest short text in bytes: both stand whole in
// every message, also where a receiver keeps 512 bytes of it.
const maxStep, maxShort = 200, 150

func (n Step) validate(at string) error {
	for i, os := range n.OS {
		if err := validOS(fmt.Sprintf("%sos[%d]", at, i), os); err != nil {
			return err
		}
	}
	if n.EN == "" && n.JA == "" {
		return words.Bad(at+"en", words.StepMissing.With())
	}
	for _, t := range []struct{ key, text string }{{"en", n.EN}, {"ja", n.JA}} {
		if len(t.text) > maxStep || !plain(t.text) {
			return words.Bad(at+t.key, words.ShortTooLong.With(maxStep))
		}
	}
	return nil
}

func validOS(key, os string) error {
	if !slices.Contains(event.OS.Allowed(), os) {
		return words.Bad(key, words.NotASystem.With(words.Inner(setting.Clip(os)), meant(os, event.OS.Allowed())))
	}
	return nil
}

// Port returns the number of a port row, 0 of any other.
func (r Row) Port() int {
	if r.Kind != event.Port {
		return 0
	}
	n, _ := portNumber(r.Name)
	return n
}

// portNumber reads "4118/tcp".
func portNumber(name string) (int, bool) {
	digits, ok := strings.CutSuffix(name, "/tcp")
	n, err := strconv.ParseUint(digits, 10, 16)
	if !ok || err != nil || n == 0 || digits[0] == '0' || digits[0] == '+' {
		return 0, false
	}
	return int(n), true
}

// watched are the kinds that are looked for on a host.
func watched() []event.Kind {
	return slices.DeleteFunc(event.Kinds(), func(k event.Kind) bool { return !k.Listed() })
}

// kinds lists them.
func kinds() []string {
	var s []string
	for _, k := range watched() {
		s = append(s, string(k))
	}
	return s
}

func impacts() []string {
	var s []string
	for _, i := range event.Impacts() {
		s = append(s, string(i))
	}
	return s
}

// plain reports whether s can be shown in one line: valid UTF-8 without
// control and invisible format characters.
func plain(s string) bool {
	for _, r := range s {
		if r >= ' ' && r <= '~' {
			continue // the usual case, without a look at the tables
		}
		if r == unicode.ReplacementChar || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			return false
		}
	}
	return true
}
