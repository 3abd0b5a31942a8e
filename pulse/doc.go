// Package pulse keeps what dswatch has proven of itself. Every few seconds a
// marked change goes the way of a real one: the scheduler publishes it, the
// store keeps it, the rules' loop takes it to the outbox, and each sink's
// worker takes it without sending. It overtakes what waits, so a Board also hears
// of each queue whether that moves. It remembers when each stage was proven last,
// and why not since; Loops remember when each loop of ours turned
// last.
//
// The two answer different questions. A Board says whether a change would be
// told now: a full disk makes that false. Loops say whether the process itself
// is stuck, so that only a restart helps: a full disk never makes that true.
//
// Ages are monotonic, and a time in which this process did not run (a machine
// that was suspended, a process that was frozen) does not count. The package
// knows no stage by name and does no I/O.
package pulse
