package bus

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"dswatch/setting"
	"dswatch/words"
)

// Config is the `bus` section of the configuration.
type Config struct {
	Dir     string `yaml:"dir" doc:"Directory of the embedded message store and of the local API token; made with mode 0700. Default /var/lib/dswatch, on Windows %ProgramData%\\dswatch."`
	OpenDir string `yaml:"open_dir" doc:"Directory of the journal of what is open at the sinks, apart from dir: a store that was lost or replaced is brought to where it was by it. Default dir with -open at its end."`
	Sync    Sync   `yaml:"sync" doc:"How long the embedded store may hold written messages before it forces them to disk, 100ms to 10m, or always: before each acknowledgement. A killed process loses nothing either way, a power loss at most this much. Default 2s."`

	URL          string `yaml:"url" doc:"External NATS server with JetStream instead of the embedded one, as nats://host:4222, tls://host:4222 or a comma separated list of one cluster's servers. Default none."`
	CredsFile    string `yaml:"creds_file" doc:"File with the NATS user's JWT and seed for the external server. Default none."`
	User         string `yaml:"user" doc:"User name at the external server, together with password_file. Default none."`
	PasswordFile string `yaml:"password_file" doc:"File that holds the password of user. Default none."`
	TLS          TLS    `yaml:"tls" doc:"Certificates for the external server."`
	Replicas     int    `yaml:"replicas" doc:"Copies of each stream in an external cluster: 1, 3 or 5. Default 1."`

	MaxEvents setting.Size `yaml:"max_events" doc:"Most bytes of stored events; the oldest go first, and all go after 72 hours. Default 512MiB."`
	MaxOutbox setting.Size `yaml:"max_outbox" doc:"Most bytes of alerts that wait for sinks, all sinks together; the longest waiting go first. Default 512MiB."`
	MaxDead   setting.Size `yaml:"max_dead" doc:"Most bytes of dead letters; the oldest go first. Default 128MiB."`

	History HistoryConfig `yaml:"-"` // a section of its own
}

// HistoryConfig is the `history` section of the configuration.
type HistoryConfig struct {
	Keep     Age          `yaml:"keep" doc:"How long transitions, acknowledgements, silences, reloads, deafness and restarts are kept for dswatch history and dswatch report, 24h to 3660d. Default 400d."`
	MaxBytes setting.Size `yaml:"max_bytes" doc:"Most bytes of them; the oldest go first. Default 256MiB."`
}

// mostKept is the longest that history is kept: ten years and some days.
const mostKept = 3660 * day

// Validate reports the first setting that cannot work.
func (h HistoryConfig) Validate() error {
	if d := time.Duration(h.Keep); d < day || d > mostKept {
		return words.Bad("keep", words.HistoryKeep.With(h.Keep.String()))
	}
	if h.MaxBytes < minStream {
		return words.Bad("max_bytes", words.BusTooLittle.With(h.MaxBytes.String(), minStream.String()))
	}
	return nil
}

const day = 24 * time.Hour

// Age is a duration that may be written in days.
type Age time.Duration

// UnmarshalText reads 400d, or a duration such as 36h.
func (a *Age) UnmarshalText(b []byte) error {
	t := strings.TrimSpace(string(b))
	if n, ok := strings.CutSuffix(t, "d"); ok {
		if x, err := strconv.ParseUint(n, 10, 16); err == nil {
			*a = Age(time.Duration(x) * day)
			return nil
		}
	}
	d, err := time.ParseDuration(t)
	if err != nil {
		return words.FailWith(err, words.NotAnAge.With(words.Inner(setting.Clip(t))))
	}
	*a = Age(d)
	return nil
}

// String writes what UnmarshalText reads.
func (a Age) String() string {
	if d := time.Duration(a); d != 0 && d%day == 0 {
		return strconv.Itoa(int(d/day)) + "d"
	}
	return time.Duration(a).String()
}

// MarshalText writes what UnmarshalText reads.
func (a Age) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

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
		History: HistoryConfig{Keep: Age(400 * day), MaxBytes: 256 << 20},
	}
}

// minStream is the least size of a stream: smaller ones would drop a burst of
// ordinary alerts.
const minStream setting.Size = 1 << 20

// Validate reports the first setting that cannot work.
func (c Config) Validate() error {
	if c.Dir == "" {
		return words.Bad("dir", words.BusDirEmpty.With(Defaults().Dir))
	}
	if strings.ContainsFunc(c.Dir, unicode.IsControl) {
		return words.Bad("dir", words.BusDirControl.With(words.Inner(setting.Clip(c.Dir))))
	}
	if strings.ContainsFunc(c.OpenDir, unicode.IsControl) {
		return words.Bad("open_dir", words.BusDirControl.With(words.Inner(setting.Clip(c.OpenDir))))
	}
	if c.OpenDir != "" && (within(c.OpenDir, c.Dir) || within(c.Dir, c.OpenDir)) {
		return words.Bad("open_dir", words.OpenDirInside.With(Config{Dir: c.Dir}.OpenPath()))
	}
	if d := time.Duration(c.Sync); c.Sync != Always && (d < 100*time.Millisecond || d > 10*time.Minute) {
		return words.Bad("sync", words.BusSync.With(d.String()))
	}
	for _, s := range []struct {
		key  string
		size setting.Size
	}{{"max_events", c.MaxEvents}, {"max_outbox", c.MaxOutbox}, {"max_dead", c.MaxDead}} {
		if s.size < minStream {
			return words.Bad(s.key, words.BusTooLittle.With(s.size.String(), minStream.String()))
		}
	}
	if !slices.Contains([]int{1, 3, 5}, c.Replicas) {
		return words.Bad("replicas", words.BusReplicas.With(c.Replicas))
	}
	if c.URL == "" {
		return c.validateEmbedded()
	}
	return c.validateExternal()
}

// OpenPath is where the journal of what is open lies.
func (c Config) OpenPath() string {
	if c.OpenDir != "" {
		return c.OpenDir
	}
	return filepath.Clean(c.Dir) + "-open"
}

// within reports whether a path is dir or below it.
func within(path, dir string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
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
			return words.Bad(s.key, words.BusExternal.With())
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
			return words.Bad("url", words.BusURL.With())
		case u.User != nil:
			return words.Bad("url", words.BusURLUser.With())
		}
	}
	switch {
	case c.OpenDir != "":
		return words.Bad("open_dir", words.OpenDirExternal.With())
	case (c.User == "") != (c.PasswordFile == ""):
		return words.Bad("user", words.BusUserPassword.With())
	case c.User != "" && c.CredsFile != "":
		return words.Bad("creds_file", words.BusTwoWays.With())
	case (c.TLS.CertFile == "") != (c.TLS.KeyFile == ""):
		return words.Bad("tls.cert_file", words.BusCertKey.With())
	}
	return nil
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
		return fmt.Errorf("%q is neither always nor a duration; write always, 2s or 1m", setting.Clip(t))
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
