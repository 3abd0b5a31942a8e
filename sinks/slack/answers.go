package slack

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"dswatch/setting"
	"dswatch/sinks"
	"dswatch/words"
)

// answers listens to the buttons below the bot's messages: what is pressed is
// stored, then acknowledged to Slack, then done.
type answers struct {
	bot       *bot
	socket    *socket
	whisper   *sinks.HTTP // chat.postEphemeral
	operators []string    // Slack's ids of who may press
	dir       string
	log       *slog.Logger
	language  string
	news      chan struct{} // of clicks that wait
	texts     chan text     // what is still to be said
	clicks    *clicks       // while it listens

	mu      sync.Mutex
	refused map[string]time.Time // when a user who may not was told so
}

const (
	// desk is how long doing one thing may take before it is tried again.
	deskTime = 15 * time.Second
	// againPause is the first pause before that, and doubles up to mostPause.
	againPause = time.Second
	mostPause  = 30 * time.Second
	// refusedEvery is how often one user is told that he may not.
	refusedEvery = time.Minute
	maxRefused   = 1000 // users that are remembered for that
	// maxTexts bounds what waits to be said; a text more is dropped.
	maxTexts = 200
	// textTime is how long one text is tried: Slack takes one message a second.
	textTime = time.Minute
)

// text is what is to be said.
type text struct {
	method string
	to     *sinks.HTTP
	said
}

func newAnswers(c Config, env sinks.Env, b *bot) (*answers, error) {
	a := &answers{
		bot: b, operators: c.Operators, dir: env.StateDir, log: env.Log, language: env.Language,
		news: make(chan struct{}, 1), texts: make(chan text, maxTexts), refused: map[string]time.Time{},
	}
	calls := map[string]**sinks.HTTP{"chat.postEphemeral": &a.whisper}
	a.socket = &socket{
		header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "User-Agent": {"dswatch"}, "Authorization": {"Bearer " + c.AppToken.Reveal()}},
		log:    env.Log, take: a.take, silent: silent, keepAlive: keepAlive, since: time.Now(),
	}
	calls["apps.connections.open"] = &a.socket.open
	for method, h := range calls {
		u, err := url.JoinPath(c.APIURL, method)
		if err == nil {
			*h, err = sinks.NewHTTP(sinks.HTTPOptions{
				URL: u, Concurrency: 1, Secrets: []string{c.BotToken.Reveal(), c.AppToken.Reveal()}, MaxAnswer: maxAnswer, Proxy: c.Proxy.Reveal(),
			})
		}
		if err != nil {
			return nil, &setting.Error{Key: "api_url", Err: err}
		}
	}
	return a, nil
}

