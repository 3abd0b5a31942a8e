package event

import (
	"slices"
	"strings"
)

// Kind is what sort of thing an item is.
type Kind string

// The kinds of the vendor's list.
const (
	Process Kind = "process"
	Service Kind = "service"
	Driver  Kind = "driver"
	Port    Kind = "port"
)

// The kinds that no list has: they come with who reports them.
const (
	Heartbeat Kind = "heartbeat" // what the manager hears of a computer, or that the manager answers
	Module    Kind = "module"    // a protection module as the manager sees it
	Host      Kind = "host"      // a whole host: whether its dswatch reports
)

// The kinds that dswatch makes of what it remembers and is told. Each is a
// class of alerts, see Kind.Class.
const (
	Installation Kind = "installation" // whether a component is still installed, or was removed
	Evidence     Kind = "evidence"     // what the agent says about itself
	Tamper       Kind = "tamper"       // traces of somebody who disarms the agent
	Store        Kind = "store"        // dswatch's own memory of what is open
)

// KindFacts is what is so about the items of a kind, in any language. What a
// kind is called stands in package words.
type KindFacts struct {
	Kind Kind
	// Number is that of DswatchKind in the MIB. It never changes and is never
	// used again; 5 is none, and stood there before the last ones came.
	Number   int
	Listed   bool   // the list may have rows of it, which are looked for on a host
	Reported bool   // only a manager's answer tells of it
	Class    string // see Kind.Class
}

// kinds is the one table of kinds, in the order in which people read them.
var kinds = []KindFacts{
	{Process, 1, true, false, ""},
	{Service, 2, true, false, ""},
	{Driver, 3, true, false, ""},
	{Port, 4, true, false, ""},
	{Heartbeat, 6, false, true, ""},
	{Module, 7, false, true, ""},
	{Host, 8, false, false, ""},
	{Installation, 9, false, false, "memory"},
	{Evidence, 10, false, false, "evidence"},
	{Tamper, 11, false, false, "tamper"},
	{Store, 12, false, false, "store"},
}

// TryKind adds a kind to the table until undo is called. It is for the test
// which proves that a kind needs no other place; nothing that runs calls it.
func TryKind(k KindFacts) (undo func()) {
	before := kinds
	kinds = append(slices.Clone(kinds), k)
	return func() { kinds = before }
}

// Kinds lists every Kind in the order in which people read them.
func Kinds() (all []Kind) {
	for _, f := range kinds {
		all = append(all, f.Kind)
	}
	return all
}

// facts returns the line of the table; the zero one of what is no kind.
func (k Kind) facts() KindFacts {
	for i := range kinds {
		if kinds[i].Kind == k {
			return kinds[i]
		}
	}
	return KindFacts{}
}

// Valid reports whether k is one of Kinds.
func (k Kind) Valid() bool { return k.facts().Kind != "" }

// Number is that of DswatchKind in the MIB.
func (k Kind) Number() int {
	if n := k.facts().Number; n > 0 {
		return n
	}
	return 5
}

// Listed reports whether the list may have rows of the kind.
func (k Kind) Listed() bool { return k.facts().Listed }

// Class is the family of alerts that items of the kind belong to: memory,
// evidence, tamper or store; none of what the vendor's list has.
func (k Kind) Class() string { return k.facts().Class }

// Classes lists the classes of alerts, see Kind.Class.
func Classes() (all []string) {
	for _, f := range kinds {
		if f.Class != "" && !slices.Contains(all, f.Class) {
			all = append(all, f.Class)
		}
	}
	return all
}

// Reported reports whether items of the kind come with a manager's answer.
func (k Kind) Reported() bool { return k.facts().Reported }

func kindNames() string {
	var names []string
	for _, k := range Kinds() {
		names = append(names, string(k))
	}
	return strings.Join(names, ", ")
}
