package main

import (
	"context"
	"log/slog"
	"sync/atomic"

	"dswatch/app"
)

// adjustable makes a log whose level and format can change while it is used,
// also by those who have added attributes to it.
func adjustable(l app.Log, formats func(*slog.HandlerOptions) (text, json slog.Handler)) (*slog.Logger, func(app.Log)) {
	level, asJSON := new(slog.LevelVar), new(atomic.Bool)
	set := func(l app.Log) { level.Set(l.Level); asJSON.Store(l.Format == "json") }
	set(l)
	text, json := formats(&slog.HandlerOptions{Level: level})
	return slog.New(either{text, json, asJSON}), set
}

// either writes text or JSON.
type either struct {
	text, json slog.Handler
	asJSON     *atomic.Bool
}

func (e either) now() slog.Handler {
	if e.asJSON.Load() {
		return e.json
	}
	return e.text
}

func (e either) Enabled(ctx context.Context, l slog.Level) bool { return e.now().Enabled(ctx, l) }

func (e either) Handle(ctx context.Context, r slog.Record) error { return e.now().Handle(ctx, r) }

func (e either) WithAttrs(attrs []slog.Attr) slog.Handler {
	return either{e.text.WithAttrs(attrs), e.json.WithAttrs(attrs), e.asJSON}
}

func (e either) WithGroup(name string) slog.Handler {
	return either{e.text.WithGroup(name), e.json.WithGroup(name), e.asJSON}
}
