package teams

import (
	"dswatch/setting"
	"dswatch/sinks"
	"dswatch/words"
)

// Config is the section of a teams sink.
type Config struct {
	sinks.Settings `yaml:",inline"`

	WebhookURL setting.Secret `yaml:"webhook_url" doc:"URL that the flow shows under 'When a Teams webhook request is received'; no default"`
	MaxSize    setting.Size   `yaml:"max_size" doc:"largest message, 16KB to 100KB; longer texts are cut; default 25KB, with a margin below the 28 KB that Teams' own actions take, for what a flow adds"`
	Proxy      setting.Secret `yaml:"proxy" doc:"URL of the proxy to go through, http, https or socks5; a secret because it may hold a password; default: HTTPS_PROXY and NO_PROXY of the environment"`
}

// Sizes in bytes. 28 KB is what Microsoft documents for messages, with all that
// a flow puts around the card; below the least, the facts alone might not fit.
const (
	defaultSize = 25_000
	leastSize   = 16_000
	mostSize    = 100_000
)

// Defaults returns the defaults of a Config. Teams shows cards in the order
// of the flow's runs, so one at a time keeps them in order.
func Defaults() Config { return Config{Settings: sinks.Defaults(1), MaxSize: defaultSize} }

// Validate reports the first thing that cannot work.
func (c Config) Validate() error {
	if err := c.Settings.Validate(); err != nil {
		return err
	}
	if c.WebhookURL == "" {
		return words.Bad("webhook_url", words.TeamsURLMissing.With())
	}
	if _, err := sinks.ParseURL(c.WebhookURL.Reveal()); err != nil {
		return words.Bad("webhook_url", words.NotATeamsURL.With())
	}
	if c.Proxy != "" {
		if _, err := sinks.ParseProxy(c.Proxy.Reveal()); err != nil {
			return &setting.Error{Key: "proxy", Err: err}
		}
	}
	if c.MaxSize < leastSize || c.MaxSize > mostSize {
		return words.Bad("max_size", words.TeamsSize.With(int(c.MaxSize)))
	}
	return nil
}

// Weak names a URL that is a secret and goes over the network in clear text.
func (c Config) Weak() []error { return sinks.WeakURL("webhook_url", c.WebhookURL.Reveal(), true) }
