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
//     only after it was lost for `hold`. An item that cannot be seen is never
//     reported as lost; after `patience` that is an alert of its own.
//   - Every raised alert is cleared exactly once, with the same id: when the
//     item is back, when facts make it no longer expected, when its row is
//     removed from the configuration.
//   - A silence keeps an alert from being raised and from being repeated. The
//     resolve of an alert that was told goes to everybody who was told, and
//     what is still lost when the silence ends is raised then.
//   - While its cause is told, a symptom is not: the cause's alert lists it. A
//     symptom that outlives its cause is raised after its hold. An item that
//     comes and goes, and a host after an upgrade or a restart, are quiet in
//     the same way: for a bounded time, and nothing that lasts is left out.
//   - Routes decide who hears of an alert when it is raised, changed or
//     repeated; who heard of it once is told the end.
//
// Not promised here: that what was decided is stored and told, whatever stops
// the program (package engine), that a far end accepted (package sinks), that
// an observation is true (package detector).
package rules
