// Package demo shows the whole program at work in under a minute: real
// processes under the names of an agent, a real TLS listener, the ordinary
// detectors, rules and sinks, and a trap and a syslog receiver of its own
// that print what arrives.
//
// It promises that everything it shows was received over a socket, that it
// ends by itself, with an error when something did not arrive, and that it
// leaves nothing behind: the pretend processes end with it even when it is
// killed.
package demo
