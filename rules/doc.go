// Package rules decides what a change means: is the item expected on this
// host at all, has it been lost for long enough, who must be told, and when
// is it over.
//
// It is a pure core in a thin shell. Set.Decide is the core: it has no clock
// and does no I/O, and the same inputs always give the same decisions and
// the same alert ids. Engine is the shell: it takes events from a Source,
// keeps one Status per item in a Store with compare-and-set, and puts alerts
// into an Outbox.
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
//   - A Status is stored before its alerts enter the outbox, and a batch of
//     events is acknowledged after both. A crash between any two steps is
//     repaired by redelivery and by Engine's reconciliation at start: the
//     same ids are made again, so that a sink which already has them drops
//     them.
//
// After a power loss, which may take the last writes of each store by itself,
// an alert may be told once more. One of which it left no trace in any store
// stays open where it had been told: see bus.sync.
//
// Not promised here: that a far end accepted (package sinks), that an
// observation is true (package detector), that bytes survive (package bus).
package rules
