package webhook

import (
	"encoding/base64"
	"maps"
	"mime"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"dswatch/setting"
	"dswatch/sinks"
	"dswatch/words"
)

// Config is the section of a webhook sink.
type Config struct {
	sinks.Settings `yaml:",inline"`

	URL      setting.Secret            `yaml:"url" doc:"http or https URL to post to; shown nowhere but for its host, because many hold a token; no default"`
	Secret   setting.Secret            `yaml:"secret" doc:"key to sign requests with, as Standard Webhooks writes it: whsec_ and the base64 of 24 to 64 bytes; default: not signed"`
	Headers  map[string]setting.Secret `yaml:"headers" doc:"headers to add to every request; default: none"`
	Bearer   setting.Secret            `yaml:"bearer" doc:"token for the header Authorization: Bearer; default: none"`
	Username string                    `yaml:"username" doc:"name for basic authentication; default: none"`
	Password setting.Secret            `yaml:"password" doc:"password for basic authentication; default: none"`
	TLS      sinks.TLS                 `yaml:"tls" doc:"certificates of an https URL"`
	Proxy    setting.Secret            `yaml:"proxy" doc:"URL of the proxy to go through, http, https or socks5; a secret because it may hold a password; default: HTTPS_PROXY and NO_PROXY of the environment"`

	Format      string         `yaml:"format" doc:"what is posted: dswatch (docs/webhook.schema.json), alertmanager (webhook version 4, for its receivers) or cloudevents (CloudEvents 1.0 as JSON, the same content as data); default dswatch"`
	ExternalURL string         `yaml:"external_url" doc:"what format alertmanager says of where it runs, for receivers that link to it; default web.url"`
	Body        setting.Secret `yaml:"body" doc:"a body of your own instead: a Go template (docs/sinks.md); a secret because it may hold a key of the far end's; default: as format says"`
	Accept      string         `yaml:"accept" doc:"regular expression (RE2) that the body of an answer 2xx must match to count as accepted; JSON with ok or success false never does; default: any answer"`
	ContentType string         `yaml:"content_type" doc:"media type of body; default application/json, which is checked to be JSON"`
}

// The formats.
const (
	formatOwn          = "dswatch"
	formatAlertmanager = "alertmanager"
	formatCloudEvents  = "cloudevents"
)

// Defaults returns the defaults of a Config.
func Defaults() Config {
	return Config{Settings: sinks.Defaults(16), Format: formatOwn, ContentType: "application/json"}
}

// accepted returns what an answer must match, or nil.
func (c Config) accepted() (*regexp.Regexp, error) {
	if c.Accept == "" {
		return nil, nil
	}
	r, err := regexp.Compile(c.Accept)
	if err != nil {
		return nil, words.Bad("accept", words.NotAnExpression.With(err))
	}
	return r, nil
}

// reserved are headers that the sink sets itself, and those that belong to
// the connection.
var reserved = []string{
	"content-type", "content-length", "content-encoding", "user-agent", "idempotency-key", "webhook-id", "webhook-timestamp",
	"webhook-signature", "host", "connection", "transfer-encoding", "te", "trailer", "upgrade", "expect",
}

// Validate reports the first thing that cannot work.
func (c Config) Validate() error {
	if err := c.Settings.Validate(); err != nil {
		return err
	}
	u, err := sinks.ParseURL(c.URL.Reveal())
	if err != nil {
		return &setting.Error{Key: "url", Err: err}
	}
	if c.Secret != "" {
		if _, err := signingKey(c.Secret); err != nil {
			return &setting.Error{Key: "secret", Err: err}
		}
	}
	if c.Proxy != "" {
		if _, err := sinks.ParseProxy(c.Proxy.Reveal()); err != nil {
			return &setting.Error{Key: "proxy", Err: err}
		}
	}
	if _, err := c.accepted(); err != nil {
		return err
	}
	if err := c.validateBody(); err != nil {
		return err
	}
	ways := 0
	for _, used := range []bool{u.User != nil, c.Bearer != "", c.Username != "" || c.Password != ""} {
		if used {
			ways++
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Headers)) {
		value := c.Headers[name]
		key := "headers." + sinks.Line(name, 64)
		switch {
		case !httpguts.ValidHeaderFieldName(name):
			return words.Bad(key, words.NotAHeader.With())
		case slices.Contains(reserved, strings.ToLower(name)):
			return words.Bad(key, words.SetByItselfHeader.With())
		case !httpguts.ValidHeaderFieldValue(value.Reveal()):
			return words.Bad(key, words.HeaderLineBreak.With())
		case strings.EqualFold(name, "Authorization"):
			ways++
		}
	}
	switch {
	case ways > 1:
		return words.Bad("bearer", words.ManyWaysToAuthenticate.With())
	case c.Password != "" && c.Username == "":
		return words.Bad("username", words.UsernameMissing.With())
	case strings.Contains(c.Username, ":"):
		return words.Bad("username", words.HoldsColon.With())
	case !httpguts.ValidHeaderFieldValue(c.Bearer.Reveal()):
		return words.Bad("bearer", words.HoldsLineBreak.With())
	}
	return nil
}

// validateBody looks at what is posted.
func (c Config) validateBody() error {
	formats := []string{formatOwn, formatAlertmanager, formatCloudEvents}
	mediaType, _, err := mime.ParseMediaType(c.ContentType)
	switch {
	case !slices.Contains(formats, c.Format):
		return words.Bad("format", words.NotAFormat.With(words.Inner(sinks.Line(c.Format, 40)), formats))
	case c.Body != "" && c.Format != formatOwn:
		return words.Bad("body", words.BesideFormat.With())
	case c.ExternalURL != "" && c.Format != formatAlertmanager:
		return words.Bad("external_url", words.OfAlertmanager.With())
	case err != nil || !strings.Contains(mediaType, "/") || !httpguts.ValidHeaderFieldValue(c.ContentType):
		return words.Bad("content_type", words.NotAMediaType.With(words.Inner(sinks.Line(c.ContentType, 80))))
	case c.Body == "" && c.ContentType != Defaults().ContentType:
		return words.Bad("content_type", words.OfBody.With())
	}
	if c.ExternalURL != "" {
		if _, err := sinks.ParseURL(c.ExternalURL); err != nil {
			return &setting.Error{Key: "external_url", Err: err}
		}
	}
	if c.Body != "" {
		if _, err := newTemplate(c.Body.Reveal(), c.ContentType, sinks.Env{}.Link); err != nil {
			return &setting.Error{Key: "body", Err: err}
		}
	}
	return nil
}

// signingKey returns the bytes behind whsec_.
func signingKey(s setting.Secret) ([]byte, error) {
	text, ok := strings.CutPrefix(s.Reveal(), "whsec_")
	if !ok {
		return nil, words.Fail(words.SecretNoPrefix.With())
	}
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, words.Fail(words.SecretNotBase64.With())
	}
	// Bounds of the specification, "Signature scheme".
	if len(key) < 24 || len(key) > 64 {
		return nil, words.Fail(words.SecretWrongLength.With())
	}
	return key, nil
}

// Weak names credentials in clear text and certificates that end soon.
func (c Config) Weak() []error {
	secret := c.Bearer != "" || c.Password != "" || len(c.Headers) > 0
	return append(sinks.WeakURL("url", c.URL.Reveal(), secret), sinks.WeakTLS("tls", c.TLS, time.Now())...)
}
