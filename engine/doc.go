// Package engine is the shell around the rules: it takes events from a
// Source, keeps one rules.Status per item in a Store with compare-and-set, and
// puts alerts into an Outbox. What an event means is decided in package rules.
//
// Promises
//   - A Status is stored before its alerts enter the outbox, and a batch of
//     events is acknowledged after both. A crash between any two steps is
//     repaired by redelivery and by the reconciliation at start: the same ids
//     are made again, so that a sink which already has them drops them.
//   - A store that fails, or another engine that writes to it, ends nothing:
//     what is stored is the truth and is read anew.
//   - Deadlines follow the time that passes, calendars the wall clock,
//     whoever sets it.
//   - Memory is bounded by what there is to watch: what went for good is
//     forgotten.
//
// After a power loss, which may take the last writes of each store by itself,
// an alert may be told once more. One of which it left no trace in any store
// stays open where it had been told: see bus.sync.
//
// Not promised here: what is told of what (package rules), that a far end
// accepted (package sinks), that an observation is true (package detector),
// that bytes survive (package bus).
package engine
