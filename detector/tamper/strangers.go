package tamper

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"runtime"
	"slices"
	"strings"

	"dswatch/detector/process"
	"dswatch/event"
	"dswatch/words"
)

// alone are the process names that only the agent's programs have, by system:
// nginx, java and Notifier are others', too.
var alone = map[string][]string{
	event.Linux:   {"ds_agent", "ds_am", "dsvp", "ds_nuagent", "tm_netagent", "ds_kmemcg", "ds_kproc"},
	event.Windows: {"dsa.exe", "ds_monitor.exe", "coreFrameworkHost.exe", "coreServiceShell.exe", "dsvp.exe", "ds_nuagent.exe", "tm_netagent.exe"},
}

// maxTold bounds how many strangers are remembered, and with it the fact.
const maxTold = 24

// strangers looks for processes under the agent's names that are none of its.
// Each program counts once: one that was told of is not told of again when it
// comes back.
type strangers struct {
	look    func(context.Context) ([]process.Impostor, error)
	told    []string       // marks, oldest first
	running map[string]int // by mark, for how many looks
}

// newStrangers looks at the processes of this host.
func newStrangers(folders func() []string, told string) *strangers {
	s := &strangers{running: map[string]int{}}
	if told != "" {
		s.told = strings.Split(told, ";")
	}
	owner := process.Owner{Who: process.System, Folders: folders}
	var targets []process.Target
	for _, n := range alone[runtime.GOOS] {
		targets = append(targets, process.Target{Key: event.Key{Component: event.Agent, Kind: event.Process, Name: n}, Names: []string{n}, Owner: owner})
	}
	d, err := process.New(targets) // an error is a defect of the list above, and each look tells it
	s.look = func(ctx context.Context) ([]process.Impostor, error) {
		if err != nil {
			return nil, err
		}
		_, err := d.Detect(ctx)
		return d.Impostors(), err
	}
	return s
}

// judge looks once. The memory is written when a program that was seen in two
// looks has ended: what was seen only once may not have been told.
func (s *strangers) judge(ctx context.Context) (event.State, event.Said) {
	now, err := s.look(ctx)
	if err != nil {
		return event.Unknown, words.StrangersUnknown.With(err)
	}
	var say event.Said
	seen := map[string]int{}
	more := 0
	for _, i := range now {
		m := mark(i)
		if slices.Contains(s.told, m) {
			continue
		}
		if _, twice := seen[m]; !twice {
			seen[m] = s.running[m] + 1
		}
		if more++; more <= mostListed {
			say = say.And(words.Impostor.With(i.Name)).And(i.Why)
		}
	}
	for m, looks := range s.running {
		if _, still := seen[m]; !still && looks > 1 {
			s.told = append(s.told, m)
		}
	}
	s.running, s.told = seen, s.told[max(0, len(s.told)-maxTold):]
	if more > mostListed {
		say = say.And(words.MoreFiles.With(more - mostListed))
	}
	if more > 0 {
		return event.Down, say
	}
	return event.Up, event.Said{}
}

// mark stands for a program under a name. Eight bytes are enough: what shares a
// mark by chance is not told of.
func mark(i process.Impostor) string {
	h := sha256.Sum256([]byte(i.Name + "\x00" + i.Who))
	return hex.EncodeToString(h[:8])
}
