// Package stdout writes alerts to the standard output: one readable line for
// each transition, or one line of JSON (docs/webhook.schema.json). It is the
// sink of a configuration that names no other.
//
// A line is written at once and whole. Acceptance means that the kernel took
// it; what reads the output may still lose it.
package stdout

import (
	"context"
	"io"
	"os"
	"strings"

	"dswatch/event"
	"dswatch/sinks"
	"dswatch/words"
)

// Config is the section of a stdout sink.
type Config struct {
	sinks.Settings `yaml:",inline"`

	Format string `yaml:"format" doc:"text for a line to read, json for a line of JSON as docs/webhook.schema.json describes it; default text"`
}

// Defaults returns the defaults of a Config.
func Defaults() Config { return Config{Settings: sinks.Defaults(1), Format: "text"} }

// Validate reports the first thing that cannot work.
func (c Config) Validate() error {
	if err := c.Settings.Validate(); err != nil {
		return err
	}
	if c.Format != "text" && c.Format != "json" {
		return words.Bad("format", words.NotTextOrJSON.With(words.Inner(sinks.Line(c.Format, 40))))
	}
	return nil
}

// Kind returns the kind of sink that this package makes.
func Kind() sinks.Kind {
	return sinks.NewKind("stdout", "Writes one line for each transition to the standard output. Used when no sink is configured.",
		Defaults(), func(c Config, env sinks.Env) (sinks.Sink, error) { return New(c, env, os.Stdout), nil })
}

// Sink writes lines. It is made by New.
type Sink struct {
	w    io.Writer
	json bool
	link func(event.Alert) string
	turn chan struct{} // holds a token while nobody writes
}

// New returns a Sink for c, which Validate has accepted, that writes to w.
func New(c Config, env sinks.Env, w io.Writer) *Sink {
	s := &Sink{w: w, json: c.Format == "json", link: env.Link, turn: make(chan struct{}, 1)}
	s.turn <- struct{}{}
	return s
}

// Send writes a and returns nil once the line is written. When ctx ends while
// whoever reads the output does not, the line may still be written later.
func (s *Sink) Send(ctx context.Context, a event.Alert) error {
	line := []byte(text(a))
	if s.json {
		var err error
		if line, err = sinks.NewPayload(a, s.link(a)).Encode(); err != nil {
			return sinks.Permanent(err)
		}
	}
	line = append(line, '\n')
	if err := ctx.Err(); err != nil {
		return words.FailWith(err, words.WriteLineFailed.With(err))
	}
	select {
	case <-s.turn:
	case <-ctx.Done():
		return words.FailWith(ctx.Err(), words.WriteLineFailed.With(ctx.Err()))
	}
	written := make(chan error, 1)
	go func() { // a write to a pipe that nobody reads cannot be cancelled
		_, err := s.w.Write(line)
		s.turn <- struct{}{}
		written <- err
	}()
	select {
	case err := <-written:
		if err != nil {
			return words.FailWith(err, words.WriteLineFailed.With(err))
		}
		return nil
	case <-ctx.Done():
		return words.FailWith(ctx.Err(), words.WriteLineFailed.With(ctx.Err()))
	}
}

// maxAffected bounds the list of affected items in one line, in bytes.
const maxAffected = 512

// text renders a in one line: when, what, the counts, the delivery's id.
func text(a event.Alert) string {
	w := sinks.In(a.Language)
	more := []string{w.SeverityOf(a.Severity)}
	switch {
	case a.Heartbeat != nil:
		more = more[:0]
		for _, f := range w.Fields(a)[1:] { // the title names the host
			more = append(more, f.Label+" "+f.Value)
		}
	case a.Transition == event.Cleared && !a.EndedAt.IsZero():
		more = append(more, w.Lasted+" "+w.Lasting(a.EndedAt.Sub(a.StartedAt)))
	case a.Transition != event.Cleared:
		more = append(more, w.ImpactOf(a.Impact))
		if n := w.Counted(a); n != "" {
			more = append(more, n)
		}
	}
	if a.Ack != nil {
		more = append(more, w.AckBy+" "+w.Acked(*a.Ack))
	}
	if a.Withdrawn != nil {
		more = append(more, w.WithdrawnBy+" "+w.Acked(*a.Withdrawn))
	}
	if a.AffectedCount > 0 {
		more = append(more, w.Affected+": "+strings.ReplaceAll(w.AffectedList(a, maxAffected), "\n", "; "))
	}
	return w.Time(a.At) + " " + w.Prose(w.Headline(a, sinks.MaxTitle), sinks.Line(a.Short, sinks.MaxTitle), sinks.Line(a.Next, sinks.MaxTitle)) + " (" + sinks.Line(strings.Join(more, "; "), sinks.MaxTitle) + ") " + sinks.Line(a.DeliveryID(), sinks.MaxTitle)
}
