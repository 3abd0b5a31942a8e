package syslog

import (
	"context"
	"errors"
	"net"
	"sync"
	"syscall"
	"time"

	"dswatch/event"
	"dswatch/sinks"
	"dswatch/words"
)

// Kind describes the sink for the configuration.
func Kind() sinks.Kind {
	return sinks.NewKind("syslog",
		"Sends one message for each alert transition to a syslog server or a SIEM: RFC 5424 or RFC 3164 over UDP, TCP, TLS or a Unix socket, with text, CEF, LEEF or JSON inside.",
		Defaults(), func(c Config, env sinks.Env) (sinks.Sink, error) { return New(c, env) })
}

// Sink sends messages to one receiver.
type Sink struct {
	cfg    Config
	writer *writer

	datagram *sinks.Datagram // udp, and unix while the socket there is one for datagrams
	stream   *stream         // tcp, tls, and unix otherwise

	buffers sync.Pool // of *[]byte, for messages

	mu       sync.Mutex
	streamed bool // of unix: the socket there is a stream
}

// New returns a sink. It opens nothing but, for tls, the files of the
// certificates: the first Send does.
func New(c Config, env sinks.Env) (*Sink, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	s := &Sink{cfg: c, writer: newWriter(c, env)}
	switch c.Network {
	case "udp":
		s.datagram = sinks.NewDatagram("udp", c.withPort(), nil)
		return s, nil
	case "unix":
		s.datagram = sinks.NewDatagram("unixgram", c.Address, nil)
	}
	dial, err := dialer(c)
	if err != nil {
		return nil, err
	}
	// One Send may have to notice that a connection is dead, connect, and
	// wait again.
	s.stream = &stream{dial: dial, timeout: c.Timeout / 3, lines: c.Framing == "newline"}
	return s, nil
}

// ReadsFiles says that the certificates are read for each connection: what the
// end of one may have lost is sent again, and would not survive another sink.
func (s *Sink) ReadsFiles() {}

// Close closes the connection. A later Send opens it again.
func (s *Sink) Close() error {
	var err error
	if s.datagram != nil {
		err = s.datagram.Close()
	}
	if s.stream != nil {
		err = errors.Join(err, s.stream.close())
	}
	return err
}

// Send tells a. See the package about what counts as accepted.
func (s *Sink) Send(ctx context.Context, a event.Alert) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if d, ok := ctx.Deadline(); !ok || time.Until(d) > s.cfg.Timeout {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.cfg.Timeout)
		defer cancel()
	}
	buf, _ := s.buffers.Get().(*[]byte)
	if buf == nil {
		buf = new([]byte)
	}
	*buf = s.writer.message(*buf, a)
	err := s.send(ctx, *buf)
	s.buffers.Put(buf) // whoever sends it has a copy
	if a.Test && s.stream != nil {
		switch {
		case err == nil:
			err = s.stream.stays(ctx, hangUp)
		case errors.Is(err, errLost), errors.Is(err, net.ErrClosed), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
			err = errHungUp
		}
	}
	if err != nil {
		return words.FailWith(err, words.SyslogFailed.With(s.cfg.Address, s.cfg.Network, err))
	}
	return nil
}

// hangUp is how long the connection must last after a test: a receiver that
// wants the other framing, or TLS, ends it once it has read the message.
const hangUp = 500 * time.Millisecond

func (s *Sink) send(ctx context.Context, message []byte) error {
	switch s.cfg.Network {
	case "udp":
		return s.datagram.Write(ctx, message)
	case "unix":
		if !s.isStream() {
			err := s.datagram.Write(ctx, message)
			if !errors.Is(err, syscall.EPROTOTYPE) { // the socket there is a stream
				return err
			}
			s.setStream(true)
		}
		err := s.stream.send(ctx, message)
		if errors.Is(err, syscall.EPROTOTYPE) { // a datagram socket took its place
			s.setStream(false)
		}
		return err
	}
	return s.stream.send(ctx, message)
}

func (s *Sink) isStream() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.streamed
}

func (s *Sink) setStream(is bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.streamed = is
}
