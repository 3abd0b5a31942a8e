package port

import (
	"errors"
	"slices"
	"time"

	"dswatch/detector"
	"dswatch/detector/process"
	"dswatch/event"
	"dswatch/setting"
	"dswatch/words"
)

// section is detectors.port.
type section struct {
	detector.Settings `yaml:",inline"`
	Config            `yaml:",inline"`
}

// Validate looks at both halves.
func (c section) Validate() error { return errors.Join(c.Settings.Validate(), c.Config.Validate()) }

// lookTimeout is how long a look at ports may take, where the targets do not
// need more.
const lookTimeout = 20 * time.Second

// patience is how long a look at the targets may take: as long as it needs at
// worst, where the configuration says nothing else.
func (c section) patience() time.Duration {
	if c.Settings.Timeout != lookTimeout {
		return c.Settings.Timeout
	}
	return min(max(c.Settings.Timeout, c.Budget().Worst), detector.MaxTimeout)
}

// Kind is the section detectors.port. What the operator names there is looked
// at as he says, also where it is a row of the list. The ports of this host
// are a job, those of others another: they share nothing.
func Kind() detector.Kind {
	defaults := section{detector.DefaultSettings(), Defaults()}
	defaults.Settings.Schedule, defaults.Settings.Timeout = "@every 30s", lookTimeout
	return detector.NewKind("port", "Listening ports of this host, and ports of other hosts.", defaults, detector.Making[section]{
		Row: event.Port,
		Claims: func(c section, host string) (keys []event.Key) {
			for _, t := range c.Expand(host) {
				keys = append(keys, t.Key)
			}
			return keys
		},
		Remembers: func(c section) bool { return c.Budget().Endpoints > 0 },
		Way: func(c section, s detector.Site, k event.Key) bool {
			other := k.Name == detector.WaySSH || k.Name == detector.WayVSphere
			return !other && event.Token(k.Host) == event.Token(s.Host) && c.Budget().Endpoints > 0
		},
		Budget: section.budget,
		Plans: func(c section, s detector.Site) (plans []detector.Plan) {
			var own, far []Target
			rows := map[event.Key]detector.Item{}
			for _, t := range c.Expand(s.Host) {
				if t.Local() {
					own = append(own, t)
				} else {
					far = append(far, t)
				}
			}
			for _, it := range s.Items(event.Port) {
				rows[it.Key] = it
				own = append(own, Target{Key: it.Key, Port: it.Row.Port(), Method: Listen, Loopback: !it.Row.Reached()})
			}
			if len(own) > 0 {
				plans = append(plans, plan("port", c.Settings, own, Options{}, func(k event.Key, live detector.Live) Owner { return ownerOf(rows[k], s, live) }))
			}
			if len(far) > 0 {
				settings := c.Settings
				settings.Timeout = c.patience()
				plans = append(plans, plan("port targets", settings, far, Options{Rate: c.Rate, Here: s.Host}, nil))
			}
			return plans
		},
	})
}

// ownerOf says who may hold the port of a row; nil: anybody, as that of an
// operator's own.
func ownerOf(it detector.Item, s detector.Site, live detector.Live) Owner {
	if it.Row == nil {
		return nil
	}
	o := process.OwnerOf(it, s, live)
	if o.Who == process.Anyone {
		return nil
	}
	return &o
}

// plan makes the job of some targets. Owner says who may hold the port of one;
// nil: anybody.
func plan(name string, c detector.Settings, targets []Target, o Options, owner func(event.Key, detector.Live) Owner) detector.Plan {
	own := o.Rate == 0 // others are asked at a rate
	return detector.Plan{Name: name, Timing: c, Again: own, Spec: []any{c, targets, o}, Make: func(live detector.Live) (detector.Job, error) {
		o.Known = live.Known
		targets := slices.Clone(targets)
		for i := range targets {
			if owner != nil {
				targets[i].Owner = owner(targets[i].Key, live)
			}
		}
		d, err := New(targets, o)
		if err != nil {
			return detector.Job{}, err
		}
		j := c.Job(name, d)
		j.Again = own
		for _, t := range targets {
			j.Keys = append(j.Keys, t.Key)
		}
		if ways := d.Ways(); len(ways) > 0 {
			j.Keys, j.Open = append(j.Keys, ways...), true // networks come with the names that are resolved
			j.Known = slices.DeleteFunc(slices.Clone(live.Known), func(k event.Key) bool { return !d.Known(k) })
		}
		return j, nil
	}}
}

// budget says what a look at the targets needs, and where it does not have it.
func (c section) budget() (needs event.Said, wrong []setting.Error) {
	b := c.Budget()
	if b.Endpoints == 0 {
		return needs, nil
	}
	_, wrong = c.expand("here")
	has := c.patience()
	if has < b.Worst {
		wrong = append(wrong, setting.Error{Key: "timeout", Err: words.Fail(words.PortsTooSlow.With(b.Endpoints, b.Worst.String(), has.String()))})
	}
	if every := detector.Interval(c.Settings.Schedule); b.Worst > every {
		wrong = append(wrong, setting.Error{Key: "schedule", Err: words.Fail(words.PortsTooOften.With(b.Endpoints, b.Worst.String(), every.String(), (b.Worst + 10*time.Second).Round(10*time.Second).String()))})
	}
	return words.PortBudget.With(b.Endpoints, b.Names, b.Parallel, b.Rate).
		And(words.LookBudget.With(b.Worst.String(), has.String(), c.Settings.Schedule)), wrong
}
