package app

import (
	"errors"
	"io"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"
	"unicode"

	"dswatch/bus"
	"dswatch/catalog"
	"dswatch/config"
	"dswatch/event"
	"dswatch/rules"
	"dswatch/setting"
	"dswatch/sinks/stdout"
	"dswatch/web"
	"dswatch/words"
)

// Config is the whole configuration file. Detectors is a pointer to a struct
// with a field for each kind, see sections.
type Config struct {
	Host      string            `yaml:"host" doc:"Name of this host in events and alerts; default the host name of the operating system."`
	Language  string            `yaml:"language" doc:"Language of alerts, for sinks that name none of their own, and of the commands: en or ja; default en, and for the commands that of the session (LANG)."`
	TimeZone  string            `yaml:"time_zone" doc:"Time zone of cron expressions and of the times that people read, such as Asia/Tokyo; default that of the operating system."`
	Log       Log               `yaml:"log" doc:"The program's own log, on standard error."`
	Bus       bus.Config        `yaml:"bus" doc:"Where events and alerts are kept until they are delivered."`
	History   bus.HistoryConfig `yaml:"history" doc:"What is kept of the past, for dswatch history and dswatch report."`
	Watch     Watch             `yaml:"watch" doc:"What is watched."`
	Detectors any               `yaml:"detectors" doc:"How often and how each kind is observed."`
	Rules     rules.Settings    `yaml:"rules" doc:"When an alert rises, repeats and ends."`
	Routes    []rules.Route     `yaml:"routes" doc:"Who is told what; the first route that matches counts; default: every sink is told everything."`
	Windows   []rules.Window    `yaml:"maintenance" doc:"Windows in which alerts are neither raised nor repeated, as silences that come again."`
	Drill     string            `yaml:"drill" doc:"When every sink is sent a marked [TEST] firing and its resolve through the real path, as a cron expression, such as 0 9 1 * *; log, metric and status say which sink did not confirm; default never."`
	Deaf      time.Duration     `yaml:"deaf" doc:"How long it may not be proven that a change would be told before every sink is told so past the outbox, with severity critical, 10s to 1h; default 30s with severity info."`
	PingURL   setting.Secret    `yaml:"ping_url" doc:"URL that is called every minute while changes are told, and with /fail and the reason when they are not; default none."`
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
		return words.Bad("format", words.NeitherTextNorJSON.With(words.Inner(l.Format)))
	}
	return nil
}

// Watch is the section watch.
type Watch struct {
	Facts  catalog.FactsFile `yaml:"facts" doc:"What is declared about this host; what is not declared is discovered, then unknown."`
	Items  []catalog.Row     `yaml:"items" doc:"Rows of your own beside the vendor's list."`
	Ignore []string          `yaml:"ignore" doc:"Rows that are not watched, as name or kind/name."`
	Next   []catalog.Advice  `yaml:"next" doc:"What whoever is on duty does first about rows that are not your own, instead of the built-in sentence; of what fits, the first entry counts."`
}

// Defaults returns the configuration of an empty file.
func Defaults() Config {
	return Config{Language: "en", Log: Log{Format: "text"}, Bus: bus.Defaults(), History: bus.Defaults().History, Rules: rules.Defaults(), Web: web.Defaults()}
}

// Validate looks at the keys that belong to no component.
func (c Config) Validate() error {
	if c.Language != "en" && c.Language != "ja" {
		return words.Bad("language", words.NotSpoken.With(words.Inner(c.Language)))
	}
	if _, err := time.LoadLocation(c.TimeZone); err != nil {
		return words.Bad("time_zone", words.NotAZone.With(words.Inner(c.TimeZone)))
	}
	foreign := func(r rune) bool {
		return !unicode.IsGraphic(r) || unicode.IsSpace(r) || strings.ContainsRune("/\\*>\"'", r)
	}
	if strings.ContainsFunc(c.Host, foreign) || len(c.Host) > 253 {
		return words.Bad("host", words.NotAHostName.With(words.Inner(c.Host)))
	}
	if c.Deaf != 0 && (c.Deaf < 10*time.Second || c.Deaf > time.Hour) {
		return words.Bad("deaf", words.DeafRange.With(c.Deaf.String()))
	}
	if u, err := url.Parse(c.PingURL.Reveal()); err != nil || c.PingURL != "" && (u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
		return words.Bad("ping_url", words.PingNotURL.With())
	}
	return validDrill(c.Drill)
}

