package process

import (
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/windows"

	"dswatch/event"
	"dswatch/words"
)

// stand decides what the process of h is to the target.
func stand(h windows.Handle, pid int, of *target) (s standing) {
	if of.Owner.Who == Anyone && of.Owner.User == "" {
		return s
	}
	path, err := image(h)
	if err != nil {
		s.unproven = words.UnprovenOwner.With().And(grant())
		return s
	}
	name, strange, err := userOf(h, of.Owner)
	s.who = name + ", " + path
	switch {
	case err != nil:
		s.unproven = words.UnprovenOwner.With().And(grant())
	case strange:
		s.stranger = words.Stranger.With(pid, name, path)
	}
	folders := of.Owner.folders()
	if len(folders) > 0 && !slices.ContainsFunc(folders, func(f string) bool { return under(f, path) }) {
		s.stranger = words.Stranger.With(pid, name, path)
	}
	return s
}

// under reports whether path lies below folder, links followed.
func under(folder, path string) bool {
	in := func(f string) bool {
		f = strings.TrimRight(strings.ToLower(filepath.Clean(f)), `\`)
		return strings.HasPrefix(strings.ToLower(path), f+`\`)
	}
	if in(folder) {
		return true
	}
	real, err := filepath.EvalSymlinks(folder)
	return err == nil && in(real)
}

// userOf returns the user of a process, and whether he is a stranger. The user
// of dswatch itself is none: it runs as LocalSystem, or nothing is proven.
func userOf(h windows.Handle, o Owner) (name string, strange bool, err error) {
	var t windows.Token
	if err := windows.OpenProcessToken(h, windows.TOKEN_QUERY, &t); err != nil {
		return "", false, err
	}
	defer t.Close()
	u, err := t.GetTokenUser()
	if err != nil {
		return "", false, err
	}
	name = u.User.Sid.String()
	if account, _, _, err := u.User.Sid.LookupAccount(""); err == nil {
		name = account
	}
	switch {
	case o.User != "":
		return name, !strings.EqualFold(name, o.User) && u.User.Sid.String() != o.User, nil
	case o.Who != System || u.User.Sid.IsWellKnown(windows.WinLocalSystemSid):
		return name, false, nil
	}
	own, err := windows.GetCurrentProcessToken().GetTokenUser()
	return name, err == nil && !own.User.Sid.Equals(u.User.Sid), nil
}

// Stranger says why a socket that these processes hold is not the owner's;
// empty: it is, or nothing shows that it is not.
func (o Owner) Stranger(_ uint32, pids []int) (say event.Said) {
	for _, pid := range pids {
		h, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, uint32(pid))
		if err != nil {
			return event.Said{}
		}
		s := stand(h, pid, &target{Target: Target{Owner: o}})
		windows.CloseHandle(h)
		if s.stranger.Empty() {
			return event.Said{}
		}
		say = say.And(s.stranger)
	}
	return say
}
