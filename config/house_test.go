package config_test

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"dswatch/config"
	"dswatch/event"
	"dswatch/setting"
	"dswatch/words"
)

// A made-up program with the shape of the real one: what it watches, and
// sinks whose keys depend on their type.

type Config struct {
	Host      string            `yaml:"host" doc:"Name of this host; default: the name the OS gives."`
	Language  Language          `yaml:"language" doc:"Language of alerts: en or ja."`
	Bus       Bus               `yaml:"bus" doc:"Where events are stored."`
	Watch     Watch             `yaml:"watch" doc:"What is watched."`
	Detectors Detectors         `yaml:"detectors" doc:"How it is looked at."`
	Rules     Rules             `yaml:"rules" doc:"When an alert is raised."`
	Routes    []Route           `yaml:"routes" doc:"Which alert goes to which sink; none: every sink gets all."`
	Sinks     []*config.Section `yaml:"sinks" doc:"Who is told."`
	Web       *Web              `yaml:"web" doc:"Status page; absent: none."`
	Labels    map[string]string `yaml:"labels" doc:"Words added to every alert, with a | in between."`
	//lint:ignore U1000 a field that is not exported is no key
	inner    int
	Computed string `yaml:"-"`
}

func (c *Config) Validate() error {
	if c.Web != nil && c.Host != "" && c.Web.Listen == c.Host {
		return badSetting("web.listen", "is the name of the host; write address:port")
	}
	return nil
}

type Bus struct {
	Dir  string         `yaml:"dir" doc:"Folder of the store."`
	URL  string         `yaml:"url" doc:"Address of an external server."`
	Sync time.Duration  `yaml:"sync" doc:"Time between flushes to the disk."`
	Max  Size           `yaml:"max_size" doc:"Largest size of the store."`
	Cred Secret         `yaml:"creds" doc:"Credentials of the external server."`
	TLS  TLS            `yaml:"tls" doc:"Encryption towards the external server."`
	Open netip.AddrPort `yaml:"listen" doc:"Address and port to listen on."`
}

func (b Bus) Validate() error {
	if b.URL != "" && b.Dir != "" {
		return badSetting("url", "cannot stand beside dir; keep one")
	}
	return nil
}

type TLS struct {
	CA     string `yaml:"ca" doc:"File with the certificate of the authority."`
	Key    Secret `yaml:"key" doc:"Private key in PEM."`
	Verify bool   `yaml:"verify" doc:"Check the certificate of the server."`
}

type Watch struct {
	Facts  map[string]string `yaml:"facts" doc:"Declared facts."`
	Items  []Item            `yaml:"items" doc:"Rows of your own."`
	Ignore []string          `yaml:"ignore" doc:"Rows switched off."`
}

type Item struct {
	Kind      string `yaml:"kind" doc:"process, service, driver or port."`
	Name      string `yaml:"name" doc:"Name of the item."`
	Instances uint8  `yaml:"instances" doc:"How many a healthy host shows."`
}

func (i *Item) Validate() error {
	if i.Name == "" {
		return badSetting("name", "is empty; write the name of the item")
	}
	return nil
}

type Detectors struct {
	Process Schedule `yaml:"process" doc:"Looks at processes."`
	Port    Ports    `yaml:"port" doc:"Looks at ports."`
}

type Schedule struct {
	Schedule string        `yaml:"schedule" doc:"Cron expression."`
	Timeout  time.Duration `yaml:"timeout" doc:"Longest time of one look."`
}

type Ports struct {
	Schedule `yaml:",inline"`
	Targets  []Target `yaml:"targets" doc:"Remote ports."`
}

type Target struct {
	Host   string   `yaml:"host" doc:"Name or address."`
	Ports  []uint16 `yaml:"ports" doc:"Port numbers."`
	Method string   `yaml:"method" doc:"listen, syn, tls or connect."`
}

func (p Ports) Validate() error {
	var errs []error
	for i, t := range p.Targets {
		if t.Method == "connect" && slices.Contains(t.Ports, 4118) {
			errs = append(errs, badSetting(fmt.Sprintf("targets[%d].method", i), "connect on 4118 makes the agent log errors; write syn"))
		}
		if t.Host == "" {
			errs = append(errs, badSetting(fmt.Sprintf("targets[%d].host", i), "is empty; write a name or an address"))
		}
	}
	return errors.Join(errs...)
}

type Rules struct {
	Hold   time.Duration `yaml:"hold" doc:"How long a loss must last."`
	Repeat time.Duration `yaml:"repeat" doc:"Time between reminders."`
}

func (r Rules) Validate() error {
	if r.Repeat < r.Hold {
		return fmt.Errorf("repeat %s is shorter than hold %s; write a longer repeat", r.Repeat, r.Hold)
	}
	return nil
}

type Route struct {
	Match    map[string]string `yaml:"match" doc:"Words an alert must have."`
	Sinks    []string          `yaml:"sinks" doc:"Names of sinks."`
	Continue bool              `yaml:"continue" doc:"Whether later routes are looked at too."`
}

