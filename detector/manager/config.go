package manager

import (
	"net/url"
	"strings"
	"time"

	"dswatch/detector/trust"
	"dswatch/event"
	"dswatch/setting"
	"dswatch/words"
)

// Config is what `detectors.manager` takes beside the settings that every
// detector has.
type Config struct {
	URL         string         `yaml:"url" doc:"Address of the manager, such as https://dsm.example.com:4119 or https://workload.us-1.cloudone.trendmicro.com; default none, then the manager is not asked."`
	APIKey      setting.Secret `yaml:"api_key" doc:"API key of a role that may read computers; default none, then only the manager's own status page is asked."`
	Edition     string         `yaml:"edition" doc:"deep_security or workload_security, which decides how the key is sent; default workload_security for hosts below cloudone.trendmicro.com, else deep_security."`
	CAFile      string         `yaml:"ca_file" doc:"PEM file of the only authorities that may have signed the manager's certificate; default those of the system."`
	Fingerprint string         `yaml:"fingerprint" doc:"SHA-256 fingerprint of the manager's certificate, 64 hexadecimal digits with or without colons; without ca_file it takes the place of authorities and name, with it both must fit; default none."`
	Proxy       setting.Secret `yaml:"proxy" doc:"Proxy as http://[USER:PASSWORD@]HOST:PORT, or none; default what HTTPS_PROXY and NO_PROXY of the environment say."`
	Late        time.Duration  `yaml:"late" doc:"How old an agent's last communication may be, as a duration, before an error of its computer counts as a lost heartbeat; default 30m."`
	Page        int            `yaml:"page" doc:"How many computers are asked for at once, 1 to 5000; default 500."`
}

// Defaults returns the configuration of an empty section.
func Defaults() Config { return Config{Late: 30 * time.Minute, Page: 500} }

// Enabled reports whether there is a manager to ask.
func (c Config) Enabled() bool { return c.URL != "" }

// Weak names what works and is weaker than it need be.
func (c Config) Weak() []error { return trust.Weak(c.CAFile, c.Fingerprint) }

// Validate rejects what New could not use, without reading a file.
func (c Config) Validate() error {
	if c.Late < time.Minute {
		return words.Bad("late", words.LateTooShort.With(c.Late.String()))
	}
	if c.Page < 1 || c.Page > 5000 {
		return words.Bad("page", words.PageRange.With(c.Page))
	}
	if c.Edition != "" && c.Edition != event.DeepSecurity && c.Edition != event.WorkloadSecurity {
		return words.Bad("edition", words.NotAnEdition.With(words.Inner(c.Edition)))
	}
	if _, err := trust.Pin(c.Fingerprint); err != nil {
		return err
	}
	if _, err := c.proxy(); err != nil {
		return err
	}
	if strings.ContainsAny(c.APIKey.Reveal(), "\r\n") {
		return words.Bad("api_key", words.KeyLineBreak.With())
	}
	if c.URL == "" {
		if c.APIKey != "" {
			return words.Bad("url", words.URLBesideKey.With())
		}
		return nil
	}
	_, err := c.base()
	return err
}

// base returns the address without the /api that some write behind it.
func (c Config) base() (*url.URL, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, words.Bad("url", words.NotManagerURL.With())
	}
	u.Path = strings.TrimSuffix(strings.TrimRight(u.Path, "/"), "/api")
	u.RawPath = ""
	return u, nil
}

// edition is as configured, or what the manager's host tells.
func (c Config) edition(host string) string {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	switch {
	case c.Edition != "":
		return c.Edition
	case strings.HasSuffix(host, ".cloudone.trendmicro.com"):
		return event.WorkloadSecurity
	}
	return event.DeepSecurity
}

// proxy returns the configured proxy, nil where none is written or "none" is.
func (c Config) proxy() (*url.URL, error) {
	if c.Proxy == "" || c.Proxy.Reveal() == noProxy {
		return nil, nil
	}
	u, err := url.Parse(c.Proxy.Reveal())
	if err != nil || (u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "socks5") || u.Hostname() == "" {
		return nil, words.Bad("proxy", words.NotProxyAddress.With())
	}
	return u, nil
}

const noProxy = "none"
