// Package rules decides what a change means: is the item expected on this
// host at all, has it been lost for long enough, who must be told, and when
// is it over.
//
// It is the pure core of the decisions. Set.Decide has no clock, no lock, no
// log and does no I/O: the same inputs always give the same decisions and the
// same alert ids. The shell around it is package engine, which keeps one
// Status per item and does what was decided. Other modes of the core are
// Acknowledge and Withdraw, Advance (of a Digest), and Owed: what a sink must
// be told after a crash.
//
// Promises
//   - An alert rises only for an item whose footnotes make it expected, and
//     only when two looks at least `hold` apart saw it lost and none between
//     saw it well. A look that sees nothing neither ends the hold nor begins
//     it anew, nor the time before an all-clear. An item that cannot be seen is never reported as lost; that is
//     an alert of its own when nothing good was seen for `patience` and no
//     loss is open.
//   - Severity is judged at every look, whatever keeps an alert quiet. A rise
//     is told at once to whom it concerns, except under a silence or window:
//     then it is told at the end, also of what cannot be seen any more by then: it
//     is as severe as it was seen last. What comes and goes is as severe as it was
//     at its worst.
//   - Whatever keeps trouble from being told ends by itself within a stated
//     time (hold, flapping, transition), or is named by something that is open
//     and told (cause, digest), from which worse trouble breaks out, or has an
//     author who said until when (silence, window). What another item hides is
//     told by itself once that one is no more, or tells only others of it.
//   - Every raised alert is cleared exactly once, with the same id: when the
//     item is back, when facts make it no longer expected, when its row is
//     removed from the configuration.
//   - A silence keeps an alert from being raised and from being repeated. The
//     resolve of an alert that was told goes to everybody who was told, and
//     what is still lost when the silence ends is raised then.
//   - While its cause is told, and to all whom the symptom concerns, the
//     symptom is not: the cause's alert lists it. A symptom that outlives its
//     cause is raised after its hold. An item that
//     comes and goes, and a host after an upgrade or a restart, are quiet in
//     the same way: for a bounded time, and nothing that lasts is left out.
//   - Routes decide who hears of an alert when it is raised, changed or
//     repeated: as they are now, nothing of them is stored. Who heard of it
//     once is told changes and the end. Repetition and escalation depend on
//     who looks after it, not on whether it can be seen; an escalation counts
//     from when the first sink of its route was due to be told, by the alert or
//     by a digest that spoke for it.
//   - A sink that comes hears at once of what is open and concerns it: one by one,
//     or of more than a few by a digest of its own, which has an end. What was open
//     when it came is marked as a replay, whenever its route lets it hear of it.
//   - No time or duration is beyond Longest.
//
// Not promised here: that what was decided is stored and told, whatever stops
// the program (package engine), that a far end accepted (package sinks), that
// an observation is true (package detector).
package rules
