// Package faults breaks the message store, the connection and the host under
// the running program, and counts what its far ends were told. Every fault is
// real: processes, file systems, NATS servers and far ends are.
package faults
