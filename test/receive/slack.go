package receive

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// SlackPath is the path of the incoming webhook that a Slack serves, in the
// form of the real ones.
const SlackPath = "/services/T00000000/B00000000/aBcDeFgHiJkLmNoPqRsTuVwX"

// Slack stands in for Slack's incoming webhooks. It refuses what Slack
// refuses, with Slack's statuses and words: other paths, other content types,
// invalid JSON, blocks with unknown keys or outside the limits of the Block
// Kit reference. It reads mrkdwn as Slack's clients do, so that Mentions and
// Links say what a reader would have been hit with.
type Slack struct{ chat[SlackMessage] } // the real one allows a message a second, with short bursts

// SlackMessage is one message as the channel shows it, entities resolved.
type SlackMessage struct {
	At       time.Time
	Text     string // of the notification
	Header   string
	Color    string   // of the first attachment, "#rrggbb"
	Texts    []string // of sections, fields and context, in order, attachments included
	Mentions []string // <!channel>, <@U...>, <#C...> found anywhere
	Links    []string // <https://...> found anywhere
	Buttons  []SlackButton
	Raw      []byte
}

// SlackButton is a button that somebody may press.
type SlackButton struct {
	ActionID, Value, Text string
}

// Shown returns everything that a reader sees, one text a line.
func (m SlackMessage) Shown() string {
	return strings.Join(append([]string{m.Header}, m.Texts...), "\n")
}

// StartSlack serves s until the test ends; the webhook's URL is URL and
// SlackPath.
func StartSlack(t testing.TB, s *Slack) *HTTP { t.Helper(); return StartHTTP(t, s) }

func (s *Slack) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return
	}
	answer := func(status int, text string) {
		w.Header().Set("Content-Type", "text/html") // as Slack says, for plain words
		w.WriteHeader(status)
		io.WriteString(w, text)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.answered(w) {
		return
	}
	if r.URL.Path != SlackPath {
		s.refused = append(s.refused, "path "+r.URL.Path)
		if strings.HasPrefix(r.URL.Path, SlackPath[:strings.LastIndex(SlackPath, "/")+1]) {
			answer(http.StatusForbidden, "invalid_token")
			return
		}
		answer(http.StatusNotFound, "no_service")
		return
	}
	if s.early(w) {
		answer(http.StatusTooManyRequests, "rate_limited")
		return
	}
	m, refusal := ReadSlack(r, body)
	if refusal != nil {
		s.refused = append(s.refused, refusal.Error())
		answer(http.StatusBadRequest, refusal.Code)
		return
	}
	s.last = time.Now()
	s.got = append(s.got, m)
	answer(http.StatusOK, "ok")
}

// SlackRefusal is why Slack refuses a message.
type SlackRefusal struct {
	Code string // what Slack answers
	Why  string // what Slack leaves to guess
}

func (r *SlackRefusal) Error() string { return r.Code + ": " + r.Why }

// slackText is a text object.
type slackText struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Emoji    *bool  `json:"emoji"`
	Verbatim *bool  `json:"verbatim"`
}

// slackBlock holds the keys of the blocks that an incoming webhook may show
// here: header, section, context, actions with buttons, divider.
type slackBlock struct {
	Type     string            `json:"type"`
	BlockID  string            `json:"block_id"`
	Text     *slackText        `json:"text"`
	Fields   []slackText       `json:"fields"`
	Elements []json.RawMessage `json:"elements"`
	Expand   *bool             `json:"expand"`
	Raw      json.RawMessage   `json:"-"`
}

// strictly decodes what may have no unknown keys.
func strictly(data []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	return dec.Decode(into)
}

// button reads one element of actions.
func (m *SlackMessage) button(raw json.RawMessage, seen map[string]bool) string {
	var b struct {
		Type     string    `json:"type"`
		Text     slackText `json:"text"`
		ActionID string    `json:"action_id"`
		Value    string    `json:"value"`
		Style    string    `json:"style"`
	}
	if err := strictly(raw, &b); err != nil {
		return err.Error()
	}
	switch {
	case b.Type != "button":
		return "type " + b.Type
	case b.Text.Type != "plain_text":
		return "text of type " + b.Text.Type
	case b.ActionID == "" || len(b.ActionID) > 255 || seen[b.ActionID]:
		return "action_id is missing, too long, or there twice"
	case slackLen(b.Value) > 2000:
		return "value is too long"
	case b.Style != "" && b.Style != "primary" && b.Style != "danger":
		return "style " + b.Style
	}
	seen[b.ActionID] = true
	m.Buttons = append(m.Buttons, SlackButton{b.ActionID, b.Value, unescape(b.Text.Text)})
	return b.Text.check(75)
}

