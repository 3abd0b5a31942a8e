package slack

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"dswatch/event"
	"dswatch/setting"
	"dswatch/sinks"
	"dswatch/words"
)

// Kind returns the kind of sink that this package makes.
func Kind() sinks.Kind {
	return sinks.NewKind("slack", "Tells a Slack channel, in the alert's language: through an incoming webhook (webhook_url), one message for each transition; "+
		"or as a bot (bot_token and channel), one message for each alert, which is changed when the alert is over, with a thread for what happens in between. With app_token (Socket Mode) buttons below the message acknowledge, silence the item for an hour and say why; who is in operators may press them. "+
		"429 and 5xx are tried again, with Retry-After honoured; what Slack refuses goes to the dead letters. Proxies come from proxy, or else from HTTPS_PROXY and NO_PROXY.",
		Defaults(), func(c Config, env sinks.Env) (sinks.Sink, error) { return New(c, env) })
}

// Sink tells one channel. It is made by New.
type Sink struct {
	style   string      // of messages: styleBlocks or styleAttachment
	webhook *sinks.HTTP // nil: the bot writes
	bot     *bot
	answers *answers // nil: nobody listens
	link    func(event.Alert) string
}

// Inherit implements sinks.Heir: what follows on alerts of the other sink is
// written below its messages.
func (s *Sink) Inherit(dir string) error {
	if s.bot == nil {
		return nil
	}
	return s.bot.messages.inherit(dir)
}

// New returns a Sink for c, which Validate has accepted.
func New(c Config, env sinks.Env) (*Sink, error) {
	if c.BotToken != "" {
		b, err := newBot(c, env)
		if err != nil {
			return nil, err
		}
		s := &Sink{bot: b}
		if c.listens(env) {
			s.answers, err = newAnswers(c, env, b)
		}
		return s, err
	}
	h, err := sinks.NewHTTP(sinks.HTTPOptions{URL: c.WebhookURL.Reveal(), Concurrency: c.Concurrency, Proxy: c.Proxy.Reveal()})
	if err != nil {
		return nil, &setting.Error{Key: "webhook_url", Err: err}
	}
	return &Sink{webhook: h, style: c.Style, link: env.Link}, nil
}

// Send posts a and returns nil once Slack has accepted it.
func (s *Sink) Send(ctx context.Context, a event.Alert) error {
	if s.bot != nil {
		return s.bot.send(ctx, a)
	}
	body, err := json.Marshal(message(a, s.style, s.link(a)))
	if err != nil {
		return sinks.Permanent(fmt.Errorf("encode message: %w", err))
	}
	answer, err := s.webhook.Post(ctx, http.Header{"Content-Type": {"application/json; charset=utf-8"}, "User-Agent": {"dswatch"}}, body)
	if err != nil {
		return err
	}
	if bytes.HasPrefix(bytes.TrimSpace(answer), []byte("<")) {
		return words.Fail(words.PageOfHTML.With("Slack"))
	}
	return s.denied(answer)
}

// denied reads the answer of an incoming webhook: "ok", and of servers that
// are compatible with Slack's also nothing or JSON. Slack's codes of a refusal
// may come with status 200, too.
func (s *Sink) denied(answer []byte) error {
	code := ""
	err := s.webhook.Denied(answer, func(text string) bool {
		if !strings.EqualFold(text, "ok") && token.MatchString(text) {
			code = text
		}
		return code != ""
	})
	next, is := permanent[code]
	switch {
	case err == nil:
		return nil
	case next == fixWebhook:
		return sinks.Refused(sinks.Permanent(sinks.Advise(err, next)))
	case is:
		return sinks.Permanent(sinks.Advise(err, next))
	}
	return err
}

// token is a word such as no_text or invalid_payload.
var token = regexp.MustCompile(`^[a-zA-Z]+(_[a-zA-Z]+)*$`)

// Close lets go of idle connections.
func (s *Sink) Close() error {
	if s.answers != nil {
		s.answers.close()
	}
	if s.bot != nil {
		s.bot.close()
		return nil
	}
	return s.webhook.Close()
}

// Listen implements sinks.Listener.
func (s *Sink) Listen(ctx context.Context, desk sinks.Desk) error {
	if s.answers == nil {
		return nil
	}
	return s.answers.listen(ctx, desk)
}

// Listening implements sinks.Listener.
func (s *Sink) Listening() (sinks.Ear, bool) {
	if s.answers == nil {
		return sinks.Ear{}, false
	}
	return s.answers.socket.ear(), true
}
