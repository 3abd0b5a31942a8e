package vsphere

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"dswatch/catalog"
	"dswatch/detector"
	"dswatch/event"
	"dswatch/setting"
	"dswatch/spelling"
	"dswatch/words"
)

const (
	// parallel is how many hosts are asked at the same moment: vCenter hands
	// each question on to the host.
	parallel = 8
	// hostTimeout bounds the answer of one host.
	hostTimeout = 10 * time.Second
	// tellEvery is how often a host's facts are told, changed or not.
	tellEvery = 10 * time.Minute
	// logoutTimeout bounds the farewell.
	logoutTimeout = 3 * time.Second

	// several and a tenth of all hosts must be missing from the inventory at once
	// to be taken for a fault of what the server lists.
	several = 3

	// filter is the module whose version is that of the appliance.
	filter = "dvfilter-dsa"
)

// Item is one module to look for on one host.
type Item struct {
	Key   event.Key
	Names []string
}

// Options are what a configuration does not say.
type Options struct {
	Observer string // this host, as facts name it
	// Tell takes what is known about the hosts. When it fails the reports come
	// again with the next look. Nil: nothing is told.
	Tell func(ctx context.Context, reports []event.FactsReport) error
	// Password reads the password again after a refusal. Nil: it is in no file.
	Password setting.Again
}

// Detector asks one server. It implements detector.Detector and io.Closer.
type Detector struct {
	client *client
	items  []Item
	opts   Options
	late   map[string]bool // hosts that the last look did not get to

	mu      sync.Mutex
	version map[string]event.Fact // of the appliance, by host; kept while the module is away
	told    map[string]event.Facts
	toldAt  time.Time
}

// New returns a detector for the server of c, which is Enabled.
func New(c Config, items []Item, o Options) (*Detector, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if !c.Enabled() {
		return nil, words.Bad("url", words.VSphereURLEmpty.With())
	}
	client, err := newClient(c)
	if err != nil {
		return nil, err
	}
	client.again = o.Password
	return &Detector{client: client, items: items, opts: o, version: map[string]event.Fact{}, told: map[string]event.Facts{}}, nil
}

// Close logs out.
func (d *Detector) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), logoutTimeout)
	defer cancel()
	d.client.logout(ctx)
	return nil
}

// Way is the item that tells whether the server can be asked.
func (d *Detector) Way() event.Key {
	return detector.Way(d.client.base.Hostname(), detector.WayVSphere)
}

// Detect asks for the modules of every host once. An error is about the
// server, whose item veils all others then.
func (d *Detector) Detect(ctx context.Context) ([]event.Observation, error) {
	defer d.tell(context.WithoutCancel(ctx)) // what is declared counts also where the server cannot be asked
	if end, ok := ctx.Deadline(); ok {
		// The answer must be there before the caller's patience ends, or it is thrown away.
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(end)*9/10)
		defer cancel()
	}
	way := event.Observation{Key: d.Way(), State: event.Up, Found: 1, Want: 1, At: time.Now()}
	hosts, err := d.hosts(ctx)
	if err != nil {
		way.State, way.Found, way.Detail = event.Unknown, 0, words.Of(err)
		way.Veils = detector.WayVSphere
		return []event.Observation{way}, err
	}
	way.Detail = words.VSphereTold.With(len(hosts))
	at := time.Now()
	var mu sync.Mutex
	seen := map[string]map[string]bool{} // whether a module is loaded, by host and name
	failed := map[string]error{}
	var g errgroup.Group
	g.SetLimit(parallel)
	for _, name := range d.order() {
		g.Go(func() error {
			modules, err := map[string]bool(nil), errNoTurn
			if ctx.Err() == nil {
				modules, err = d.ask(ctx, name, hosts)
			}
			mu.Lock()
			defer mu.Unlock()
			seen[name], failed[name] = modules, err
			return nil
		})
	}
	_ = g.Wait() // no host returns an error
	d.late = map[string]bool{}
	for name, err := range failed {
		if errors.Is(err, errNoTurn) {
			d.late[name] = true
		}
	}
	few := d.fewer(failed, &way)
	out := make([]event.Observation, len(d.items))
	for i, it := range d.items {
		err := failed[it.Key.Host]
		out[i] = it.observe(seen[it.Key.Host], err, at)
		if errors.Is(err, errResting) || few && errors.As(err, new(*absentError)) { // it is away on purpose, or with many others
			out[i].Behind = way.Key
		}
	}
	return append(out, way), nil
}

// fewer reports whether so many hosts are missing from the inventory that what
// the server lists is not believed. Then the way says so.
func (d *Detector) fewer(failed map[string]error, way *event.Observation) bool {
	var missing []string
	all := d.client.config.Hosts
	for _, name := range all {
		if errors.As(failed[name], new(*absentError)) {
			missing = append(missing, name)
		}
	}
	if len(missing) < several || len(missing)*10 <= len(all) {
		return false
	}
	way.State, way.Found = event.Unknown, 0
	way.Detail = words.VSphereFewer.With(len(missing), len(all), missing[0], d.client.config.User)
	return true
}

