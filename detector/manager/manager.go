package manager

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"dswatch/event"
	"dswatch/setting"
	"dswatch/words"
)

const (
	// tellEvery is how often a computer's facts are told, changed or not: each
	// has a moment of its own in that time, see turn.
	tellEvery = 10 * time.Minute
	// keepListing is how old what was listed may grow while it cannot be had
	// again: half a million items need not change because one page failed.
	keepListing = 15 * time.Minute
	// pingTimeout bounds the look at the manager's status page.
	pingTimeout = 10 * time.Second
	// several and a tenth of all computers must be missing at once to be taken
	// for a fault of the listing.
	several = 3
	// confirmAfter is how long they must be missing to be believed gone.
	confirmAfter = 24 * time.Hour
	// tellAtOnce is how many reports are handed on together.
	tellAtOnce = 500
)

// The items beside those of the computers.
const (
	API     = "api"     // stands for the manager's API
	Listing = "listing" // the manager lists the computers that it had
)

// Options are what a configuration does not say.
type Options struct {
	Observer string // this host, as facts name it
	// Tell takes what the manager knows about computers. A report without
	// facts means that the manager does not, or no longer, manage it. When Tell
	// fails the reports come again with the next look. Nil: nothing is told.
	Tell func(ctx context.Context, reports []event.FactsReport) error
	// Key reads the API key again after a refusal. Nil: it is in no file.
	Key setting.Again
	// Known are the computers' items that were listed when the program last
	// ran: they are unknown until the manager is heard.
	Known []event.Key
	// Activated are the IDs of the computers that were activated then.
	Activated map[int64]bool
	Log       *slog.Logger // nil: nothing is logged
}

// Detector asks one manager. Which items it has is for the manager to say:
// each look may bring new ones, and an item stays until a whole listing comes
// without it. It implements detector.Detector and detector.Streamer and is not
// safe for concurrent use.
type Detector struct {
	client *client
	late   time.Duration
	opts   Options

	known   map[string]*record // by host, as last listed
	missing map[string]absence // of those, what whole listings left out
	from    int64              // the ID above which the next listing begins
	listed  time.Time          // the last whole listing
	resume  time.Time          // the manager is not asked before
	refuse  error              // why
	told    map[string]told

	alike  map[string]bool // by what names look like: it was logged that several do
	forget sync.Map        // tokens of hosts that are confirmed to be gone
}

// absence is since when, and in how many whole listings, a computer is missing.
type absence struct {
	since time.Time
	times int
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
		return nil, words.Bad("url", words.ManagerURLEmpty.With())
	}
	client, err := newClient(c)
	if err != nil {
		return nil, err
	}
	client.renewal = o.Key
	d := &Detector{client: client, late: c.Late, opts: o, known: map[string]*record{}, missing: map[string]absence{}, told: map[string]told{}, alike: map[string]bool{}}
	if d.opts.Log == nil {
		d.opts.Log = slog.New(slog.DiscardHandler)
	}
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
		keys = append(keys, d.key(API), d.key(Listing))
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
	out = append(out, api, d.whole(api))
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
		o.State, o.Found, o.Detail = event.Up, 1, words.ManagerAnswered.With(time.Since(start).Round(time.Millisecond))
	case errors.As(err, &down):
		o.Detail = words.Of(err)
	default: // something else answered, or was not believed: nothing is known of the manager
		o.State, o.Detail = event.Unknown, words.Of(err)
	}
	return o
}

// look asks for the computers and returns the API's item and theirs.
func (d *Detector) look(ctx context.Context) (api event.Observation, computers iter.Seq[event.Observation]) {
	now := time.Now()
	err := d.refuse
	if !now.Before(d.resume) {
		err = d.list(ctx, now)
	}
	api = event.Observation{Key: d.key(API), State: event.Up, Found: 1, Want: 1, At: now}
	if err == nil {
		api.Detail = words.ManagerTold.With(len(d.known) - len(d.missing))
		return api, d.computers(api)
	}
	api.Detail = words.Of(err)
	if !d.listed.IsZero() {
		api.Detail = api.Detail.And(words.ManagerOldCounts.With(d.listed, keepListing))
	}
	var tooMany *limited
	if errors.As(err, &tooMany) {
		if !now.Before(d.resume) {
			d.resume, d.refuse = now.Add(tooMany.pause), err
		}
		if now.Sub(d.listed) <= keepListing {
			return api, d.computers(api)
		}
	}
	api.State, api.Found = event.Unknown, 0
	if d.old(api.At) {
		api.Veils = API
		return api, func(func(event.Observation) bool) {}
	}
	return api, d.computers(api)
}

