package sinks

import (
	"context"
	"io"
	"log/slog"

	"dswatch/event"
)

// Sink tells one far end.
//
// Send returns nil only when the far end has accepted, as far as its
// protocol can tell. An error is temporary unless it is marked by Permanent;
// RetryAfter adds the far end's own wish. Send honours ctx, may be called
// from several goroutines at once, and never puts a secret into an error.
type Sink interface {
	Send(ctx context.Context, a event.Alert) error
}

// Heir is a Sink that keeps something in its state directory. It takes over
// what one that had another name has left in dir, its state directory, and the
// far end goes on as if it were the same: of what both have, its own counts. It
// may be done again, and does nothing where there is nothing.
type Heir interface {
	Inherit(dir string) error
}

// Inherit lets s take over what is left in dir, if it is a Heir.
func Inherit(s Sink, dir string) error {
	if h, ok := s.(Heir); ok {
		return h.Inherit(dir)
	}
	return nil
}

// wrapped is a sink with another one in front of it, which has all that it can.
type wrapped struct{ Sink }

// ByItem is that of the function ByItem.
func (b wrapped) ByItem() bool { return ByItem(b.Sink) }

// Inherit implements Heir.
func (b wrapped) Inherit(dir string) error { return Inherit(b.Sink, dir) }

// Listen implements Listener.
func (b wrapped) Listen(ctx context.Context, desk Desk) error {
	if l, ok := b.Sink.(Listener); ok {
		return l.Listen(ctx, desk)
	}
	return nil
}

// Listening implements Listener.
func (b wrapped) Listening() (Ear, bool) {
	if l, ok := b.Sink.(Listener); ok {
		return l.Listening()
	}
	return Ear{}, false
}

// Close closes it, if it can be closed.
func (b wrapped) Close() error {
	if c, ok := b.Sink.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// Env is what the program gives every sink.
type Env struct {
	Name     string       // the sink's name in the configuration
	Host     string       // this host, for protocols that name the sender
	Version  string       // of this program, likewise
	StateDir string       // a directory of the sink's own, made on first use
	Log      *slog.Logger // never nil
	Language string       // of the people at the far end: en or ja
	Page     string       // where people reach the status page, such as https://dswatch.example.com; empty: nowhere
	// Alone: no other process serves this far end, so that what its people ask for
	// comes here.
	Alone bool
}

// Kind is one kind of sink: how its section is written and how it is made.
type Kind struct {
	Type     string     // the value of `type:`
	Doc      string     // one paragraph for the generated reference
	Settings func() any // a pointer to the kind's Config with its defaults set
	New      func(settings any, env Env) (Sink, error)
}

// NewKind ties a kind's own Config type to the untyped Kind. If *C has a
// Validate method, the configuration loader has called it before New.
func NewKind[C any](typ, doc string, defaults C, make func(C, Env) (Sink, error)) Kind {
	return Kind{
		Type: typ, Doc: doc,
		Settings: func() any { c := defaults; return &c },
		New:      func(settings any, env Env) (Sink, error) { return make(*settings.(*C), env) },
	}
}
