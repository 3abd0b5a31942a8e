package sinks

import (
	"time"

	"dswatch/setting"
	"dswatch/words"
)

// Settings are the keys that every sink has. A kind's Config embeds them
// inline, with the kind's own defaults from Defaults.
type Settings struct {
	Name        string        `yaml:"name" doc:"name of this sink in routes, logs and metrics: letters, digits, - and _, at most 32; no default"`
	Type        string        `yaml:"type" doc:"kind of the sink; no default"`
	Language    string        `yaml:"language" doc:"language of what this sink is told: en or ja; default as language of the whole configuration"`
	Timeout     time.Duration `yaml:"timeout" doc:"longest time for one attempt; default 10s, of email 1m"`
	Patience    time.Duration `yaml:"patience" doc:"how long one delivery is tried again before it goes to the dead letters; a restart begins anew; default 24h"`
	Concurrency int           `yaml:"concurrency" doc:"attempts in flight at once, 1 to 256; the order of one item's alerts is kept with any number"`
	Rate        Rate          `yaml:"rate" doc:"most attempts, such as 10/s, 20/m or 100/h, also while an outage is caught up; what a second allows may go at once; 0 for no limit; default 0"`
	Heartbeat   time.Duration `yaml:"heartbeat" doc:"how often this sink is sent a sign of life with a number, the count of open alerts and of what waits for it, past the outbox and with one attempt each, so that the far end notices silence and gaps; 1s to 24h, such as 5m, or 0s for none; default 0s"`
	Circuit     Circuit       `yaml:"circuit" doc:"when the far end counts as down, so that all attempts pause"`
	Title       Template      `yaml:"title" doc:"title of every alert instead of the built-in one: a Go template (docs/sinks.md), or a map with one for en and one for ja; default: built in"`
	Text        Template      `yaml:"text" doc:"text of every alert instead of the built-in one, likewise; default: built in"`
}

// Defaults returns the default Settings of a kind with its own concurrency.
func Defaults(concurrency int) Settings {
	return Settings{Timeout: 10 * time.Second, Patience: 24 * time.Hour, Concurrency: concurrency, Circuit: Circuit{Failures: 5, Pause: 15 * time.Second}}
}

// Common returns s. Through embedding every Config has it, so that whoever
// builds a worker finds the common keys of a Config he does not know.
func (s Settings) Common() Settings { return s }

// Validate looks at the common keys only.
func (s Settings) Validate() error {
	switch {
	case !ValidName(s.Name):
		return words.Bad("name", words.NotASinkName.With(words.Inner(Line(s.Name, 40))))
	case s.Language != "" && s.Language != "en" && s.Language != "ja":
		return words.Bad("language", words.NotSpoken.With(words.Inner(Line(s.Language, 40))))
	case s.Timeout < 10*time.Millisecond || s.Timeout > 10*time.Minute:
		return words.Bad("timeout", words.SinkTimeout.With(s.Timeout.String()))
	case s.Patience < time.Second || s.Patience > 30*24*time.Hour:
		return words.Bad("patience", words.SinkPatience.With(s.Patience.String()))
	case s.Concurrency < 1 || s.Concurrency > 256:
		return words.Bad("concurrency", words.SinkConcurrency.With(s.Concurrency))
	case s.Heartbeat != 0 && (s.Heartbeat < time.Second || s.Heartbeat > 24*time.Hour):
		return words.Bad("heartbeat", words.SinkHeartbeat.With(s.Heartbeat.String()))
	case s.Circuit.Failures < 0 || s.Circuit.Failures > 1000:
		return words.Bad("circuit.failures", words.CircuitFailures.With(s.Circuit.Failures))
	case s.Circuit.Failures > 0 && (s.Circuit.Pause < 100*time.Millisecond || s.Circuit.Pause > time.Hour):
		return words.Bad("circuit.pause", words.CircuitPause.With(s.Circuit.Pause.String()))
	}
	if err := s.Title.check(notEmpty); err != nil {
		return &setting.Error{Key: "title", Err: err}
	}
	if err := s.Text.check(nil); err != nil {
		return &setting.Error{Key: "text", Err: err}
	}
	return nil
}

// ValidName keeps names fit for a bus subject, a bucket key and a label.
func ValidName(s string) bool {
	if s == "" || len(s) > 32 {
		return false
	}
	for _, c := range []byte(s) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return true
}
