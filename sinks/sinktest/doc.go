// Package sinktest is the conformance suite that every sink passes. A kind's
// own test calls Run with a way to make the sink, a far end and a way to read
// what arrived; what the far end's protocol cannot do (no answers, no
// connections) is left nil in Far or said in Options, and is then not asked.
//
// Whole proves that title, consequence and next step of each loss of the
// vendor's list arrive whole.
//
// Run proves what sinks.Sink promises: every transition arrives and can be
// told apart, ctx is honoured, failures are classified, nothing secret is in
// an error or a log, hostile and oversize text is harmless, and one sink can
// be used from many goroutines. It does not prove the details of a protocol;
// those are the kind's own tests.
package sinktest
