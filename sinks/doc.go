// Package sinks brings every transition of every alert to the far ends: it
// defines what a sink is (Sink, Kind), how a failure is told apart
// (Permanent, RetryAfter), the words and the cleaning that all sinks share
// (Words, Line), and the Worker that empties one sink's outbox.
//
// It promises:
//
//   - At least once: a delivery is acknowledged only after the far end has
//     accepted it and the receipt is stored, or after its dead letter is
//     stored. A crash between any two steps leads to the same delivery again,
//     with the same idempotency key.
//   - Order per slot (item and rule): a transition is sent only after the one
//     before it was accepted or moved to the dead letters.
//   - A firing that reached a far end is resolved there; a firing that was
//     refused is not, its resolve joins it in the dead letters, so that both
//     can be replayed together.
//   - One delivery that a far end cannot take does not hold up the others,
//     and a far end that is down costs one attempt per lane and back-off.
//   - Nothing that a sink was given as a secret appears in an error or a log.
//
// It does not decide who is told what (rules), store anything itself (the
// Outbox, Receipts, Dead and History it is given do), promise an order between two
// slots, or prevent the second copy that follows when a far end accepted and
// its answer was lost.
package sinks
