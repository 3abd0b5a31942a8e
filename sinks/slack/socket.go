package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/gorilla/websocket"
	"github.com/slack-go/slack/socketmode"

	"dswatch/sinks"
	"dswatch/words"
)

// Times of a connection.
const (
	// silent is how long a connection may show no sign of life.
	silent = 40 * time.Second
	// keepAlive is how often Slack is asked for one; it also pings by itself.
	keepAlive = 15 * time.Second
	// greeting is how long Slack has for its hello.
	greeting = 20 * time.Second
	// writing bounds one write; Slack waits 3 s for an acknowledgement.
	writing = 3 * time.Second
	// forgetting is how long Slack may count a connection that broke.
	forgetting = 10 * time.Minute
	// steady is how long a connection must have lasted for the next one to be
	// opened without a pause.
	steady = 10 * time.Second
)

// maxEnvelope bounds what Slack may send at once, in bytes: a click comes with
// the whole message.
const maxEnvelope = 1 << 20

// socket is a connection of Socket Mode that is always there: when Slack wants
// it refreshed the next one is opened before the old one closes.
type socket struct {
	open   *sinks.HTTP // apps.connections.open
	header http.Header
	log    *slog.Logger
	// take keeps what an envelope brings. Only what it returns nil for is
	// acknowledged.
	take func(*socketmode.Request) error
	// times, which tests shorten
	silent, keepAlive time.Duration

	mu    sync.Mutex
	ours  int         // connections of this process that Slack has greeted
	lost  []time.Time // when some ended that Slack may still count, as it closed none of them
	since time.Time
	error error // why what is pressed does not arrive, or not all of it
}

// run keeps a connection open until ctx ends, or Slack refuses the token.
func (s *socket) run(ctx context.Context) error {
	var open sync.WaitGroup
	defer open.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	pauses := backoff.ExponentialBackOff{InitialInterval: 500 * time.Millisecond, MaxInterval: time.Minute, Multiplier: 2, RandomizationFactor: 0.5}
	pauses.Reset()
	for {
		began := time.Now()
		conn, err := s.connect(ctx)
		pause := time.Duration(0)
		switch {
		case ctx.Err() != nil:
			if conn != nil {
				_ = conn.Close()
			}
			return ctx.Err()
		case err != nil:
			s.fault(err)
			if sinks.IsRefused(err) {
				return err
			}
			pause, _ = sinks.After(err)
		default:
			leave := make(chan struct{})
			open.Go(func() { s.serve(ctx, conn, sync.OnceFunc(func() { close(leave) })) })
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-leave:
			}
		}
		if time.Since(began) >= steady {
			pauses.Reset()
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(max(pause, pauses.NextBackOff())):
		}
	}
}

// connect asks Slack where to, and goes there.
func (s *socket) connect(ctx context.Context) (*websocket.Conn, error) {
	const method = "apps.connections.open"
	ctx, cancel := context.WithTimeout(ctx, greeting)
	defer cancel()
	said, err := s.open.Post(ctx, s.header, nil)
	if err != nil {
		return nil, err
	}
	var got struct {
		answer
		URL string `json:"url"`
	}
	if err := json.Unmarshal(said, &got); err != nil {
		return nil, notSlack(method)
	}
	if !got.Ok {
		return nil, refusedSocket(method, got.answer)
	}
	return s.open.WebSocket(ctx, got.URL)
}

// serve reads what comes until the connection ends. It calls leave once another
// one is to be opened: at its end, or before that when Slack says so.
func (s *socket) serve(ctx context.Context, conn *websocket.Conn, leave func()) {
	ctx, cancel := context.WithCancel(ctx)
	greeted, closed := false, false
	defer func() {
		cancel()
		_ = conn.Close()
		if greeted {
			s.left(closed)
		}
		leave()
	}()
	context.AfterFunc(ctx, func() { _ = conn.Close() }) // ends a read
	conn.SetReadLimit(maxEnvelope)
	alive := func() { _ = conn.SetReadDeadline(time.Now().Add(s.silent)) } // of a closed one nothing is read anyway
	_ = conn.SetReadDeadline(time.Now().Add(min(greeting, s.silent)))
	conn.SetPingHandler(func(data string) error {
		alive()
		return conn.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(writing))
	})
	conn.SetPongHandler(func(string) error { alive(); return nil })
	go s.ping(ctx, conn)
	for {
		_, data, err := conn.ReadMessage()
		if err != nil {
			_, closed = errors.AsType[*websocket.CloseError](err)
			if ctx.Err() == nil {
				s.log.Debug("a connection to Slack ended", "error", err)
			}
			return
		}
		alive()
		var e socketmode.Request
		if err := json.Unmarshal(data, &e); err != nil {
			s.log.Warn("Slack sent what cannot be read", "error", sinks.Line(err.Error(), 200))
			continue
		}
		switch e.Type {
		case socketmode.RequestTypeHello:
			if !greeted {
				greeted = true
				s.greeted(e.NumConnections)
			}
		case socketmode.RequestTypeDisconnect:
			if e.Reason == "link_disabled" {
				s.fault(words.Fail(words.SlackSocketOff.With()))
				return
			}
			leave()
		default:
			if err := s.envelope(conn, &e); err != nil {
				s.log.Warn("a click is not acknowledged", "error", err)
			}
		}
	}
}

// ping asks for a sign of life. One that cannot even be written ends the
// connection.
func (s *socket) ping(ctx context.Context, conn *websocket.Conn) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(s.keepAlive):
		}
		if err := conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(writing)); err != nil {
			_ = conn.Close()
			return
		}
	}
}

// envelope keeps what e brings and then, on the connection that it came by,
// acknowledges it.
func (s *socket) envelope(conn *websocket.Conn, e *socketmode.Request) error {
	if e.EnvelopeID == "" {
		return nil // nothing that could be acknowledged
	}
	if err := s.take(e); err != nil {
		return err
	}
	data, err := json.Marshal(socketmode.Response{EnvelopeID: e.EnvelopeID})
	if err == nil {
		err = errors.Join(conn.SetWriteDeadline(time.Now().Add(writing)), conn.WriteMessage(websocket.TextMessage, data))
	}
	if err != nil {
		return fmt.Errorf("acknowledge: %w", err)
	}
	return nil
}

// greeted notes a connection that Slack has greeted; all is how many the app
// has, as Slack counts.
func (s *socket) greeted(all int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ours++; s.ours == 1 {
		s.since = time.Now()
	}
	s.lost = slices.DeleteFunc(s.lost, func(at time.Time) bool { return time.Since(at) > forgetting })
	switch {
	case all > s.ours+len(s.lost):
		s.fail(words.Fail(words.SlackConnections.With(all - s.ours + 1)))
	case s.error != nil:
		s.error = nil
		s.log.Info("buttons in Slack work again")
	}
}

// left notes the end of a connection that was greeted, and whether Slack has
// closed it.
func (s *socket) left(closed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !closed {
		s.lost = append(s.lost, time.Now())
	}
	if s.ours--; s.ours == 0 {
		s.since = time.Now()
	}
}

// fault notes why what is pressed does not arrive.
func (s *socket) fault(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail(err)
}

// fail is fault for who holds mu. What has changed is logged, once.
func (s *socket) fail(err error) {
	if s.error == nil || s.error.Error() != err.Error() {
		s.log.Warn("buttons in Slack do not work, or not all", "error", err)
	}
	s.error = err
}

// ear says how it goes.
func (s *socket) ear() sinks.Ear {
	s.mu.Lock()
	defer s.mu.Unlock()
	return sinks.Ear{Open: s.ours > 0, Since: s.since, Error: s.error}
}
