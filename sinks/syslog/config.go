package syslog

import (
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"dswatch/setting"
	"dswatch/sinks"
	"dswatch/words"
)

// Config is the section of one syslog sink.
type Config struct {
	sinks.Settings `yaml:",inline"`

	Network      string       `yaml:"network" doc:"udp, tcp, tls or unix; default udp"`
	Address      string       `yaml:"address" doc:"receiver as host:port (without a port 514, with tls 6514), or the path of a Unix socket; no default"`
	Format       string       `yaml:"format" doc:"rfc5424 or rfc3164; default rfc5424"`
	Body         string       `yaml:"body" doc:"text, cef, leef or json; default text, with every field as structured data"`
	Facility     string       `yaml:"facility" doc:"name or number of the facility, such as daemon, local0 or 16; default daemon"`
	Severity     Severities   `yaml:"severity" doc:"syslog severity for each kind of alert"`
	Framing      string       `yaml:"framing" doc:"how messages are told apart in a stream: octet-counting (RFC 6587, RFC 5425) or newline; default octet-counting"`
	AppName      string       `yaml:"app_name" doc:"APP-NAME, in rfc3164 the tag; at most 48 printable ASCII characters without spaces; default dswatch"`
	EnterpriseID int64        `yaml:"enterprise_id" doc:"private enterprise number in the name of the structured data; default 32473, which is set aside for examples"`
	MaxSize      setting.Size `yaml:"max_size" doc:"largest message; longer texts are cut; 1200B to 64KiB, default 2KiB, which RFC 5424 asks every receiver to take"`
	TLS          sinks.TLS    `yaml:"tls" doc:"certificates for network: tls; the files are read at every connect"`
}

// Severities maps alerts to syslog severities.
type Severities struct {
	Critical string `yaml:"critical" doc:"of critical alerts; default crit"`
	Warning  string `yaml:"warning" doc:"of warnings; default warning"`
	Info     string `yaml:"info" doc:"of informational alerts; default info"`
	Cleared  string `yaml:"cleared" doc:"of an alert that has ended, whatever it was; default notice"`
}

// Defaults returns the Config of an empty section.
func Defaults() Config {
	return Config{
		Settings: sinks.Defaults(32), Network: "udp", Format: "rfc5424", Body: "text", Facility: "daemon",
		Severity: Severities{Critical: "crit", Warning: "warning", Info: "info", Cleared: "notice"},
		Framing:  "octet-counting", AppName: "dswatch", EnterpriseID: 32473, MaxSize: 2048,
	}
}

// Bounds of max_size: a message whose texts were all cut away fits into the
// least; the most is what a UDP datagram can carry.
const (
	minSize = 1200
	maxSize = 64 << 10
	maxUDP  = 65507
)

// vendorID is Trend Micro's own number. dswatch does not speak in its name.
const vendorID = 6101

// Validate says which key is wrong and what to write instead.
func (c Config) Validate() error {
	if err := c.Settings.Validate(); err != nil {
		return err
	}
	for _, choice := range []struct {
		key, value string
		from       []string
	}{
		{"network", c.Network, []string{"udp", "tcp", "tls", "unix"}},
		{"format", c.Format, []string{"rfc5424", "rfc3164"}},
		{"body", c.Body, []string{"text", "cef", "leef", "json"}},
		{"framing", c.Framing, []string{"octet-counting", "newline"}},
	} {
		if !slices.Contains(choice.from, choice.value) {
			return words.Bad(choice.key, words.UnknownChoice.With(words.Inner(setting.Clip(choice.value)), choice.from))
		}
	}
	if err := c.validAddress(); err != nil {
		return err
	}
	if _, ok := facility(c.Facility); !ok {
		return words.Bad("facility", words.UnknownFacility.With(words.Inner(setting.Clip(c.Facility)), facilities()))
	}
	for _, s := range []struct{ key, value string }{
		{"severity.critical", c.Severity.Critical}, {"severity.warning", c.Severity.Warning},
		{"severity.info", c.Severity.Info}, {"severity.cleared", c.Severity.Cleared},
	} {
		if _, ok := severity(s.value); !ok {
			return words.Bad(s.key, words.UnknownChoice.With(words.Inner(setting.Clip(s.value)), severities()))
		}
	}
	switch {
	case c.AppName == "" || c.AppName != printable(c.AppName, maxAppName):
		return words.Bad("app_name", words.BadAppName.With(words.Inner(setting.Clip(c.AppName))))
	case c.EnterpriseID < 1 || c.EnterpriseID > 1<<32-1:
		return words.Bad("enterprise_id", words.NotAnEnterprise.With(int(c.EnterpriseID)))
	case c.EnterpriseID == vendorID:
		return words.Bad("enterprise_id", words.VendorsNumber.With(vendorID))
	case c.MaxSize < minSize || c.MaxSize > maxSize:
		return words.Bad("max_size", words.SyslogSize.With(c.MaxSize.String()))
	case c.Network != "tls" && c.TLS != sinks.TLS{}:
		return words.Bad("tls", words.OnlyForTLS.With())
	}
	return under("tls", c.TLS.Validate())
}

// under puts a nested section's error below its key.
func under(key string, err error) error {
	if bad, ok := err.(*setting.Error); ok {
		return &setting.Error{Key: key + "." + bad.Key, Err: bad.Err}
	}
	return err
}

func (c Config) validAddress() error {
	if c.Network == "unix" {
		if !strings.HasPrefix(c.Address, "/") && !strings.HasPrefix(c.Address, "@") {
			return words.Bad("address", words.NotASocket.With(words.Inner(setting.Clip(c.Address))))
		}
		return nil
	}
	host, port, err := net.SplitHostPort(c.withPort())
	if err != nil || host == "" || strings.ContainsAny(host, " /") {
		return words.Bad("address", words.NotASyslogReceiver.With(words.Inner(setting.Clip(c.Address))))
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return words.Bad("address", words.NotASyslogPort.With(words.Inner(setting.Clip(port))))
	}
	return nil
}

// withPort adds the port of the protocol to a bare host or IP address.
func (c Config) withPort() string {
	port := "514"
	if c.Network == "tls" {
		port = "6514" // RFC 5425
	}
	if c.Address == "" {
		return ""
	}
	bare := strings.TrimSuffix(strings.TrimPrefix(c.Address, "["), "]")
	if net.ParseIP(bare) != nil {
		return net.JoinHostPort(bare, port)
	}
	if !strings.Contains(c.Address, ":") {
		return net.JoinHostPort(c.Address, port)
	}
	return c.Address
}

// facilities lists the names of the facilities by their number (RFC 5424
// table 1, with the names that syslog.conf has).
func facilities() []string {
	return []string{
		"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
		"ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
	}
}

func facility(s string) (int, bool) {
	if n, err := strconv.Atoi(s); err == nil {
		return n, n >= 0 && n < len(facilities())
	}
	n := slices.Index(facilities(), s)
	return n, n >= 0
}

// severities lists the names of the severities by their number.
func severities() []string {
	return []string{"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"}
}

func severity(s string) (int, bool) {
	n := slices.Index(severities(), s)
	return n, n >= 0
}

// Weak names certificates that end soon.
func (c Config) Weak() []error { return sinks.WeakTLS("tls", c.TLS, time.Now()) }