// old reports whether what was listed of every computer is too old to count.
func (d *Detector) old(now time.Time) bool {
	oldest := now.Add(-keepListing).UnixNano()
	for _, r := range d.known {
		if r.at >= oldest {
			return false
		}
	}
	return true
}

// computers answers for every known item: as it was listed last, also of a
// computer that a listing lacks, unless that is too long ago. Then it is
// unknown, and behind the item that says why.
func (d *Detector) computers(api event.Observation) iter.Seq[event.Observation] {
	return func(yield func(event.Observation) bool) {
		oldest := api.At.Add(-keepListing).UnixNano()
		for host, r := range d.known {
			away, missing := d.missing[host]
			for n, p := range parts {
				o := event.Observation{Key: p.of(host), State: event.Unknown, Want: 1, At: api.At}
				s := r.sights[n]
				switch {
				case r.has&(1<<n) == 0:
					continue
				case r.at >= oldest:
					o.State, o.Found, o.Detail, o.At = s.state, s.found(), s.detail, time.Unix(0, r.at)
				case missing:
					o.Behind = d.key(Listing)
					o.Detail = words.ManagerNoLonger.With(away.since)
				default:
					o.Behind, o.Detail = api.Key, api.Detail
				}
				if !yield(o) {
					return
				}
			}
		}
	}
}

// whole is the item that tells of a listing that lacks many computers.
func (d *Detector) whole(api event.Observation) event.Observation {
	o := event.Observation{Key: d.key(Listing), State: event.Up, Found: len(d.known) - len(d.missing), Want: len(d.known), At: api.At}
	switch {
	case d.listed.IsZero():
		return event.Observation{Key: o.Key, State: event.Unknown, Want: 1, Detail: api.Detail, At: api.At, Behind: api.Key}
	case d.dropped():
		o.State = event.Degraded
		o.Detail = words.ManagerListsFewer.With(o.Found, o.Want, confirmAfter)
	default: // not of which size: it would be news each time
		o.Detail, o.Found, o.Want = words.ManagerLists.With(o.Found), 1, 1
	}
	return o
}

// dropped reports whether too many computers are missing to believe it.
func (d *Detector) dropped() bool {
	return len(d.missing) >= several && len(d.missing)*10 > len(d.known)
}

// list asks for every computer, and takes what was told of.
func (d *Detector) list(ctx context.Context, now time.Time) error {
	have := newCommon()
	var all []*record
	var err error
	d.from, err = d.client.list(ctx, d.from, func(page listing) {
		for _, c := range page.computers {
			r := c.record(page.at.Add(-d.late), have)
			r.at = now.UnixNano()
			all = append(all, r)
		}
	})
	switch {
	case err == nil && len(all) == 0 && len(d.known) > 0:
		return words.Fail(words.ManagerListsNone.With())
	case err == nil || len(all) > 0: // of a part what was seen counts
		d.take(ctx, all, err == nil)
	}
	return err
}

// take keeps what was listed, and tells its facts. Only a whole listing says
// that a computer is missing, and only a second one that it is gone.
func (d *Detector) take(ctx context.Context, listed []*record, whole bool) {
	now := time.Now()
	named := d.name(listed, whole)
	var news []report
	for host, r := range named {
		d.known[host] = r
		delete(d.missing, host)
		if !r.speaks { // else nothing new is known
			continue
		}
		before, ok := d.told[host]
		if r.active = r.active || d.opts.Activated[r.id]; r.lapsed {
			r.lapse(before.version)
		}
		r.keep(before.traits)
		if !ok || before.traits != r.traits || turn(host, now) != turn(host, before.at) {
			news = append(news, report{host, r.traits, true})
		}
	}
	d.compare(named)
	if whole {
		d.listed = now
		for host := range d.known {
			if named[host] == nil {
				a := d.missing[host]
				if a.times++; a.times == 1 {
					a.since = now
				}
				d.missing[host] = a
			}
		}
		dropped := d.dropped()
		for host, a := range d.missing {
			if a.times < 2 || dropped && now.Sub(a.since) < confirmAfter && !d.forgotten(host) {
				continue
			}
			delete(d.known, host)
			delete(d.missing, host)
		}
	}
	for host := range d.told {
		if d.known[host] == nil {
			news = append(news, report{host: host})
		}
	}
	slices.SortFunc(news, func(a, b report) int {
		switch {
		case a.listed != b.listed && a.listed:
			return -1
		case a.listed != b.listed:
			return 1
		}
		return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(a.host, b.host))
	})
	d.tell(ctx, now, news)
}

