package bus

import (
	"fmt"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Config is the `bus` section of the configuration.
type Config struct {
	Dir  string `yaml:"dir" doc:"Directory of the embedded message store and of the local API token; made with mode 0700. Default /var/lib/dswatch, on Windows %ProgramData%\\dswatch."`
	Sync Sync   `yaml:"sync" doc:"How long the embedded store may hold written messages before it forces them to disk, 100ms to 10m, or always: before each acknowledgement. A killed process loses nothing either way, a power loss at most this much. Default 2s."`

	URL          string `yaml:"url" doc:"External NATS server with JetStream instead of the embedded one, as nats://host:4222, tls://host:4222 or a comma separated list of one cluster's servers. Default none."`
	CredsFile    string `yaml:"creds_file" doc:"File with the NATS user's JWT and seed for the external server. Default none."`
	User         string `yaml:"user" doc:"User name at the external server, together with password_file. Default none."`
	PasswordFile string `yaml:"password_file" doc:"File that holds the password of user. Default none."`
	TLS          TLS    `yaml:"tls" doc:"Certificates for the external server."`
	Replicas     int    `yaml:"replicas" doc:"Copies of each stream in an external cluster: 1, 3 or 5. Default 1."`

	MaxEvents Size `yaml:"max_events" doc:"Most bytes of stored events; the oldest go first, and all go after 72 hours. Default 512MiB."`
	MaxOutbox Size `yaml:"max_outbox" doc:"Most bytes of alerts that wait for sinks, all sinks together; the longest waiting go first. Default 512MiB."`
	MaxDead   Size `yaml:"max_dead" doc:"Most bytes of dead letters; the oldest go first. Default 128MiB."`
}

// TLS names the files for a TLS connection to the external server.
type TLS struct {
	CAFile   string `yaml:"ca_file" doc:"PEM file with the authorities that may sign the server's certificate. Default: those of the operating system."`
	CertFile string `yaml:"cert_file" doc:"PEM file with the client certificate, together with key_file. Default none."`
	KeyFile  string `yaml:"key_file" doc:"PEM file with the key of cert_file. Default none."`
}

// Defaults is the configuration of a bus nobody configured.
func Defaults() Config {
	dir := "/var/lib/dswatch"
	if runtime.GOOS == "windows" {
		dir = filepath.Join(os.Getenv("ProgramData"), "dswatch")
	}
	return Config{
		Dir: dir, Sync: Sync(2 * time.Second), Replicas: 1,
		MaxEvents: 512 << 20, MaxOutbox: 512 << 20, MaxDead: 128 << 20,
	}
}

// minStream is the least size of a stream: smaller ones would drop a burst of
// ordinary alerts.
const minStream Size = 1 << 20

// Validate reports the first setting that cannot work.
func (c Config) Validate() error {
	if c.Dir == "" {
		return badSetting("dir", "is empty; write a directory, such as %s", Defaults().Dir)
	}
	if d := time.Duration(c.Sync); c.Sync != Always && (d < 100*time.Millisecond || d > 10*time.Minute) {
		return badSetting("sync", "%s is out of range; write always or a duration from 100ms to 10m", d)
	}
	for _, s := range []struct {
		key  string
		size Size
	}{{"max_events", c.MaxEvents}, {"max_outbox", c.MaxOutbox}, {"max_dead", c.MaxDead}} {
		if s.size < minStream {
			return badSetting(s.key, "%s is too little; write at least %s", s.size, minStream)
		}
	}
	if !slices.Contains([]int{1, 3, 5}, c.Replicas) {
		return badSetting("replicas", "%d is none of 1, 3, 5", c.Replicas)
	}
	if c.URL == "" {
		return c.validateEmbedded()
	}
	return c.validateExternal()
}

func (c Config) validateEmbedded() error {
	for _, s := range []struct {
		key string
		set bool
	}{
		{"creds_file", c.CredsFile != ""}, {"user", c.User != ""}, {"password_file", c.PasswordFile != ""},
		{"tls.ca_file", c.TLS.CAFile != ""}, {"tls.cert_file", c.TLS.CertFile != ""}, {"tls.key_file", c.TLS.KeyFile != ""},
		{"replicas", c.Replicas > 1},
	} {
		if s.set {
			return badSetting(s.key, "belongs to an external server; set url beside it, or remove it")
		}
	}
	return nil
}

func (c Config) validateExternal() error {
	for s := range strings.SplitSeq(c.URL, ",") {
		s = strings.TrimSpace(s)
		u, err := url.Parse(s)
		switch {
		case err != nil || u.Host == "" || !slices.Contains([]string{"nats", "tls", "ws", "wss"}, u.Scheme):
			// The text of err quotes the URL, which may hold a password.
			return badSetting("url", "is not a NATS address; write nats://host:4222, tls://host:4222 or several with commas")
		case u.User != nil:
			return badSetting("url", "holds a user; write it as user and password_file, or use creds_file")
		}
	}
	switch {
	case (c.User == "") != (c.PasswordFile == ""):
		return badSetting("user", "and password_file belong together; set both or neither")
	case c.User != "" && c.CredsFile != "":
		return badSetting("creds_file", "and user are two ways to log in; keep one")
	case (c.TLS.CertFile == "") != (c.TLS.KeyFile == ""):
		return badSetting("tls.cert_file", "and key_file belong together; set both or neither")
	}
	return nil
}

// SettingError says which key of the `bus` section has a bad value, so that
// whoever read the file can name the line.
type SettingError struct {
	Key string // path below `bus`: "tls.ca_file"
	Err error
}

func (e *SettingError) Error() string { return e.Key + ": " + e.Err.Error() }

func (e *SettingError) Unwrap() error { return e.Err }

// SettingKey returns the path of the key; the configuration loader asks for it.
func (e *SettingError) SettingKey() string { return e.Key }

func badSetting(key, format string, args ...any) error {
	return &SettingError{Key: key, Err: fmt.Errorf(format, args...)}
}

// Sync is the longest time between storing a message and forcing it to disk.
type Sync time.Duration

// Always forces each message to disk before it is acknowledged. It is the
// zero value, so that a Config nobody filled in is the careful one.
const Always Sync = 0

// UnmarshalText reads `always` or a duration such as 2s.
func (s *Sync) UnmarshalText(b []byte) error {
	t := strings.TrimSpace(string(b))
	if t == "always" {
		*s = Always
		return nil
	}
	d, err := time.ParseDuration(t)
	if err != nil || d <= 0 {
		return fmt.Errorf("%q is neither always nor a duration; write always, 2s or 1m", clip(t))
	}
	*s = Sync(d)
	return nil
}

// String writes what UnmarshalText reads.
func (s Sync) String() string {
	if s == Always {
		return "always"
	}
	return time.Duration(s).String()
}

// MarshalText writes what UnmarshalText reads.
func (s Sync) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Size is a number of bytes, written with a unit: 512MiB, 2GB.
type Size int64

var sizeUnits = []struct {
	name string
	n    int64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
	{"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"B", 1},
}

// UnmarshalText reads a size. A number without a unit is refused: nobody can
// tell whether bytes or something else was meant.
func (s *Size) UnmarshalText(b []byte) error {
	t := strings.TrimSpace(string(b))
	for _, u := range sizeUnits {
		num, ok := strings.CutSuffix(t, u.name)
		if !ok {
			continue
		}
		f, err := strconv.ParseFloat(strings.TrimSpace(num), 64)
		if err != nil || !(f >= 0) || f*float64(u.n) > math.MaxInt64/2 { // NaN is not >= 0
			break
		}
		*s = Size(f * float64(u.n))
		return nil
	}
	return fmt.Errorf("%q is not a size; write a number and a unit, such as 512MiB or 2GB", clip(t))
}

// String writes the size with the largest unit that divides it.
func (s Size) String() string {
	best := sizeUnits[len(sizeUnits)-1]
	for _, u := range sizeUnits {
		if s != 0 && int64(s)%u.n == 0 && u.n > best.n {
			best = u
		}
	}
	return strconv.FormatInt(int64(s)/best.n, 10) + best.name
}

// MarshalText writes what UnmarshalText reads.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// clip keeps hostile input short inside an error text.
func clip(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}
