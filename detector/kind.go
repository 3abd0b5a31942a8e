package detector

import (
	"context"
	"io"
	"iter"
	"log/slog"

	"dswatch/catalog"
	"dswatch/event"
	"dswatch/setting"
)

// Kind is one kind of detector: how its section below `detectors` is written,
// and which jobs are made of it. A nil function says that there is nothing of
// the sort.
type Kind struct {
	Type     string     // the key below `detectors`
	Doc      string     // one sentence for the generated reference
	Row      event.Kind // of the rows of this host's list that it looks for; empty: none
	Settings func() any // a pointer to the kind's section with its defaults set

	// Claims are the items that the operator named in the section. They are
	// expected because he did, and looked at as he said.
	Claims func(section any, host string) []event.Key
	// Others are the other hosts that are looked at from here. An error about a
	// key names it below the section.
	Others func(section any, s Site) ([]Other, error)
	// Reports reports whether the rows of what only others tell of are asked for.
	Reports func(section any) bool
	// Remembers reports whether jobs of it need Live.Known.
	Remembers func(section any) bool
	// Way reports whether the section looks through the item, which IsWay.
	Way func(section any, s Site, k event.Key) bool
	// Budget says what a look needs at worst and what it has, where that is
	// worth saying, and what is wrong with it, by key.
	Budget func(section any) (event.Said, []setting.Error)
	// Plans are the jobs, one for each thing that may take its time.
	Plans func(section any, s Site) []Plan
}

// Site is what a kind makes its jobs for.
type Site struct {
	Host    string             // this host
	Rows    []*catalog.Row     // of this host's list that are looked for here
	List    *catalog.Catalog   // the rows of this host's list for every system
	Vendor  *catalog.Catalog   // the vendor's list with nothing left out
	Ignore  []string           // rows that the operator has switched off everywhere
	User    string             // declared: who runs the components' processes; empty: the system
	Folders []string           // declared: where the components are installed
	Claimed map[event.Key]bool // by any kind
	Hosts   map[string]Other   // those of the kinds before, by event.Token of the name
}

// Other is another host that is looked at from here.
type Other struct {
	Host string
	From string           // the key that names it, such as detectors.remote.targets
	List *catalog.Catalog // its rows; nil: as on this host
}

// Plan is a job that can be made.
type Plan struct {
	Name string // of the job, unique
	// Spec is everything that decides what the job does and when: a job is made
	// anew when that of its name has changed.
	Spec any
	Make func(Live) (Job, error)
	// Timing and Again are those of the job, for whoever asks how soon it sees
	// something.
	Timing Settings
	Again  bool // see Job.Again
}

// Live is what only a program that runs, or looks once, can give.
type Live struct {
	Log *slog.Logger // never nil
	// Folders returns where a component of this host is installed, as far as it
	// is known; nil: nobody knows.
	Folders func(component string) []string
	// Tell takes what is learned about hosts. An error makes the detector tell
	// it again.
	Tell func(ctx context.Context, reports []event.FactsReport) error
	// Known are the items that were reported from here when the program last
	// ran, of all kinds.
	Known []event.Key
	// Before yields what the observer had told about hosts by then. Nil: nothing
	// is remembered.
	Before func(observer string) iter.Seq[event.FactsReport]
	// Secret returns what reads the secret at a path of the configuration again,
	// nil where it stands in no file. Nil: none does.
	Secret func(path string) setting.Again
}

// Rememberer is a detector that remembers what is installed on another host.
type Rememberer interface {
	// Forget ends the memory of a component of the host, and reports whether
	// there was any.
	Forget(host, component string) bool
}

// Told is what the observer had told about one host when the program last ran.
func (l Live) Told(observer, host string) event.Facts {
	if l.Before == nil {
		return nil
	}
	for r := range l.Before(observer) {
		if event.Token(r.Host) == event.Token(host) {
			return r.Facts
		}
	}
	return nil
}

// Again returns what reads the secret at path of the configuration again, nil
// where it stands in no file.
func (l Live) Again(path string) setting.Again {
	if l.Secret == nil {
		return nil
	}
	return l.Secret(path)
}

