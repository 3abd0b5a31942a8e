// Package guard keeps dswatch, which often runs as root and holds secrets, from
// being turned by what others have put in its way: it judges who may change a
// file, opens files of its own, and runs programs.
//
// It promises, on Linux:
//
//   - Every step from / to the file counts: each folder, each link on the way,
//     the file. A step is right when it belongs to root or to the user of this
//     process and nobody else may write it, by mode or access list. In a folder
//     with the sticky bit others may write, as in /tmp: what is ours in it they
//     can neither replace nor rename.
//   - The steps are taken one by one by descriptors, without following links
//     unseen, so that what was judged is what is opened and run.
//   - A group without members, and the groups of a container's own process, are
//     nobody. What lies on a file system that is mounted read-only, or belongs to
//     a user who does not exist in this user namespace, nobody here can write.
//   - Whoever is refused is told what others may change, and the command that
//     mends it.
//
// On Windows the owner and the access list of the file and of its folder are
// judged. On other systems nothing is, and programs are not run.
//
// It does not promise anything against root, against the user that dswatch runs
// as, or for networked file systems whose server does not keep to owners.
package guard

import (
	"slices"
	"strings"

	"dswatch/event"
	"dswatch/words"
)

// refused is nil for no faults, else an error that says all of them.
func refused(faults []event.Said) error {
	if len(faults) == 0 {
		return nil
	}
	var all event.Said
	var told []event.Said // a folder above is that of several files
	for _, f := range faults {
		if !slices.ContainsFunc(told, f.Equal) {
			told = append(told, f)
		}
	}
	for i, f := range told {
		if i == mostFaults {
			all = all.And(words.GuardMore.With(len(told) - i))
			break
		}
		all = all.And(f)
	}
	return &Refusal{Said: all}
}

// mostFaults is how many steps one refusal names.
const mostFaults = 4

// Refusal is the error about what others may change.
type Refusal struct{ event.Said }

// Says is what others may change, and how to mend it.
func (r *Refusal) Says() event.Said { return r.Said }

// Error is English.
func (r *Refusal) Error() string { return words.English(r.Said) }

// shown is a path in a sentence and in its command, for a POSIX shell.
func shown(path string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+@:,=%"
	if path != "" && strings.Trim(path, plain) == "" {
		return path
	}
	return "'" + strings.ReplaceAll(words.Inner(path), "'", `'\''`) + "'"
}
