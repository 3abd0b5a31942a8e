package main

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"

	"golang.org/x/sys/windows/svc/eventlog"

	"dswatch/app"
)

// eventID is of the range that EventCreate.exe has texts for: the text is
// all there is to an event of ours.
const eventID = 1

// maxEvent is below the 31,839 characters that ReportEvent takes.
const maxEvent = 30_000

// events writes records into the Windows event log, as the text or JSON that
// the configuration asks for, so that the system keeps and bounds them.
type events struct {
	slog.Handler // formats into line
	line         *bytes.Buffer
	mu           *sync.Mutex
	log          *eventlog.Log
}

func eventLogger(log *eventlog.Log, l app.Log) (*slog.Logger, func(app.Log)) {
	return adjustable(l, func(o *slog.HandlerOptions) (text, json slog.Handler) {
		line, mu := new(bytes.Buffer), new(sync.Mutex)
		return events{slog.NewTextHandler(line, o), line, mu, log}, events{slog.NewJSONHandler(line, o), line, mu, log}
	})
}

// Handle writes one event.
func (e events) Handle(ctx context.Context, r slog.Record) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.line.Reset()
	if err := e.Handler.Handle(ctx, r); err != nil {
		return err
	}
	text := strings.TrimSpace(string(e.line.Bytes()[:min(e.line.Len(), maxEvent)]))
	switch {
	case r.Level >= slog.LevelError:
		return e.log.Error(eventID, text)
	case r.Level >= slog.LevelWarn:
		return e.log.Warning(eventID, text)
	}
	return e.log.Info(eventID, text)
}

// WithAttrs returns a handler that adds attrs.
func (e events) WithAttrs(attrs []slog.Attr) slog.Handler {
	e.Handler = e.Handler.WithAttrs(attrs)
	return e
}

// WithGroup returns a handler that puts what follows into a group.
func (e events) WithGroup(name string) slog.Handler {
	e.Handler = e.Handler.WithGroup(name)
	return e
}