// Making is what NewKind ties to a section of type C.
type Making[C any] struct {
	Row       event.Kind
	Claims    func(c C, host string) []event.Key
	Others    func(c C, s Site) ([]Other, error)
	Reports   func(c C) bool
	Remembers func(c C) bool
	Way       func(c C, s Site, k event.Key) bool
	Budget    func(c C) (event.Said, []setting.Error)
	Plans     func(c C, s Site) []Plan
}

// NewKind ties a kind's own section to the untyped Kind. If C has a Validate
// method, the configuration loader has called it before anything else.
func NewKind[C any](typ, doc string, defaults C, m Making[C]) Kind {
	k := Kind{
		Type: typ, Doc: doc, Row: m.Row,
		Settings:  func() any { c := defaults; return &c },
		Claims:    func(any, string) []event.Key { return nil },
		Others:    func(any, Site) ([]Other, error) { return nil, nil },
		Reports:   func(any) bool { return false },
		Remembers: func(any) bool { return false },
		Way:       func(any, Site, event.Key) bool { return false },
		Budget:    func(any) (event.Said, []setting.Error) { return event.Said{}, nil },
		Plans:     func(c any, s Site) []Plan { return m.Plans(*c.(*C), s) },
	}
	if m.Claims != nil {
		k.Claims = func(c any, host string) []event.Key { return m.Claims(*c.(*C), host) }
	}
	if m.Others != nil {
		k.Others = func(c any, s Site) ([]Other, error) { return m.Others(*c.(*C), s) }
	}
	if m.Reports != nil {
		k.Reports = func(c any) bool { return m.Reports(*c.(*C)) }
	}
	if m.Remembers != nil {
		k.Remembers = func(c any) bool { return m.Remembers(*c.(*C)) }
	}
	if m.Way != nil {
		k.Way = func(c any, s Site, key event.Key) bool { return m.Way(*c.(*C), s, key) }
	}
	if m.Budget != nil {
		k.Budget = func(c any) (event.Said, []setting.Error) { return m.Budget(*c.(*C)) }
	}
	return k
}

// Reported reports whether the item comes with a manager's answer.
func Reported(k event.Key) bool { return k.Kind.Reported() && !IsWay(k) }

// Item is a row of the list on a host.
type Item struct {
	Key event.Key
	Row *catalog.Row
}

// Items are the rows of a kind that are looked for on this host, but for what
// the operator named himself.
func (s Site) Items(kind event.Kind) (items []Item) {
	for _, r := range s.Rows {
		k := event.Key{Host: s.Host, Component: r.Component, Kind: r.Kind, Name: r.Name}
		if r.Kind == kind && !s.Claimed[k] {
			items = append(items, Item{k, r})
		}
	}
	return items
}

// NewRowKind is a kind of detector with one job, which looks for the rows of a
// kind on this host.
func NewRowKind(kind event.Kind, doc string, make func([]Item) (Detector, error)) Kind {
	return NewKind(string(kind), doc, DefaultSettings(), Making[Settings]{Row: kind, Plans: func(c Settings, s Site) []Plan {
		items := s.Items(kind)
		if len(items) == 0 {
			return nil
		}
		return []Plan{{Name: string(kind), Timing: c, Again: true, Spec: []any{c, items}, Make: func(Live) (Job, error) {
			d, err := make(items)
			if err != nil {
				return Job{}, err
			}
			j := c.Job(string(kind), d, items...)
			j.Again = true
			return j, nil
		}}}
	}})
}

// Close ends what the detectors of jobs keep between looks.
func Close(jobs ...Job) {
	for _, j := range jobs {
		if c, ok := j.Detector.(io.Closer); ok {
			_ = c.Close() // nothing is written through it
		}
	}
}

// Job is a job of a detector with these settings.
func (c Settings) Job(name string, d Detector, items ...Item) Job {
	j := Job{Name: name, Schedule: c.Schedule, Timeout: c.Timeout, Jitter: c.Jitter, Detector: d}
	for _, it := range items {
		j.Keys = append(j.Keys, it.Key)
	}
	return j
}
