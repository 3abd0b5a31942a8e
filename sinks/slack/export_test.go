package slack

import "time"

// Escape is open to its fuzz test.
var Escape = escape

// Hasten shortens the time without a sign of life after which a connection
// counts as dead.
func (s *Sink) Hasten(quiet time.Duration) {
	s.answers.socket.silent, s.answers.socket.keepAlive = quiet, quiet/3
}
