// Package journal keeps small records in one file that only grows: each line is
// the newest value of a key, and what nobody needs any more goes when the file
// is written anew. It is where what is open at the sinks stands a second time,
// beside the message store and apart from it.
//
// What it promises: what was appended as durable is on the disk when Append
// returns, a torn or changed line is left out and counted, and a file that
// cannot be written is an error that somebody can ask for, never one that stops
// the caller. It does not know what its records mean.
package journal
