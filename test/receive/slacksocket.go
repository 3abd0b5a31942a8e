package receive

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// SlackAppToken is the app-level token that a SlackAPI knows.
const SlackAppToken = "xapp-1-A0123456789-0000000000000-aBcDeFgHiJkLmNoPqRsTuVwX"

const slackLink = "/link/"

// slackSockets stands in for Slack's side of Socket Mode. It is strict: a ticket
// opens one connection; an acknowledgement counts only on the connection that
// brought the envelope, within 3 s, once; anything else that is written is
// refused. A click goes to one connection at random, also to one that is about
// to be closed or that nobody hears any more.
type slackSockets struct {
	mu      sync.Mutex
	opened  int
	tickets map[string]bool
	conns   []*slackConn
	pressed int
	refused []string
	fail    string // what apps.connections.open answers
	most    int    // connections at once so far
}

// slackConn is one connection.
type slackConn struct {
	ws      *websocket.Conn
	writing sync.Mutex
	frozen  bool                     // half-open: nothing gets through, and nothing is noticed
	waiting map[string]chan struct{} // by envelope, closed when it is acknowledged
}

// acknowledging is how long Slack waits for an acknowledgement.
const acknowledging = 3 * time.Second

// slackTries is how often an envelope is delivered.
const slackTries = 2

func (s *slackSockets) open(r *http.Request) map[string]any {
	no := func(code string) map[string]any { return map[string]any{"ok": false, "error": code} }
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.fail != "":
		return no(s.fail)
	case r.Header.Get("Authorization") == "Bearer "+SlackToken:
		return no("not_allowed_token_type")
	case r.Header.Get("Authorization") != "Bearer "+SlackAppToken:
		return no("invalid_auth")
	case len(s.conns) >= 10:
		return no("too_many_websockets")
	}
	if s.tickets == nil {
		s.tickets = map[string]bool{}
	}
	s.opened++
	ticket := fmt.Sprintf("secret-ticket-%d-%d", s.opened, rand.Int64())
	s.tickets[ticket] = true
	return map[string]any{"ok": true, "url": "ws://" + r.Host + slackLink + "?ticket=" + ticket + "&app_id=A0123456789"}
}

func (s *slackSockets) serve(w http.ResponseWriter, r *http.Request) {
	ticket := r.URL.Query().Get("ticket")
	s.mu.Lock()
	good := s.tickets[ticket]
	delete(s.tickets, ticket)
	s.mu.Unlock()
	if !good {
		http.Error(w, "bad ticket", http.StatusForbidden)
		return
	}
	ws, err := (&websocket.Upgrader{}).Upgrade(w, r, nil)
	if err != nil {
		return
	}
	c := &slackConn{ws: ws, waiting: map[string]chan struct{}{}}
	s.mu.Lock()
	s.conns = append(s.conns, c)
	n := len(s.conns)
	s.most = max(s.most, n)
	s.mu.Unlock()
	c.write(map[string]any{
		"type": "hello", "num_connections": n, "connection_info": map[string]any{"app_id": "A0123456789"},
		"debug_info": map[string]any{"host": "applink-1", "approximate_connection_time": 18060},
	})
	ws.SetPingHandler(func(data string) error {
		if s.isFrozen(c) {
			return nil
		}
		return ws.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(time.Second))
	})
	stop := make(chan struct{})
	go func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(100 * time.Millisecond):
				if !s.isFrozen(c) {
					_ = ws.WriteControl(websocket.PingMessage, []byte("Ping from applink-1"), time.Now().Add(time.Second))
				}
			}
		}
	}()
	defer close(stop)
	for {
		_, data, err := ws.ReadMessage()
		if err != nil {
			break
		}
		if s.isFrozen(c) {
			continue // it never came
		}
		s.acknowledged(c, data)
	}
	s.gone(c)
}

func (s *slackSockets) isFrozen(c *slackConn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return c.frozen
}

// gone forgets a connection that has ended, unless it only looks so from the
// other side.
func (s *slackSockets) gone(c *slackConn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.frozen {
		return
	}
	_ = c.ws.Close()
	s.conns = slices.DeleteFunc(s.conns, func(o *slackConn) bool { return o == c })
}

func (s *slackSockets) acknowledged(c *slackConn, data []byte) {
	var a struct {
		EnvelopeID string `json:"envelope_id"`
	}
	err := strictly(data, &a)
	s.mu.Lock()
	defer s.mu.Unlock()
	done := c.waiting[a.EnvelopeID]
	switch {
	case err != nil:
		s.refused = append(s.refused, fmt.Sprintf("%.80s: %v", data, err))
	case done == nil:
		s.refused = append(s.refused, "acknowledged on a connection that did not bring it, too late, or twice: "+a.EnvelopeID)
	default:
		close(done)
		delete(c.waiting, a.EnvelopeID)
	}
}

func (c *slackConn) write(v any) {
	c.writing.Lock()
	defer c.writing.Unlock()
	_ = c.ws.SetWriteDeadline(time.Now().Add(time.Second))
	_ = c.ws.WriteJSON(v)
}

