package slack

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/slack-go/slack"

	"dswatch/event"
	"dswatch/setting"
	"dswatch/sinks"
	"dswatch/words"
)

// bot writes as the bot user of a Slack app: one message for each alert,
// which it changes when the alert is over, and a thread below it for what
// happens in between.
type bot struct {
	post     *sinks.HTTP // chat.postMessage
	update   *sinks.HTTP // chat.update
	header   http.Header
	channel  string
	style    string
	messages *messages
	replays  sinks.Replays
	buttons  bool // people may answer by them
	link     func(event.Alert) string
}

// maxAnswer bounds Slack's answers in bytes: they repeat the message, with
// every character outside ASCII written as an escape.
const maxAnswer = 512 << 10

func newBot(c Config, env sinks.Env) (*bot, error) {
	b := &bot{
		style: c.Style,
		header: http.Header{
			"Content-Type": {"application/json; charset=utf-8"}, "User-Agent": {"dswatch"},
			"Authorization": {"Bearer " + c.BotToken.Reveal()},
		},
		channel: c.Channel, messages: openMessages(env), buttons: c.listens(env), link: env.Link,
	}
	for method, h := range map[string]**sinks.HTTP{"chat.postMessage": &b.post, "chat.update": &b.update} {
		u, err := url.JoinPath(c.APIURL, method)
		if err != nil {
			return nil, &setting.Error{Key: "api_url", Err: err}
		}
		*h, err = sinks.NewHTTP(sinks.HTTPOptions{
			URL: u, Concurrency: c.Concurrency, Secrets: []string{c.BotToken.Reveal()}, MaxAnswer: maxAnswer, Proxy: c.Proxy.Reveal(),
		})
		if err != nil {
			return nil, &setting.Error{Key: "api_url", Err: err}
		}
	}
	return b, nil
}

// call is what chat.postMessage and chat.update take.
type call struct {
	Channel     string             `json:"channel"`
	TS          string             `json:"ts,omitempty"`        // of the message to change
	ThreadTS    string             `json:"thread_ts,omitempty"` // of the message to answer
	Broadcast   bool               `json:"reply_broadcast,omitempty"`
	ClientMsgID string             `json:"client_msg_id,omitempty"`
	Text        string             `json:"text"`
	Parse       string             `json:"parse,omitempty"`
	UnfurlLinks *bool              `json:"unfurl_links,omitempty"`
	UnfurlMedia *bool              `json:"unfurl_media,omitempty"`
	Blocks      *slack.Blocks      `json:"blocks"`
	Attachments []slack.Attachment `json:"attachments"`
}

// send tells a. A message that is already there is changed to say what the
// alert is now; a step in between answers it in its thread. What cannot be
// changed or answered any more gets a new message.
func (b *bot) send(ctx context.Context, a event.Alert) error {
	m := message(a, b.style, b.link(a))
	c := call{Text: m.Text, Parse: m.Parse, Blocks: m.Blocks, Attachments: m.Attachments}
	root, known := b.messages.get(a.ID)
	if !known {
		return b.open(ctx, a, c, "")
	}
	c.Channel = root.Channel
	var err error
	switch a.Transition {
	case event.Changed, event.Repeated, event.Acknowledged, event.Unacknowledged:
		if a.Severity.Rank() <= cmp.Or(root.Severity, event.Warning).Rank() { // of one of an earlier version it is not known
			err = b.answer(ctx, a, c, root)
			break
		}
		if err = b.worsen(ctx, a, c, root); err == nil {
			root.Severity = a.Severity
		}
	default:
		c.TS = root.TS
		if _, err = b.call(ctx, b.update, "chat.update", c); isRefusal(err, fixed) {
			c.TS, c.Broadcast = "", true // the channel sees it too
			err = b.answer(ctx, a, c, root)
		}
	}
	switch {
	case isRefusal(err, gone):
		return b.open(ctx, a, c, root.TS)
	case err != nil:
		return err
	}
	root.Over = a.Transition == event.Cleared
	b.messages.put(a.ID, root)
	return nil
}

// open writes a message of its own into the channel and remembers it. after
// is the message that it replaces, if any.
func (b *bot) open(ctx context.Context, a event.Alert, c call, after string) error {
	c.Channel, c.TS, c.ThreadTS, c.Broadcast = b.channel, "", "", false
	c.Blocks = b.answerable(a, c.Blocks)
	got, err := b.write(ctx, a, c, after)
	if err != nil {
		return err
	}
	b.messages.put(a.ID, posted{Channel: got.Channel, TS: got.TS, Over: a.Transition == event.Cleared, Severity: a.Severity})
	return nil
}

