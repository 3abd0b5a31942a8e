package vsphere

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"

	"dswatch/detector"
	"dswatch/detector/vsphere/vspheretest"
	"dswatch/event"
	"dswatch/setting"
	"dswatch/words"
)

const password = "correct horse"

// door stands before vcsim, which takes any password.
type door struct {
	to              http.Handler
	mu              sync.Mutex
	logins, logouts int
}

func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	d.mu.Lock()
	switch {
	case bytes.Contains(body, []byte("<Login ")) && !bytes.Contains(body, []byte(">"+password+"<")):
		d.mu.Unlock()
		w.Header().Set("Content-Type", "text/xml")
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprint(w, `<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><Body><Fault><faultcode>ServerFaultCode</faultcode><faultstring>Cannot complete login</faultstring><detail><InvalidLoginFault xmlns="urn:vim25" xsi:type="InvalidLogin"/></detail></Fault></Body></Envelope>`)
		return
	case bytes.Contains(body, []byte("<Login ")):
		d.logins++
	case bytes.Contains(body, []byte("<Logout ")):
		d.logouts++
	}
	d.mu.Unlock()
	d.to.ServeHTTP(w, r)
}

var tcpip, dsa = vspheretest.TCPIP, vspheretest.Filter

// world is a vCenter of vcsim behind a door.
type world struct {
	*vspheretest.VCenter
	*door
}

func newWorld(t *testing.T, model *simulator.Model) *world {
	t.Helper()
	w := &world{door: &door{}}
	w.VCenter = vspheretest.Start(t, model, func(to http.Handler) http.Handler { w.to = to; return w.door })
	return w
}

func (w *world) config(hosts ...string) Config {
	if hosts == nil {
		hosts = w.Hosts
	}
	return Config{URL: w.URL, User: "dswatch@vsphere.local", Password: password, Fingerprint: w.Fingerprint, Hosts: hosts}
}

