package sinks

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"dswatch/event"
	"dswatch/words"
)

// Refused marks err as one about who asks: a secret or a certificate that is
// not, or no longer, the right one. It changes nothing of err's class, and
// returns nil for nil.
func Refused(err error) error {
	if err == nil {
		return nil
	}
	return &refused{err}
}

type refused struct{ err error }

func (e *refused) Error() string { return e.err.Error() }
func (e *refused) Unwrap() error { return e.err }

// Says is that of permanent.
func (e *refused) Says() event.Said { return words.Of(e.err) }

// IsRefused reports whether err or an error it wraps was marked by Refused.
func IsRefused(err error) bool {
	_, ok := errors.AsType[*refused](err)
	return ok
}

// Renewal is how a sink comes to secrets and certificates that were replaced.
type Renewal struct {
	// Files are the keys of the section that name a file, such as bot_token_file.
	Files []string
	// Make makes the sink of what the files hold now, and returns nil where that
	// is what the last one was made of. Nil: there are no files, or the sink reads
	// them itself.
	Make func() (Sink, error)
	Log  *slog.Logger
}

// Renewing returns a sink in the place of s. After an attempt that failed the
// files of r are looked at: if they hold something else than before, s is
// replaced and the alert goes to the new one at once, so that none is given up
// for a secret that was replaced in time. What they hold is of no use while
// somebody is still writing them; then the error is a temporary one.
func Renewing(s Sink, r Renewal) Sink {
	return &renewing{Renewal: r, sink: s, fresh: make(chan struct{})}
}

type renewing struct {
	Renewal
	mu    sync.RWMutex // a Send reads
	sink  Sink
	made  int           // how often it was replaced
	fresh chan struct{} // closed when it is replaced
}

func (r *renewing) Send(ctx context.Context, a event.Alert) error {
	made, err := r.try(ctx, a)
	if _, pause := After(err); err == nil || pause {
		return err
	}
	renewed, problem := r.renew(made)
	switch {
	case problem != nil:
		return words.Fail(words.FilesUnusable.With(err, problem)) // not permanent
	case renewed && ctx.Err() == nil:
		_, err = r.try(ctx, a)
	}
	if IsRefused(err) {
		return Advise(err, r.next())
	}
	return err
}

// try sends with the sink of now, and returns which one that was.
func (r *renewing) try(ctx context.Context, a event.Alert) (made int, err error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.made, r.sink.Send(ctx, a)
}

// renew replaces the sink, and reports whether it is another than that one.
func (r *renewing) renew(made int) (bool, error) {
	r.mu.Lock() // waits for attempts under way
	defer r.mu.Unlock()
	if r.made != made || r.Make == nil {
		return r.made != made, nil
	}
	fresh, err := r.Make()
	if err != nil || fresh == nil {
		return false, err
	}
	if err := r.close(); err != nil {
		r.Log.Warn("close the sink that was refused", "error", err)
	}
	r.sink, r.made = fresh, r.made+1
	close(r.fresh)
	r.fresh = make(chan struct{})
	r.Log.Info("the files of a sink have changed; it goes on with what they hold now", "files", strings.Join(r.Files, ", "))
	return true, nil
}

// refusedPause is how long a far end that refused to be listened to is left alone,
// unless the files hold something else before.
const refusedPause = 30 * time.Second

// Listen listens with the sink of now, one after the other.
func (r *renewing) Listen(ctx context.Context, desk Desk) error {
	for {
		r.mu.RLock()
		s, made, fresh := r.sink, r.made, r.fresh
		r.mu.RUnlock()
		l, ok := s.(Listener)
		if !ok {
			return nil
		}
		current, cancel := context.WithCancel(ctx)
		go func() {
			select {
			case <-fresh:
				cancel()
			case <-current.Done():
			}
		}()
		err := l.Listen(current, desk)
		replaced := current.Err() != nil
		cancel()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case replaced:
			continue
		case err == nil || !IsRefused(err):
			return err
		}
		if renewed, problem := r.renew(made); renewed && problem == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-fresh:
		case <-time.After(refusedPause):
		}
	}
}

// Listening is that of the sink behind it.
func (r *renewing) Listening() (Ear, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if l, ok := r.sink.(Listener); ok {
		return l.Listening()
	}
	return Ear{}, false
}

// next says what to do about a refusal.
func (r *renewing) next() event.Said {
	if len(r.Files) == 0 {
		return words.CorrectAndReload.With()
	}
	return words.WriteIntoFile.With(strings.Join(r.Files, ", "))
}

// ByItem is that of the sink behind it.
func (r *renewing) ByItem() bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return ByItem(r.sink)
}

// Inherit is that of the sink behind it.
func (r *renewing) Inherit(dir string) error {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return Inherit(r.sink, dir)
}

// Close closes the sink behind it.
func (r *renewing) Close() error {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.close()
}

func (r *renewing) close() error {
	if c, ok := r.sink.(io.Closer); ok {
		return c.Close()
	}
	return nil
}
