package rules

import (
	"time"
	"unicode/utf8"

	"dswatch/catalog"
	"dswatch/event"
	"dswatch/words"
)

// write states what a says, and says it in the set's language.
func (s *Set) write(a *event.Alert, snap Snapshot) {
	if a.Rule == event.RuleStorm {
		s.writeStorm(a, nil, 0, event.Said{})
		return
	}
	what := headline(a, true)
	if a.Transition == event.Cleared && a.State == event.Unknown && snap.Row != nil && snap.Verdict.Expected != catalog.No {
		switch a.Rule { // it is expected all the same
		case FlapRule:
			what = words.SettledUnseen.Phrase(speaker(a.Key))
		case Unseen:
			what = words.UnseenLost.Phrase(speaker(a.Key))
		}
	}
	a.TitleStatements = words.Title.With(shortHost(a.Key.Host), what)
	if snap.Row != nil {
		a.ReasonStatements = snap.Verdict.Reason
		a.Confirm = snap.Row.ConfirmOn(a.OS)
	}
	a.ShortStatements, a.NextStatements = event.Said{}, event.Said{}
	if a.Transition.Firing() {
		short, next := inShort(a, snap)
		a.ShortStatements, a.NextStatements = lookedAfter(a, false).And(short), next
	}
	text := lookedAfter(a, true)
	if a.Rule == FlapRule {
		text = text.And(s.flapText(a))
	}
	switch {
	case a.Transition == event.Cleared:
		text = text.And(lasted(a))
	case a.Key.Kind == event.Host:
		text = text.And(words.NothingHeard.With(s.Silent))
	case a.Rule == FlapRule:
	case a.Rule == Unseen:
		text = text.And(words.NotObserved.With())
	case snap.Row != nil:
		text = text.And(snap.Row.Meaning(snap.sight(), a.State))
	}
	if a.AffectedCount > 0 {
		text = text.And(affectedText(a))
	}
	a.TextStatements = text
	words.In(s.Language, s.Zone).Tell(a)
}

// Describe is the rule's trouble with the item as the sinks are told it, or, while
// nobody is, as they would be.
func (s *Set) Describe(st *Status, snap Snapshot, rule string) *event.Alert {
	a := s.Alert(st, snap, rule)
	if slot := st.slot(rule); slot.Phase != Held {
		return a
	}
	a.ID, a.Transition, a.State, a.EndedAt, a.Ack, a.Withdrawn = "", event.Raised, st.lost(), time.Time{}, nil, nil
	a.StartedAt, a.Affected, a.AffectedCount = st.slot(rule).Since, nil, 0
	a.Impact = impact(st, snap, rule)
	a.Severity = SeverityOf(a.Impact)
	s.write(a, snap)
	return a
}

// inShort says what a means in a few words, and what to do first.
func inShort(a *event.Alert, snap Snapshot) (short, next event.Said) {
	switch {
	case a.Key.Kind == event.Host:
		return words.ShortSilent.With(), words.NextSilent.With()
	case a.Rule == FlapRule:
		return words.ShortFlap.With(), words.NextFlap.With()
	case snap.Row == nil:
		return event.Said{}, event.Said{}
	}
	short, next = snap.Row.Short(snap.sight(), a.State), snap.Row.NextStep(snap.sight(), a.State)
	if short.Empty() && a.Impact != "" {
		short = words.ShortImpact.With(a.Impact)
	}
	return short, next
}

// maxHost is how much of a host's name a title shows, in bytes: receivers cut
// what they show, and what was lost must stand before the cut. The whole name is
// in the key.
const maxHost = 64

func shortHost(host string) string {
	const mark = "..."
	if len(host) <= maxHost {
		return host
	}
	n := maxHost - len(mark)
	for n > 0 && !utf8.RuneStart(host[n]) {
		n--
	}
	return host[:n] + mark
}

// headline says in a few words what happened to what. With exact it says how
// many of how many.
func headline(a *event.Alert, exact bool) words.Phrase {
	switch {
	case a.Key.Kind == event.Host:
		return silentHeadline(a)
	case a.Key.Kind == event.Installation:
		return installationHeadline(a)
	case a.Key.Kind == event.Tamper:
		return tamperHeadline(a)
	case a.Key.Kind == event.Store:
		return storeHeadline(a)
	case a.Key.Kind == event.Evidence && a.Transition != event.Cleared && a.Key.Name == "anti_malware_engine":
		return words.BasicFunctionsOnly.Phrase()
	case a.Key.Kind == event.Evidence && a.Transition != event.Cleared && a.Key.Name == "last_heartbeat":
		return words.HeartbeatOld.Phrase()
	}
	what, again := speaker(a.Key), 0
	if toldAgain(a.Transition) {
		again = 1
	}
	switch {
	case a.Rule == FlapRule && a.Transition == event.Cleared && a.State.Lost():
		return words.SettledLost.Phrase(what, how(a, exact))
	case a.Rule == FlapRule && a.Transition == event.Cleared && a.State == event.Up:
		return words.SettledUp.Phrase(what)
	case a.Rule == FlapRule && a.Transition != event.Cleared:
		return words.ComesGoes.Phrase(what, again)
	case a.Transition == event.Cleared && a.State == event.Up && a.Rule == Loss:
		return words.IsBack.Phrase(what)
	case a.Transition == event.Cleared && a.Rule == Unseen && a.State != event.Unknown:
		return words.SeenAgain.Phrase(what)
	case a.Transition == event.Cleared:
		return words.NotExpectedNow.Phrase(what)
	case a.Rule == Unseen:
		return words.CannotSee.Phrase(what, again)
	}
	return words.IsLost.Phrase(what, again, how(a, exact))
}

