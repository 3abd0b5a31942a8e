// Package story tells the rules a story and compares what the sinks are told
// with what its author wanted: `dswatch rules test`.
//
// A story is a text file of sections (Parse). The rules that it is told to
// are those of the program: the real engine, the real catalog and a real
// configuration. What surrounds them (the event stream, the stores, the
// outboxes and their workers) is kept in memory, and time passes as fast as
// it is told.
//
// Promises
//   - The same story has the same outcome, on any machine, at any hour.
//   - The stores are as strict as the program's: a write with an outdated
//     revision fails, an event that was not acknowledged comes again, and a
//     delivery that a sink has confirmed is not sent to it twice.
//   - A fault (Fault) throws the engine away between any two of its
//     operations, as kill -9 does; what the sinks are told must be the same.
//   - At the end of every story no sink holds an alert open that is over.
//
// Not promised here: anything about detectors, the bus and far ends.
package story
