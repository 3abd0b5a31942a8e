// Package port looks at TCP ports: those of this host by reading the
// kernel's table of listening sockets, those of other hosts by probing them.
//
// # Promises
//
// A local look makes no connection, ever, and reads listening sockets only.
// A remote endpoint (host and port) is probed at most once in a pass, by one
// method, however many rows ask for it. A name is resolved once in a pass.
// Each Target has exactly one observation in the answer, in the order of the
// targets; those of the ways (see below) follow.
//
// A look gives what it saw until its time was over, of which a tenth is kept
// back for that; what it did not get to is unknown, with that reason, and
// comes first in the next one. Names are looked up beside the probes, 64 at
// the same moment: one that is silent holds up no probe, and a resolver that
// answered for none of 128 names is not asked for the others. No probe
// outlives its timeout, and none waits for another one's unless more than 256
// of them (an eighth of all, when that is more, but at most 1024) are silent
// at the same moment. Probes are begun at a steady rate after the first 64.
// Config.Budget reckons what a pass needs at worst.
//
// Port 4118 is probed by Syn only. Connect and TLS are refused there unless
// the target says AcceptHandshakeErrors, because the agent logs a failed
// handshake for each of them. A platform without the half-open probe says so
// (unknown); it does not fall back to a connect.
//
// # Non-promises
//
// A look sees the network namespace it runs in. It does not tell which
// program listens. A half-open answer proves that the kernel of the far end
// has a listener, not that the program behind it is well. On Linux
// it never completes a handshake, however busy the host is (TestStopped: 2,400
// probes from a process that was stopped for 300 ms again and again). Where
// a socket filter or its count is refused (a sandbox, Linux before 4.12), the probe must
// close its socket within the kernel's delayed-ACK time (200 ms, measured on
// Linux 6.18) after the answer; a host too busy for that completes the
// handshake, and the detail of the observation then says so. Certificates
// are shown, not verified. A lost packet is repaired only within the timeout (the kernel
// sends the first SYN again after 1 s).
//
// # What an answer means
//
// An answer about the host itself decides between up and down; an answer
// about the way to it, or none because we could not ask, is unknown.
//
//	answered                                          up
//	refused (RST)                                     down
//	no answer within the timeout                      down: filtered, or the host is off
//	host unreachable: no ARP or neighbour answer      down
//	host unreachable, told by a router                down
//	rejected by the host itself (ICMP)                down
//	accepted, but no TLS (method tls)                 down
//	forbidden by another machine on the way (ICMP)    unknown
//	network unreachable, told by a router             unknown
//	no route from here                                unknown
//	not permitted here (local firewall, no rights)    unknown
//	name not found                                    unknown
//	resolver failed or did not answer                 unknown
//	no common TLS version or suite                    unknown
//	no half-open probe on this platform               unknown
//
// Silence is down although a firewall may be the cause, because a host that
// is switched off answers nothing else and must raise an alarm.
//
// Of a name every address is asked, at most 64, until one is up: the next one
// when the one before has answered otherwise, or was silent for 250 ms. Each
// has the whole timeout. If none is up, the port is down when every address
// is down, and unknown when one of them is unknown or was left out; an address
// without a route from here (IPv6 on a host without it) counts only if no
// other is left.
//
// # What targets have in common
//
// With Options.Here, these are items of this host beside those of the targets
// (Ways), and a target that one of them explains is unknown and behind it
// (Observation.Behind), so that one trouble is told once:
//
//	dswatch/heartbeat/10.1.3.0/24   a network (/24 or /64) of three hosts or more:
//	                                down when nothing was heard of any of them, whatever
//	                                the reason; of one host alone that is told as above
//	dswatch/heartbeat/network       all networks: the same of every host
//	dswatch/heartbeat/resolver      unknown when three names or more could not be
//	                                looked up, that there is no such name not counted
//	dswatch/heartbeat/targets       unknown when the pass ended before it got to all, or
//	                                this host is out of sockets for three or more
//
// A local port is up when something listens on it, also on one address only.
// A port that is bound to loopback only is down, because the manager cannot
// reach it, unless the target says Loopback. Ports of rows of the operator's
// own say so, those of the vendor's components do not.
package port