// SlackPress is a press of a button.
type SlackPress struct {
	User, Name string
	Post       SlackPost
	Button     SlackButton
	Envelope   string // "": a new one
	ActionTS   string // "": a new one
}

// Press presses a button and reports whether Slack shows the click as taken: an
// acknowledgement came in time. It is delivered up to twice.
func (s *SlackAPI) Press(t testing.TB, p SlackPress) bool {
	t.Helper()
	k := &s.sockets
	k.mu.Lock()
	k.pressed++
	if p.Envelope == "" {
		p.Envelope = fmt.Sprintf("%08d-0000-4000-8000-000000000000", k.pressed)
	}
	if p.ActionTS == "" {
		p.ActionTS = fmt.Sprintf("1700000000.%06d", k.pressed)
	}
	k.mu.Unlock()
	payload, err := json.Marshal(map[string]any{
		"type": "block_actions", "user": map[string]any{"id": p.User, "username": p.Name, "name": p.Name, "team_id": "T0123456789"},
		"api_app_id": "A0123456789", "token": "legacy", "trigger_id": "1.2." + p.Envelope,
		"container": map[string]any{"type": "message", "message_ts": p.Post.TS, "channel_id": SlackChannel, "is_ephemeral": false},
		"team":      map[string]any{"id": "T0123456789", "domain": "example"}, "enterprise": nil, "is_enterprise_install": false,
		"channel": map[string]any{"id": SlackChannel, "name": SlackName}, "message": json.RawMessage(p.Post.Raw), "state": map[string]any{"values": map[string]any{}},
		"response_url": "https://hooks.slack.com/actions/T0/1/x",
		"actions": []map[string]any{{
			"action_id": p.Button.ActionID, "block_id": "b1", "text": map[string]any{"type": "plain_text", "text": p.Button.Text, "emoji": true},
			"value": p.Button.Value, "type": "button", "action_ts": p.ActionTS,
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for try := range slackTries {
		if k.deliver(p.Envelope, try, payload) {
			return true
		}
	}
	return false
}

// deliver hands an envelope to one connection at random, and waits.
func (s *slackSockets) deliver(envelope string, try int, payload json.RawMessage) bool {
	s.mu.Lock()
	if len(s.conns) == 0 {
		s.mu.Unlock()
		time.Sleep(50 * time.Millisecond)
		return false
	}
	c := s.conns[rand.IntN(len(s.conns))]
	done := make(chan struct{})
	c.waiting[envelope] = done
	frozen := c.frozen
	s.mu.Unlock()
	if !frozen {
		c.write(map[string]any{
			"envelope_id": envelope, "type": "interactive", "accepts_response_payload": false, "payload": payload, "retry_attempt": try, "retry_reason": "",
		})
	}
	select {
	case <-done:
		return true
	case <-time.After(acknowledging):
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-done:
		return true
	default:
		delete(c.waiting, envelope)
		return false
	}
}

// Send writes anything to every connection.
func (s *SlackAPI) Send(v any) {
	for _, c := range s.sockets.all() {
		c.write(v)
	}
}

func (s *slackSockets) all() []*slackConn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.conns)
}

// Refresh asks that every connection be opened anew, and closes the old ones
// after a while.
func (s *SlackAPI) Refresh(after time.Duration) {
	for _, c := range s.sockets.all() {
		if s.sockets.isFrozen(c) {
			continue
		}
		c.write(map[string]any{"type": "disconnect", "reason": "refresh_requested", "debug_info": map[string]any{"host": "applink-1"}})
		time.AfterFunc(after, func() {
			_ = c.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), time.Now().Add(time.Second))
			_ = c.ws.Close()
		})
	}
}

// Freeze leaves every connection half-open: Slack goes on to hand clicks to it,
// and nothing gets through in either direction.
func (s *SlackAPI) Freeze() {
	s.sockets.mu.Lock()
	defer s.sockets.mu.Unlock()
	for _, c := range s.sockets.conns {
		c.frozen = true
	}
}

// Thaw lets Slack notice that half-open connections are none.
func (s *SlackAPI) Thaw() {
	s.sockets.mu.Lock()
	defer s.sockets.mu.Unlock()
	s.sockets.conns = slices.DeleteFunc(s.sockets.conns, func(c *slackConn) bool {
		if c.frozen {
			_ = c.ws.Close()
		}
		return c.frozen
	})
}

// FailSockets answers apps.connections.open with this code; "" ends it.
func (s *SlackAPI) FailSockets(code string) {
	s.sockets.mu.Lock()
	defer s.sockets.mu.Unlock()
	s.sockets.fail = code
}

// Sockets returns how many connections there are, how many were asked for, and
// what was refused of what came by them.
func (s *SlackAPI) Sockets() (now, opened int, refused []string) {
	s.sockets.mu.Lock()
	defer s.sockets.mu.Unlock()
	return len(s.sockets.conns), s.sockets.opened, slices.Clone(s.sockets.refused)
}

// cut ends every connection.
func (s *slackSockets) cut() {
	for _, c := range s.all() {
		_ = c.ws.Close()
	}
}

// Cut ends every connection without a word.
func (s *SlackAPI) Cut() { s.sockets.cut() }