// absentError is a host that the inventory does not have.
type absentError struct{ error }

func (e *absentError) Unwrap() error { return e.error }

func absent(why event.Said) error { return &absentError{words.Fail(why)} }

// order is that of the hosts in a look: first those that the last one did not
// get to.
func (d *Detector) order() []string {
	first, rest := []string{}, []string{}
	for _, name := range d.client.config.Hosts {
		if d.late[name] {
			first = append(first, name)
		} else {
			rest = append(rest, name)
		}
	}
	return append(first, rest...)
}

// errNoTurn is a host that the look did not get to.
var errNoTurn = words.Fail(words.HostNotReached.With())

// errResting is a host in maintenance mode: what is missing there is no loss.
var errResting = words.Fail(words.InMaintenance.With())

// hosts logs in and lists the hosts.
func (d *Detector) hosts(ctx context.Context) ([]host, error) {
	if err := d.client.login(ctx); err != nil {
		return nil, fmt.Errorf("log in to vSphere: %w", err)
	}
	hosts, err := d.client.list(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the hosts of vSphere: %w", err)
	}
	return hosts, nil
}

// ask returns the modules of one host.
func (d *Detector) ask(ctx context.Context, name string, hosts []host) (map[string]bool, error) {
	h, err := d.find(name, hosts)
	if err != nil {
		return nil, err
	}
	if h.resting {
		return nil, errResting
	}
	ctx, cancel := context.WithTimeout(ctx, hostTimeout)
	defer cancel()
	list, err := d.client.modules(ctx, *h.modules)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, words.Fail(words.VSphereNoModule.With())
	}
	out := make(map[string]bool, len(list))
	for _, m := range list {
		out[m.Name] = out[m.Name] || m.Loaded
		if _, err := catalog.ParseVersion(m.Version); m.Name == filter && err == nil && len(m.Version) < event.MaxName {
			d.mu.Lock()
			d.version[name] = event.Fact{Value: strings.TrimSpace(m.Version), Origin: "vSphere API (version of " + filter + ")", At: time.Now()}
			d.mu.Unlock()
		}
	}
	return out, nil
}

// find returns the host of this name. One ESXi that is asked directly calls
// itself as it likes.
func (d *Detector) find(name string, hosts []host) (host, error) {
	var found *host
	var names []string
	for i, h := range hosts {
		if spelling.Alike(h.name, name) {
			found = &hosts[i]
		}
		names = append(names, h.name)
	}
	if found == nil && len(hosts) == 1 && len(d.client.config.Hosts) == 1 && !d.client.soap.IsVC() {
		found = &hosts[0]
	}
	switch {
	case found == nil && len(hosts) == 0:
		return host{}, absent(words.VSphereNoHosts.With(d.client.config.User))
	case found == nil:
		if n := setting.Nearest(name, names); n != "" {
			return host{}, absent(words.VSphereNearHost.With(d.client.config.User, name, clean(n)))
		}
		there := make([]string, min(len(names), 5))
		for i := range there {
			there[i] = clean(names[i])
		}
		return host{}, absent(words.VSphereNoHost.With(d.client.config.User, name, there))
	case !found.connected:
		return host{}, words.Fail(words.VSphereState.With(clean(found.state)))
	case found.modules == nil:
		return host{}, words.Fail(words.VSphereNoSystem.With())
	}
	return *found, nil
}

func (it Item) observe(modules map[string]bool, err error, at time.Time) event.Observation {
	o := event.Observation{Key: it.Key, State: event.Down, Want: 1, At: at}
	if err != nil {
		o.State, o.Detail = event.Unknown, words.Of(err)
		return o
	}
	o.Detail = words.NoModule.With(it.Names)
	for _, n := range it.Names {
		loaded, there := modules[n]
		if loaded {
			o.State, o.Found, o.Detail = event.Up, 1, words.DriverLoaded.With(n)
			return o
		}
		if there {
			o.Detail = words.ModuleNotLoaded.With(n)
		}
	}
	return o
}

// tell tells the facts of the hosts whose facts are new, and of all now and
// then.
func (d *Detector) tell(ctx context.Context) {
	if d.opts.Tell == nil {
		return
	}
	now := time.Now()
	all := now.Sub(d.toldAt) >= tellEvery
	var reports []event.FactsReport
	d.mu.Lock()
	for _, h := range d.client.config.Hosts {
		known := event.Facts{}
		if v, ok := d.version[h]; ok {
			known[event.ApplianceVersion] = v
		}
		known = known.Merge(d.client.config.Declared())
		if all || !known.Equal(d.told[h]) {
			reports = append(reports, event.FactsReport{Host: h, Observer: d.opts.Observer, Facts: known, At: now})
		}
	}
	d.mu.Unlock()
	if len(reports) == 0 {
		return
	}
	if err := d.opts.Tell(ctx, reports); err != nil {
		return // they are new the next time as well
	}
	for _, r := range reports {
		d.told[r.Host] = r.Facts
	}
	if all {
		d.toldAt = now
	}
}
