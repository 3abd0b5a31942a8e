// Package vspheretest is a vCenter or an ESXi host that lists kernel modules:
// govmomi's vcsim, with the part of it that vcsim lacks.
package vspheretest

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/vmware/govmomi"
	"github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/view"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// Modules that every host has at first.
var (
	TCPIP  = types.KernelModuleInfo{Id: 1, Name: "tcpip4", Version: "1.0", Loaded: true, Enabled: true}
	Filter = types.KernelModuleInfo{Id: 77, Name: "dvfilter-dsa", Version: "9.5.2-2754", Loaded: true, Enabled: true}
)

// Kernel is the kernel module system of one host. What it answers is changed
// within Set while somebody may ask.
type Kernel struct {
	mo.HostKernelModuleSystem

	Modules []types.KernelModuleInfo
	Fault   types.BaseMethodFault // told instead, unless nil
	Wait    time.Duration         // before the answer

	mu    sync.Mutex
	asked int
}

// Set changes the answer.
func (k *Kernel) Set(do func()) { k.mu.Lock(); defer k.mu.Unlock(); do() }

// Asked is how often somebody asked.
func (k *Kernel) Asked() int { k.mu.Lock(); defer k.mu.Unlock(); return k.asked }

// QueryModules is the call of the API.
func (k *Kernel) QueryModules(*types.QueryModules) soap.HasFault {
	k.mu.Lock()
	k.asked++
	modules, fault, wait := k.Modules, k.Fault, k.Wait
	k.mu.Unlock()
	time.Sleep(wait)
	body := &methods.QueryModulesBody{}
	if fault != nil {
		body.Fault_ = simulator.Fault("", fault)
		return body
	}
	body.Res = &types.QueryModulesResponse{Returnval: modules}
	return body
}

// VCenter is what runs, with its hosts in the order of Hosts.
type VCenter struct {
	URL, Fingerprint string
	Cert             []byte // DER
	Hosts            []string
	Kernels          []*Kernel
	Systems          []*simulator.HostSystem
}

// Start runs model behind TLS until the test ends. Before, unless nil, stands
// between the world and the model. There is one at a time: vcsim's inventory is
// global.
func Start(t *testing.T, model *simulator.Model, before func(http.Handler) http.Handler) *VCenter {
	t.Helper()
	if err := model.Create(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(model.Remove)
	s := model.Service.NewServer()
	t.Cleanup(s.Close)
	var to http.Handler = httputil.NewSingleHostReverseProxy(&url.URL{Scheme: s.URL.Scheme, Host: s.URL.Host})
	if before != nil {
		to = before(to)
	}
	front := httptest.NewTLSServer(to)
	t.Cleanup(front.Close)
	v := &VCenter{URL: front.URL, Cert: front.Certificate().Raw}
	sum := sha256.Sum256(v.Cert)
	v.Fingerprint = hex.EncodeToString(sum[:])
	for _, ref := range inventory(t, s.URL) {
		h := simulator.Map.Get(ref).(*simulator.HostSystem)
		k := &Kernel{Modules: []types.KernelModuleInfo{TCPIP, Filter}}
		k.Self = types.ManagedObjectReference{Type: "HostKernelModuleSystem", Value: "kernel-" + h.Self.Value}
		simulator.Map.Put(k)
		h.ConfigManager.KernelModuleSystem = &k.Self
		h.Runtime.ConnectionState = types.HostSystemConnectionStateConnected
		v.Hosts, v.Kernels, v.Systems = append(v.Hosts, h.Name), append(v.Kernels, k), append(v.Systems, h)
	}
	return v
}

// inventory lists the hosts.
func inventory(t *testing.T, u *url.URL) []types.ManagedObjectReference {
	t.Helper()
	u.User = url.UserPassword("u", "p")
	c, err := govmomi.NewClient(t.Context(), u, true)
	if err != nil {
		t.Fatal(err)
	}
	v, err := view.NewManager(c.Client).CreateContainerView(t.Context(), c.ServiceContent.RootFolder, []string{"HostSystem"}, true)
	if err != nil {
		t.Fatal(err)
	}
	refs, err := v.Find(t.Context(), []string{"HostSystem"}, property.Filter{"name": "*"})
	if err != nil {
		t.Fatal(err)
	}
	return refs
}
