package alertmanager

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"dswatch/event"
	"dswatch/sinks"
	"dswatch/words"
)

// Kind returns the kind of sink that this package makes.
func Kind() sinks.Kind {
	return sinks.NewKind("alertmanager", "Posts every transition to the API v2 of Prometheus Alertmanager, or of every member of a cluster; one that accepts is success. "+
		"Open alerts carry an end far ahead (ends_after), so that Alertmanager does not resolve them by itself. "+
		"408, 425, 429 and 5xx are tried again, with Retry-After honoured; other answers go to the dead letters. Proxies come from proxy, or else from HTTPS_PROXY and NO_PROXY.",
		Defaults(), func(c Config, env sinks.Env) (sinks.Sink, error) { return New(c, env) })
}

// Sink posts to every member of one cluster. It is made by New.
type Sink struct {
	members   []*member
	header    http.Header
	extra     map[string]string
	endsAfter time.Duration
	log       *slog.Logger
	link      func(event.Alert) string
}

// member is one Alertmanager.
type member struct {
	http   *sinks.HTTP
	host   string
	behind atomic.Bool // did not take an alert that another member took
}

// New returns a Sink for c, which Validate has accepted.
func New(c Config, env sinks.Env) (*Sink, error) {
	tlsConfig, err := c.TLS.Config()
	if err != nil {
		return nil, err
	}
	s := &Sink{
		header: http.Header{"Content-Type": {"application/json"}, "User-Agent": {"dswatch"}},
		extra:  c.Labels, endsAfter: c.EndsAfter, log: env.Log, link: env.Link,
	}
	secrets := []string{c.Bearer.Reveal(), c.Password.Reveal()}
	switch {
	case c.Bearer != "":
		s.header.Set("Authorization", "Bearer "+c.Bearer.Reveal())
	case c.Username != "":
		basic := base64.StdEncoding.EncodeToString([]byte(c.Username + ":" + c.Password.Reveal()))
		s.header.Set("Authorization", "Basic "+basic)
		secrets = append(secrets, basic)
	}
	// The same labels replace the alert, so a second copy changes nothing and
	// the transport may send again when a kept connection was closed.
	s.header["Idempotency-Key"] = nil
	for i, base := range c.URLs {
		u, err := endpoint(base)
		if err != nil {
			return nil, words.Bad("urls", words.EntryFault.With(i+1, err))
		}
		own := tlsConfig.Clone() // a transport writes to it
		h, err := sinks.NewHTTP(sinks.HTTPOptions{URL: u.String(), TLS: own, Concurrency: c.Concurrency, Secrets: secrets, Proxy: c.Proxy.Reveal()})
		if err != nil {
			return nil, words.Bad("urls", words.EntryFault.With(i+1, err))
		}
		s.members = append(s.members, &member{http: h, host: u.Host})
	}
	return s, nil
}

// grace is how much longer than the first to accept the other members may
// take: one that hangs must not hold up what another has taken.
const grace = time.Second

// Send posts a to every member and returns nil once one of them has answered
// 2xx and the others had their chance. Nothing is under way any more when it
// returns, so that a firing cannot overtake its resolve.
func (s *Sink) Send(ctx context.Context, a event.Alert) error {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false) // no page of HTML will hold it, and texts stay short
	if err := enc.Encode(s.post(a, time.Now())); err != nil {
		return sinks.Permanent(fmt.Errorf("encode alert: %w", err))
	}
	body := buf.Bytes()
	if len(s.members) == 1 {
		_, err := s.members[0].http.Post(ctx, s.header, body)
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	errs := make([]error, len(s.members))
	done := make(chan int, len(s.members))
	for i, m := range s.members {
		go func() {
			_, errs[i] = m.http.Post(ctx, s.header, body)
			done <- i
		}()
	}
	taken := false
	for range s.members {
		if i := <-done; errs[i] == nil && !taken {
			taken = true
			defer time.AfterFunc(grace, cancel).Stop()
		}
	}
	if !taken {
		return worth(errs)
	}
	for i, m := range s.members {
		m.note(s.log, errs[i])
	}
	return nil
}

// worth returns the error that decides: while one member may take the alert
// later, it is worth another attempt.
func worth(errs []error) error {
	for _, err := range errs {
		if !sinks.IsPermanent(err) {
			return err
		}
	}
	return errs[0]
}

// note tells the log when a member falls behind and when it is back.
func (m *member) note(log *slog.Logger, err error) {
	switch {
	case err == nil && m.behind.Swap(false):
		log.Info("alertmanager takes alerts again", "host", m.host)
	case err != nil && !m.behind.Swap(true):
		log.Warn("alertmanager did not take an alert that another member took; it learns of it when the alert is told again", "host", m.host, "error", err)
	}
}

// ByItem is true: the labels are an alert's identity, and whatever ends after
// an alert began takes its place, also when it began before.
func (s *Sink) ByItem() bool { return true }

// Close lets go of idle connections.
func (s *Sink) Close() error {
	for _, m := range s.members {
		m.http.Close()
	}
	return nil
}
