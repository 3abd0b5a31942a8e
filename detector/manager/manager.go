package manager

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"dswatch/event"
	"dswatch/setting"
)

const (
	// tellEvery is how often a computer's facts are told, changed or not.
	tellEvery = 10 * time.Minute
	// keepListing is how old a listing may grow that cannot be had again
	// because the manager was asked too often.
	keepListing = 15 * time.Minute
	// pingTimeout bounds the look at the manager's status page.
	pingTimeout = 10 * time.Second
	// tellAtOnce is how many reports are handed on together.
	tellAtOnce = 500
)

// API is the name of the item that stands for the manager's API.
const API = "api"

// Options are what a configuration does not say.
type Options struct {
	Observer string // this host, as facts name it
	// Tell takes what the manager knows about computers. A report without
	// facts means that the manager does not, or no longer, manage it. When Tell
	// fails the reports come again with the next look. Nil: nothing is told.
	Tell func(ctx context.Context, reports []event.FactsReport) error
	// Known are the computers' items that were listed when the program last
	// ran: they are unknown until the manager is heard.
	Known []event.Key
}

// Detector asks one manager. Which items it has is for the manager to say:
// each look may bring new ones, and an item stays until a whole listing comes
// without it. It implements detector.Detector and detector.Streamer and is not
// safe for concurrent use.
type Detector struct {
	client *client
	late   time.Duration
	opts   Options

	known  map[string]*record // by host, as last listed
	listed time.Time          // the last whole listing
	resume time.Time          // the manager is not asked before
	refuse error              // why
	told   map[string]told
}

// told is what was told about a host.
type told struct {
	traits
	at time.Time
}

// New returns a detector for the manager of c, which is Enabled.
func New(c Config, o Options) (*Detector, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if !c.Enabled() {
		return nil, setting.Bad("url", "is empty; write the manager's address, such as https://dsm.example.com:4119")
	}
	client, err := newClient(c)
	if err != nil {
		return nil, err
	}
	d := &Detector{client: client, late: c.Late, opts: o, known: map[string]*record{}, told: map[string]told{}}
	for _, k := range o.Known {
		n := slices.Index(parts[:], part{k.Kind, k.Name})
		if k.Component != event.Agent || client.key == "" || n < 0 {
			continue
		}
		if d.known[k.Host] == nil {
			d.known[k.Host] = &record{}
			d.told[k.Host] = told{} // so that one that has left meanwhile is told as such
		}
		d.known[k.Host].has |= 1 << n
	}
	return d, nil
}

// Close ends the connections that are kept for the next look.
func (d *Detector) Close() error {
	d.client.http.CloseIdleConnections()
	return nil
}

// Keys returns the items that are there from the start: the manager's own
// heartbeat, which the cloud has no page for, and its API, with a key.
func (d *Detector) Keys() []event.Key {
	var keys []event.Key
	if d.client.edition != event.WorkloadSecurity {
		keys = append(keys, d.key(event.Manager))
	}
	if d.client.key != "" {
		keys = append(keys, d.key(API))
	}
	return keys
}

func (d *Detector) key(name string) event.Key {
	return event.Key{Host: hostName(d.client.base.Hostname()), Component: event.Manager, Kind: event.Heartbeat, Name: name}
}

// Detect looks at the manager, then asks it for its computers. It never
// returns an error: what could not be seen is unknown, item by item.
func (d *Detector) Detect(ctx context.Context) ([]event.Observation, error) {
	all, err := d.Stream(ctx)
	return slices.Collect(all), err
}

// Stream is Detect in parts.
func (d *Detector) Stream(ctx context.Context) (iter.Seq[event.Observation], error) {
	// The answer must be there before the caller's patience ends, or it is thrown away.
	if end, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(end)*9/10)
		defer cancel()
	}
	var out []event.Observation
	if d.client.edition != event.WorkloadSecurity {
		out = append(out, d.ping(ctx, d.key(event.Manager)))
	}
	if d.client.key == "" {
		return slices.Values(out), nil
	}
	api, computers := d.look(ctx)
	if len(out) > 0 && out[0].State != event.Up && api.State == event.Unknown {
		api.Behind = out[0].Key // one trouble is told once
	}
	out = append(out, api)
	return func(yield func(event.Observation) bool) {
		for _, o := range out {
			if !yield(o) {
				return
			}
		}
		computers(yield)
	}, nil
}

