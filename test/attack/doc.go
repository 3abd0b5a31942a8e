// Package attack tries to turn dswatch, as an unprivileged user of the host that
// it watches: by squatting its port and socket, planting files, tokens and
// folders, and links on the paths that it writes. Nothing may succeed, each is
// told, nothing crashes.
package attack
