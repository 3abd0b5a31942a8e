package process

import (
	"slices"

	"dswatch/event"
)

// Who says whose processes count.
type Who int

// Whose processes may count. A process is a stranger, which does not count,
// only on positive evidence; what cannot be looked at counts.
const (
	Anyone  Who = iota // as an operator's own row
	System             // root of the host, LocalSystem
	Session            // anybody who is logged on
)

// Owner is who owns the processes of a target, and where its programs are.
type Owner struct {
	Who Who
	// User takes the place of the system's: a name or a number.
	User string
	// Folders returns where the component is installed. Without any, nothing is
	// said about where the program lies.
	Folders func() []string `json:"-"`
}

// folders are where the target's programs are, as far as it is known.
func (o Owner) folders() []string {
	if o.Folders == nil {
		return nil
	}
	return slices.DeleteFunc(o.Folders(), func(s string) bool { return s == "" })
}

// standing is what is known of a process that has the name.
type standing struct {
	stranger event.Said // why it is one: pid 77 of user nobody, /home/u/x
	user     bool       // only its user makes it one, so the worker of ours may be ours
	unproven event.Said // which right is missing to say more
}

// interpreters run scripts, whose name a process has then.
var interpreters = []string{"sh", "bash", "dash", "ash", "ksh", "zsh", "csh", "tcsh", "busybox", "python", "perl", "ruby", "lua", "node", "php", "tclsh", "expect", "env"}
