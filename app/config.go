package app

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
	"unicode"

	"dswatch/bus"
	"dswatch/catalog"
	"dswatch/config"
	"dswatch/detector"
	"dswatch/detector/port"
	"dswatch/event"
	"dswatch/rules"
	"dswatch/setting"
	"dswatch/sinks"
	"dswatch/sinks/stdout"
	"dswatch/web"
)

// Config is the whole configuration file.
type Config struct {
	Host      string            `yaml:"host" doc:"Name of this host in events and alerts; default the host name of the operating system."`
	Language  string            `yaml:"language" doc:"Language of alerts: en or ja; default en."`
	TimeZone  string            `yaml:"time_zone" doc:"Time zone of cron expressions, such as Asia/Tokyo; default that of the operating system."`
	Log       Log               `yaml:"log" doc:"The program's own log, on standard error."`
	Bus       bus.Config        `yaml:"bus" doc:"Where events and alerts are kept until they are delivered."`
	Watch     Watch             `yaml:"watch" doc:"What is watched."`
	Detectors Detectors         `yaml:"detectors" doc:"How often and how each kind is observed."`
	Rules     rules.Settings    `yaml:"rules" doc:"When an alert rises, repeats and ends."`
	Routes    []rules.Route     `yaml:"routes" doc:"Who is told what; the first route that matches counts; default: every sink is told everything."`
	Windows   []rules.Window    `yaml:"maintenance" doc:"Windows in which alerts are neither raised nor repeated, as silences that come again."`
	Drill     string            `yaml:"drill" doc:"When every sink is sent a marked [TEST] firing and its resolve through the real path, as a cron expression, such as 0 9 1 * *; log, metric and status say which sink did not confirm; default never."`
	Sinks     []*config.Section `yaml:"sinks" doc:"Who is told; default: alerts are written to standard output."`
	Web       web.Config        `yaml:"web" doc:"Local API and metrics."`
}

// Log is the section log.
type Log struct {
	Level  slog.Level `yaml:"level" doc:"Least level that is logged: DEBUG, INFO, WARN or ERROR; default INFO."`
	Format string     `yaml:"format" doc:"text or json; default text."`
}

// Validate refuses formats that do not exist.
func (l Log) Validate() error {
	if l.Format != "text" && l.Format != "json" {
		return setting.Bad("format", "%q is neither text nor json; write one of them", l.Format)
	}
	return nil
}

// Watch is the section watch.
type Watch struct {
	Facts  catalog.FactsFile `yaml:"facts" doc:"What is declared about this host; what is not declared is discovered, then unknown."`
	Items  []catalog.Row     `yaml:"items" doc:"Rows of your own beside the vendor's list."`
	Ignore []string          `yaml:"ignore" doc:"Rows that are not watched, as name or kind/name."`
}

// Detectors is the section detectors.
type Detectors struct {
	Process detector.Settings `yaml:"process" doc:"Processes."`
	Service detector.Settings `yaml:"service" doc:"Services: systemd units, Windows services."`
	Driver  detector.Settings `yaml:"driver" doc:"Kernel modules, Windows drivers."`
	Port    Ports             `yaml:"port" doc:"Listening ports of this host, and ports of other hosts."`
	Remote  Remote            `yaml:"remote" doc:"Hosts on which nothing may be installed, looked at over SSH: Solaris, ESXi, AIX, Linux."`
	VSphere VSphere           `yaml:"vsphere" doc:"Kernel modules of ESXi hosts through the vSphere API, where SSH is switched off."`
	Manager Manager           `yaml:"manager" doc:"What the manager of Deep Security tells of its computers: heartbeats, protection modules and facts."`
}

// Ports is the section detectors.port.
type Ports struct {
	detector.Settings `yaml:",inline"`
	port.Config       `yaml:",inline"`
}

// portTimeout is how long a look at ports may take, where the targets do not
// need more.
const portTimeout = 20 * time.Second

// patience is how long a look at the targets may take: as long as it needs at
// worst, where the configuration says nothing else.
func (p Ports) patience() time.Duration {
	if p.Timeout != portTimeout {
		return p.Timeout
	}
	return min(max(p.Timeout, p.Budget().Worst), detector.MaxTimeout)
}

// Validate looks at both halves.
func (p Ports) Validate() error { return errors.Join(p.Settings.Validate(), p.Config.Validate()) }

