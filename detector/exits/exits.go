// Package exits waits for the end of processes: told by the kernel where it can
// (pidfd), else by a look at nothing but their entries in /proc.
//
// It says that one may have ended, and never which, or that none has.
package exits

// Process is one process. Its number may be another one's later; Start, in the
// clock ticks of /proc/PID/stat, tells the two apart. Zero: it was not to be seen
// any more when it was looked for.
type Process struct {
	PID   int
	Start uint64
}
