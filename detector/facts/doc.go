// Package facts finds out what a host can tell of itself: its operating
// system, its kernel, and which components of Deep Security are installed.
//
// Each way of finding out is a Source. A source tells what it knows with its
// origin and the time, and keeps quiet about what it does not know: an absent
// fact is an unknown one.
//
// It promises that a source that fails takes nothing away from the others,
// that looking reads file names and the kernel's own words and runs nothing,
// and that what the operator has declared is never overruled; where the host
// disagrees, Contradictions says so.
//
// It does not promise that a component whose folder exists is complete, or
// that none is installed where no folder is found: an installation elsewhere
// is not seen.
package facts