// Defaults returns the configuration of an empty file.
func Defaults() Config {
	ports := detector.DefaultSettings()
	ports.Schedule, ports.Timeout = "@every 30s", portTimeout
	return Config{
		Language: "en", Log: Log{Format: "text"}, Bus: bus.Defaults(),
		Detectors: Detectors{
			Process: detector.DefaultSettings(), Service: detector.DefaultSettings(), Driver: detector.DefaultSettings(),
			Port: Ports{ports, port.Defaults()}, Remote: remoteDefaults(), VSphere: vsphereDefaults(), Manager: managerDefaults(),
		},
		Rules: rules.Defaults(), Web: web.Defaults(),
	}
}

// Validate looks at the keys that belong to no component.
func (c Config) Validate() error {
	if c.Language != "en" && c.Language != "ja" {
		return setting.Bad("language", "%q is not spoken here; write en or ja", c.Language)
	}
	if _, err := time.LoadLocation(c.TimeZone); err != nil {
		return setting.Bad("time_zone", "%q is not a time zone; write a name such as Asia/Tokyo or UTC", c.TimeZone)
	}
	foreign := func(r rune) bool {
		return !unicode.IsGraphic(r) || unicode.IsSpace(r) || strings.ContainsRune("/\\*>\"'", r)
	}
	if strings.ContainsFunc(c.Host, foreign) || len(c.Host) > 253 {
		return setting.Bad("host", "%q is not a host name; write letters, digits, dots and dashes", c.Host)
	}
	return validDrill(c.Drill)
}

// Loaded is a configuration that was read and checked as a whole.
type Loaded struct {
	Config
	Catalog  *catalog.Catalog // the vendor's rows without the ignored ones, and the operator's own
	Warnings []string
	remote   remoteList
	file     *config.File
	sinks    []sinkSpec
	set      *rules.Set
	lint     rules.Lint // of the routes
}

// sinkSpec is one entry of `sinks`, decoded by its kind.
type sinkSpec struct {
	kind     sinks.Kind
	settings any
	common   sinks.Settings
}

// Load reads and checks the file at path; an empty path is an empty file.
// The error names every problem with its line.
func Load(path string) (*Loaded, error) {
	c := Defaults()
	var file *config.File
	var err error
	if path == "" {
		file, err = config.Parse("(no configuration)", nil, &c)
	} else {
		file, err = config.Load(path, &c)
	}
	if file == nil {
		return nil, err
	}
	return finish(file, c, SinkKinds(), err)
}

// Parse is Load for a configuration that is not in a file.
func Parse(name string, data []byte) (*Loaded, error) {
	c := Defaults()
	file, err := config.Parse(name, data, &c)
	if file == nil {
		return nil, err
	}
	return finish(file, c, SinkKinds(), err)
}

// finish does the checks that no single component can do.
func finish(file *config.File, c Config, kinds []sinks.Kind, err error) (*Loaded, error) {
	l := &Loaded{Config: c, file: file}
	errs := []error{err}
	vendor, lerr := catalog.Load()
	if lerr != nil {
		return nil, lerr
	}
	list := vendor
	if err == nil { // the rows are complete
		list, lerr = vendor.With(c.Watch.Items, c.Watch.Ignore)
		errs = append(errs, below(file, "watch", lerr))
		if lerr == nil && c.Detectors.Manager.Enabled() {
			list = list.Reported()
		}
	}
	l.Catalog = list
	specs, serr := decodeSinks(c.Sinks, kinds)
	errs = append(errs, serr...)
	l.sinks = specs
	if err == nil && len(serr) == 0 {
		errs = slices.Concat(errs, l.checkRoutes(), l.checkRepeats(), l.checkWindows())
	}
	if all := config.Join(errs...); all != nil {
		return nil, all
	}
	if l.Host == "" {
		if l.Host, err = os.Hostname(); err != nil || l.Host == "" {
			return nil, fmt.Errorf("find the host name: %w; write it as host: in the configuration", err)
		}
	}
	if err := config.Join(l.checkItems(file), l.remoteRows(file, vendor), l.checkVSphere(file)); err != nil {
		return nil, err
	}
	bounded := l.shorten()
	if l.set, err = l.ruleSet(); err != nil {
		return nil, err
	}
	l.Warnings = slices.Concat(file.Warnings(), bounded, l.routeWarnings(), l.repeatWarnings(), l.windowWarnings(), l.budgetWarnings())
	if w := zoneWarning(l.TimeZone, os.Getenv("TZ")); w != "" {
		l.Warnings = append(l.Warnings, w)
	}
	if l.Web.Public() {
		l.Warnings = append(l.Warnings, file.Position("web.listen")+": web.listen: other hosts can reach the API and read the metrics, and nothing is encrypted; write 127.0.0.1 unless a firewall stands before it")
	}
	return l, nil
}

