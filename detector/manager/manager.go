package manager

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"dswatch/catalog"
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
// without it. It implements detector.Detector and is not safe for concurrent
// use.
type Detector struct {
	client *client
	late   time.Duration
	opts   Options

	known  map[event.Key]event.Observation // as last listed
	listed time.Time                       // the last whole listing
	resume time.Time                       // the manager is not asked before
	refuse error                           // why
	told   map[string]told
}

// told is what was told about a host.
type told struct {
	facts event.Facts
	at    time.Time
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
	d := &Detector{client: client, late: c.Late, opts: o, known: map[event.Key]event.Observation{}, told: map[string]told{}}
	for _, k := range o.Known {
		if k.Component == event.Agent && client.key != "" {
			d.known[k] = event.Observation{}
			d.told[k.Host] = told{} // so that one that has left meanwhile is told as such
		}
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
		return out, nil
	}
	api, computers := d.look(ctx)
	if len(out) > 0 && out[0].State != event.Up && api.State == event.Unknown {
		api.Behind = out[0].Key // one trouble is told once
	}
	return append(append(out, api), computers...), nil
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
func (d *Detector) look(ctx context.Context) (api event.Observation, computers []event.Observation) {
	now := time.Now()
	err := d.refuse
	var l listing
	if !now.Before(d.resume) {
		l, err = d.client.list(ctx)
	}
	if err == nil && len(l.computers) == 0 && len(d.known) > 0 {
		err = errors.New("the manager no longer lists any computer; look at the role of the API key")
	}
	api = event.Observation{Key: d.key(API), State: event.Up, Found: 1, Want: 1, At: now}
	if err == nil {
		api.Detail = fmt.Sprintf("told of %d computers", len(l.computers))
		return api, d.take(ctx, l)
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
func (d *Detector) last() []event.Observation {
	out := make([]event.Observation, 0, len(d.known))
	for _, o := range d.known {
		out = append(out, o)
	}
	return out
}

// without answers for every known item when there is no listing. The API's
// item tells of the trouble for all of them.
func (d *Detector) without(api event.Observation) []event.Observation {
	out := make([]event.Observation, 0, len(d.known))
	for k := range d.known {
		out = append(out, event.Observation{Key: k, State: event.Unknown, Want: 1, Detail: api.Detail, At: api.At, Behind: api.Key})
	}
	return out
}

// take turns a listing into observations, and tells its facts first.
func (d *Detector) take(ctx context.Context, l listing) []event.Observation {
	now := time.Now()
	d.listed = now
	// By ID, so that which computer has the plain name does not depend on the manager's order.
	slices.SortStableFunc(l.computers, func(a, b computer) int { return cmp.Compare(a.ID, b.ID) })
	seen := make(map[event.Key]event.Observation, len(d.known))
	taken := make(map[string]bool, len(l.computers)) // by token: what is kept of hosts is kept under it
	named := make(map[string]bool, len(l.computers))
	var news []event.FactsReport
	for _, c := range l.computers {
		host := c.host(taken)
		taken[event.Token(host)], named[host] = true, true
		for _, o := range c.observe(host, l.at.Add(-d.late)) {
			o.At = now
			seen[o.Key] = o
		}
		if c.fault == "" && c.status() != "" { // else nothing new is known
			f := c.facts(now, d.client.edition)
			for _, m := range c.modules() {
				if before, ok := d.told[host].facts[m.feature]; ok && m.module == nil && len(f) > 0 {
					f[m.feature] = before // what is missing is not off: its item says that it cannot be seen
				}
			}
			news = append(news, d.report(host, f, now)...)
		}
	}
	for host := range d.told {
		if !named[host] {
			news = append(news, d.report(host, event.Facts{}, now)...)
		}
	}
	d.tell(ctx, news, named)
	d.known = seen
	return d.last()
}

// report returns a host's facts if they are new or were told long ago.
func (d *Detector) report(host string, f event.Facts, now time.Time) []event.FactsReport {
	if before, ok := d.told[host]; ok && before.facts.Equal(f) && now.Sub(before.at) < tellEvery {
		return nil
	}
	return []event.FactsReport{{Host: host, Observer: d.opts.Observer, Facts: f, At: now}}
}

// tell hands facts on, and remembers what was taken of the named hosts.
func (d *Detector) tell(ctx context.Context, news []event.FactsReport, named map[string]bool) {
	if d.opts.Tell == nil {
		return
	}
	for some := range slices.Chunk(news, tellAtOnce) {
		if d.opts.Tell(ctx, some) != nil {
			return // the bus says why; they come again
		}
		for _, r := range some {
			if named[r.Host] {
				d.told[r.Host] = told{r.Facts, r.At}
			} else {
				delete(d.told, r.Host)
			}
		}
	}
}

// host is the name of the computer's items.
func (c computer) host(taken map[string]bool) string {
	name := c.HostName
	if strings.TrimSpace(name) == "" {
		name = c.DisplayName
	}
	name = hostName(name)
	if name == "" || taken[event.Token(name)] {
		name = fmt.Sprintf("%s#%d", name, c.ID)
	}
	return name
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

// observe returns the computer's five items. A communication before late is
// too long ago.
func (c computer) observe(host string, late time.Time) []event.Observation {
	heartbeat := event.Key{Host: host, Component: event.Agent, Kind: event.Heartbeat, Name: event.Agent}
	out := []event.Observation{c.heartbeat(heartbeat, late)}
	for _, m := range c.modules() {
		o := event.Observation{Key: event.Key{Host: host, Component: event.Agent, Kind: event.Module, Name: m.name()}, Want: 1}
		if c.fault != "" {
			o.State, o.Detail = event.Unknown, "the manager's record of this computer cannot be read: "+c.fault
		} else {
			m.observe(&o)
		}
		out = append(out, o)
	}
	return out
}

// heartbeat decides on the manager's enumeration. Only for an error, which
// stands for many things, the last communication tells which.
func (c computer) heartbeat(k event.Key, late time.Time) event.Observation {
	o := event.Observation{Key: k, Want: 1}
	if c.fault != "" {
		o.State, o.Detail = event.Unknown, "the manager's record of this computer cannot be read: "+c.fault
		return o
	}
	heard := "no communication is on record"
	recent := false
	if c.LastAgentCommunication > 0 {
		at := time.UnixMilli(c.LastAgentCommunication).UTC()
		heard, recent = "last communication "+at.Format(time.RFC3339), !at.Before(late)
	}
	switch s := c.status(); s {
	case active, warning:
		o.State, o.Found = event.Up, 1
	case failing: // of anything: whatever is wrong, an agent that was heard is heard
		o.State = event.Down
		if recent {
			o.State, o.Found = event.Up, 1
		}
	case inactive:
		o.State = event.Down
		heard = "the agent is not activated, " + heard
	case "":
		o.State = event.Unknown
		heard = "the manager tells no status of this computer; look at the role of the API key"
	default:
		o.State = event.Unknown
		heard = fmt.Sprintf("the manager's status of this computer is %.40q, %s", line(s), heard)
	}
	o.Detail = heard
	if c.Status != nil && c.Status.Messages[0] != "" {
		o.Detail = c.Status.Messages[0] + " (" + heard + ")"
	}
	return o
}

func (m namedModule) observe(o *event.Observation) {
	switch s := m.status(); s {
	case active:
		o.State, o.Found = event.Up, 1
	case warning:
		o.State, o.Found = event.Degraded, 1
	case failing, inactive, notSupported:
		o.State = event.Down
	case "":
		o.State, o.Detail = event.Unknown, "the manager tells no status of this module; look at the role of the API key"
		return
	default:
		o.State, o.Detail = event.Unknown, fmt.Sprintf("the manager's status of this module is %.40q", line(s))
		return
	}
	o.Detail = fmt.Sprintf("the manager says %s", m.status())
	if m.State != "" {
		o.Detail += fmt.Sprintf(", switched %.40s", line(m.State))
	}
	if m.Status.Message != "" {
		o.Detail += ": " + line(m.Status.Message)
	}
}

// origin of every fact that the manager tells.
const origin = "manager API"

// facts returns what the record tells; nothing of a computer that is not
// managed.
func (c computer) facts(now time.Time, edition string) event.Facts {
	f := event.Facts{}
	set := func(n event.Name, value string) { f[n] = event.Fact{Value: value, Origin: origin, At: now} }
	switch c.status() {
	case active, warning, failing:
	default:
		return f
	}
	set(event.Components, event.Agent)
	set(event.Edition, edition)
	set(event.HostID, strconv.FormatInt(c.ID, 10))
	if v, err := catalog.ParseVersion(c.AgentVersion); err == nil && v != (catalog.Version{}) {
		set(event.AgentVersion, strings.TrimSpace(c.AgentVersion))
	}
	inContact := c.status() != failing
	for _, m := range c.modules() {
		if v := m.fact(inContact); v != "" {
			set(m.feature, v)
		}
	}
	return f
}

// fact is on, off, or nothing where that cannot be told.
func (m namedModule) fact(inContact bool) string {
	if m.module == nil {
		return ""
	}
	status := m.status()
	switch {
	case m.State == stateOff, status == notSupported:
		return event.Off
	case m.State == "on", m.State == "prevent", m.State == "detect":
		return event.On
	case m.State == stateInherited && (status == active || status == warning || status == failing):
		return event.On
	case m.State == stateInherited && status == inactive && inContact:
		return event.Off
	}
	return ""
}
