package scm

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"dswatch/event"
	"dswatch/words"
)

func TestJudge(t *testing.T) {
	const driver, own, shared, interactive = 1, 16, 32, 16 | 256
	for name, c := range map[string]struct {
		kind  event.Kind
		entry Entry
		err   error
		state event.State
		say   string
	}{
		"running":              {event.Service, Entry{Type: own, State: 4, PID: 12}, nil, event.Up, "is running (pid 12)"},
		"running, shared":      {event.Service, Entry{Type: shared, State: 4}, nil, event.Up, "is running"},
		"running, interactive": {event.Service, Entry{Type: interactive, State: 4}, nil, event.Up, "is running"},
		"running, disabled":    {event.Service, Entry{Type: own, State: 4, Known: true, Start: 4}, nil, event.Up, "is running; it is disabled and cannot be started again"},
		"starting":             {event.Service, Entry{Type: own, State: 2, PID: 3}, nil, event.Down, "is starting (START_PENDING)"},
		"stopping":             {event.Service, Entry{Type: own, State: 3}, nil, event.Down, "is stopping (STOP_PENDING)"},
		"resuming":             {event.Service, Entry{Type: own, State: 5}, nil, event.Down, "is resuming (CONTINUE_PENDING)"},
		"pausing":              {event.Service, Entry{Type: own, State: 6}, nil, event.Down, "is pausing (PAUSE_PENDING)"},
		"paused":               {event.Service, Entry{Type: own, State: 7}, nil, event.Down, "is paused (PAUSED)"},
		"stopped":              {event.Service, Entry{Type: own, State: 1, Known: true, Start: 3}, nil, event.Down, "is stopped; exit code 0"},
		"stopped, disabled":    {event.Service, Entry{Type: own, State: 1, Known: true, Start: 4, Exit: 1077}, nil, event.Down, "is stopped; it is disabled; not started since the host came up"},
		"stopped, not known":   {event.Service, Entry{Type: own, State: 1, Start: 4}, nil, event.Down, "is stopped; exit code 0"},
		"killed":               {event.Service, Entry{Type: own, State: 1, Exit: 1067}, nil, event.Down, "is stopped; exit code 1067: its process ended unexpectedly"},
		"own exit code":        {event.Service, Entry{Type: own, State: 1, Exit: 1066, Specific: 42}, nil, event.Down, "is stopped; service-specific exit code 42"},
		"another exit code":    {event.Service, Entry{Type: own, State: 1, Exit: 31}, nil, event.Down, "is stopped; exit code 31"},
		"a new state":          {event.Service, Entry{Type: own, State: 9}, nil, event.Unknown, "is in the state 9, which this version does not know"},
		"no state":             {event.Service, Entry{Type: own}, nil, event.Unknown, "is in the state 0, which this version does not know"},
		"a driver, asked as a service": {event.Service, Entry{Type: driver, State: 4}, nil, event.Down,
			"is the name of a driver and not of a service"},
		"a service, asked as a driver": {event.Driver, Entry{Type: own, State: 4, Name: "x", Display: "An X"}, nil, event.Down,
			`is the name of a service and not of a driver; listed as An X`},
		"driver":             {event.Driver, Entry{Type: driver, State: 4}, nil, event.Up, "is running"},
		"file system driver": {event.Driver, Entry{Type: 2, State: 4}, nil, event.Up, "is running"},
		"driver, stopped":    {event.Driver, Entry{Type: driver, State: 1, Exit: 31}, nil, event.Down, "is stopped; exit code 31"},
		"display name": {event.Service, Entry{Type: own, State: 4, Name: "ds_agent", Display: "Trend Micro ディープ セキュリティ 😀"}, nil, event.Up,
			`is running; listed as Trend Micro ディープ セキュリティ 😀`},
		"the same name": {event.Service, Entry{Type: own, State: 4, Name: "Amsp", Display: "Amsp"}, nil, event.Up, "is running"},
		"absent":        {event.Service, Entry{}, fmt.Errorf("ask: %w", ErrAbsent), event.Down, "is not installed"},
		"denied": {event.Service, Entry{}, fmt.Errorf("open: %w", fs.ErrPermission), event.Unknown,
			"may not be asked about (open: permission denied); run dswatch as LocalSystem or as an administrator"},
		"another error": {event.Driver, Entry{}, errors.New("no memory"), event.Unknown, "was not told (no memory); try sc.exe query by hand"},
	} {
		t.Run(name, func(t *testing.T) {
			if state, say := Judge(c.kind, "x", c.entry, c.err); state != c.state || words.English(say) != "x "+c.say {
				t.Errorf("%s, %q; want %s, %q", state, words.English(say), c.state, c.say)
			}
		})
	}
}
