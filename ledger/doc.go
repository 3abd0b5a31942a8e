// Package ledger is what the bus keeps between the rules and the sinks: the
// events that are to be decided, the records of the rules, silences, the
// outbox of every sink, the receipts of what it was told, its attempts, and
// the dead letters. It carries between the bus, which knows bytes and
// subjects, and the rules and sinks, which know neither.
//
// What it promises: an alert lies in the outbox until it has a receipt or is a
// dead letter; a receipt that was stored outlives a kill at once, and a power
// loss once the server has forced it to the disk. It does not decide, send or
// repeat anything.
package ledger
