// Package event holds the words that the rest of dswatch shares: what is
// watched (Key), how it was seen (Observation), what changed (Event), what a
// host is (Facts) and what a far end is told (Alert).
//
// It promises that everything which crosses the bus has one encoding, that
// decoding never panics on hostile input and names the field it rejects, and
// that every identifier is computed from content: the same change seen twice,
// also by another process or after a restart, has the same id.
//
// It does not observe, decide, store or send anything. It imports no library,
// and of dswatch the packages setting and wire only.
package event
