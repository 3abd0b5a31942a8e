package vsphere

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"dswatch/catalog"
	"dswatch/detector/trust"
	"dswatch/event"
	"dswatch/setting"
	"dswatch/words"
)

// Config is what `detectors.vsphere` takes beside the settings that every
// detector has.
type Config struct {
	URL         string            `yaml:"url" doc:"Address of a vCenter or of one ESXi host, such as https://vcenter.example.com; default none, then nothing is asked."`
	User        string            `yaml:"user" doc:"User with the role Read-only on the hosts, such as dswatch@vsphere.local."`
	Password    setting.Secret    `yaml:"password" doc:"Password of the user."`
	CAFile      string            `yaml:"ca_file" doc:"PEM file of the only authorities that may have signed the server's certificate, an absolute path; default those of the system."`
	Fingerprint string            `yaml:"fingerprint" doc:"SHA-256 fingerprint of the server's certificate, 64 hexadecimal digits with or without colons; without ca_file it takes the place of authorities and name, with it both must fit; default none."`
	Hosts       []string          `yaml:"hosts" doc:"ESXi hosts that are looked at, by their name in the inventory; one ESXi asked directly may have any name."`
	Facts       catalog.FactsFile `yaml:"facts" doc:"What is declared about all of these hosts, without os and components; appliance_version decides whether the module is expected, and is discovered where the module tells it."`
}

// Enabled reports whether there is a server to ask.
func (c Config) Enabled() bool { return c.URL != "" }

// Weak names what works and is weaker than it need be.
func (c Config) Weak() []error { return trust.Weak(c.CAFile, c.Fingerprint) }

// Validate rejects what New could not use, without reading a file.
func (c Config) Validate() error {
	if c.URL == "" {
		if c.User != "" || c.Password != "" || len(c.Hosts) > 0 {
			return words.Bad("url", words.VSphereURLMissing.With())
		}
		return nil
	}
	if _, err := c.base(); err != nil {
		return err
	}
	if _, err := trust.Pin(c.Fingerprint); err != nil {
		return err
	}
	switch {
	case c.User == "":
		return words.Bad("user", words.VSphereUserMissing.With())
	case c.Password == "":
		return words.Bad("password", words.PasswordMissing.With())
	case c.CAFile != "" && !filepath.IsAbs(c.CAFile):
		return words.Bad("ca_file", words.CANotAbsolute.With(words.Inner(setting.Clip(c.CAFile))))
	case len(c.Hosts) == 0:
		return words.Bad("hosts", words.VSphereHostsEmpty.With())
	case c.Facts.OS != "":
		return words.Bad("facts.os", words.AlwaysESXi.With())
	case len(c.Facts.Components) > 0:
		return words.Bad("facts.components", words.AlwaysAppliance.With())
	}
	seen := map[string]int{}
	for i, h := range c.Hosts {
		key := fmt.Sprintf("hosts[%d]", i)
		if h == "" || len(h) > 253 || strings.ContainsAny(h, "/ \t\r\n") {
			return words.Bad(key, words.NotInventoryName.With(words.Inner(setting.Clip(h))))
		}
		if j, twice := seen[event.Token(h)]; twice {
			return words.Bad(key, words.HostListed.With(h, j))
		}
		seen[event.Token(h)] = i
	}
	return nil
}

// base returns the address of the API.
func (c Config) base() (*url.URL, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" && u.Path != "/sdk" {
		return nil, words.Bad("url", words.NotVSphereURL.With())
	}
	u.Path = "/sdk"
	return u, nil
}

// Declared returns the facts that the configuration tells of every host.
func (c Config) Declared() event.Facts {
	f := c.Facts
	f.OS, f.Components = event.ESXi, []string{event.Appliance}
	return f.Facts("declared", time.Time{})
}