// ping looks whether the manager answers.
func (d *Detector) ping(ctx context.Context, k event.Key) event.Observation {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	start := time.Now()
	o := event.Observation{Key: k, State: event.Down, Want: 1, At: start}
	err := d.client.ping(ctx)
	var down *deaf
	switch {
	case err == nil:
		o.State, o.Found, o.Detail = event.Up, 1, fmt.Sprintf("answered within %s", time.Since(start).Round(time.Millisecond))
	case errors.As(err, &down):
		o.Detail = err.Error()
	default: // something else answered, or was not believed: nothing is known of the manager
		o.State, o.Detail = event.Unknown, err.Error()
	}
	return o
}

// look asks for the computers and returns the API's item and theirs.
func (d *Detector) look(ctx context.Context) (api event.Observation, computers iter.Seq[event.Observation]) {
	now := time.Now()
	err := d.refuse
	var listed []*record
	if !now.Before(d.resume) {
		listed, err = d.list(ctx)
	}
	if err == nil && len(listed) == 0 && len(d.known) > 0 {
		err = errors.New("the manager no longer lists any computer; look at the role of the API key")
	}
	api = event.Observation{Key: d.key(API), State: event.Up, Found: 1, Want: 1, At: now}
	if err == nil {
		api.Detail = fmt.Sprintf("told of %d computers", len(listed))
		d.take(ctx, listed)
		return api, d.last()
	}
	var tooMany *limited
	if errors.As(err, &tooMany) {
		if !now.Before(d.resume) {
			d.resume, d.refuse = now.Add(tooMany.pause), err
		}
		if now.Sub(d.listed) <= keepListing {
			api.Detail = err.Error() + "; what it told at " + d.listed.UTC().Format(time.RFC3339) + " counts"
			return api, d.last()
		}
	}
	api.State, api.Found, api.Detail = event.Unknown, 0, err.Error()
	return api, d.without(api)
}

// last returns the computers' items as they were listed.
func (d *Detector) last() iter.Seq[event.Observation] {
	return func(yield func(event.Observation) bool) {
		for host, r := range d.known {
			for n, s := range r.sights {
				if !yield(event.Observation{Key: parts[n].of(host), State: s.state, Found: s.found(), Want: 1, Detail: s.detail, At: d.listed}) {
					return
				}
			}
		}
	}
}

// without answers for every known item when there is no listing. The API's
// item tells of the trouble for all of them.
func (d *Detector) without(api event.Observation) iter.Seq[event.Observation] {
	return func(yield func(event.Observation) bool) {
		for host, r := range d.known {
			for n, p := range parts {
				o := event.Observation{Key: p.of(host), State: event.Unknown, Want: 1, Detail: api.Detail, At: api.At, Behind: api.Key}
				if r.has&(1<<n) != 0 && !yield(o) {
					return
				}
			}
		}
	}
}

// list asks for every computer and keeps a record of each.
func (d *Detector) list(ctx context.Context) (all []*record, err error) {
	texts := map[string]string{}
	err = d.client.list(ctx, func(page listing) {
		for _, c := range page.computers {
			all = append(all, c.record(page.at.Add(-d.late), texts))
		}
	})
	return all, err
}

// take keeps a listing, and tells its facts.
func (d *Detector) take(ctx context.Context, listed []*record) {
	now := time.Now()
	d.listed = now
	// By ID, so that which computer has the plain name does not depend on the manager's order.
	slices.SortStableFunc(listed, func(a, b *record) int { return cmp.Compare(a.id, b.id) })
	seen := make(map[string]*record, len(listed))
	taken := make(map[string]bool, len(listed)) // by token: what is kept of hosts is kept under it
	var news []report
	for _, r := range listed {
		host := r.host(taken)
		taken[event.Token(host)] = true
		seen[host] = r
		if !r.speaks { // else nothing new is known
			continue
		}
		before, ok := d.told[host]
		r.keep(before.traits)
		if !ok || before.traits != r.traits || now.Sub(before.at) >= tellEvery {
			news = append(news, report{host, r.traits, true})
		}
	}
	for host := range d.told {
		if seen[host] == nil {
			news = append(news, report{host: host})
		}
	}
	d.tell(ctx, now, news)
	d.known = seen
}