func newDetector(t *testing.T, c Config, o Options) *Detector {
	t.Helper()
	var items []Item
	for _, h := range c.Hosts {
		items = append(items, Item{Key: event.Key{Host: h, Component: event.Appliance, Kind: event.Driver, Name: filter}, Names: []string{filter}})
	}
	d, err := New(c, items, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func states(t *testing.T, d *Detector) []event.Observation {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	seen, err := d.Detect(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range seen {
		if err := o.Validate(); err != nil {
			t.Error(err)
		}
	}
	return seen
}

// TestModules looks at the hosts of a vCenter: one that is well, one without
// the module, and one each of what may be wrong.
func TestModules(t *testing.T) {
	model := simulator.VPX()
	model.Host, model.ClusterHost = 2, 6
	w := newWorld(t, model)
	last := len(w.Hosts) - 1
	gone := func(k *vspheretest.Kernel) { k.Modules = []types.KernelModuleInfo{tcpip} }
	unloaded := dsa
	unloaded.Loaded = false
	for i, c := range []struct {
		name   string
		change func(k *vspheretest.Kernel, h *simulator.HostSystem)
		state  event.State
		why    string
	}{
		{"is well", func(*vspheretest.Kernel, *simulator.HostSystem) {}, event.Up, "is loaded"},
		{"lacks the module", func(k *vspheretest.Kernel, _ *simulator.HostSystem) { gone(k) }, event.Down, "no module named dvfilter-dsa is loaded"},
		{"has it, not loaded", func(k *vspheretest.Kernel, _ *simulator.HostSystem) {
			k.Modules = []types.KernelModuleInfo{tcpip, unloaded}
		}, event.Down, "not loaded"},
		{"lists nothing", func(k *vspheretest.Kernel, _ *simulator.HostSystem) { k.Modules = nil }, event.Unknown, "lists no kernel module"},
		{"must not be seen", func(k *vspheretest.Kernel, _ *simulator.HostSystem) { k.Fault = &types.NoPermission{} }, event.Unknown, "role Read-only"},
		{"is not connected", func(_ *vspheretest.Kernel, h *simulator.HostSystem) {
			h.Runtime.ConnectionState = types.HostSystemConnectionStateNotResponding
		}, event.Unknown, "notResponding"},
		{"has no such system", func(_ *vspheretest.Kernel, h *simulator.HostSystem) { h.ConfigManager.KernelModuleSystem = nil }, event.Unknown, "no kernel module system"},
	} {
		c.change(w.Kernels[i], w.Systems[i])
		seen := states(t, newDetector(t, w.config(w.Hosts[i], w.Hosts[last]), Options{}))
		if o := seen[0]; o.State != c.state || !strings.Contains(words.English(o.Detail), c.why) {
			t.Errorf("a host that %s: %s, %q", c.name, o.State, words.English(o.Detail))
		}
		if o := seen[1]; o.State != event.Up {
			t.Errorf("the other host: %s, %q", o.State, words.English(o.Detail))
		}
	}
	for name, why := range map[string]string{w.Hosts[0] + "x": "did you mean " + w.Hosts[0], "elsewhere": "has no host elsewhere; it has "} {
		if o := states(t, newDetector(t, w.config(name, w.Hosts[last]), Options{}))[0]; o.State != event.Unknown || !strings.Contains(words.English(o.Detail), why) {
			t.Errorf("host %s: %s, %q", name, o.State, words.English(o.Detail))
		}
	}
}

// TestListingEndsEarly: where the inventory lacks many of the hosts at once, one
// item says so and nothing is lost, nor told of each; where it lacks few, each
// says it.
func TestListingEndsEarly(t *testing.T) {
	model := simulator.VPX()
	model.Host, model.ClusterHost = 2, 6
	w := newWorld(t, model)
	there := w.Hosts[:4]
	for _, c := range []struct {
		missing int
		way     event.State
	}{{0, event.Up}, {2, event.Up}, {3, event.Unknown}} {
		hosts := slices.Clone(there)
		for i := range c.missing {
			hosts = append(hosts, fmt.Sprintf("gone%d.example.com", i))
		}
		d := newDetector(t, w.config(hosts...), Options{})
		for range 2 {
			seen := states(t, d)
			way := seen[len(hosts)]
			if way.Key != d.Way() || way.State != c.way || way.Veils != "" || (c.way == event.Unknown) != strings.Contains(words.English(way.Detail), fmt.Sprintf("%d of %d hosts, gone0.example.com among them", c.missing, len(hosts))) {
				t.Errorf("%d missing: %s, %q", c.missing, way.State, words.English(way.Detail))
			}
			for i, o := range seen[:len(hosts)] {
				want := event.Up
				if i >= len(there) {
					want = event.Unknown
				}
				if o.State != want || (o.Behind == way.Key) != (want == event.Unknown && c.way == event.Unknown) {
					t.Errorf("%d missing: %s is %s behind %s", c.missing, o.Key, o.State, o.Behind)
				}
			}
		}
	}
}

// TestMaintenance: what a host in maintenance mode lacks is no loss, until it
// leaves it.
func TestMaintenance(t *testing.T) {
	w := newWorld(t, simulator.VPX())
	d := newDetector(t, w.config(w.Hosts[0], w.Hosts[1]), Options{})
	look := func(state event.State, quiet bool) {
		t.Helper()
		seen := states(t, d)
		if seen[0].State != state || (seen[0].Behind != event.Key{}) != quiet || seen[1].State != event.Up || seen[2].State != event.Up {
			t.Errorf("%+v, want %s", seen, state)
		}
	}
	look(event.Up, false)
	w.Systems[0].Runtime.InMaintenanceMode = true
	look(event.Unknown, true)
	w.Kernels[0].Set(func() { w.Kernels[0].Modules = []types.KernelModuleInfo{tcpip} })
	asked := w.Kernels[0].Asked()
	look(event.Unknown, true)
	if n := w.Kernels[0].Asked(); n != asked {
		t.Errorf("asked %d times in maintenance mode", n-asked)
	}
	w.Systems[0].Runtime.InMaintenanceMode = false
	look(event.Down, false)
	w.Kernels[0].Set(func() { w.Kernels[0].Modules = []types.KernelModuleInfo{tcpip, dsa} })
	look(event.Up, false)
}

// TestNewPassword: a password that was refused is read again.
func TestNewPassword(t *testing.T) {
	w := newWorld(t, simulator.VPX())
	c := w.config(w.Hosts[0])
	c.Password = "old"
	file := setting.Secret("old")
	d := newDetector(t, c, Options{Password: func() (setting.Secret, error) { return file, nil }})
	if seen, err := d.Detect(t.Context()); err == nil || !strings.Contains(err.Error(), "into the file of password_file, which is read again with each look") {
		t.Errorf("%+v %v", seen, err)
	}
	file = password
	if o := states(t, d)[0]; o.State != event.Up {
		t.Errorf("%+v", o)
	}
}

// TestSession logs in once, again when the session was lost, and out at the
// end. What the module tells of its version is remembered while it is away.
func TestSession(t *testing.T) {
	w := newWorld(t, simulator.VPX())
	var told []event.FactsReport
	d := newDetector(t, w.config(w.Hosts[0]), Options{Observer: "hub", Tell: func(_ context.Context, r []event.FactsReport) error { told = append(told, r...); return nil }})
	states(t, d)
	states(t, d)
	if w.logins != 1 {
		t.Errorf("%d logins for two looks", w.logins)
	}
	d.client.session.Logout(t.Context())
	w.Kernels[0].Set(func() { w.Kernels[0].Modules = []types.KernelModuleInfo{tcpip} })
	if o := states(t, d)[0]; o.State != event.Down {
		t.Errorf("%s: %s", o.State, words.English(o.Detail))
	}
	if w.logins != 2 {
		t.Errorf("%d logins after a lost session", w.logins)
	}
	d.Close()
	if w.logouts != 2 {
		t.Errorf("%d logouts", w.logouts)
	}
	if len(told) != 1 || told[0].Host != w.Hosts[0] || told[0].Observer != "hub" || told[0].Facts[event.ApplianceVersion].Value != "9.5.2-2754" ||
		told[0].Facts[event.OS].Value != event.ESXi || told[0].Facts[event.Components].Value != event.Appliance {
		t.Errorf("told %+v", told)
	}
}

// TestOneESXi asks a host directly, which calls itself as it likes.
func TestOneESXi(t *testing.T) {
	w := newWorld(t, simulator.ESX())
	if o := states(t, newDetector(t, w.config("esx01"), Options{}))[0]; o.State != event.Up {
		t.Errorf("%s: %s", o.State, words.English(o.Detail))
	}
}

// TestNotBelieved holds that nobody gets the password and nothing is
// concluded where the server is not the right one, or refuses.
func TestNotBelieved(t *testing.T) {
	w := newWorld(t, simulator.VPX())
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: w.Cert}), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*Config)
		why    string // empty: it works
	}{
		"its fingerprint":         {func(*Config) {}, ""},
		"its authority":           {func(c *Config) { c.Fingerprint, c.CAFile = "", ca }, ""},
		"no trust":                {func(c *Config) { c.Fingerprint = "" }, "is not trusted"},
		"another fingerprint":     {func(c *Config) { c.Fingerprint = strings.Repeat("00", 32) }, "not the pinned one"},
		"authority, other pin":    {func(c *Config) { c.CAFile, c.Fingerprint = ca, strings.Repeat("00", 32) }, "not the pinned one"},
		"another password":        {func(c *Config) { c.Password = "hunter2" }, "was refused; look at user and password"},
		"nobody there":            {func(c *Config) { c.URL = "https://" + closed(t) }, "refused"},
		"a page":                  {func(c *Config) { serve(t, c, page) }, `answered 200 with "text/html`},
		"a redirect":              {func(c *Config) { serve(t, c, redirect) }, "instead of XML"},
		"XML without an end":      {func(c *Config) { serve(t, c, endless) }, "more than 8388608 bytes"},
		"XML of another kind":     {func(c *Config) { serve(t, c, xml("<a/>")) }, "look at url"},
		"XML that is none":        {func(c *Config) { serve(t, c, xml("<a><b")) }, "look at url"},
		"a fault of escape codes": {func(c *Config) { serve(t, c, fault) }, "look at url"},
		"silence":                 {func(c *Config) { serve(t, c, silence) }, "no answer in time"},
	} {
		t.Run(name, func(t *testing.T) {
			config := w.config(w.Hosts[0])
			c.change(&config)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			if name == "silence" {
				ctx, cancel = context.WithTimeout(t.Context(), time.Second)
			}
			defer cancel()
			var told []event.FactsReport
			d := newDetector(t, config, Options{Tell: func(_ context.Context, r []event.FactsReport) error { told = r; return nil }})
			seen, err := d.Detect(ctx)
			if c.why == "" {
				if err != nil || seen[0].State != event.Up {
					t.Errorf("%v %v", seen, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.why) {
				t.Fatalf("%v %v", seen, err)
			}
			if len(seen) != 1 || seen[0].State != event.Unknown || seen[0].Veils == "" || !detector.IsWay(seen[0].Key) {
				t.Errorf("%+v", seen)
			}
			if text := err.Error(); strings.Contains(text, password) || strings.Contains(text, "hunter2") || strings.ContainsAny(text, "\x1b\n") || len(text) > 1000 {
				t.Errorf("the error shows too much: %q", text)
			}
			if len(told) != 1 {
				t.Errorf("what is declared was not told: %v", told)
			}
		})
	}
}

func closed(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// serve points c to a server that answers everything with handler.
func serve(t *testing.T, c *Config, handler http.HandlerFunc) {
	t.Helper()
	s := httptest.NewTLSServer(handler)
	t.Cleanup(s.Close)
	sum := sha256.Sum256(s.Certificate().Raw)
	c.URL, c.Fingerprint = s.URL, hex.EncodeToString(sum[:])
}

func page(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html><body>Welcome</body></html>") }

func redirect(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, "https://198.51.100.1/", http.StatusFound)
}

func xml(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/xml")
		fmt.Fprint(w, text)
	}
}

func endless(w http.ResponseWriter, r *http.Request) {
	xml(`<?xml version="1.0"?><Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body>`)(w, r)
	for chunk := "<x>" + strings.Repeat("y", 1<<16) + "</x>"; ; {
		if _, err := fmt.Fprint(w, chunk); err != nil {
			return
		}
	}
}

func fault(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(http.StatusInternalServerError)
	fmt.Fprint(w, `<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body><Fault><faultcode>x</faultcode><faultstring>no&#10;correct horse&#x9b;31m`+strings.Repeat("z", 5000)+`</faultstring></Fault></Body></Envelope>`)
}

func silence(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // before that nobody notices that the client has gone
	<-r.Context().Done()
}

func TestSlowHost(t *testing.T) {
	w := newWorld(t, simulator.VPX())
	w.Kernels[0].Set(func() { w.Kernels[0].Wait = 6 * time.Second })
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	seen, err := newDetector(t, w.config(w.Hosts[0], w.Hosts[1]), Options{}).Detect(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if seen[0].State != event.Unknown || !strings.Contains(words.English(seen[0].Detail), "no answer in time") || seen[1].State != event.Up {
		t.Errorf("%+v", seen)
	}
}

func TestConfig(t *testing.T) {
	if err := (Config{}).Validate(); err != nil {
		t.Errorf("an empty section: %v", err)
	}
	for name, c := range map[string]struct {
		change func(*Config)
		key    string
	}{
		"no url":              {func(c *Config) { c.URL = "" }, "url"},
		"plain http":          {func(c *Config) { c.URL = "http://vcenter.example.com" }, "url"},
		"user in the url":     {func(c *Config) { c.URL = "https://a:b@vcenter.example.com" }, "url"},
		"path in the url":     {func(c *Config) { c.URL = "https://vcenter.example.com/ui" }, "url"},
		"no user":             {func(c *Config) { c.User = "" }, "user"},
		"no password":         {func(c *Config) { c.Password = "" }, "password"},
		"short fingerprint":   {func(c *Config) { c.Fingerprint = "00:11" }, "fingerprint"},
		"relative ca_file":    {func(c *Config) { c.CAFile = "ca.pem" }, "ca_file"},
		"no hosts":            {func(c *Config) { c.Hosts = nil }, "hosts"},
		"a host twice":        {func(c *Config) { c.Hosts = []string{"esx01", "ESX01"} }, "hosts[1]"},
		"a host that is none": {func(c *Config) { c.Hosts = []string{"a/b"} }, "hosts[0]"},
		"os in facts":         {func(c *Config) { c.Facts.OS = "esxi" }, "facts.os"},
		"components in facts": {func(c *Config) { c.Facts.Components = []string{"agent"} }, "facts.components"},
	} {
		config := Config{URL: "https://vcenter.example.com/", User: "u", Password: "p", Hosts: []string{"esx01"}}
		if err := config.Validate(); err != nil {
			t.Fatal(err)
		}
		c.change(&config)
		err, ok := config.Validate().(*setting.Error)
		if !ok || err.Key != c.key {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestShortPassword: a password of four letters is hidden; a shorter one would
// tear holes into ordinary words.
func TestShortPassword(t *testing.T) {
	for password, hidden := range map[string]bool{"abcd": true, "abc": false} {
		c := &client{config: Config{Password: setting.Secret(password)}}
		if err := c.explain(t.Context(), errors.New("the far end says "+password)); strings.Contains(err.Error(), password) == hidden {
			t.Errorf("%q: %v", password, err)
		}
	}
}

// TestHostsThatHang: hosts that do not answer take no other host's turn for
// good: whom a look did not get to comes first in the next one.
func TestHostsThatHang(t *testing.T) {
	model := simulator.VPX()
	model.Host, model.ClusterHost = 2, parallel+2
	w := newWorld(t, model)
	well := len(w.Hosts) - 2
	for _, k := range w.Kernels[:well] {
		k.Set(func() { k.Wait = 8 * time.Second })
	}
	d := newDetector(t, w.config(), Options{})
	for look, want := range []event.State{event.Unknown, event.Up} {
		ctx, cancel := context.WithTimeout(t.Context(), 6*time.Second)
		seen, err := d.Detect(ctx)
		cancel()
		if err != nil || len(seen) != len(w.Hosts)+1 {
			t.Fatalf("look %d: %d seen, %v", look, len(seen), err)
		}
		for _, o := range seen[well:len(w.Hosts)] {
			if o.State != want || want == event.Unknown && !strings.Contains(words.English(o.Detail), "comes first in the next one") {
				t.Errorf("look %d: %s is %s, %q", look, o.Key, o.State, words.English(o.Detail))
			}
		}
	}
}

// TestDefaults: a look at a host without a setting has half a minute.
func TestDefaults(t *testing.T) {
	if c := Kind().Settings().(*section); c.Settings.Timeout != 30*time.Second || c.Schedule != "@every 60s" {
		t.Errorf("%+v", c.Settings)
	}
}
