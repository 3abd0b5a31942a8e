package slack

import (
	"dswatch/setting"
	"dswatch/sinks"
)

// Config is the section of a slack sink.
type Config struct {
	sinks.Settings `yaml:",inline"`

	WebhookURL setting.Secret `yaml:"webhook_url" doc:"URL of the incoming webhook, https://hooks.slack.com/services/...; no default"`
}

// Defaults returns the defaults of a Config. Slack takes about one message a
// second from one webhook, so more than one at once gains nothing.
func Defaults() Config { return Config{Settings: sinks.Defaults(1)} }

// Validate reports the first thing that cannot work.
func (c Config) Validate() error {
	if err := c.Settings.Validate(); err != nil {
		return err
	}
	if c.WebhookURL == "" {
		return setting.Bad("webhook_url", "is missing; write the URL that Slack shows under Incoming Webhooks, or webhook_url_file with a file that holds it")
	}
	if _, err := sinks.ParseURL(c.WebhookURL.Reveal()); err != nil {
		return setting.Bad("webhook_url", "is not an http or https URL; write the one that Slack shows under Incoming Webhooks, https://hooks.slack.com/services/...")
	}
	return nil
}
