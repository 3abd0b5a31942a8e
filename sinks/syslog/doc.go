// Package syslog tells a syslog server or a SIEM about alerts, as RFC 5424 or
// RFC 3164 messages over UDP, TCP, TLS (RFC 5425) or a Unix socket. The body
// is text with structured data, CEF, LEEF or JSON.
//
// It promises:
//
//   - One alert is one message, one line, at most max_size bytes. What is too
//     long is cut in the alert's texts, at a character boundary and with a
//     mark, before it is written into the format; so a message that was cut is
//     as well-formed as any other. An alert's id is never cut.
//   - Whatever a host puts into a name or a text cannot end the message, leave
//     its field, or be another one.
//   - Over TCP, TLS and a Unix stream a message counts as delivered when the
//     far end's TCP has acknowledged it and the connection is still whole (on
//     Linux; elsewhere when the socket took it). Linux receivers acknowledge
//     small messages as they read them, so a restart of the receiver seldom
//     loses one. A connection that breaks or falls silent is made anew and
//     what was not acknowledged is sent again, so a message may come twice.
//   - No key is in an error or a log.
//
// It does not promise that a datagram arrives, nor that a server that
// acknowledged a message has stored it: syslog has no answer for that.
package syslog
