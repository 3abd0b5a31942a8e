package slack

import (
	"regexp"
	"strings"

	"golang.org/x/net/http/httpguts"

	"dswatch/setting"
	"dswatch/sinks"
)

// Config is the section of a slack sink.
type Config struct {
	sinks.Settings `yaml:",inline"`

	WebhookURL setting.Secret `yaml:"webhook_url" doc:"URL of the incoming webhook, https://hooks.slack.com/services/...; this or bot_token"`
	BotToken   setting.Secret `yaml:"bot_token" doc:"token of a Slack app's bot, xoxb-..., with the scope chat:write; this or webhook_url"`
	Channel    string         `yaml:"channel" doc:"where the bot writes: a channel's id (C0123456789) or name; needed with bot_token, no default"`
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
			return setting.Bad("proxy", "%w", err)
		}
	}
	if c.Style != styleBlocks && c.Style != styleAttachment {
		return setting.Bad("style", "%.20q is neither blocks nor attachment; write one of them", c.Style)
	}
	switch {
	case c.WebhookURL == "" && c.BotToken == "":
		return setting.Bad("webhook_url", "is missing; write the URL that Slack shows under Incoming Webhooks, or webhook_url_file with a file that holds it; or bot_token and channel")
	case c.WebhookURL != "" && c.BotToken != "":
		return setting.Bad("bot_token", "stands beside webhook_url; keep one of them")
	case c.BotToken != "":
		return c.validateBot()
	case c.Channel != "":
		return setting.Bad("channel", "belongs to bot_token, an incoming webhook has its own channel; leave it out")
	}
	if _, err := sinks.ParseURL(c.WebhookURL.Reveal()); err != nil {
		return setting.Bad("webhook_url", "is not an http or https URL; write the one that Slack shows under Incoming Webhooks, https://hooks.slack.com/services/...")
	}
	return nil
}

func (c Config) validateBot() error {
	u, err := sinks.ParseURL(c.APIURL)
	switch {
	case !strings.HasPrefix(c.BotToken.Reveal(), "xoxb-") || !httpguts.ValidHeaderFieldValue(c.BotToken.Reveal()):
		return setting.Bad("bot_token", "is not a bot token; write the Bot User OAuth Token, xoxb-..., that Slack shows under OAuth & Permissions")
	case c.Channel == "":
		return setting.Bad("channel", "is missing; write the id (C0123456789) or the name of the channel that the bot writes to")
	case !channelName.MatchString(c.Channel):
		return setting.Bad("channel", "%q is neither an id nor a name of a channel; write one such as C0123456789 or alerts", sinks.Line(c.Channel, 80))
	case err != nil:
		return setting.Bad("api_url", "%w", err)
	case u.User != nil || u.RawQuery != "":
		return setting.Bad("api_url", "holds a user or a query; write a URL such as https://slack.com/api")
	}
	return nil
}

// channelName: Slack's names are up to 80 characters of any script, without
// spaces, capitals or punctuation; ids have capitals.
var channelName = regexp.MustCompile(`^#?[\p{L}\p{N}\p{M}_-]{1,80}$`)

// Weak names a token that goes to another host in clear text.
func (c Config) Weak() []error {
	return append(sinks.WeakURL("webhook_url", c.WebhookURL.Reveal(), true), sinks.WeakURL("api_url", c.APIURL, c.BotToken != "")...)
}
