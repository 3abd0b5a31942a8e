// Package receive starts far ends for tests: the real programs where they
// run here (snmptrapd, rsyslogd), stand-ins for services that do not.
//
// Each far end listens on a free loopback port, keeps everything it writes in
// a directory of the test, ends with the test, and returns what it received
// in a form that can be compared. A program that is not installed fails the
// test with the name of the package that has it.
package receive
