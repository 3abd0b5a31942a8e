package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/textproto"
	"regexp"
	"strconv"
	"time"

	"dswatch/event"
	"dswatch/setting"
	"dswatch/sinks"
)

// Kind returns the kind of sink that this package makes.
func Kind() sinks.Kind {
	return sinks.NewKind("webhook", "Posts every transition to a URL: as JSON of our own (docs/webhook.schema.json), as Alertmanager tells its webhook receivers, as a CloudEvent, or as a template says; signed after the Standard Webhooks specification when a secret is set. "+
		"2xx is success; 408, 425, 429 and 5xx are tried again, with Retry-After honoured; other answers go to the dead letters. Proxies come from proxy, or else from HTTPS_PROXY and NO_PROXY.",
		Defaults(), func(c Config, env sinks.Env) (sinks.Sink, error) { return New(c, env) })
}

// Sink posts to one URL. It is made by New.
type Sink struct {
	http   *sinks.HTTP
	header http.Header // of every request
	key    []byte      // nil: not signed
	encode encoder
	link   func(event.Alert) string
	byItem bool
	accept *regexp.Regexp // what an answer 2xx must match; nil: anything
}

// New returns a Sink for c, which Validate has accepted.
func New(c Config, env sinks.Env) (*Sink, error) {
	tlsConfig, err := c.TLS.Config()
	if err != nil {
		return nil, err
	}
	encode, contentType, err := newEncoder(c, env)
	if err != nil {
		return nil, err
	}
	accept, err := c.accepted()
	if err != nil {
		return nil, err
	}
	s := &Sink{accept: accept, header: http.Header{"Content-Type": {contentType}, "User-Agent": {"dswatch"}}, encode: encode, link: env.Link, byItem: c.Format == formatAlertmanager}
	secrets := append(keys.FindAllString(c.Body.Reveal(), -1), c.Bearer.Reveal(), c.Password.Reveal())
	for name, value := range c.Headers {
		s.header.Set(name, value.Reveal())
		secrets = append(secrets, value.Reveal())
	}
	switch {
	case c.Bearer != "":
		s.header.Set("Authorization", "Bearer "+c.Bearer.Reveal())
	case c.Username != "":
		basic := base64.StdEncoding.EncodeToString([]byte(c.Username + ":" + c.Password.Reveal()))
		s.header.Set("Authorization", "Basic "+basic)
		secrets = append(secrets, basic)
	}
	if c.Secret != "" {
		if s.key, err = signingKey(c.Secret); err != nil {
			return nil, &setting.Error{Key: "secret", Err: err}
		}
		secrets = append(secrets, c.Secret.Reveal())
	}
	s.http, err = sinks.NewHTTP(sinks.HTTPOptions{URL: c.URL.Reveal(), TLS: tlsConfig, Concurrency: c.Concurrency, Secrets: secrets, Proxy: c.Proxy.Reveal()})
	if err != nil {
		return nil, &setting.Error{Key: "url", Err: err}
	}
	return s, nil
}

// Send posts a and returns nil once the far end has answered 2xx.
func (s *Sink) Send(ctx context.Context, a event.Alert) error {
	p := sinks.NewPayload(a, s.link(a))
	body, err := s.encode(p)
	if err != nil {
		return sinks.Permanent(err)
	}
	// With this header the transport also sends again when a kept connection
	// turns out to be closed; the far end can tell the second copy.
	own := append(make([]sinks.Own, 0, 4), sinks.Own{Name: idempotencyKey, Value: p.DeliveryID})
	if s.key != nil {
		timestamp := strconv.FormatInt(time.Now().Unix(), 10)
		own = append(own, sinks.Own{Name: webhookID, Value: p.DeliveryID}, sinks.Own{Name: webhookTimestamp, Value: timestamp},
			sinks.Own{Name: webhookSignature, Value: sign(s.key, p.DeliveryID, timestamp, body)})
	}
	answer, err := s.http.Post(ctx, s.header, body, own...)
	if err != nil {
		return err
	}
	return s.http.Denied(answer, func(string) bool { return s.accept != nil && !s.accept.Match(answer) })
}

// ByItem is true for the format of Alertmanager, whose receivers tell alerts
// apart by their labels.
func (s *Sink) ByItem() bool { return s.byItem }

// Close lets go of idle connections.
func (s *Sink) Close() error { return s.http.Close() }

// Header names as net/http keeps them.
var (
	idempotencyKey   = textproto.CanonicalMIMEHeaderKey("Idempotency-Key")
	webhookID        = textproto.CanonicalMIMEHeaderKey("webhook-id")
	webhookTimestamp = textproto.CanonicalMIMEHeaderKey("webhook-timestamp")
	webhookSignature = textproto.CanonicalMIMEHeaderKey("webhook-signature")
)

// sign returns the signature header of Standard Webhooks 1.0: the HMAC-SHA256
// of id, timestamp and body, joined by full stops.
func sign(key []byte, id, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id))
	mac.Write([]byte{'.'})
	mac.Write([]byte(timestamp))
	mac.Write([]byte{'.'})
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