// ReadSlack reads a request to an incoming webhook as Slack does.
func ReadSlack(r *http.Request, body []byte) (SlackMessage, *SlackRefusal) {
	m := SlackMessage{At: time.Now(), Raw: body}
	no := func(code, why string, args ...any) (SlackMessage, *SlackRefusal) {
		return m, &SlackRefusal{code, fmt.Sprintf(why, args...)}
	}
	if r.Method != http.MethodPost {
		return no("invalid_payload", "method %s", r.Method)
	}
	if ct, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || ct != "application/json" {
		return no("invalid_payload", "content type %q", r.Header.Get("Content-Type"))
	}
	if !utf8.Valid(body) {
		return no("invalid_payload", "not UTF-8")
	}
	var p slackContent
	if err := json.Unmarshal(body, &p); err != nil {
		return no("invalid_payload", "%v", err)
	}
	return m, m.take(p)
}

// slackContent is what a message is made of, the same for a webhook and for
// the Web API.
type slackContent struct {
	Text        string            `json:"text"`
	Blocks      []json.RawMessage `json:"blocks"`
	Parse       string            `json:"parse"`
	Attachments []struct {
		Color    string            `json:"color"`
		Fallback string            `json:"fallback"`
		Text     string            `json:"text"`
		Blocks   []json.RawMessage `json:"blocks"`
	} `json:"attachments"`
}

// take fills m from p, or says why Slack refuses it.
func (m *SlackMessage) take(p slackContent) *SlackRefusal {
	no := func(code, why string, args ...any) *SlackRefusal {
		return &SlackRefusal{code, fmt.Sprintf(why, args...)}
	}
	switch {
	case p.Text == "" && len(p.Blocks) == 0 && len(p.Attachments) == 0:
		return no("no_text", "neither text nor blocks nor attachments")
	case len(p.Attachments) > 100:
		return no("too_many_attachments", "%d", len(p.Attachments))
	case slackLen(p.Text) > 40000:
		return no("msg_too_long", "text of %d characters", slackLen(p.Text))
	}
	m.Text = m.read(p.Text, p.Parse == "none")
	ids := map[string]bool{}
	if why := m.blocks(p.Blocks, ids); why != "" {
		return no("invalid_blocks", "%s", why)
	}
	for i, a := range p.Attachments {
		if i == 0 {
			m.Color = a.Color
		}
		if a.Text != "" {
			m.Texts = append(m.Texts, m.read(a.Text, false))
		}
		m.read(a.Fallback, true) // plain text, nothing is guessed
		if why := m.blocks(a.Blocks, ids); why != "" {
			return no("invalid_attachments", "%s", why)
		}
	}
	return nil
}

// blocks reads one list of blocks and says what Slack would refuse.
func (m *SlackMessage) blocks(raws []json.RawMessage, ids map[string]bool) (why string) {
	if len(raws) > 50 {
		return fmt.Sprintf("%d blocks, at most 50 are allowed", len(raws))
	}
	for i, raw := range raws {
		var b slackBlock
		dec := json.NewDecoder(bytes.NewReader(raw))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&b); err != nil {
			return fmt.Sprintf("block %d: %v", i, err)
		}
		if len(b.BlockID) > 255 || b.BlockID != "" && ids[b.BlockID] {
			return fmt.Sprintf("block %d: block_id is too long or used twice", i)
		}
		ids[b.BlockID] = true
		if why := m.block(b); why != "" {
			return fmt.Sprintf("block %d, %s: %s", i, b.Type, why)
		}
	}
	return ""
}

