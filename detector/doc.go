// Package detector looks at what should run, and tells what changed.
//
// A Detector looks once and only looks. Everything around a look belongs to
// the Scheduler: when (cron), for how long, what to do with a panic, and what
// is worth telling.
//
// It promises:
//
//   - A look that failed, panicked, took too long or left an item out makes
//     that item unknown, with the reason as its detail; never down.
//   - Every change between two looks is handed to the Publisher, in order per
//     item, and again with the same event id until the Publisher takes it. At
//     most MaxPending changes of one item wait; beyond that the oldest is given
//     up and counted, the newest never.
//   - A detector that ignores its context delays nobody and is never started a
//     second time beside itself; what it answers too late is thrown away.
//   - A step of the wall clock, in either direction, moves at most one pass of
//     each job and repeats none.
//   - An open job's items are what its detector reports. One that a whole
//     answer leaves out is gone, told once as event.Gone; one that a failed
//     look leaves out is unknown like every other.
//   - The end of the program is never mistaken for a loss: a pass that was
//     interrupted by it is thrown away.
//
// It does not promise that events of different items stay in order, that
// Observation.At never goes back (it is the wall clock's), or that a state
// which came and went between two passes is seen. It does not decide whether
// an item is expected: it is told which keys to look for, or takes those that
// an open job reports.
package detector
