package remote

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"dswatch/catalog"
	"dswatch/event"
	"dswatch/setting"
	"dswatch/words"
)

// Config is what `detectors.remote` takes beside the settings that every
// detector has.
type Config struct {
	Confirm    time.Duration  `yaml:"confirm" doc:"How long after a loss was first seen the host is looked at again before it is told, as a duration of at most 5m, because kernel modules reload with gaps of about 15s; default 16s, 0s tells at once."`
	User       string         `yaml:"user" doc:"User of targets that name none; default none."`
	KeyFile    string         `yaml:"key_file" doc:"Private key of targets that name neither key_file nor agent, an absolute path; the key has no passphrase; default none."`
	Agent      bool           `yaml:"agent" doc:"Targets that name neither key_file nor agent use the keys of the SSH agent that SSH_AUTH_SOCK names; default false."`
	KnownHosts string         `yaml:"known_hosts" doc:"File of the host keys that are trusted, as ssh(1) has it, for targets that name none, an absolute path; default /etc/dswatch/known_hosts, on Windows %ProgramData%\\dswatch\\known_hosts."`
	Targets    []TargetConfig `yaml:"targets" doc:"Hosts that are looked at over SSH, with nothing installed on them; default none."`
}

// TargetConfig is one entry of `targets`.
type TargetConfig struct {
	Host             string            `yaml:"host" doc:"Name of the host in events and alerts."`
	Address          string            `yaml:"address" doc:"Name or address to connect to; default the host."`
	Port             int               `yaml:"port" doc:"TCP port of its SSH server; default 22."`
	User             string            `yaml:"user" doc:"User to log in as; default detectors.remote.user."`
	KeyFile          string            `yaml:"key_file" doc:"Private key of the user, an absolute path; default detectors.remote.key_file."`
	Agent            bool              `yaml:"agent" doc:"Use the keys of the SSH agent that SSH_AUTH_SOCK names; default detectors.remote.agent."`
	KnownHosts       string            `yaml:"known_hosts" doc:"File of the host keys that are trusted, an absolute path; default detectors.remote.known_hosts."`
	LegacyAlgorithms bool              `yaml:"legacy_algorithms" doc:"Also accept algorithms that are no longer safe (SHA-1 signatures and key exchange, CBC ciphers), which SSH servers of old Solaris, AIX and ESXi releases need; default false."`
	OS               string            `yaml:"os" doc:"solaris, esxi, linux or aix, which decides the commands."`
	Components       []string          `yaml:"components" doc:"What is installed: any of manager, agent, appliance; default [agent], on esxi [appliance]."`
	Facts            catalog.FactsFile `yaml:"facts" doc:"What is declared about the host, without os and components, which stand beside it; what is not declared is discovered where a command tells it, then unknown."`
	Items            []catalog.Row     `yaml:"items" doc:"Rows of your own for this host, as watch.items has them."`
	Ignore           []string          `yaml:"ignore" doc:"Rows that are not watched on this host, as name or kind/name."`
}

const maxConfirm = 5 * time.Minute

// Defaults returns the configuration of an empty section.
func Defaults() Config { return Config{Confirm: 16 * time.Second, KnownHosts: knownHosts()} }

// knownHosts is beside the program's configuration.
func knownHosts() string {
	if dir := os.Getenv("ProgramData"); runtime.GOOS == "windows" && dir != "" {
		return filepath.Join(dir, "dswatch", "known_hosts")
	}
	if runtime.GOOS == "windows" {
		return `C:\ProgramData\dswatch\known_hosts`
	}
	return "/etc/dswatch/known_hosts"
}

// Resolved returns the targets with the defaults filled in.
func (c Config) Resolved() []TargetConfig {
	out := slices.Clone(c.Targets)
	for i := range out {
		t := &out[i]
		if t.Address == "" {
			t.Address = t.Host
		}
		if t.Port == 0 {
			t.Port = 22
		}
		if t.User == "" {
			t.User = c.User
		}
		if t.KnownHosts == "" {
			t.KnownHosts = c.KnownHosts
		}
		if t.KeyFile == "" && !t.Agent {
			t.KeyFile, t.Agent = c.KeyFile, c.Agent
		}
		if len(t.Components) == 0 {
			t.Components = []string{event.Agent}
			if t.OS == event.ESXi {
				t.Components = []string{event.Appliance}
			}
		}
	}
	return out
}

// Weak names the targets whose server may use algorithms that are no longer safe.
func (c Config) Weak() (out []error) {
	for i, t := range c.Targets {
		if t.LegacyAlgorithms {
			out = append(out, words.Bad(fmt.Sprintf("targets[%d].legacy_algorithms", i), words.WeakSSH.With()))
		}
	}
	return out
}

