package sinks

import (
	"context"
	"errors"
	"net"
	"slices"
	"time"

	"dswatch/event"
	"dswatch/words"
)

// MaxRetryAfter bounds how long a far end can ask to be left alone. RFC 9110
// sets no bound; a far end that asks for a day is asked again after an hour.
const MaxRetryAfter = time.Hour

// Permanent marks err as one that no later attempt can change: the delivery
// goes to the dead letters. It returns nil for nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanent{err}
}

type permanent struct{ err error }

func (e *permanent) Error() string { return e.err.Error() }
func (e *permanent) Unwrap() error { return e.err }

// Says is what the error inside says; so do all that mark one.
func (e *permanent) Says() event.Said { return words.Of(e.err) }

// IsPermanent reports whether err or an error it wraps was marked by
// Permanent. Every other error is temporary.
func IsPermanent(err error) bool {
	_, ok := errors.AsType[*permanent](err)
	return ok
}

// RetryAfter adds the far end's wish to a temporary error: no attempt within
// d, which is bounded to 0..MaxRetryAfter. It returns nil for nil.
func RetryAfter(err error, d time.Duration) error {
	if err == nil {
		return nil
	}
	return &retryAfter{err, min(max(d, 0), MaxRetryAfter)}
}

type retryAfter struct {
	err error
	d   time.Duration
}

func (e *retryAfter) Error() string { return e.err.Error() }
func (e *retryAfter) Unwrap() error { return e.err }

// Says is that of permanent.
func (e *retryAfter) Says() event.Said { return words.Of(e.err) }

// After returns the wish that RetryAfter added, and whether there is one.
func After(err error) (time.Duration, bool) {
	e, ok := errors.AsType[*retryAfter](err)
	if !ok {
		return 0, false
	}
	return e.d, true
}

// answered is a refusal with the status of its HTTP answer.
type answered struct {
	err  error
	code int
}

func (e *answered) Error() string { return e.err.Error() }
func (e *answered) Unwrap() error { return e.err }

// Says is that of permanent.
func (e *answered) Says() event.Said { return words.Of(e.err) }

// Status returns the status of the HTTP answer that err is about, or 0.
func Status(err error) int {
	e, ok := errors.AsType[*answered](err)
	if !ok {
		return 0
	}
	return e.code
}

// Class is why an attempt failed, as a closed set for metrics.
type Class string

// The classes of failures.
const (
	ClassPermanent Class = "permanent" // the far end will never take it
	ClassThrottled Class = "throttled" // the far end asked for a pause
	ClassTimeout   Class = "timeout"   // no answer in time; it may have been accepted
	ClassTemporary Class = "temporary" // anything else that may pass
	ClassPanic     Class = "panic"     // a defect of the sink
)

// Classes lists every Class.
func Classes() []Class {
	return []Class{ClassPermanent, ClassThrottled, ClassTimeout, ClassTemporary, ClassPanic}
}

// Classify returns the class of a failed attempt. err must not be nil.
func Classify(err error) Class {
	if _, ok := errors.AsType[*panicked](err); ok {
		return ClassPanic
	}
	if IsPermanent(err) {
		return ClassPermanent
	}
	if _, ok := After(err); ok {
		return ClassThrottled
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return ClassTimeout
	}
	if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
		return ClassTimeout
	}
	return ClassTemporary
}

// neverLeft reports whether an attempt ended before there was a connection to the
// far end, so that it surely got nothing.
func neverLeft(err error) bool {
	if _, began := errors.AsType[*underWay](err); began {
		return false
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return true
	}
	_, unknown := errors.AsType[*net.DNSError](err)
	return unknown
}

// underWay is an attempt of which the far end may have got something, whatever
// its error says.
type underWay struct{ err error }

func (e *underWay) Error() string { return e.err.Error() }
func (e *underWay) Unwrap() error { return e.err }

// Says is that of permanent.
func (e *underWay) Says() event.Said { return words.Of(e.err) }

// Advise adds what to do about err. It keeps err's class.
func Advise(err error, next event.Said) error {
	return words.FailWith(err, words.Of(err).And(next))
}

// saidBy is what err says as data, beside its text of at most most bytes. Where that
// is only somebody else's text, or has no room there, nothing is.
func saidBy(err error, most int) event.Said {
	s := words.Of(err)
	if own := slices.ContainsFunc(s.Codes(), func(c string) bool { return c != words.Quoted.Code() }); !own || s.Len() > most {
		return event.Said{}
	}
	return s
}

// panicked is a panic of a sink, turned into an error. It holds no value of
// the panic, which could be anything the sink was given.
type panicked struct{ what string }

func (e *panicked) Error() string { return "sink panicked: " + e.what }