// listen does what is pressed until ctx ends or Slack refuses the token.
func (a *answers) listen(ctx context.Context, desk sinks.Desk) error {
	var err error
	if a.clicks, err = openClicks(a.dir); err != nil {
		a.socket.fault(err)
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	var doing sync.WaitGroup
	doing.Go(func() { a.work(ctx, desk) })
	doing.Go(func() { a.talk(ctx) })
	err = a.socket.run(ctx)
	cancel()
	doing.Wait()
	return err
}

// take stores the click that an envelope brings. Of anything else nothing is
// wanted, and it is acknowledged so that Slack does not bring it again.
func (a *answers) take(e *socketmode.Request) error {
	if e.Type != socketmode.RequestTypeInteractive {
		return nil
	}
	one, ok := read(e)
	if !ok {
		a.log.Debug("Slack brought something else than a click on one of our buttons")
		return nil
	}
	if !slices.Contains(a.operators, one.User) {
		a.refuse(one)
		return nil
	}
	fresh, err := a.clicks.take(one)
	if fresh && err == nil {
		a.wake()
	}
	return err
}

func (a *answers) wake() {
	select {
	case a.news <- struct{}{}:
	default: // it is known already
	}
}

// read reads a click on one of our buttons.
func read(e *socketmode.Request) (click, bool) {
	var p struct {
		Type      string     `json:"type"`
		User      slack.User `json:"user"`
		Channel   struct{ ID string }
		Container struct {
			MessageTS string `json:"message_ts"`
		} `json:"container"`
		Actions []struct {
			ActionID string `json:"action_id"`
			Value    string `json:"value"`
			ActionTS string `json:"action_ts"`
		} `json:"actions"`
	}
	if err := json.Unmarshal(e.Payload, &p); err != nil || p.Type != string(slack.InteractionTypeBlockActions) || len(p.Actions) != 1 {
		return click{}, false
	}
	pressed := p.Actions[0]
	name, ours := strings.CutPrefix(pressed.ActionID, actionPrefix)
	action := sinks.Action(name)
	if !ours || !slices.Contains(actions, action) || pressed.Value == "" || len(pressed.Value) > maxValue || p.User.ID == "" || len(p.User.ID) > 32 || p.Channel.ID == "" {
		return click{}, false
	}
	c := click{
		ID: e.EnvelopeID, Envelope: e.EnvelopeID, Action: action, Alert: pressed.Value, User: sinks.Line(p.User.ID, 32), Name: sinks.Line(p.User.Name, 80),
		Channel: sinks.Line(p.Channel.ID, 32), TS: sinks.Line(p.Container.MessageTS, 32), At: time.Now().UTC().Truncate(time.Millisecond),
	}
	if pressed.ActionTS != "" {
		c.ID = clickID(p.User.ID, p.Channel.ID, p.Container.MessageTS, pressed.ActionID, pressed.Value, pressed.ActionTS)
	}
	return c, true
}

// refuse tells somebody that he may not, and how he could.
func (a *answers) refuse(one click) {
	a.mu.Lock()
	last, known := a.refused[one.User]
	again := known && time.Since(last) < refusedEvery
	if !again {
		if len(a.refused) >= maxRefused {
			clear(a.refused)
		}
		a.refused[one.User] = time.Now()
	}
	a.mu.Unlock()
	if again {
		return
	}
	a.log.Warn("somebody who is not in operators pressed a button", "user", one.User, "name", one.Name)
	a.tell(one, words.In(a.language, nil).Say(words.SlackNotOperator.With(one.User)))
}

// work does what was pressed, the oldest first. What cannot be done now is tried
// again.
func (a *answers) work(ctx context.Context, desk sinks.Desk) {
	pause := againPause
	for {
		one, waits := a.clicks.next()
		if !waits {
			select {
			case <-ctx.Done():
				return
			case <-a.news:
			}
			continue
		}
		if a.do(ctx, one, desk) {
			pause = againPause
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, mostPause)
	}
}

// do does one thing and says what came of it. It reports whether it is done.
func (a *answers) do(ctx context.Context, one click, desk sinks.Desk) bool {
	ctx, cancel := context.WithTimeout(ctx, deskTime)
	defer cancel()
	said, err := desk(ctx, sinks.Request{ID: one.ID, Action: one.Action, Alert: one.Alert, Author: one.author(), At: one.At})
	if err != nil {
		if ctx.Err() == nil {
			a.log.Warn("what was asked for in Slack cannot be done now; it is tried again", "action", one.Action, "alert", one.Alert, "error", err)
		}
		return false
	}
	if err := a.clicks.done(one.ID); err != nil {
		a.log.Warn("cannot note that a click is done; a restart does it again, which changes nothing", "error", err)
	}
	switch {
	case said.Text == "":
	case said.All:
		a.reply(one, said.Text)
	default:
		a.tell(one, said.Text)
	}
	return true
}

// maxAnswerText bounds what is said of a click, in Slack's characters.
const maxAnswerText = 3000

// said is what chat.postMessage and chat.postEphemeral take of a text.
type said struct {
	Channel     string `json:"channel"`
	User        string `json:"user,omitempty"`
	ThreadTS    string `json:"thread_ts,omitempty"`
	ClientMsgID string `json:"client_msg_id,omitempty"`
	Text        string `json:"text"`
	Parse       string `json:"parse"`
}

// reply says it below the message, to all.
func (a *answers) reply(one click, s string) {
	a.later(text{"chat.postMessage", a.bot.post, said{
		Channel: one.Channel, ThreadTS: one.TS, ClientMsgID: messageID("click", one.ID), Text: escape(sinks.Lines(s, 4*maxAnswerText), maxAnswerText), Parse: "none",
	}})
}

// tell says it to who pressed, and nobody else.
func (a *answers) tell(one click, s string) {
	s = escape(sinks.Lines(s, 4*maxAnswerText), maxAnswerText)
	if strings.Contains(s, "\n") { // columns
		s = "```" + strings.ReplaceAll(s, "`", "'") + "```"
	}
	a.later(text{"chat.postEphemeral", a.whisper, said{Channel: one.Channel, User: one.User, Text: s, Parse: "none"}})
}

func (a *answers) later(t text) {
	select {
	case a.texts <- t:
	default:
		a.log.Warn("too much is to be said in Slack; an answer is dropped")
	}
}

// talk says what is to be said, one after the other, as fast as Slack takes it.
func (a *answers) talk(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case t := <-a.texts:
			if err := a.say(ctx, t); err != nil && ctx.Err() == nil {
				a.log.Warn("cannot answer in Slack", "error", err)
			}
		}
	}
}

func (a *answers) say(ctx context.Context, t text) error {
	ctx, cancel := context.WithTimeout(ctx, textTime)
	defer cancel()
	for {
		_, err := a.bot.ask(ctx, t.to, t.method, t.said)
		wait, asked := sinks.After(err)
		if err == nil || !asked {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
	}
}

// notSlack is said of an answer that Slack does not give.
func notSlack(method string) error {
	return words.Fail(words.NotSlacks.With(method))
}

// refusedSocket is the error of an answer of apps.connections.open with ok
// false: another token is meant than that of the bot.
func refusedSocket(method string, a answer) error {
	err := refused(method, a)
	r, ok := errors.AsType[*refusal](err)
	if !ok || !slices.Contains(appRefusals, r.code) {
		return err
	}
	return sinks.Refused(&refusal{r.code, r.said, words.SlackAppToken.With()})
}

// appRefusals are the codes that another token, or a change of the app, mends.
var appRefusals = []string{
	"not_authed", "invalid_auth", "account_inactive", "token_revoked", "token_expired", "not_allowed_token_type", "missing_scope", "no_permission", "access_denied",
	"forbidden_team", "org_login_required", "app_not_installed", "socket_mode_disabled",
}

// close lets go of idle connections.
func (a *answers) close() { _ = errors.Join(a.whisper.Close(), a.socket.open.Close()) }