// name gives each computer the name of its items. One that had a name keeps
// it, so that a listing that lacks another one does not rename it; if the
// manager has another name for it, what had the old one is gone.
func (d *Detector) name(listed []*record, whole bool) map[string]*record {
	before := make(map[int64]string, len(d.known))
	for host, r := range d.known {
		if r.id != 0 {
			before[r.id] = host
		}
	}
	// By ID, so that which computer has the plain name does not depend on the manager's order.
	slices.SortStableFunc(listed, func(a, b *record) int { return cmp.Compare(a.id, b.id) })
	named := make(map[string]*record, len(listed))
	give := func(r *record, host string) {
		old, ok := before[r.id]
		if was := d.known[old]; ok && was != nil { // nil: it is listed twice
			r.active = r.active || was.active
		}
		if ok && old != host { // the same computer under another name
			delete(d.known, old)
			delete(d.missing, old)
		}
		named[host] = r
	}
	var rest []*record
	for _, r := range listed {
		host, ok := before[r.id]
		if !ok || host != r.name && (host != r.numbered() || d.known[r.name] == nil && r.name != "") || named[host] != nil {
			rest = append(rest, r)
			continue
		}
		give(r, host)
	}
	if len(rest) == 0 {
		return named
	}
	taken := make(map[string]bool, len(listed)) // by token: what is kept of hosts is kept under it
	for host := range named {
		taken[event.Token(host)] = true
	}
	if !whole {
		for host := range d.known { // it may come with the next part
			taken[event.Token(host)] = true
		}
	}
	for _, r := range rest {
		host := r.host(taken)
		give(r, host)
		taken[event.Token(host)] = true
	}
	return named
}

// compare logs, once for each look of a name, that two computers have it: composed and decomposed characters, or their widths.
func (d *Detector) compare(named map[string]*record) {
	by := map[string]string{}
	var odd []string
	for host := range named {
		if strings.IndexFunc(host, func(r rune) bool { return r > unicode.MaxASCII }) >= 0 {
			odd = append(odd, host)
		}
	}
	slices.Sort(odd)
	for _, host := range odd {
		plain := norm.NFKC.String(host)
		other := by[plain]
		if named[plain] != nil && plain != host {
			other = plain
		}
		by[plain] = host
		if other != "" && !d.alike[plain] {
			d.alike[plain] = true
			d.opts.Log.Warn("two computers of the manager have names that look the same, and are two hosts; give one of them another name in the manager", "host", host, "other", other, "bytes", fmt.Sprintf("%+q", host))
		}
	}
}

// Forget confirms that a computer which the manager no longer lists is gone.
func (d *Detector) Forget(host string) { d.forget.Store(event.Token(host), true) }

func (d *Detector) forgotten(host string) bool {
	_, yes := d.forget.LoadAndDelete(event.Token(host))
	return yes
}

// report is what is to be told about a host.
type report struct {
	host string
	traits
	listed bool
}

// turn counts the moments at which a computer's facts are told. They are spread
// over the time between two, so that no look has those of 20,000 to tell.
func turn(host string, at time.Time) int64 {
	const every = int64(tellEvery / time.Second)
	name := fnv.New32a()
	_, _ = name.Write([]byte(host))
	return (at.Unix() + int64(name.Sum32())%every) / every
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
	heard := words.NoCommunication.With()
	recent := false
	if c.LastAgentCommunication > 0 {
		at := time.UnixMilli(c.LastAgentCommunication).UTC()
		heard, recent = words.LastCommunication.With(at), !at.Before(late)
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
		if !c.lapsed() { // else what it was before tells more, see lapse
			heard = words.NotActivated.With().And(heard)
		}
	case "":
		o.state = event.Unknown
		heard = words.NoComputerStatus.With()
	default:
		o.state = event.Unknown
		heard = words.ComputerStatus.With(fmt.Sprintf("%.40q", line(s))).And(heard)
	}
	o.detail = heard
	if c.Status != nil && c.Status.Messages[0] != "" {
		o.detail = words.Seen.With(c.Status.Messages[0]).And(heard)
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
		o.state, o.detail = event.Unknown, words.NoModuleStatus.With()
		return o
	default:
		o.state, o.detail = event.Unknown, words.ModuleStatus.With(fmt.Sprintf("%.40q", line(s)))
		return o
	}
	o.detail = words.ModuleSays.With(m.status())
	if m.State != "" {
		o.detail = words.ModuleSwitched.With(m.status(), fmt.Sprintf("%.40s", line(m.State)))
	}
	if m.Status.Message != "" {
		o.detail = o.detail.And(words.Seen.With(line(m.Status.Message)))
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