// Location is the configured time zone, or that of the operating system.
func (c Config) Location() *time.Location {
	if c.TimeZone == "" {
		return time.Local
	}
	loc, err := time.LoadLocation(c.TimeZone)
	if err != nil {
		return time.Local // Validate has refused it
	}
	return loc
}

// Speaks is the language that the file names; "": it names none.
func (l *Loaded) Speaks() string {
	if l.file == nil || !l.file.Has("language") {
		return ""
	}
	return l.Config.Language
}

// LanguageOf is the language that the file at path names, whatever else is
// wrong with it; "": none.
func LanguageOf(path string) string {
	r := AllKinds().root(Defaults())
	file, _ := config.Load(path, r.pointer())
	c := r.config()
	if file == nil || !file.Has("language") || c.Language != "ja" && c.Language != "en" {
		return ""
	}
	return c.Language
}

// For is the same configuration for a reader: what is shown of it is in his
// language. Its rules and sinks stay as they are.
func (l *Loaded) For(v words.Voice) *Loaded {
	his := *l
	his.Config.Language = v.Either("en", "ja")
	return &his
}

// voice is that of the whole configuration.
func (c Config) voice() words.Voice { return words.In(c.Language, c.Location()) }

// declared returns the facts of the configuration with their origin.
func (c Config) declared() event.Facts { return c.Watch.Facts.Facts("declared", time.Time{}) }

// Loaded is a configuration that was read and checked as a whole. Nothing of
// it changes any more: a reload makes another one.
type Loaded struct {
	Config   Config
	Catalog  *catalog.Catalog // the vendor's rows without the ignored ones, and the operator's own
	Warnings []event.Said

	path   string        // empty: there is no file
	values config.Values // all single values, to compare with those of another one
	file   *config.File
	kinds  Kinds
	sinks  []sinkSpec
	set    *rules.Set
	watch  *watch
}

// Load reads and checks the file at path; an empty path is an empty file.
// The error names every problem with its line.
func Load(path string) (*Loaded, error) { return load(path, AllKinds()) }

func load(path string, kinds Kinds) (*Loaded, error) {
	if path == "" {
		return parse("(no configuration)", nil, kinds)
	}
	r := kinds.root(Defaults())
	file, err := config.Load(path, r.pointer())
	l, err := kinds.finish(file, r, err)
	if l != nil {
		l.path = path
	}
	return l, err
}

// Parse is Load for a configuration that is not in a file.
func Parse(name string, data []byte) (*Loaded, error) { return parse(name, data, AllKinds()) }

func parse(name string, data []byte, kinds Kinds) (*Loaded, error) {
	r := kinds.root(Defaults())
	file, err := config.Parse(name, data, r.pointer())
	return kinds.finish(file, r, err)
}

// finish does the checks that no single component can do. Err is what came of
// reading the file; without a file there is nothing to check.
func (kinds Kinds) finish(file *config.File, r root, err error) (*Loaded, error) {
	if file == nil {
		return nil, err
	}
	vendor, lerr := catalog.Load()
	if lerr != nil {
		return nil, lerr
	}
	c := r.config()
	c.Bus.History = c.History
	l := &Loaded{Config: c, Catalog: vendor, file: file, kinds: kinds}
	errs := []error{err, below(file, "", c.Validate())}
	if err == nil { // the rows are complete
		advised, aerr := vendor.Advised(c.Watch.Next)
		if errs = append(errs, below(file, "watch", aerr)); aerr == nil {
			vendor = advised
		}
		l.Catalog, lerr = vendor.With(c.Watch.Items, c.Watch.Ignore)
		errs = append(errs, below(file, "watch", lerr))
	}
	specs, serr := decodeSinks(c.Sinks, kinds.Sinks)
	errs, l.sinks = append(errs, serr...), specs
	checks := checks{conf: &l.Config, file: file, sinks: specs, list: l.Catalog}
	if err == nil && len(serr) == 0 {
		errs = append(errs, checks.errors()...)
	}
	if all := config.Join(errs...); all != nil {
		return nil, all
	}
	if l.Config.Host == "" {
		if l.Config.Host, err = os.Hostname(); err != nil || l.Config.Host == "" {
			return nil, words.FailWith(err, words.FindHostName.With(err))
		}
	}
	if l.watch, err = newWatch(l, vendor); err != nil {
		return nil, err
	}
	if l.watch.reports {
		l.Catalog = l.Catalog.Reported()
	}
	bounded := l.shorten()
	if l.set, err = l.Config.ruleSet(); err != nil {
		return nil, err
	}
	l.Warnings = append(file.Warnings(), slices.Concat(bounded, checks.warnings(), l.watch.warnings)...)
	if w := zoneWarning(c.TimeZone, os.Getenv("TZ")); !w.Empty() {
		l.Warnings = append(l.Warnings, w)
	}
	if w := dirWarning(c.Bus.Dir); !w.Empty() {
		l.Warnings = append(l.Warnings, warning(file, "bus.dir", w))
	}
	if c.Web.Public() {
		l.Warnings = append(l.Warnings, warning(file, "web.listen", words.APIIsPublic.With()))
	}
	for _, s := range l.sinks {
		if c, ok := s.settings.(interface{ Listens() bool }); ok && c.Listens() && !l.listens() {
			l.Warnings = append(l.Warnings, warning(file, s.path, words.NotAlone.With()))
		}
	}
	l.values = valuesOf(l)
	return l, nil
}