// zoneWarning tells that what the environment names as the time zone is none,
// which Go takes for UTC without a word.
func zoneWarning(configured, tz string) string {
	name := strings.TrimPrefix(tz, ":")
	if configured != "" || name == "" || runtime.GOOS == "windows" { // which does not look at TZ
		return ""
	}
	if filepath.IsAbs(name) {
		if data, err := os.ReadFile(name); err == nil {
			if _, err = time.LoadLocationFromTZData(name, data); err == nil {
				return ""
			}
		}
	} else if _, err := time.LoadLocation(name); err == nil {
		return ""
	}
	return fmt.Sprintf("the environment variable TZ is %q, which is no time zone known here, so all times are UTC; set it to a name such as Asia/Tokyo and see that tzdata is installed, or write time_zone in the configuration", setting.Clip(tz))
}

// below gives an error about a key of a section its place in the file.
func below(file *config.File, section string, err error) error {
	if err == nil {
		return nil
	}
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, e := range many.Unwrap() {
			all = append(all, below(file, section, e))
		}
		return config.Join(all...)
	}
	var s *setting.Error
	if errors.As(err, &s) {
		return file.Errorf(section+"."+s.Key, "%s", s.Err)
	}
	return file.Errorf(section, "%s", err)
}

// decodeSinks decodes every section by the kind that its type names.
func decodeSinks(sections []*config.Section, kinds []sinks.Kind) ([]sinkSpec, []error) {
	var specs []sinkSpec
	var errs []error
	names := map[string]bool{}
	for _, sec := range sections {
		typ := sec.String("type")
		i := slices.IndexFunc(kinds, func(k sinks.Kind) bool { return k.Type == typ })
		if i < 0 {
			var valid []string
			for _, k := range kinds {
				valid = append(valid, k.Type)
			}
			next := "write one of " + strings.Join(valid, ", ")
			if n := setting.Nearest(typ, valid); n != "" {
				next = fmt.Sprintf("did you mean %q?", n)
			}
			errs = append(errs, sec.Errorf("type", "%q is not a kind of sink; %s", typ, next))
			continue
		}
		settings := kinds[i].Settings()
		if err := sec.Decode(settings); err != nil {
			errs = append(errs, err)
			continue
		}
		common := settings.(interface{ Common() sinks.Settings }).Common()
		if names[common.Name] {
			errs = append(errs, sec.Errorf("name", "another sink is named %q; give each its own name", common.Name))
		}
		names[common.Name] = true
		if err := conflict(specs, settings); err != nil {
			errs = append(errs, sec.Errorf(err.Key, "%s", err.Err))
		}
		specs = append(specs, sinkSpec{kind: kinds[i], settings: settings, common: common})
	}
	return specs, errs
}

// conflict asks a sink's settings whether they can work beside those of the
// sinks before it.
func conflict(before []sinkSpec, settings any) *setting.Error {
	c, ok := settings.(interface{ Conflict(other any) error })
	if !ok {
		return nil
	}
	for _, other := range before {
		if s, ok := errors.AsType[*setting.Error](c.Conflict(other.settings)); ok {
			return s
		}
	}
	return nil
}

// WritesOutput reports whether alerts go to the standard output: through a
// sink, or because there is none.
func (l *Loaded) WritesOutput() bool {
	return !l.observes() && (len(l.sinks) == 0 || slices.ContainsFunc(l.sinks, func(s sinkSpec) bool { return s.kind.Type == stdout.Kind().Type }))
}

// Show writes the effective configuration without secrets.
func (l *Loaded) Show(w io.Writer) error { return l.file.Show(w, &l.Config) }

// Reference writes the manual of every key.
func Reference(w io.Writer) error {
	c := Defaults()
	return config.Reference(w, &c, parts())
}

// Schema writes the JSON Schema of the file, for editors.
func Schema(w io.Writer) error {
	c := Defaults()
	return config.Schema(w, &c, parts())
}

func parts() []config.Part {
	var ps []config.Part
	for _, k := range SinkKinds() {
		ps = append(ps, config.Part{Path: "sinks", Type: k.Type, Doc: k.Doc, Targets: []any{k.Settings()}})
	}
	return ps
}

// ReadFacts reads a facts file as declared facts.
func ReadFacts(path string) (event.Facts, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read facts file: %w; check the path given with --facts", err)
	}
	if !info.Mode().IsRegular() && !config.Inherited(path) { // opening a pipe could wait for ever
		return nil, fmt.Errorf("read facts file: %s is not a regular file; write the facts to one and name that with --facts", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read facts file: %w; check the path given with --facts", err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, config.MaxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read facts file: %w; name a readable file with --facts", err)
	}
	var f catalog.FactsFile
	if _, err := config.Parse(path, data, &f); err != nil {
		return nil, err
	}
	return f.Facts("declared in "+path, time.Time{}), nil
}
