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

// Validate rejects what New could not use, without reading a file.
func (c Config) Validate() error {
	if c.URL == "" {
		if c.User != "" || c.Password != "" || len(c.Hosts) > 0 {
			return setting.Bad("url", "is missing; write the address of a vCenter or ESXi, such as https://vcenter.example.com")
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
		return setting.Bad("user", "is missing; write a user with the role Read-only, such as dswatch@vsphere.local")
	case c.Password == "":
		return setting.Bad("password", "is missing; write password_file: with the path of a file that holds it")
	case c.CAFile != "" && !filepath.IsAbs(c.CAFile):
		return setting.Bad("ca_file", "%q is not an absolute path; write for example /etc/dswatch/vcenter-ca.pem", setting.Clip(c.CAFile))
	case len(c.Hosts) == 0:
		return setting.Bad("hosts", "is empty; write the hosts' names in the inventory, such as [esx01.example.com]")
	case c.Facts.OS != "":
		return setting.Bad("facts.os", "is always esxi here; remove it")
	case len(c.Facts.Components) > 0:
		return setting.Bad("facts.components", "is always [appliance] here; remove it")
	}
	seen := map[string]int{}
	for i, h := range c.Hosts {
		key := fmt.Sprintf("hosts[%d]", i)
		if h == "" || len(h) > 253 || strings.ContainsAny(h, "/ \t\r\n") {
			return setting.Bad(key, "%q is not the name of a host; write it as the inventory shows it", setting.Clip(h))
		}
		if j, twice := seen[event.Token(h)]; twice {
			return setting.Bad(key, "%s is hosts[%d] already; write it once", h, j)
		}
		seen[event.Token(h)] = i
	}
	return nil
}

// base returns the address of the API.
func (c Config) base() (*url.URL, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" && u.Path != "/sdk" {
		return nil, setting.Bad("url", "is not an https address without user, path and query; write for example https://vcenter.example.com")
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
