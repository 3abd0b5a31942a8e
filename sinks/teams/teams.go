package teams

import (
	"bytes"
	"context"
	"net/http"
	"strings"

	"dswatch/event"
	"dswatch/setting"
	"dswatch/sinks"
	"dswatch/words"
)

// Kind returns the kind of sink that this package makes.
func Kind() sinks.Kind {
	return sinks.NewKind("teams", "Tells a Teams channel or chat through a webhook of the Workflows app, one Adaptive Card for each transition, in the alert's language. "+
		"408, 429 and 5xx are tried again, with Retry-After honoured; what the workflow refuses goes to the dead letters. A 202 says that the flow was started, not that the card was posted. "+
		"Proxies come from proxy, or else from HTTPS_PROXY and NO_PROXY.",
		Defaults(), func(c Config, env sinks.Env) (sinks.Sink, error) { return New(c, env) })
}

// Sink posts to one workflow. It is made by New.
type Sink struct {
	http *sinks.HTTP
	most int // bytes of a message
	link func(event.Alert) string
}

// New returns a Sink for c, which Validate has accepted.
func New(c Config, env sinks.Env) (*Sink, error) {
	h, err := sinks.NewHTTP(sinks.HTTPOptions{URL: c.WebhookURL.Reveal(), Concurrency: c.Concurrency, Proxy: c.Proxy.Reveal()})
	if err != nil {
		return nil, &setting.Error{Key: "webhook_url", Err: err}
	}
	return &Sink{h, int(c.MaxSize), env.Link}, nil
}

// Send posts a and returns nil once the workflow has answered 2xx.
func (s *Sink) Send(ctx context.Context, a event.Alert) error {
	body, err := encode(a, s.most, s.link(a))
	if err != nil {
		return sinks.Permanent(err)
	}
	answer, err := s.http.Post(ctx, http.Header{"Content-Type": {"application/json"}, "User-Agent": {"dswatch"}}, body)
	if err != nil {
		return err
	}
	if bytes.HasPrefix(bytes.TrimSpace(answer), []byte("<")) {
		return words.Fail(words.PageOfHTML.With("Teams"))
	}
	// A workflow answers with nothing, a connector with "1"; what went wrong
	// behind it stands in words behind a 200.
	return s.http.Denied(answer, func(text string) bool {
		text = strings.ToLower(text)
		return strings.Contains(text, "error") || strings.Contains(text, "failed")
	})
}

// Close lets go of idle connections.
func (s *Sink) Close() error { return s.http.Close() }
