// Package process sees which of the wanted processes run.
//
// A target is found by name or by executable. By name means the kernel's own
// short name (comm), compared exactly; on Windows the image name, without
// regard to case. By executable means the path of the program file, for names
// that many programs share, such as java and nginx.
//
// It promises:
//
//   - Only living processes count: a zombie or a dead one does not, unless it
//     is the ended first thread of a process whose other threads go on.
//   - What may not be seen is unknown, never down: a candidate whose executable
//     cannot be read, a process whose name cannot be read, a /proc that hides
//     other users' processes. The detail says which, and what to do. Where the
//     answer is the same whatever those are, it is given.
//   - A program file that was replaced by an upgrade while it runs still matches.
//   - A process that ends while it is looked at is simply gone.
//   - Looking reads and does nothing else.
//
// It does not promise:
//
//   - to tell names apart beyond their first 15 bytes on Linux, where the kernel
//     keeps no more of them (of its own threads it tells more, and that matches
//     too): give the executable where that matters.
//   - to count what lives in a PID namespace below this one, that is in a
//     container: such a process is not the host's own. The detail mentions it.
//     Mount namespaces are not looked at; a path is as the process itself sees it.
//   - to look at arguments, so two programs run by the same java are one.
package process
