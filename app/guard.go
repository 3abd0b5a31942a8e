package app

import (
	"errors"
	"os"
	"path/filepath"
	"slices"

	"dswatch/config"
	"dswatch/event"
	"dswatch/guard"
	"dswatch/words"
)

// Guard returns an error when others than root and this user may change what the
// program would run with: the configuration, the files of secrets, bus.dir and
// what lies directly in it. Whoever can write there has turned dswatch, or can.
func (l *Loaded) Guard() error {
	err := guard.Writers(l.guarded()...)
	var refusal *guard.Refusal
	switch {
	case errors.As(err, &refusal):
		return words.FailWith(err, words.TurnedByOthers.With(err))
	case err != nil:
		return words.FailWith(err, words.CannotJudge.With(err))
	}
	return nil
}

// Refuses is what Guard says where that stops a start, else nil: what is only to
// be told there is added to the warnings.
func (l *Loaded) Refuses() error {
	err := l.Guard()
	if err != nil && !judgesFiles {
		l.Warnings = append(l.Warnings, words.Of(err))
		return nil
	}
	return err
}

// Weak refuses secrets that are too short to be kept out of messages, but for
// those with which dswatch runs already, before: a configuration that has run
// goes on running. Nil: nothing runs.
func (l *Loaded) Weak(before *Loaded) error {
	var errs []error
	for _, s := range l.file.Short() {
		if before == nil || !slices.ContainsFunc(before.file.Short(), func(b config.ShortSecret) bool { return b.Value == s.Value }) {
			errs = append(errs, words.Fail(s.Fault))
		}
	}
	return errors.Join(errs...)
}

// guarded are the paths that nobody else may change.
func (l *Loaded) guarded() (paths []string) {
	if l.path != "" && !config.Inherited(l.path) {
		paths = append(paths, l.path)
	}
	if l.file != nil {
		paths = append(paths, l.file.Files()...)
	}
	dirs := []string{l.Config.Bus.Dir}
	if l.Config.Bus.URL == "" {
		dirs = append(dirs, l.Config.Bus.OpenPath())
	}
	for _, dir := range dirs {
		paths = append(paths, dir)
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue // it is made, or the start says what it cannot read
		}
		for _, e := range entries {
			// Where a link of its own leads is said by who follows it; a socket says who
			// comes, see package web.
			if e.Type()&(os.ModeSymlink|os.ModeSocket) == 0 {
				paths = append(paths, filepath.Join(dir, e.Name()))
			}
		}
	}
	return paths
}

// Exposed tells of state that other users can read.
func (l *Loaded) Exposed() event.Said {
	dir := l.Config.Bus.Dir
	if info, err := os.Stat(dir); dir != "" && err == nil && info.Mode().Perm()&0o044 != 0 && judgesFiles {
		return words.DirReadable.With(dir)
	}
	return event.Said{}
}
