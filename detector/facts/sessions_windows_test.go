package facts

import (
	"context"
	"errors"
	"testing"

	"golang.org/x/sys/windows"

	"dswatch/event"
)

// TestLoggedOn: a user's session counts also while it is disconnected.
func TestLoggedOn(t *testing.T) {
	const services, console, second = 0, 1, 2
	type sessions = []windows.WTS_SESSION_INFO
	users := map[uint32]string{second: "hana"}
	for name, c := range map[string]struct {
		all  sessions
		want string
		bad  bool
	}{
		"nobody":              {sessions{{SessionID: services, State: windows.WTSDisconnected}, {SessionID: console, State: windows.WTSConnected}}, "off", false},
		"the logon screen":    {sessions{{SessionID: console, State: windows.WTSActive}}, "off", false},
		"active":              {sessions{{SessionID: console, State: windows.WTSConnected}, {SessionID: second, State: windows.WTSActive}}, "on", false},
		"disconnected":        {sessions{{SessionID: second, State: windows.WTSDisconnected}}, "on", false},
		"a listener":          {sessions{{SessionID: 65536, State: windows.WTSListen}}, "off", false},
		"hidden":              {sessions{{SessionID: 9, State: windows.WTSActive}}, "", true},
		"hidden, and another": {sessions{{SessionID: 9, State: windows.WTSActive}, {SessionID: second, State: windows.WTSActive}}, "on", false},
	} {
		got, err := loggedOn(c.all, func(id uint32) (string, error) {
			if id > second || id == services {
				return "", errors.New("access denied")
			}
			return users[id], nil
		})
		if got != c.want || (err != nil) != c.bad {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// TestSessions: this test runs in a user's session.
func TestSessions(t *testing.T) {
	f, err := Sessions{}.Facts(context.Background())
	if err != nil || f[event.Sessions].Value != event.On || f.Validate() != nil {
		t.Errorf("%v, %v", f, err)
	}
}
