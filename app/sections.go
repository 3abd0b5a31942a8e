package app

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"dswatch/config"
	"dswatch/detector"
	"dswatch/setting"
	"dswatch/sinks"
	"dswatch/sinks/stdout"
	"dswatch/words"
)

// Kinds are the kinds of detectors and of sinks that a configuration may name.
type Kinds struct {
	Detectors []detector.Kind // one that looks at other hosts comes before those that must not look at the same
	Sinks     []sinks.Kind
}

// root is what a file is read into: a Config whose Detectors has a field for
// each kind, which only the list of kinds knows.
type root struct{ value reflect.Value }

// root returns one with the defaults of c and of every kind.
func (kinds Kinds) root(c Config) root {
	var fields []reflect.StructField
	for i, k := range kinds.Detectors {
		fields = append(fields, reflect.StructField{
			Name: fmt.Sprintf("Kind%d", i), Type: reflect.TypeOf(k.Settings()).Elem(), Tag: reflect.StructTag(fmt.Sprintf("yaml:%q doc:%q", k.Type, k.Doc)),
		})
	}
	sections := reflect.New(reflect.StructOf(fields))
	for i, k := range kinds.Detectors {
		sections.Elem().Field(i).Set(reflect.ValueOf(k.Settings()).Elem())
	}
	c.Detectors = sections.Interface()
	return kinds.rootOf(c)
}

// rootOf is root for a configuration that was read.
func (kinds Kinds) rootOf(c Config) root {
	from := reflect.ValueOf(c)
	fields := reflect.VisibleFields(from.Type())
	for i := range fields {
		if v := from.Field(i); v.Kind() == reflect.Interface {
			fields[i].Type = v.Elem().Type().Elem()
		}
		fields[i] = reflect.StructField{Name: fields[i].Name, Type: fields[i].Type, Tag: fields[i].Tag}
	}
	r := root{reflect.New(reflect.StructOf(fields))}
	for i := range fields {
		v := from.Field(i)
		if v.Kind() == reflect.Interface {
			v = v.Elem().Elem()
		}
		r.value.Elem().Field(i).Set(v)
	}
	return r
}

func (r root) pointer() any { return r.value.Interface() }

// config is what was read.
func (r root) config() (c Config) {
	to := reflect.ValueOf(&c).Elem()
	for i := range to.NumField() {
		v := r.value.Elem().Field(i)
		if to.Field(i).Kind() == reflect.Interface {
			v = v.Addr()
		}
		to.Field(i).Set(v)
	}
	return c
}

// sections are those of the detectors in the order of kinds.
func (c Config) sections() (all []any) {
	v := reflect.ValueOf(c.Detectors).Elem()
	for i := range v.NumField() {
		all = append(all, v.Field(i).Addr().Interface())
	}
	return all
}

func (kinds Kinds) reference(w io.Writer) error {
	return config.Reference(w, kinds.root(Defaults()).pointer(), kinds.parts())
}

func (kinds Kinds) schema(w io.Writer) error {
	return config.Schema(w, kinds.root(Defaults()).pointer(), kinds.parts())
}

func (kinds Kinds) parts() (ps []config.Part) {
	for _, k := range kinds.Sinks {
		ps = append(ps, config.Part{Path: "sinks", Type: k.Type, Doc: k.Doc, Targets: []any{k.Settings()}})
	}
	return ps
}

// sinkSpec is one entry of `sinks`, decoded by its kind.
type sinkSpec struct {
	kind     sinks.Kind
	path     string // of the section; empty: it stands in no file
	settings any
	common   sinks.Settings
}

// voice is in which language and zone a sink is told.
func (l *Loaded) voice(s sinkSpec) words.Voice {
	return words.In(cmp.Or(s.common.Language, l.Config.Language), l.Config.Location())
}

// renewing makes the sink of a section, which is made anew when it was refused
// and the file of a secret or of a certificate holds something else than before.
func (l *Loaded) renewing(spec sinkSpec, env sinks.Env) (sinks.Sink, error) {
	made := config.Flatten(spec.settings, spec.path) // before: what changes meanwhile is seen
	s, err := spec.kind.New(spec.settings, env)
	if err != nil || spec.path == "" {
		return s, err
	}
	files := l.file.SecretFiles(spec.path)
	for p, v := range made {
		if strings.HasSuffix(p, "_file") && v.Shown != `""` {
			files = append(files, strings.TrimPrefix(p, spec.path+"."))
		}
	}
	slices.Sort(files)
	renewal := sinks.Renewal{Files: files, Log: env.Log}
	if _, itself := s.(interface{ ReadsFiles() }); itself || len(files) == 0 {
		return sinks.Renewing(s, renewal), nil
	}
	renewal.Make = func() (sinks.Sink, error) {
		settings := reflect.New(reflect.TypeOf(spec.settings).Elem())
		settings.Elem().Set(reflect.ValueOf(spec.settings).Elem())
		if err := l.file.Renew(settings.Interface(), spec.path); err != nil {
			return nil, err
		}
		now := config.Flatten(settings.Interface(), spec.path)
		if len(made.Differences(now)) == 0 {
			return nil, nil
		}
		fresh, err := spec.kind.New(settings.Interface(), env)
		if err == nil {
			made = now
		}
		return fresh, err
	}
	return sinks.Renewing(s, renewal), nil
}

// standardOutput is the sink of a configuration without sinks.
func standardOutput() sinkSpec {
	kind := stdout.Kind()
	settings := kind.Settings().(*stdout.Config)
	settings.Name, settings.Type = kind.Type, kind.Type
	return sinkSpec{kind: kind, settings: settings, common: settings.Settings}
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
			next := words.WriteOneOf.Phrase(valid)
			if n := setting.Nearest(typ, valid); n != "" {
				next = words.DidYouMeanText.Phrase(n)
			}
			errs = append(errs, sec.Fault("type", words.NotASinkKind.With(words.Inner(typ), next)))
			continue
		}
		settings := kinds[i].Settings()
		if err := sec.Decode(settings); err != nil {
			errs = append(errs, err)
			continue
		}
		common := settings.(interface{ Common() sinks.Settings }).Common()
		if names[common.Name] {
			errs = append(errs, sec.Fault("name", words.SinkTwice.With(words.Inner(common.Name))))
		}
		names[common.Name] = true
		if err := conflict(specs, settings); err != nil {
			errs = append(errs, sec.Fault(err.Key, words.Of(err.Err)))
		}
		specs = append(specs, sinkSpec{kind: kinds[i], path: sec.Path(), settings: settings, common: common})
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
