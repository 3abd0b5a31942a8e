package main

import (
	stdlog "log"
	"log/slog"
	"strings"
)

// libraries takes what libraries write to Go's standard log into the program's
// own. net/http quotes there what a far end says unasked, which can be
// anything it was told before, a token among it: the quote is left out.
type libraries struct{ log *slog.Logger }

func (l libraries) Write(p []byte) (int, error) {
	text, _, _ := strings.Cut(string(p), " starting with ")
	l.log.Warn("a library says", "text", strings.TrimSpace(text[:min(len(text), 512)]))
	return len(p), nil
}

// hear makes the standard log go to log.
func hear(log *slog.Logger) {
	stdlog.SetFlags(0)
	stdlog.SetOutput(libraries{log})
}
