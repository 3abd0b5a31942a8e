// Package report makes a report of what a history tells: how long each item that
// must be there was up, degraded and down, how long nobody knows, and what became
// of alerts.
//
// What it promises:
//   - An item is in the state that the last entry, in the order of the history,
//     gives it from that moment on or earlier. So where a clock was set back, what
//     was noted later counts.
//   - A state is carried in from before the report's first moment, and what is open
//     at its last is carried out.
//   - Time in which dswatch did not run, or could not prove that changes are told,
//     or could not store its history, and time of an item that could not be seen, is
//     unknown: neither up nor down. Time before an item was there, and time in which
//     it need not be there, is no part of its base.
//   - A loss begins with the first look that saw it, also where it was told later.
//   - Time in silences and maintenance is apart, by the windows that the rules use.
//   - The same figure comes out for a host alone and within a group.
//
// It keeps no time, reads nothing and writes only where it is told to.
package report
