package alertmanager

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"dswatch/setting"
	"dswatch/sinks"
	"dswatch/words"
)

// Config is the section of an alertmanager sink.
type Config struct {
	sinks.Settings `yaml:",inline"`

	URLs      []string          `yaml:"urls" doc:"base URLs of one Alertmanager, or of the members of one cluster, such as [\"http://192.0.2.30:9093\"]; all are told, one that accepts is success; no default"`
	EndsAfter time.Duration     `yaml:"ends_after" doc:"how long Alertmanager keeps an open alert that is not told again; at least 10m longer than rules.repeat and the repeat of its routes; default 168h"`
	Labels    map[string]string `yaml:"labels" doc:"labels to add to every alert, such as team: security; changing them leaves open alerts behind until ends_after; default: none"`
	Bearer    setting.Secret    `yaml:"bearer" doc:"token for the header Authorization: Bearer; default: none"`
	Username  string            `yaml:"username" doc:"name for basic authentication; default: none"`
	Password  setting.Secret    `yaml:"password" doc:"password for basic authentication; default: none"`
	TLS       sinks.TLS         `yaml:"tls" doc:"certificates of https URLs"`
	Proxy     setting.Secret    `yaml:"proxy" doc:"URL of the proxy to go through, http, https or socks5; a secret because it may hold a password; default: HTTPS_PROXY and NO_PROXY of the environment"`
}

// Defaults returns the defaults of a Config. A week outlasts any repeat: a
// resolve that nobody decided would be worse than an alert that stays.
func Defaults() Config { return Config{Settings: sinks.Defaults(8), EndsAfter: 7 * 24 * time.Hour} }

// Forgets says which key sets after what time Alertmanager takes an open alert
// for over when it is not told again.
func (c Config) Forgets() (key string, after time.Duration) { return "ends_after", c.EndsAfter }

// maxURLs is more members than a cluster has.
const maxURLs = 16

// labelName is the form of label names that every version of Alertmanager
// takes.
var labelName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

// Validate reports the first thing that cannot work.
func (c Config) Validate() error {
	if err := c.Settings.Validate(); err != nil {
		return err
	}
	if len(c.URLs) == 0 || len(c.URLs) > maxURLs {
		return words.Bad("urls", words.URLsCount.With(len(c.URLs), maxURLs))
	}
	for i, s := range c.URLs {
		if _, err := endpoint(s); err != nil {
			return words.Bad("urls", words.EntryFault.With(i+1, err))
		}
		if slices.Contains(c.URLs[:i], s) {
			return words.Bad("urls", words.EntryTwice.With(i+1))
		}
	}
	if c.Proxy != "" {
		if _, err := sinks.ParseProxy(c.Proxy.Reveal()); err != nil {
			return &setting.Error{Key: "proxy", Err: err}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Labels)) {
		key := "labels." + sinks.Line(name, 64)
		value := c.Labels[name]
		switch {
		case !labelName.MatchString(name):
			return words.Bad(key, words.NotALabelName.With())
		case slices.Contains(reserved, name):
			return words.Bad(key, words.SetByItself.With())
		case value == "" || value != sinks.Line(value, sinks.MaxTitle):
			return words.Bad(key, words.BadLabel.With())
		}
	}
	switch {
	case c.EndsAfter < 10*time.Minute || c.EndsAfter > 365*24*time.Hour:
		return words.Bad("ends_after", words.EndsAfterRange.With(c.EndsAfter.String()))
	case c.Bearer != "" && (c.Username != "" || c.Password != ""):
		return words.Bad("bearer", words.BesidePassword.With())
	case c.Password != "" && c.Username == "":
		return words.Bad("username", words.UsernameMissing.With())
	case strings.Contains(c.Username, ":"):
		return words.Bad("username", words.HoldsColon.With())
	case !httpguts.ValidHeaderFieldValue(c.Bearer.Reveal()):
		return words.Bad("bearer", words.HoldsLineBreak.With())
	}
	return nil
}

// path is where the API takes alerts, below the base URL.
const path = "/api/v2/alerts"

// endpoint returns the URL to post to for a base URL. What could be a secret
// is refused, because a base URL is shown.
func endpoint(base string) (*url.URL, error) {
	u, err := sinks.ParseURL(base)
	switch {
	case err != nil:
		return nil, err
	case u.User != nil:
		return nil, words.Fail(words.URLHoldsUser.With())
	case u.RawQuery != "" || u.Fragment != "":
		return nil, words.Fail(words.URLHoldsQuery.With())
	case strings.HasSuffix(strings.TrimSuffix(u.Path, "/"), path):
		return nil, words.Fail(words.URLHoldsPath.With())
	}
	return u.JoinPath(path), nil
}

// Weak names credentials in clear text and certificates that end soon.
func (c Config) Weak() []error {
	var out []error
	for i, u := range c.URLs {
		out = append(out, sinks.WeakURL(fmt.Sprintf("urls[%d]", i), u, c.Bearer != "" || c.Password != "")...)
	}
	return append(out, sinks.WeakTLS("tls", c.TLS, time.Now())...)
}
