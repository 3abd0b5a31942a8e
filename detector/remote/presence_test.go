//go:build !windows

package remote

import (
	"context"
	"strings"
	"testing"

	"dswatch/event"
	"dswatch/test/receive"
	"dswatch/words"
)

// TestPresenceOverSSH: an agent whose program is gone has disappeared, unless a
// package manager has recorded its removal; what cannot be looked at is no loss.
func TestPresenceOverSSH(t *testing.T) {
	t.Parallel()
	const (
		there  = "echo '-rwxr-x--- 1 root root 15291928 Oct 14 03:25 /opt/ds_agent/ds_agent'"
		gone   = "echo \"ls: cannot access '/opt/ds_agent/ds_agent': No such file or directory\" >&2; exit 2"
		busy   = "echo 'ls: /opt/ds_agent/ds_agent: No such file or directory' >&2; exit 1"
		denied = "echo \"ls: cannot access '/opt/ds_agent/ds_agent': Permission denied\" >&2; exit 2"
		folder = "echo 'drwxr-x--- 1 root root 4096 Oct 14 03:25 /opt/ds_agent/ds_agent'"

		deb       = "echo 'installed 20.0.2-1390'"
		config    = "echo 'config-files 20.0.2-1390'"
		noDeb     = "echo 'dpkg-query: no packages found matching ds-agent' >&2; exit 1"
		rpm       = "echo '1760000000 20.0.2-1390.el8'"
		noRPM     = "echo 'package ds_agent is not installed'; exit 1"
		noCommand = "echo 'sh: rpm: not found' >&2; exit 127"
	)
	type host struct{ ls, deb, rpm string }
	for name, c := range map[string]struct {
		before, now host
		state       event.State
		removed     bool
		remembered  bool
		say         string
	}{
		"as ever":                        {host{there, deb, noCommand}, host{there, deb, noCommand}, event.Up, false, true, "dpkg has its package"},
		"wiped, dpkg has it":             {host{there, deb, noRPM}, host{gone, deb, noRPM}, event.Down, false, true, "is gone"},
		"wiped, rpm has it":              {host{there, noCommand, rpm}, host{gone, noCommand, rpm}, event.Down, false, true, "is gone"},
		"wiped, BusyBox":                 {host{there, noCommand, noCommand}, host{busy, noCommand, noCommand}, event.Down, false, true, "is gone"},
		"wiped with the databases":       {host{there, deb, noCommand}, host{gone, noCommand, noCommand}, event.Down, false, true, "is gone"},
		"a folder in its place":          {host{there, deb, noCommand}, host{folder, deb, noCommand}, event.Down, false, true, "is gone"},
		"removed, its files left":        {host{there, deb, noCommand}, host{gone, config, noCommand}, event.Down, true, false, ""},
		"purged":                         {host{there, deb, noCommand}, host{gone, noDeb, noCommand}, event.Down, true, false, ""},
		"removed by rpm":                 {host{there, noCommand, rpm}, host{gone, noCommand, noRPM}, event.Down, true, false, ""},
		"may not look":                   {host{there, deb, noCommand}, host{denied, deb, noCommand}, event.Up, false, true, ""},
		"the command is refused by now":  {host{there, deb, noCommand}, host{"exit 126", deb, noCommand}, event.Unknown, false, true, ""},
		"never there":                    {host{gone, noDeb, noRPM}, host{gone, noDeb, noRPM}, event.Down, false, false, "not installed"},
		"the command was always refused": {host{"exit 126", deb, noCommand}, host{"exit 126", deb, noCommand}, event.Unknown, false, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := receive.StartSSHD(t)
			for command, file := range captures {
				s.Print(t, command, string(capture(t, file)))
			}
			answer := func(h host) {
				for command, script := range map[string]string{linuxProgram: h.ls, linuxDeb: h.deb, linuxPackage: h.rpm} {
					s.Answer(t, command, script)
				}
			}
			var told event.Facts
			look := func(before event.Facts) (event.Observation, bool) {
				d := newDetector(t, target(s, "linux"), Options{Before: before, Tell: func(_ context.Context, r event.FactsReport) error { told = r.Facts; return nil }})
				seen, err := d.Detect(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if err := told.Validate(); err != nil {
					t.Error(err)
				}
				keys := map[event.Key]bool{}
				for _, k := range d.Keys() {
					keys[k] = true
				}
				var installed event.Observation
				removed := false
				for _, o := range seen {
					if err := o.Validate(); err != nil || !keys[o.Key] {
						t.Errorf("%s: %v, among the keys: %v", o.Key, err, keys[o.Key])
					}
					if delete(keys, o.Key); o.Key.Kind == event.Installation && o.Key.Name == "installed" {
						installed = o
					} else if o.Key.Kind == event.Installation {
						removed = o.State == event.Down
					}
				}
				if len(keys) > 0 {
					t.Errorf("nothing is said of %v", keys)
				}
				return installed, removed
			}
			answer(c.before)
			look(nil)
			answer(c.now)
			for range 2 { // each time by a program that was started anew
				o, removed := look(told)
				_, remembered := told.Get(event.InstalledAgent)
				if detail := words.English(o.Detail); o.State != c.state || removed != c.removed || remembered != c.remembered || !strings.Contains(detail, c.say) {
					t.Errorf("%s, removed %v, remembered %v, %q; want %s, %v, %v with %q", o.State, removed, remembered, detail, c.state, c.removed, c.remembered, c.say)
				}
			}
		})
	}
}

// TestPresenceBehind: while a host cannot be reached nothing is said of what is
// installed there, and what was is remembered.
func TestPresenceBehind(t *testing.T) {
	t.Parallel()
	s := serve(t)
	var told event.Facts
	d := newDetector(t, target(s, "linux"), Options{Tell: func(_ context.Context, r event.FactsReport) error { told = r.Facts; return nil }})
	if _, err := d.Detect(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Runs(t, "kill -9 $PPID")
	seen, err := d.Detect(t.Context())
	if err == nil {
		t.Fatal("a session that is killed is a look that failed")
	}
	for _, o := range seen {
		if o.Key.Kind == event.Installation && o.State != event.Unknown {
			t.Errorf("%s is %s while nobody can look", o.Key, o.State)
		}
	}
	if _, ok := told.Get(event.InstalledAgent); !ok {
		t.Errorf("it is forgotten that the agent was there: %v", told)
	}
	if d.Forget("other", event.Agent) || !d.Forget("H", event.Agent) || d.Forget("h", event.Agent) {
		t.Error("it is not forgotten once, on this host")
	}
}
