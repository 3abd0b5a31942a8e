package app

import (
	"context"
	"errors"
	"log/slog"

	"dswatch/bus"
	"dswatch/config"
	"dswatch/guard"
	"dswatch/web"
	"dswatch/web/client"
)

// The commands that can do without a running process ask it first.

// Client asks the running process of a configuration.
func Client(l *Loaded) *client.Client { return client.New(l.Config.Web, l.Config.Bus.Dir) }

// Unread is for whoever may not read the configuration: the running process of
// the system's own service can be asked.
func Unread() (*Loaded, error) {
	l, err := Parse("(not read)", nil)
	if err == nil {
		l.Config.Bus.Dir = ""
	}
	return l, err
}

// ClientOf asks the process that runs with the file at path, which may hold
// what it could not run with: where it listens, and keeps its token, is taken
// from what of the file can be read.
func ClientOf(path string) *client.Client {
	kinds := AllKinds()
	r := kinds.root(Defaults())
	_, _ = config.Load(path, r.pointer())
	return Client(&Loaded{Config: r.config()})
}

// TestSinks tests the sinks through the running process, or by itself where
// none runs.
func TestSinks(ctx context.Context, l *Loaded, names []string, o Options) ([]web.TestResult, error) {
	out, err := Client(l).TestSinks(ctx, names)
	if !errors.Is(err, client.ErrNotRunning) {
		return out, err
	}
	if err := guard.Become(l.Config.Bus.Dir); err != nil {
		return nil, err
	}
	a, err := Open(ctx, l, o)
	if err != nil {
		return nil, err
	}
	out, err = a.TestOnly(ctx, names)
	return out, errors.Join(err, a.Close())
}

// Silencer changes silences through the running process. Where none answers
// and the bus is an external one, which the deciding process watches, it
// changes them there.
func Silencer(l *Loaded) web.Silencer { return silencer{l} }

type silencer struct{ l *Loaded }

func (s silencer) Silences(ctx context.Context) (out []web.Silence, err error) {
	err = s.do(ctx, nil, func(to web.Silencer) (err error) { out, err = to.Silences(ctx); return err })
	return out, err
}

func (s silencer) AddSilence(ctx context.Context, in web.Silence) (out web.Silence, err error) {
	err = s.do(ctx, in.Match, func(to web.Silencer) (err error) { out, err = to.AddSilence(ctx, in); return err })
	return out, err
}

func (s silencer) EditSilence(ctx context.Context, id string, e web.SilenceEdit) (out web.Silence, err error) {
	err = s.do(ctx, e.Match, func(to web.Silencer) (err error) { out, err = to.EditSilence(ctx, id, e); return err })
	return out, err
}

func (s silencer) ExpireSilence(ctx context.Context, id, author string) error {
	return s.do(ctx, nil, func(to web.Silencer) error { return to.ExpireSilence(ctx, id, author) })
}

// CheckMatchers says what is wrong with matchers as somebody writes them.
func CheckMatchers(matchers []string) error {
	_, err := parseMatchers(matchers)
	return err
}

func (s silencer) do(ctx context.Context, matchers []string, do func(web.Silencer) error) error {
	if _, err := parseMatchers(matchers); err != nil {
		return err
	}
	err := do(Client(s.l))
	if !errors.Is(err, client.ErrNotRunning) || s.l.Config.Bus.URL == "" {
		return err
	}
	b, err := bus.Open(ctx, s.l.Config.Bus, bus.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	err = do(newApp(s.l, b, Options{}))
	return errors.Join(err, b.Close(ctx))
}
