package process

import (
	"path"
	"slices"
	"strings"

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
	who      string     // the same without the number; empty: root runs a script
	user     bool       // only its user makes it one, so the worker of ours may be ours
	unproven event.Said // which right is missing to say more
}

// interpreters run scripts, whose name a process has then.
var interpreters = []string{"sh", "bash", "dash", "ash", "ksh", "zsh", "csh", "tcsh", "busybox", "python", "perl", "ruby", "lua", "node", "php", "tclsh", "expect", "env"}

// ScriptOf returns the script of one of the names that an interpreter runs,
// empty if the program is none or runs another.
func ScriptOf(program string, args, names []string) string {
	base := strings.TrimRight(path.Base(program), "0123456789.")
	if !slices.Contains(interpreters, base) {
		return ""
	}
	for _, a := range args[min(1, len(args)):min(3, len(args))] {
		if slices.Contains(names, path.Base(a)) {
			return a
		}
	}
	return ""
}

// JarOf returns what java runs, empty if it is no jar.
func JarOf(args []string) string {
	if i := slices.Index(args, "-jar"); i >= 0 && i+1 < len(args) {
		return args[i+1]
	}
	return ""
}

// ForeignJar reports whether a jar with an absolute path lies outside the
// folders of the java that one of the patterns names.
func ForeignJar(jar string, patterns []string) bool {
	folders := javaFolders(patterns)
	return path.IsAbs(jar) && len(folders) > 0 && !belowAny(jar, folders)
}

// ManagerUnit is the manager's service.
const ManagerUnit = "dsm_s"

// javaFolders are those of the java that a component has of its own:
// /opt/dsm/jre/bin/java is the manager's.
func javaFolders(patterns []string) (folders []string) {
	for _, p := range patterns {
		if f, ok := strings.CutSuffix(p, "/jre/bin/java"); ok {
			folders = append(folders, f)
		}
	}
	return folders
}

func belowAny(file string, folders []string) bool {
	return slices.ContainsFunc(folders, func(f string) bool { return strings.HasPrefix(file, f+"/") })
}
