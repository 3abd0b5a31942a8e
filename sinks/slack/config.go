package slack

import (
	"regexp"
	"strings"

	"golang.org/x/net/http/httpguts"

	"dswatch/setting"
	"dswatch/sinks"
	"dswatch/words"
)

// Config is the section of a slack sink.
type Config struct {
	sinks.Settings `yaml:",inline"`

	WebhookURL setting.Secret `yaml:"webhook_url" doc:"URL of the incoming webhook, https://hooks.slack.com/services/...; this or bot_token"`
	BotToken   setting.Secret `yaml:"bot_token" doc:"token of a Slack app's bot, xoxb-..., with the scope chat:write; this or webhook_url"`
	Channel    string         `yaml:"channel" doc:"where the bot writes: a channel's id (C0123456789) or name; needed with bot_token, no default"`
	AppToken   setting.Secret `yaml:"app_token" doc:"app-level token of the same app, xapp-..., with the scope connections:write and Socket Mode switched on: messages get buttons that acknowledge, silence for an hour and say why; with bot_token only, default none"`
	Operators  []string       `yaml:"operators" doc:"ids of the Slack users (U0123456789) who may press the buttons; needed with app_token, no default"`
	Style      string         `yaml:"style" doc:"blocks, or attachment for servers that are compatible with Slack and ignore blocks, such as Mattermost and Rocket.Chat; default blocks"`
	APIURL     string         `yaml:"api_url" doc:"where Slack's Web API is served to a bot; default https://slack.com/api, for GovSlack https://slack-gov.com/api"`
	Proxy      setting.Secret `yaml:"proxy" doc:"URL of the proxy to go through, http, https or socks5; a secret because it may hold a password; default: HTTPS_PROXY and NO_PROXY of the environment"`
}

// The styles.
const (
	styleBlocks     = "blocks"
	styleAttachment = "attachment"
)

// Defaults returns the defaults of a Config. Slack takes about one message a
// second for one webhook or channel, so more than one at once gains nothing.
func Defaults() Config {
	return Config{Settings: sinks.Defaults(1), Style: styleBlocks, APIURL: "https://slack.com/api"}
}

// Validate reports the first thing that cannot work.
func (c Config) Validate() error {
	if err := c.Settings.Validate(); err != nil {
		return err
	}
	if c.Proxy != "" {
		if _, err := sinks.ParseProxy(c.Proxy.Reveal()); err != nil {
			return &setting.Error{Key: "proxy", Err: err}
		}
	}
	if c.Style != styleBlocks && c.Style != styleAttachment {
		return words.Bad("style", words.NotAStyle.With(words.Inner(setting.Clip(c.Style))))
	}
	switch {
	case c.WebhookURL == "" && c.BotToken == "":
		return words.Bad("webhook_url", words.SlackURLMissing.With())
	case c.WebhookURL != "" && c.BotToken != "":
		return words.Bad("bot_token", words.BesideWebhookURL.With())
	case c.BotToken != "":
		if err := c.validateBot(); err != nil {
			return err
		}
		return c.validateApp()
	case c.AppToken != "":
		return words.Bad("app_token", words.AppTokenOfBot.With())
	case len(c.Operators) > 0:
		return words.Bad("operators", words.OperatorsOfApp.With())
	case c.Channel != "":
		return words.Bad("channel", words.ChannelOfBot.With())
	}
	if _, err := sinks.ParseURL(c.WebhookURL.Reveal()); err != nil {
		return words.Bad("webhook_url", words.NotASlackURL.With())
	}
	return nil
}

func (c Config) validateBot() error {
	u, err := sinks.ParseURL(c.APIURL)
	switch {
	case !strings.HasPrefix(c.BotToken.Reveal(), "xoxb-") || !httpguts.ValidHeaderFieldValue(c.BotToken.Reveal()):
		return words.Bad("bot_token", words.NotABotToken.With())
	case c.Channel == "":
		return words.Bad("channel", words.ChannelMissing.With())
	case !channelName.MatchString(c.Channel):
		return words.Bad("channel", words.NotAChannel.With(words.Inner(sinks.Line(c.Channel, 80))))
	case err != nil:
		return &setting.Error{Key: "api_url", Err: err}
	case u.User != nil || u.RawQuery != "":
		return words.Bad("api_url", words.APIURLHoldsUser.With())
	}
	return nil
}

// validateApp looks at what the buttons need.
func (c Config) validateApp() error {
	switch token := c.AppToken.Reveal(); {
	case token == "" && len(c.Operators) > 0:
		return words.Bad("operators", words.OperatorsOfApp.With())
	case token == "":
		return nil
	case !strings.HasPrefix(token, "xapp-") || !httpguts.ValidHeaderFieldValue(token):
		return words.Bad("app_token", words.NotAnAppToken.With())
	case c.Style != styleBlocks:
		return words.Bad("app_token", words.ButtonsNeedBlocks.With())
	case len(c.Operators) == 0:
		return words.Bad("operators", words.OperatorsMissing.With())
	}
	for _, id := range c.Operators {
		if !userID.MatchString(id) {
			return words.Bad("operators", words.NotASlackUser.With(words.Inner(sinks.Line(id, 40))))
		}
	}
	return nil
}

// Listens reports whether people are to answer by buttons.
func (c Config) Listens() bool { return c.AppToken != "" }

// listens is Listens where this process alone serves the channel.
func (c Config) listens(env sinks.Env) bool { return c.Listens() && env.Alone }

// userID: W is of users of an Enterprise Grid.
var userID = regexp.MustCompile(`^[UW][A-Z0-9]{2,30}$`)

// channelName: Slack's names are up to 80 characters of any script, without
// spaces, capitals or punctuation; ids have capitals.
var channelName = regexp.MustCompile(`^#?[\p{L}\p{N}\p{M}_-]{1,80}$`)

// Weak names a token that goes to another host in clear text.
func (c Config) Weak() []error {
	return append(sinks.WeakURL("webhook_url", c.WebhookURL.Reveal(), true), sinks.WeakURL("api_url", c.APIURL, c.BotToken != "")...)
}
