package slack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"dswatch/event"
	"dswatch/setting"
	"dswatch/sinks"
)

// Kind returns the kind of sink that this package makes.
func Kind() sinks.Kind {
	return sinks.NewKind("slack", "Tells a Slack channel through an incoming webhook, one message for each transition, in the alert's language. "+
		"429 and 5xx are tried again, with Retry-After honoured; what Slack refuses goes to the dead letters. Proxies come from HTTPS_PROXY and NO_PROXY.",
		Defaults(), func(c Config, env sinks.Env) (sinks.Sink, error) { return New(c, env) })
}

// Sink posts to one incoming webhook. It is made by New.
type Sink struct{ http *sinks.HTTP }

// New returns a Sink for c, which Validate has accepted.
func New(c Config, _ sinks.Env) (*Sink, error) {
	h, err := sinks.NewHTTP(sinks.HTTPOptions{URL: c.WebhookURL.Reveal(), Concurrency: c.Concurrency})
	if err != nil {
		return nil, setting.Bad("webhook_url", "%w", err)
	}
	return &Sink{h}, nil
}

// Send posts a and returns nil once Slack has answered 200.
func (s *Sink) Send(ctx context.Context, a event.Alert) error {
	body, err := json.Marshal(message(a))
	if err != nil {
		return sinks.Permanent(fmt.Errorf("encode message: %w", err))
	}
	answer, err := s.http.Post(ctx, http.Header{"Content-Type": {"application/json; charset=utf-8"}, "User-Agent": {"dswatch"}}, body)
	if err != nil {
		return err
	}
	if bytes.HasPrefix(bytes.TrimSpace(answer), []byte("<")) {
		return errors.New("answer is a page of HTML, not Slack's; check what stands between here and Slack (HTTPS_PROXY, a portal)")
	}
	return nil
}

// Close lets go of idle connections.
func (s *Sink) Close() error { return s.http.Close() }