// worsen tells that the alert is more severe than its message says: in the
// thread, shown in the channel too, and then in the message itself.
func (b *bot) worsen(ctx context.Context, a event.Alert, c call, root posted) error {
	loud := c
	loud.Broadcast = true
	if err := b.answer(ctx, a, loud, root); err != nil {
		return err
	}
	c.TS, c.Blocks = root.TS, b.answerable(a, c.Blocks)
	if _, err := b.call(ctx, b.update, "chat.update", c); !isRefusal(err, fixed) {
		return err
	}
	return nil // it cannot be changed any more, and the channel was told
}

func (b *bot) answer(ctx context.Context, a event.Alert, c call, root posted) error {
	c.ThreadTS = root.TS
	_, err := b.write(ctx, a, c, root.TS)
	return err
}

// write posts a message. Its client_msg_id is that of the transition, so that
// Slack can drop a second copy after an answer that was lost. A replay has one
// of its own: it is shown again because an operator asked for it.
func (b *bot) write(ctx context.Context, a event.Alert, c call, after string) (answer, error) {
	no := false
	c.UnfurlLinks, c.UnfurlMedia = &no, &no
	id := messageID(a.DeliveryID(), c.Channel, after)
	c.ClientMsgID = id
	if a.Replay {
		c.ClientMsgID = messageID(id, b.replays.Token(id))
	}
	got, err := b.call(ctx, b.post, "chat.postMessage", c)
	if isRefusal(err, deleted) {
		c.ClientMsgID = ""
		got, err = b.call(ctx, b.post, "chat.postMessage", c)
	}
	if a.Replay && (err == nil || sinks.IsPermanent(err)) {
		b.replays.Over(id)
	}
	return got, err
}

// messageID makes a UUID of version 8 (RFC 9562) of what makes a message one.
func messageID(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	var u [16]byte
	copy(u[:], h.Sum(nil))
	u[6], u[8] = u[6]&0x0f|0x80, u[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

// answer is what Slack says to a call.
type answer struct {
	slack.SlackResponse
	Channel string `json:"channel"`
	TS      string `json:"ts"`
	Needed  string `json:"needed"` // scope, beside missing_scope
}

func (b *bot) call(ctx context.Context, h *sinks.HTTP, method string, c call) (answer, error) {
	got, err := b.ask(ctx, h, method, c)
	if err == nil && (got.Channel == "" || got.TS == "") {
		err = words.Fail(words.NamesNoMessage.With(method))
	}
	return got, err
}

// ask calls a method, whose arguments are those of args.
func (b *bot) ask(ctx context.Context, h *sinks.HTTP, method string, args any) (answer, error) {
	var got answer
	body, err := json.Marshal(args)
	if err != nil {
		return got, sinks.Permanent(fmt.Errorf("encode message: %w", err))
	}
	said, err := h.Post(ctx, b.header, body)
	if err != nil {
		return got, err
	}
	if err := json.Unmarshal(said, &got); err != nil {
		return got, notSlack(method)
	}
	if !got.Ok {
		return got, refused(method, got)
	}
	return got, nil
}

// answerable adds the buttons by which people answer to the blocks of the message
// that tells of a, where somebody listens.
func (b *bot) answerable(a event.Alert, blocks *slack.Blocks) *slack.Blocks {
	if !b.buttons || blocks == nil || !a.Transition.Firing() || a.Test || a.Transition == event.Beat || a.ID == "" || len(a.ID) > maxValue {
		return blocks
	}
	return &slack.Blocks{BlockSet: append(slices.Clone(blocks.BlockSet), buttons(a))}
}

// close lets go of idle connections.
func (b *bot) close() {
	b.post.Close()
	b.update.Close()
}

// posted is the message in Slack that tells of an alert.
type posted struct {
	Channel  string         `json:"channel"`
	TS       string         `json:"ts"` // Slack's name of a message in its channel
	At       time.Time      `json:"at"` // last use
	Over     bool           `json:"over,omitempty"`
	Severity event.Severity `json:"severity,omitempty"` // that the message says
}