// how says in which way something is lost.
func how(a *event.Alert, exact bool) words.Phrase {
	switch {
	case a.State == event.Degraded && a.Key.Kind == event.Module:
		return words.HowModuleLimited.Phrase()
	case a.State == event.Degraded && !exact:
		return words.HowSomeDegraded.Phrase()
	case a.State == event.Degraded:
		return words.HowDegraded.Phrase(a.Found, a.Want)
	case a.Key.Kind == event.Driver:
		return words.HowNotLoaded.Phrase()
	case a.Key.Kind == event.Port:
		return words.HowNotOpen.Phrase()
	case a.Key.Kind == event.Module:
		return words.HowNotWorking.Phrase()
	case a.Key.Kind == event.Heartbeat && a.Key.Component != event.Agent:
		return words.HowNotAnswering.Phrase()
	case a.Key.Kind == event.Heartbeat:
		return words.HowSilent.Phrase()
	}
	return words.HowDown.Phrase()
}

// installationHeadline says what became of a component.
func installationHeadline(a *event.Alert) words.Phrase {
	what := words.Component(a.Key.Component)
	switch {
	case a.Key.Name == "removed":
		return words.Uninstalled.Phrase(what)
	case a.Rule == Unseen:
		return words.InstalledAsk.Phrase(what)
	case a.Transition == event.Cleared && a.State == event.Up:
		return words.InstalledBack.Phrase(what)
	case a.Transition == event.Cleared:
		return words.InstalledNoNew.Phrase(what)
	}
	return words.Disappeared.Phrase(what)
}

// tamperHeadline says which trace there is.
func tamperHeadline(a *event.Alert) words.Phrase {
	what := words.Component(a.Key.Component)
	over := a.Transition == event.Cleared
	switch {
	case a.Rule == Unseen && !over:
		return words.TamperAsk.Phrase(what)
	case over && a.State != event.Up:
		return words.TamperNoNew.Phrase(what)
	}
	trace := map[string][2]words.Phrase{
		"starts":    {words.StartsTurned.Phrase(what), words.StartsBack.Phrase(what)},
		"files":     {words.FilesOpen.Phrase(what), words.FilesClosed.Phrase(what)},
		"strangers": {words.Strangers.Phrase(what), words.StrangersGone.Phrase(what)},
		"modules":   {words.ModulesGone.Phrase(what), words.ModulesBack.Phrase(what)},
	}[a.Key.Name]
	if over {
		return trace[1]
	}
	return trace[0]
}

// storeHeadline says what happened to dswatch's own memory.
func storeHeadline(a *event.Alert) words.Phrase {
	switch {
	case a.Transition == event.Cleared:
		return words.StoreNoNews.Phrase()
	case a.Key.Name == "went_back":
		return words.StoreBack.Phrase()
	}
	return words.StoreAnew.Phrase()
}

// speaker names the item, a heartbeat by what it comes from.
func speaker(k event.Key) words.Phrase {
	switch {
	case k.Kind != event.Heartbeat:
		return words.Named.Phrase(k.Kind, k.Name)
	case k.Component == Component:
		return way(k.Name)
	case k.Component == event.Manager && k.Name == "listing":
		return words.ListOfManager.Phrase()
	case k.Component != event.Manager:
		return words.AgentBeats.Phrase()
	case k.Name == event.Manager:
		return words.TheManager.Phrase()
	}
	return words.ManagerAPI.Phrase()
}

// way names what many looks need.
func way(name string) words.Phrase {
	switch name {
	case "resolver":
		return words.NamesResolved.Phrase()
	case "network":
		return words.WholeNetwork.Phrase()
	case "targets":
		return words.OtherPorts.Phrase()
	case "ssh":
		return words.SSHLogin.Phrase()
	case "vsphere":
		return words.VSphereAPI.Phrase()
	}
	return words.OneNetwork.Phrase(name)
}

// lasted says how long the trouble was.
func lasted(a *event.Alert) event.Said {
	d := max(0, a.EndedAt.Sub(a.StartedAt)) // the observer's clock and ours may differ
	return words.Lasted.With(d.Round(time.Second))
}

// toldAgain reports whether t tells again what was told before.
func toldAgain(t event.Transition) bool {
	return t == event.Repeated || t == event.Acknowledged || t == event.Unacknowledged
}

// lookedAfter says who looks after the alert from now on, where that is what
// is told; whole with what he wrote to that.
func lookedAfter(a *event.Alert, whole bool) event.Said {
	switch by := a.Withdrawn; {
	case a.Transition == event.Unacknowledged && by != nil && whole && by.Comment != "":
		return words.NobodyLooksSays.With(by.Author, by.Comment)
	case a.Transition == event.Unacknowledged && by != nil && !whole:
		return words.ShortNobody.With()
	case a.Transition == event.Unacknowledged && by != nil:
		return words.NobodyLooks.With(by.Author)
	}
	switch by := a.Ack; {
	case a.Transition != event.Acknowledged || by == nil:
		return event.Said{}
	case whole && by.Comment != "":
		return words.LookedAfterSays.With(by.Author, by.Comment)
	default:
		return words.LookedAfter.With(by.Author)
	}
}