// Validate rejects what New could not use, without reading a file. Errors
// name the key below `detectors.remote`, such as targets[0].os.
func (c Config) Validate() error {
	if c.Confirm < 0 || c.Confirm > maxConfirm {
		return words.Bad("confirm", words.ConfirmRange.With(c.Confirm.String(), maxConfirm.String()))
	}
	if c.KeyFile != "" && c.Agent {
		return words.Bad("agent", words.BesideKeyFile.With())
	}
	for key, path := range map[string]string{"key_file": c.KeyFile, "known_hosts": c.KnownHosts} {
		if path != "" && !filepath.IsAbs(path) {
			return words.Bad(key, words.PathNotAbsoluteNamed.With(words.Inner(setting.Clip(path)), filepath.Base(path)))
		}
	}
	hosts := map[string]int{}
	var errs []error
	for i, t := range c.Resolved() {
		err := t.validate()
		if j, twice := hosts[event.Token(t.Host)]; twice && err == nil {
			err = words.Bad("host", words.TargetHostTwice.With(t.Host, j))
		}
		hosts[event.Token(t.Host)] = i
		errs = append(errs, under(fmt.Sprintf("targets[%d].", i), err))
	}
	return errors.Join(errs...)
}

// under puts a path before the keys that an error names.
func under(path string, err error) error {
	if err == nil {
		return nil
	}
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		var out []error
		for _, e := range many.Unwrap() {
			out = append(out, under(path, e))
		}
		return errors.Join(out...)
	}
	var s *setting.Error
	if errors.As(err, &s) {
		return &setting.Error{Key: path + s.Key, Err: s.Err}
	}
	return err
}

func (t TargetConfig) validate() error {
	if err := t.validateLogin(); err != nil {
		return err
	}
	_, known := systems[t.OS]
	switch {
	case t.OS == "":
		return words.Bad("os", words.OSMissing.With())
	case !known:
		next := words.WriteEither.Phrase([]string{event.Solaris, event.ESXi, event.Linux, event.AIX})
		if n := setting.Nearest(t.OS, slices.Sorted(maps.Keys(systems))); n != "" {
			next = words.DidYouMean.Phrase(n)
		}
		return words.Bad("os", words.NotOverSSH.With(words.Inner(setting.Clip(t.OS)), next))
	case t.Facts.OS != "":
		return words.Bad("facts.os", words.OSBesideHost.With(t.OS))
	case len(t.Facts.Components) > 0:
		return words.Bad("facts.components", words.ComponentsBesideHost.With())
	}
	for i, c := range t.Components {
		if !slices.Contains(event.Components.Allowed(), c) {
			return words.Bad(fmt.Sprintf("components[%d]", i), words.NotAVendorComponent.With(words.Inner(setting.Clip(c))))
		}
	}
	for i, r := range t.Items {
		if r.Kind.Valid() && !CanSee(t.OS, r.Kind) {
			return words.Bad(fmt.Sprintf("items[%d].kind", i), words.KindNotOverSSH.With(r.Kind, t.OS, seen(t.OS)))
		}
	}
	return nil
}

func (t TargetConfig) validateLogin() error {
	switch {
	case t.Host == "":
		return words.Bad("host", words.HostMissing.With())
	case strings.ContainsAny(t.Host, "/ \t\r\n") || len(t.Host) > 253:
		return words.Bad("host", words.NotAHostName.With(words.Inner(setting.Clip(t.Host))))
	case strings.ContainsAny(t.Address, "/ \t\r\n[]") || len(t.Address) > 253:
		return words.Bad("address", words.NotNameOrAddress.With(words.Inner(setting.Clip(t.Address))))
	case t.Port < 1 || t.Port > 65535:
		return words.Bad("port", words.NotAnSSHPort.With(t.Port))
	case t.User == "":
		return words.Bad("user", words.UserMissing.With())
	case len(t.User) > 255 || strings.ContainsFunc(t.User, func(r rune) bool { return r <= ' ' }):
		return words.Bad("user", words.NotOneUser.With(words.Inner(setting.Clip(t.User))))
	case t.KeyFile != "" && t.Agent:
		return words.Bad("agent", words.BesideKeyFile.With())
	case t.KeyFile == "" && !t.Agent:
		return words.Bad("key_file", words.KeyFileMissing.With())
	case t.KeyFile != "" && !filepath.IsAbs(t.KeyFile):
		return words.Bad("key_file", words.KeyNotAbsolute.With(words.Inner(setting.Clip(t.KeyFile))))
	case t.KnownHosts == "":
		return words.Bad("known_hosts", words.KnownHostsMissing.With())
	case !filepath.IsAbs(t.KnownHosts):
		return words.Bad("known_hosts", words.PathNotAbsolute.With(words.Inner(setting.Clip(t.KnownHosts)), knownHosts()))
	}
	return nil
}

// CanSee reports whether a command shows items of this kind on this OS.
func CanSee(os string, kind event.Kind) bool { return systems[os].kinds[kind] != nil }

// seen lists the kinds that can be seen on an OS.
func seen(os string) []string {
	var out []string
	for _, k := range event.Kinds() {
		if CanSee(os, k) {
			out = append(out, string(k))
		}
	}
	return out
}

// Declared returns the facts that the configuration tells of the target.
func (t TargetConfig) Declared() event.Facts {
	f := t.Facts
	f.OS, f.Components = t.OS, t.Components
	return f.Facts("declared", time.Time{})
}
