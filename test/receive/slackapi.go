package receive

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// What a SlackAPI knows.
const (
	SlackToken   = "xoxb-000000000000-0000000000000-aBcDeFgHiJkLmNoPqRsTuVwX"
	SlackChannel = "C0123456789"
	SlackName    = "alerts" // of SlackChannel
)

// SlackAPI stands in for chat.postMessage, chat.update, chat.postEphemeral and
// apps.connections.open of Slack's Web API, below /api, and for the sockets that
// the last one names; see Press. It refuses what Slack refuses, with Slack's codes: a wrong
// token, another content type, arguments that the methods do not have,
// unknown channels, messages and threads, what is outside the limits of the
// Block Kit reference. A second message with the same client_msg_id is
// answered with the first and not shown.
type SlackAPI struct {
	chat[*SlackPost] // got: in the channel, deleted messages too
	// EditWindow is how long a message can be changed, 0 for ever.
	EditWindow time.Duration

	error string // told to everything
	lose  int    // answers to lose after the message was taken

	whispers []SlackWhisper
	sockets  slackSockets
}

// SlackWhisper is what only one user sees.
type SlackWhisper struct{ User, Text string }

// Whispers returns what single users were told, oldest first.
func (s *SlackAPI) Whispers() []SlackWhisper {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.whispers)
}

// SlackPost is one message in the channel as it is now.
type SlackPost struct {
	SlackMessage
	TS        string
	ThreadTS  string // of the message it answers
	Broadcast bool   // shown in the channel too
	ClientID  string
	Edits     int
	Deleted   bool
}

// StartSlackAPI serves s until the test ends; URL and "/api" is the API's.
func StartSlackAPI(t testing.TB, s *SlackAPI) *HTTP {
	t.Helper()
	t.Cleanup(s.sockets.cut)
	return StartHTTP(t, s)
}

// Posts returns what the channel holds, oldest first, deleted messages too.
func (s *SlackAPI) Posts() []SlackPost {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []SlackPost
	for _, p := range s.got {
		out = append(out, *p)
	}
	return out
}

// Delete deletes a message, as a person may.
func (s *SlackAPI) Delete(ts string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.find(ts); p != nil {
		p.Deleted = true
	}
}

// Fail answers every call with this code; "" ends it.
func (s *SlackAPI) Fail(code string) { s.mu.Lock(); defer s.mu.Unlock(); s.error = code }

// Lose takes the next n calls and cuts the connection instead of answering.
func (s *SlackAPI) Lose(n int) { s.mu.Lock(); defer s.mu.Unlock(); s.lose = n }

func (s *SlackAPI) find(ts string) *SlackPost {
	for _, p := range s.got {
		if p.TS == ts && !p.Deleted {
			return p
		}
	}
	return nil
}

// slackCall is what the two methods take, and nothing else.
type slackCall struct {
	slackContent
	Channel     string `json:"channel"`
	TS          string `json:"ts"`
	ThreadTS    string `json:"thread_ts"`
	Broadcast   bool   `json:"reply_broadcast"`
	ClientMsgID string `json:"client_msg_id"`
	UnfurlLinks *bool  `json:"unfurl_links"`
	UnfurlMedia *bool  `json:"unfurl_media"`
}

var (
	slackTS   = regexp.MustCompile(`^[0-9]{10}\.[0-9]{6}$`)
	slackUUID = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
)

