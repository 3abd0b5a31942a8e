// Package catalog is what the vendor says must run, as data: the rows of the
// watch list with their footnotes (deepsecurity.yaml), the conditions that
// the footnotes put on them, and the texts that people read about them.
//
// Promises
//   - A row is expected yes, no or unknown by Kleene's three-valued logic. A
//     fact that is absent, or a version that cannot be read, never becomes a
//     yes or a no by accident, and never hides behind one: the reason names
//     it and says where to declare it.
//   - Every verdict carries its reason in English and Japanese: the footnote,
//     the facts that decided it, their values and where these came from.
//   - Every row has, in both languages, what its loss means on each OS it is
//     for, and a command by which a person confirms it. No command connects
//     to port 4118.
//   - The operator's own rows have the same shape (Row) as the vendor's.
//   - A Catalog is immutable and safe for concurrent use.
//
// Not promised here: that facts are true or fresh (detector/facts), that an
// item is up (detector), that a loss is told (rules, sinks). The texts are
// our own words, not the vendor's.
package catalog

import ()
