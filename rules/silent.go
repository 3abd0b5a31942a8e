package rules

import (
	"dswatch/event"
	"dswatch/words"
)

// Component is that of the items that stand for dswatch itself.
const Component = "dswatch"

// A host whose dswatch tells nothing any more is an item of kind host. What
// was last seen there stays as it was; see Settings.Silent.

func silentHeadline(a *event.Alert) words.Phrase {
	switch over := a.Transition == event.Cleared; {
	case over && a.State != event.Unknown:
		return words.HostReports.Phrase()
	case over:
		return words.HostUnwatched.Phrase()
	}
	return words.HostSilent.Phrase()
}
