// Package wine proves the Windows program under Wine 10, on a Debian 12 host:
// `make test-windows` unpacks Wine (setup-wine10.sh), starts a session of its
// own (winesession) and runs the Windows tests of the detectors, and those of
// the program here, through wexec.
//
// What it cannot prove, because Wine has none of it: session 0, access control
// of services, processes that the kernel protects, recovery actions, the event
// log, signed drivers, and speed. A green run says "works under Wine".
package wine