func (m *SlackMessage) block(b slackBlock) string {
	switch b.Type {
	case "header":
		if b.Text == nil || b.Fields != nil || b.Elements != nil || b.Text.Type != "plain_text" {
			return "wants text of type plain_text and nothing else"
		}
		if why := b.Text.check(150); why != "" {
			return why
		}
		if m.Header == "" {
			m.Header = unescape(b.Text.Text)
			return ""
		}
		m.show(*b.Text)
	case "section":
		if b.Elements != nil || b.Text == nil && len(b.Fields) == 0 || len(b.Fields) > 10 || b.Fields != nil && len(b.Fields) == 0 {
			return fmt.Sprintf("wants text or 1 to 10 fields, has %d", len(b.Fields))
		}
		if b.Text != nil {
			if why := b.Text.check(3000); why != "" {
				return why
			}
			m.show(*b.Text)
		}
		for _, f := range b.Fields {
			if why := f.check(2000); why != "" {
				return "field: " + why
			}
			m.show(f)
		}
	case "context":
		if b.Text != nil || b.Fields != nil || len(b.Elements) < 1 || len(b.Elements) > 10 {
			return fmt.Sprintf("wants 1 to 10 elements and nothing else, has %d", len(b.Elements))
		}
		for _, raw := range b.Elements {
			var e slackText
			if err := strictly(raw, &e); err != nil {
				return "element: " + err.Error()
			}
			if why := e.check(3000); why != "" {
				return "element: " + why
			}
			m.show(e)
		}
	case "actions":
		if b.Text != nil || b.Fields != nil || len(b.Elements) < 1 || len(b.Elements) > 25 {
			return fmt.Sprintf("wants 1 to 25 elements and nothing else, has %d", len(b.Elements))
		}
		seen := map[string]bool{}
		for _, raw := range b.Elements {
			if why := m.button(raw, seen); why != "" {
				return "button: " + why
			}
		}
	case "divider":
		if b.Text != nil || b.Fields != nil || b.Elements != nil {
			return "wants nothing else"
		}
	default:
		return "unknown type"
	}
	return ""
}

func (x slackText) check(most int) string {
	switch {
	case x.Type != "plain_text" && x.Type != "mrkdwn":
		return fmt.Sprintf("text type %q", x.Type)
	case x.Text == "":
		return "text is empty"
	case slackLen(x.Text) > most:
		return fmt.Sprintf("text of %d characters, at most %d are allowed", slackLen(x.Text), most)
	case x.Type == "mrkdwn" && x.Emoji != nil:
		return "emoji is for plain_text only"
	case x.Type == "plain_text" && x.Verbatim != nil && *x.Verbatim:
		return "verbatim is for mrkdwn only"
	}
	return ""
}

func (m *SlackMessage) show(x slackText) {
	if x.Type == "plain_text" {
		m.Texts = append(m.Texts, unescape(x.Text))
		return
	}
	m.Texts = append(m.Texts, m.read(x.Text, x.Verbatim != nil && *x.Verbatim))
}

// tags are what Slack's parser takes for markup; guesses are what it makes
// links and mentions of by itself when it is not told to leave a text alone.
var (
	tags    = regexp.MustCompile(`<([^<>\s][^<>]*)>`)
	guesses = regexp.MustCompile(`https?://[^\s<>|]+|(?:^|\s)@(?:channel|here|everyone)\b`)
)

// read notes mentions and links of a mrkdwn text and returns it as shown.
func (m *SlackMessage) read(s string, verbatim bool) string {
	for _, tag := range tags.FindAllStringSubmatch(s, -1) {
		if strings.ContainsRune("!@#", rune(tag[1][0])) {
			m.Mentions = append(m.Mentions, tag[0])
		} else {
			m.Links = append(m.Links, tag[0])
		}
	}
	if !verbatim {
		for _, g := range guesses.FindAllString(s, -1) {
			if strings.HasPrefix(g, "http") {
				m.Links = append(m.Links, g)
			} else {
				m.Mentions = append(m.Mentions, strings.TrimSpace(g))
			}
		}
	}
	return unescape(s)
}

var unescape = strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">").Replace

// slackLen counts as JavaScript and Java do, the strictest reading of
// "characters".
func slackLen(s string) int { return len(utf16.Encode([]rune(s))) }