func (s *SlackAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == slackLink {
		s.sockets.serve(w, r)
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.URL.Path == "/api/apps.connections.open" {
		answerSlack(w, http.StatusOK, s.sockets.open(r))
		return
	}
	if s.error != "" {
		answerSlack(w, http.StatusOK, map[string]any{"ok": false, "error": s.error})
		return
	}
	method, ok := strings.CutPrefix(r.URL.Path, "/api/")
	if ok && method == "chat.postMessage" && s.early(w) {
		answerSlack(w, http.StatusTooManyRequests, map[string]any{"ok": false, "error": "ratelimited"})
		return
	}
	if method == "chat.postEphemeral" {
		if refusal := s.takeWhisper(r, body); refusal != nil {
			s.refused = append(s.refused, refusal.Error())
			answerSlack(w, http.StatusOK, map[string]any{"ok": false, "error": refusal.Code})
			return
		}
		answerSlack(w, http.StatusOK, map[string]any{"ok": true, "message_ts": "1700000000.000001"})
		return
	}
	p, refusal := s.take(method, r, body)
	if refusal != nil {
		s.refused = append(s.refused, refusal.Error())
		answerSlack(w, http.StatusOK, map[string]any{
			"ok": false, "error": refusal.Code, "response_metadata": map[string]any{"messages": []string{"[ERROR] " + refusal.Why}},
		})
		return
	}
	if s.lose > 0 {
		s.lose--
		panic(http.ErrAbortHandler)
	}
	answerSlack(w, http.StatusOK, SlackAnswer(p.TS, body))
}

// SlackAnswer is what Slack answers when it has taken the message of body.
func SlackAnswer(ts string, body []byte) map[string]any {
	return map[string]any{"ok": true, "channel": SlackChannel, "ts": ts, "message": json.RawMessage(body)}
}

func answerSlack(w http.ResponseWriter, status int, v map[string]any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// take does what a call asks for.
func (s *SlackAPI) take(method string, r *http.Request, body []byte) (*SlackPost, *SlackRefusal) {
	c, m, refusal := ReadSlackCall(method, r, body)
	if refusal != nil {
		return nil, refusal
	}
	if method == "chat.update" {
		p := s.find(c.TS)
		switch {
		case p == nil:
			return nil, &SlackRefusal{"message_not_found", c.TS}
		case s.EditWindow > 0 && time.Since(p.At) > s.EditWindow:
			return nil, &SlackRefusal{"edit_window_closed", c.TS}
		}
		m.At = p.At
		p.SlackMessage = m
		p.Edits++
		return p, nil
	}
	if c.ThreadTS != "" {
		switch root := s.find(c.ThreadTS); {
		case root == nil:
			return nil, &SlackRefusal{"thread_not_found", c.ThreadTS}
		case root.ThreadTS != "":
			return nil, &SlackRefusal{"cannot_reply_to_message", c.ThreadTS}
		}
	}
	for _, p := range s.got {
		if c.ClientMsgID != "" && p.ClientID == c.ClientMsgID {
			if p.Deleted {
				return nil, &SlackRefusal{"duplicate_message_not_found", c.ClientMsgID}
			}
			return p, nil
		}
	}
	s.last = time.Now()
	p := &SlackPost{
		SlackMessage: m, TS: fmt.Sprintf("%d.%06d", 1700000000+len(s.got), len(s.got)),
		ThreadTS: c.ThreadTS, Broadcast: c.Broadcast, ClientID: c.ClientMsgID,
	}
	s.got = append(s.got, p)
	return p, nil
}

// takeWhisper does what a call of chat.postEphemeral asks for.
func (s *SlackAPI) takeWhisper(r *http.Request, body []byte) *SlackRefusal {
	if refusal := slackCaller(r, body); refusal != nil {
		return refusal
	}
	var c struct {
		Channel, User, Text, Parse string
	}
	if err := strictly(body, &c); err != nil {
		return &SlackRefusal{"invalid_arguments", err.Error()}
	}
	switch {
	case c.Channel != SlackChannel:
		return &SlackRefusal{"channel_not_found", c.Channel}
	case !slackUser.MatchString(c.User):
		return &SlackRefusal{"user_not_in_channel", c.User}
	case c.Text == "":
		return &SlackRefusal{"no_text", ""}
	}
	var m SlackMessage
	text := m.read(c.Text, c.Parse == "none")
	if len(m.Links)+len(m.Mentions) > 0 {
		return &SlackRefusal{"invalid_arguments", fmt.Sprintf("links %q and mentions %q", m.Links, m.Mentions)}
	}
	s.whispers = append(s.whispers, SlackWhisper{c.User, text})
	return nil
}

var slackUser = regexp.MustCompile(`^[UW][A-Z0-9]+$`)

// slackCaller refuses calls of nobody, of others, and in another form.
func slackCaller(r *http.Request, body []byte) *SlackRefusal {
	ct, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case r.Method != http.MethodPost:
		return &SlackRefusal{"invalid_post_type", "method " + r.Method}
	case r.Header.Get("Authorization") == "":
		return &SlackRefusal{"not_authed", "no token"}
	case r.Header.Get("Authorization") != "Bearer "+SlackToken:
		return &SlackRefusal{"invalid_auth", "another token"}
	case err != nil || ct != "application/json" || !strings.EqualFold(params["charset"], "utf-8"):
		return &SlackRefusal{"invalid_charset", fmt.Sprintf("content type %q", r.Header.Get("Content-Type"))}
	case !utf8.Valid(body):
		return &SlackRefusal{"invalid_json", "not UTF-8"}
	}
	return nil
}

// ReadSlackCall reads a call of chat.postMessage or chat.update as Slack does.
func ReadSlackCall(method string, r *http.Request, body []byte) (c slackCall, m SlackMessage, refusal *SlackRefusal) {
	m = SlackMessage{At: time.Now(), Raw: body}
	no := func(code, why string, args ...any) (slackCall, SlackMessage, *SlackRefusal) {
		return c, m, &SlackRefusal{code, fmt.Sprintf(why, args...)}
	}
	if method != "chat.postMessage" && method != "chat.update" {
		return no("unknown_method", "%s", method)
	}
	if refusal := slackCaller(r, body); refusal != nil {
		return c, m, refusal
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields() // Slack passes over some; they would be a mistake of ours
	// Attachments have more keys than are read here; each is checked below.
	if err := decodeCall(dec, &c); err != nil {
		return no("invalid_arguments", "%v", err)
	}
	id := c.Channel == SlackChannel
	switch {
	case method == "chat.update" && (!slackTS.MatchString(c.TS) || c.ThreadTS != "" || c.ClientMsgID != "" || c.UnfurlLinks != nil || c.UnfurlMedia != nil):
		return no("invalid_arguments", "chat.update with %s", body)
	case method == "chat.postMessage" && (c.TS != "" || c.ThreadTS != "" && !slackTS.MatchString(c.ThreadTS) || c.Broadcast && c.ThreadTS == ""):
		return no("invalid_arguments", "chat.postMessage with %s", body)
	case c.ClientMsgID != "" && !slackUUID.MatchString(c.ClientMsgID):
		return no("invalid_arguments", "client_msg_id %q is no UUID", c.ClientMsgID)
	case !id && (method == "chat.update" || strings.TrimPrefix(c.Channel, "#") != SlackName):
		return no("channel_not_found", "%q", c.Channel)
	}
	return c, m, m.take(c.slackContent)
}

// decodeCall refuses unknown arguments, but not unknown keys of attachments:
// the library writes legacy ones.
func decodeCall(dec *json.Decoder, c *slackCall) error {
	var raw struct {
		slackCall
		Attachments []json.RawMessage `json:"attachments"`
	}
	if err := dec.Decode(&raw); err != nil {
		return err
	}
	*c = raw.slackCall
	all, err := json.Marshal(map[string]any{"attachments": raw.Attachments})
	if err != nil {
		return err
	}
	return json.Unmarshal(all, &c.slackContent)
}