// report is what is to be told about a host.
type report struct {
	host string
	traits
	listed bool
}

// tell hands facts on, and remembers what was taken of the hosts that are
// listed.
func (d *Detector) tell(ctx context.Context, now time.Time, news []report) {
	if d.opts.Tell == nil {
		return
	}
	for some := range slices.Chunk(news, tellAtOnce) {
		reports := make([]event.FactsReport, len(some))
		for i, n := range some {
			reports[i] = event.FactsReport{Host: n.host, Observer: d.opts.Observer, Facts: n.facts(now, d.client.edition), At: now}
		}
		if d.opts.Tell(ctx, reports) != nil {
			return // the bus says why; they come again
		}
		for _, n := range some {
			if n.listed {
				d.told[n.host] = told{n.traits, now}
			} else {
				delete(d.told, n.host)
			}
		}
	}
}

// hostName makes text from afar a host of a key: of one line, without
// slashes and blanks around, at most 255 bytes.
func hostName(s string) string {
	s = strings.TrimSpace(strings.ReplaceAll(line(s), "/", "_"))
	if len(s) > 255 {
		s = strings.ToValidUTF8(s[:255], "")
	}
	return s
}

// heartbeat decides on the manager's enumeration. Only for an error, which
// stands for many things, the last communication tells which.
func (c computer) heartbeat(late time.Time) (o sight) {
	heard := "no communication is on record"
	recent := false
	if c.LastAgentCommunication > 0 {
		at := time.UnixMilli(c.LastAgentCommunication).UTC()
		heard, recent = "last communication "+at.Format(time.RFC3339), !at.Before(late)
	}
	switch s := c.status(); s {
	case active, warning:
		o.state = event.Up
	case failing: // of anything: whatever is wrong, an agent that was heard is heard
		o.state = event.Down
		if recent {
			o.state = event.Up
		}
	case inactive:
		o.state = event.Down
		heard = "the agent is not activated, " + heard
	case "":
		o.state = event.Unknown
		heard = "the manager tells no status of this computer; look at the role of the API key"
	default:
		o.state = event.Unknown
		heard = fmt.Sprintf("the manager's status of this computer is %.40q, %s", line(s), heard)
	}
	o.detail = heard
	if c.Status != nil && c.Status.Messages[0] != "" {
		o.detail = c.Status.Messages[0] + " (" + heard + ")"
	}
	return o
}

func (m namedModule) observe() (o sight) {
	switch s := m.status(); s {
	case active:
		o.state = event.Up
	case warning:
		o.state = event.Degraded
	case failing, inactive, notSupported:
		o.state = event.Down
	case "":
		o.state, o.detail = event.Unknown, "the manager tells no status of this module; look at the role of the API key"
		return o
	default:
		o.state, o.detail = event.Unknown, fmt.Sprintf("the manager's status of this module is %.40q", line(s))
		return o
	}
	o.detail = fmt.Sprintf("the manager says %s", m.status())
	if m.State != "" {
		o.detail += fmt.Sprintf(", switched %.40s", line(m.State))
	}
	if m.Status.Message != "" {
		o.detail += ": " + line(m.Status.Message)
	}
	return o
}

// fact tells whether the module is on, where that can be told.
func (m namedModule) fact(inContact bool) feature {
	if m.module == nil {
		return absent
	}
	status := m.status()
	switch {
	case m.State == stateOff, status == notSupported:
		return off
	case m.State == "on", m.State == "prevent", m.State == "detect":
		return on
	case m.State == stateInherited && (status == active || status == warning || status == failing):
		return on
	case m.State == stateInherited && status == inactive && inContact:
		return off
	}
	return untold
}
