// Package remote looks at hosts on which nothing may be installed: it logs in
// over SSH and reads what a few fixed commands print.
//
// # Promises
//
//   - Only the constants of commands.go are run, behind timeout(1) where the
//     host has it. Nothing from the
//     configuration, the host or an earlier answer becomes part of a command
//     line; no terminal, no environment and no forwarding is asked for.
//   - A host key that is not in known_hosts, or is another one than there, ends
//     the connection before the user's key is used. No key is ever added.
//   - A missing item is down only when its command succeeded and its answer
//     was understood. A refused login, an error, an exit status other than 0,
//     an answer that is empty, too long or has another form makes the items
//     that it was for unknown, with what to do about it.
//   - A name that the command may have cut is matched by the command line, or
//     is unknown.
//   - Dial, handshake and commands together end within the timeout, an answer is
//     read up to MaxOutput bytes and standard error up to 64 KiB, and what the
//     host says of itself is shown short and without control characters.
//   - The host is left as it was found: what hangs, or answers without end, is
//     ended there by timeout(1), or by a signal before the connection is closed,
//     and is left alone for 5 minutes to an hour. An SSH server that passes no
//     signal on (OpenSSH for root, a forced command) keeps such a command where
//     the host has no timeout(1): one for each time that it is tried.
//   - One connection is kept for each host. A host that hangs delays no other.
//     What was seen before a connection was lost counts; the rest is behind the
//     item of the host (Way).
//
// It does not promise to see a program through a symbolic link: where a row
// names the path of its executable, the path on the command line must be that
// one. It knows no password, no certificate and no jump host.
package remote