// variable is one of the environment as cmd.exe replaces it.
var variable = regexp.MustCompile(`%[A-Za-z_()]+%`)

// dirWarning tells that a directory is hardly the one that was meant. It is
// made where it is not, so nothing else would tell.
func dirWarning(dir string) event.Said {
	switch name := variable.FindString(dir); {
	case name != "":
		return words.VariableNotReplaced.With(name, bus.Defaults().Dir)
	case dir != "" && !filepath.IsAbs(dir):
		return words.DirRelative.With(setting.Clip(dir), bus.Defaults().Dir)
	}
	return event.Said{}
}

// zoneWarning tells that what the environment names as the time zone is none,
// which Go takes for UTC without a word.
func zoneWarning(configured, tz string) event.Said {
	name := strings.TrimPrefix(tz, ":")
	if configured != "" || name == "" || runtime.GOOS == "windows" { // which does not look at TZ
		return event.Said{}
	}
	if filepath.IsAbs(name) {
		if data, err := os.ReadFile(name); err == nil {
			if _, err = time.LoadLocationFromTZData(name, data); err == nil {
				return event.Said{}
			}
		}
	} else if _, err := time.LoadLocation(name); err == nil {
		return event.Said{}
	}
	return words.BadTZ.With(words.Inner(setting.Clip(tz)))
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
		return file.Fault(strings.Trim(section+"."+s.Key, "."), words.Of(s.Err))
	}
	return file.Fault(section, words.Of(err))
}

// observes reports whether this process only observes: on an external bus,
// a configuration without sinks leaves the decisions to the hub.
func (l *Loaded) observes() bool { return l.Config.Bus.URL != "" && len(l.sinks) == 0 }

// deliversTo are the sinks that are told: those of the configuration, or the
// standard output where there are none.
func (l *Loaded) deliversTo() []sinkSpec {
	switch {
	case l.observes():
		return nil
	case len(l.sinks) == 0:
		return []sinkSpec{standardOutput()}
	}
	return l.sinks
}

// sinkNames are their names.
func (l *Loaded) sinkNames() (names []string) {
	for _, s := range l.deliversTo() {
		names = append(names, s.common.Name)
	}
	return names
}

// WritesOutput reports whether alerts go to the standard output: through a
// sink, or because there is none.
func (l *Loaded) WritesOutput() bool {
	return slices.ContainsFunc(l.deliversTo(), func(s sinkSpec) bool { return s.kind.Type == stdout.Kind().Type })
}

// Show writes the effective configuration without secrets.
func (l *Loaded) Show(w io.Writer) error { return l.file.Show(w, l.kinds.rootOf(l.Config).pointer()) }

// Reference writes the manual of every key.
func Reference(w io.Writer) error { return AllKinds().reference(w) }

// Schema writes the JSON Schema of the file, for editors.
func Schema(w io.Writer) error { return AllKinds().schema(w) }

// ReadFacts reads a facts file as declared facts.
func ReadFacts(path string) (event.Facts, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, words.FailWith(err, words.FactsFileGone.With(err))
	}
	if !info.Mode().IsRegular() && !config.Inherited(path) { // opening a pipe could wait for ever
		return nil, words.Fail(words.FactsFileNotRegular.With(path))
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, words.FailWith(err, words.FactsFileGone.With(err))
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, config.MaxFile+1))
	if err != nil {
		return nil, words.FailWith(err, words.FactsFileUnreadable.With(err))
	}
	var f catalog.FactsFile
	if _, err := config.Parse(path, data, &f); err != nil {
		return nil, err
	}
	return f.Facts("declared in "+path, time.Time{}), nil
}
