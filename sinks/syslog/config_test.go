package syslog_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"dswatch/setting"
	"dswatch/sinks"
	"dswatch/sinks/syslog"
	"dswatch/test/receive"
)

func TestValidate(t *testing.T) {
	files := receive.NewAuthority(t).Issue(t, "dswatch.example", time.Now().Add(time.Hour))
	for name, c := range map[string]struct {
		set  func(*syslog.Config)
		key  string // "" is valid
		want string
	}{
		"udp":                   {func(c *syslog.Config) {}, "", ""},
		"port left out":         {func(c *syslog.Config) { c.Address = "siem.example" }, "", ""},
		"IPv6":                  {func(c *syslog.Config) { c.Network, c.Address = "tls", "2001:db8::21" }, "", ""},
		"unix":                  {func(c *syslog.Config) { c.Network, c.Address = "unix", "/dev/log" }, "", ""},
		"abstract":              {func(c *syslog.Config) { c.Network, c.Address = "unix", "@log" }, "", ""},
		"facility by number":    {func(c *syslog.Config) { c.Facility = "23" }, "", ""},
		"tls files":             {func(c *syslog.Config) { c.Network, c.TLS = "tls", tlsOf(files) }, "", ""},
		"no such file":          {func(c *syslog.Config) { c.Network, c.TLS = "tls", sinks.TLS{CAFile: "does/not/exist.pem"} }, "tls.ca_file", "readable PEM file"},
		"no such key":           {func(c *syslog.Config) { c.Network, c.TLS = "tls", tlsOf(files); c.TLS.KeyFile += "x" }, "tls.key_file", "readable PEM file"},
		"no name":               {func(c *syslog.Config) { c.Name = "" }, "name", "write"},
		"network":               {func(c *syslog.Config) { c.Network = "tcp4" }, "network", "udp, tcp, tls, unix"},
		"no address":            {func(c *syslog.Config) { c.Address = "" }, "address", "write host:port"},
		"URL":                   {func(c *syslog.Config) { c.Address = "tcp://192.0.2.1:514" }, "address", "write host:port"},
		"port":                  {func(c *syslog.Config) { c.Address = "192.0.2.1:70000" }, "address", "1 to 65535"},
		"unix without path":     {func(c *syslog.Config) { c.Network, c.Address = "unix", "log:514" }, "address", "/dev/log"},
		"format":                {func(c *syslog.Config) { c.Format = "rfc5425" }, "format", "rfc5424, rfc3164"},
		"body":                  {func(c *syslog.Config) { c.Body = "xml" }, "body", "text, cef, leef, json"},
		"framing":               {func(c *syslog.Config) { c.Framing = "lf" }, "framing", "octet-counting, newline"},
		"facility":              {func(c *syslog.Config) { c.Facility = "local8" }, "facility", "local7"},
		"facility by number 24": {func(c *syslog.Config) { c.Facility = "24" }, "facility", "0 to 23"},
		"severity":              {func(c *syslog.Config) { c.Severity.Warning = "warn" }, "severity.warning", "warning"},
		"severity cleared":      {func(c *syslog.Config) { c.Severity.Cleared = "" }, "severity.cleared", "notice"},
		"app name":              {func(c *syslog.Config) { c.AppName = "ds watch" }, "app_name", "printable ASCII"},
		"app name too long":     {func(c *syslog.Config) { c.AppName = strings.Repeat("a", 49) }, "app_name", "too long"},
		"no app name":           {func(c *syslog.Config) { c.AppName = "" }, "app_name", "write a word"},
		"enterprise":            {func(c *syslog.Config) { c.EnterpriseID = 0 }, "enterprise_id", "32473"},
		"vendor's enterprise":   {func(c *syslog.Config) { c.EnterpriseID = 6101 }, "enterprise_id", "Trend Micro"},
		"max_size":              {func(c *syslog.Config) { c.MaxSize = 480 }, "max_size", "1200B"},
		"tls without tls":       {func(c *syslog.Config) { c.TLS.CAFile = "ca.pem" }, "tls", "network: tls"},
		"key missing":           {func(c *syslog.Config) { c.Network, c.TLS = "tls", sinks.TLS{CertFile: "c.pem"} }, "tls.key_file", "path of the key"},
	} {
		t.Run(name, func(t *testing.T) {
			err := config("udp", "192.0.2.21:514", c.set).Validate()
			if c.key == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			var bad *setting.Error
			if !errors.As(err, &bad) || bad.Key != c.key || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %s: ... %s", err, c.key, c.want)
			}
		})
	}
}

// TestKind: the program finds the section's defaults, and a wrong file of a
// certificate stops the start, not the first alert.
func TestKind(t *testing.T) {
	k := syslog.Kind()
	c, ok := k.Settings().(*syslog.Config)
	if !ok || k.Type != "syslog" || c.Network != "udp" || c.Format != "rfc5424" {
		t.Fatalf("%s, %+v", k.Type, c)
	}
	*c = config("tls", "192.0.2.21", func(c *syslog.Config) { c.TLS.CAFile = "does/not/exist.pem" })
	_, err := k.New(c, sinks.Env{})
	var bad *setting.Error
	if !errors.As(err, &bad) || bad.Key != "tls.ca_file" {
		t.Errorf("%v", err)
	}
}