type Web struct {
	Listen string  `yaml:"listen" doc:"Address to listen on."`
	Ratio  float64 `yaml:"ratio" doc:"Share of requests that are logged."`
	Nice   int8    `yaml:"nice" doc:"Priority."`
	Big    int64   `yaml:"big" doc:"Any number."`
}

// Common is what every sink has.
type Common struct {
	Name     string        `yaml:"name" doc:"Name of the sink."`
	Type     string        `yaml:"type" doc:"Kind of the sink."`
	Patience time.Duration `yaml:"patience" doc:"How long delivery is tried."`
}

func (c Common) Validate() error {
	if c.Name == "" {
		return badSetting("name", "is empty; write a name for the sink")
	}
	return nil
}

type SNMP struct {
	Address   string `yaml:"address" doc:"host:port of the receiver."`
	Version   string `yaml:"version" doc:"2c or 3."`
	Community Secret `yaml:"community" doc:"Community of version 2c."`
}

func (c SNMP) Validate() error {
	if c.Address == "" {
		return badSetting("address", "is empty; write host:port")
	}
	if c.Version == "careless" {
		return badSetting("community", "%s cannot be used; write another", c.Community.Reveal()) // must not leak
	}
	return nil
}

type Webhook struct {
	URL     string            `yaml:"url" doc:"Where to post."`
	Secret  Secret            `yaml:"secret" doc:"Key of the signature."`
	Headers map[string]Secret `yaml:"headers" doc:"Headers to add."`
	Retries int               `yaml:"retries" doc:"How often it is tried."`
	TLS     TLS               `yaml:"tls" doc:"Encryption."`
}

var kinds = map[string]func() any{
	"snmp":    func() any { return &SNMP{Version: "2c", Community: "public"} },
	"webhook": func() any { return &Webhook{TLS: TLS{Verify: true}} },
}

func common() *Common { return &Common{Patience: 24 * time.Hour} }

func parts() []config.Part {
	return []config.Part{
		{Path: "sinks", Type: "snmp", Doc: "Sends traps.", Targets: []any{common(), kinds["snmp"]()}},
		{Path: "sinks", Type: "webhook", Doc: "Posts JSON.", Targets: []any{common(), kinds["webhook"]()}},
	}
}

func defaults() *Config {
	return &Config{
		Language:  "en",
		Bus:       Bus{Dir: "/var/lib/dswatch", Sync: time.Second, Max: 1 << 30, TLS: TLS{Verify: true}},
		Watch:     Watch{Ignore: []string{"driver/none"}},
		Detectors: Detectors{Process: Schedule{"@every 10s", 5 * time.Second}, Port: Ports{Schedule: Schedule{"@every 30s", 10 * time.Second}}},
		Rules:     Rules{Hold: 20 * time.Second, Repeat: 4 * time.Hour},
	}
}

// build does with a file what the program does.
func build(name string, data []byte) (*config.File, *Config, error) {
	c := defaults()
	f, err := config.Parse(name, data, c)
	if f == nil {
		return nil, nil, err
	}
	errs := []error{err}
	var types []string
	for t := range kinds {
		types = append(types, t)
	}
	slices.Sort(types)
	names := map[string]string{}
	for _, s := range c.Sinks {
		settings, ok := kinds[s.String("type")]
		if !ok {
			next := words.WriteOneOf.Phrase(types)
			if near := setting.Nearest(s.String("type"), types); near != "" {
				next = words.DidYouMeanText.Phrase(near)
			}
			errs = append(errs, s.Fault("type", words.NotASinkKind.With(words.Inner(s.String("type")), next)))
			continue
		}
		own := common()
		errs = append(errs, s.Decode(own, settings()))
		if first, twice := names[own.Name]; twice {
			errs = append(errs, f.Fault(s.Path()+".name", event.Prose(fmt.Sprintf("has the name of %s at %s; choose another", first, f.Position(first)))))
		}
		names[own.Name] = s.Path()
	}
	return f, c, config.Join(errs...)
}

type Secret string

func (s Secret) Reveal() string { return string(s) }

type Language string

func (l *Language) UnmarshalText(b []byte) error {
	if s := string(b); s != "en" && s != "ja" {
		return fmt.Errorf("%q is no language; write en or ja", s)
	}
	*l = Language(b)
	return nil
}

type Size int64

func (s *Size) UnmarshalText(b []byte) error {
	num, ok := strings.CutSuffix(string(b), "KiB")
	n, err := strconv.ParseInt(num, 10, 32)
	if !ok || err != nil {
		return fmt.Errorf("%q is not a size; write a number and a unit, such as 64KiB", b)
	}
	*s = Size(n << 10)
	return nil
}

func (s Size) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%dKiB", s>>10), nil }

// settingError has the shape of the error that components return.
type settingError struct {
	key string
	err error
}

func (e *settingError) Error() string      { return e.key + ": " + e.err.Error() }
func (e *settingError) Unwrap() error      { return e.err }
func (e *settingError) SettingKey() string { return e.key }

func badSetting(key, format string, args ...any) error {
	return &settingError{key, fmt.Errorf(format, args...)}
}
