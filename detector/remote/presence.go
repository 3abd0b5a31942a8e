package remote

import (
	"context"
	"errors"
	"strings"
	"time"

	"dswatch/detector/facts"
	"dswatch/event"
	"dswatch/spelling"
)

// presence looks whether the agent is still installed on a Linux host. It is
// used by one goroutine at a time.
type presence struct {
	*facts.Presence
	run   runner    // of the look that is under way, nil between two
	last  facts.Far // what the last look saw
	asked time.Time // when the package managers were
}

func newPresence(host string, before event.Facts) *presence {
	p := &presence{}
	p.Presence = facts.NewFarPresence(host, before, p.look)
	return p
}

// Forget ends the memory that the component was installed on the host. It
// implements detector.Rememberer.
func (d *Detector) Forget(host, component string) bool {
	return d.presence != nil && spelling.Alike(host, d.target.Host) && d.presence.Forget(component)
}

// look looks for the program, and asks the package managers where that is gone
// or they were asked long ago.
func (p *presence) look(context.Context) facts.Far {
	if p.run == nil {
		return p.last
	}
	p.last.There, p.last.Err = p.there()
	if !p.last.There || time.Since(p.asked) >= factsEvery {
		p.last.Dpkg, p.last.RPM = p.word(linuxDeb), p.word(linuxPackage)
		p.asked = time.Now()
	}
	return p.last
}

// there reports whether the program is a file. One that may not be looked at
// counts as there.
func (p *presence) there() (bool, error) {
	out, err := p.run(linuxProgram)
	switch {
	case err == nil:
		return strings.HasPrefix(string(out), "-"), nil
	case complained(err, "No such file or directory"), complained(err, "Not a directory"):
		return false, nil
	case complained(err, "Permission denied"):
		return true, nil
	}
	return false, err
}

// word is what a package manager says of the agent. One that is not there says
// nothing.
func (p *presence) word(command string) facts.Word {
	out, err := p.run(command)
	switch {
	case command == linuxDeb && err == nil && parseDpkg(out) != "", command == linuxPackage && err == nil && parseRPM(out) != "":
		return facts.InstalledWord
	case command == linuxDeb && err == nil:
		if state := strings.Fields(string(out)); len(state) > 0 && (state[0] == "config-files" || state[0] == "not-installed") {
			return facts.RemovedWord
		}
	case complained(err, "no packages found matching"), complained(err, "is not installed"):
		return facts.AbsentWord
	}
	return facts.SilentWord
}

// complained reports whether a command ended with a complaint that says so. In
// the locale C that every command has, the words are those of every release.
func complained(err error, what string) bool {
	var a *answerError
	return errors.As(err, &a) && a.status != 0 && strings.Contains(a.said, what)
}
