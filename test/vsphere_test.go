package test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"

	"dswatch/detector/vsphere/vspheretest"
	"dswatch/event"
	"dswatch/test/receive"
)

// TestVSphere runs the compiled program against vcsim: a module that an ESXi
// host loses is told with what it means and ends, a host that cannot be looked
// at is not taken for a loss, and the other host is not concerned.
func TestVSphere(t *testing.T) {
	vc := vspheretest.Start(t, simulator.VPX(), nil)
	hook := &receive.Webhook{}
	// The version is declared: the host alone could not be told from one that never had the module.
	r := start(t, fmt.Sprintf(`
host: hub
rules: {hold: 0s, patience: 2s}
web: {listen: ""}
bus: {dir: %q}
detectors:
  vsphere: {url: %q, user: dswatch@vsphere.local, password: correct horse, fingerprint: %q, schedule: "@every 1s", hosts: [%q, %q], facts: {appliance_version: "9.5"}}
sinks: [{name: hook, type: webhook, url: %q}]
`, filepath.Join(t.TempDir(), "bus"), vc.URL, vc.Fingerprint, vc.Hosts[0], vc.Hosts[1], receive.StartWebhook(t, hook).URL))
	k := vc.Kernels[0]
	until(t, "both hosts were looked at", func() bool { return k.Asked() >= 2 && vc.Kernels[1].Asked() >= 2 })

	await := func(n int) event.Alert { t.Helper(); return hook.Await(t, n)[n-1].Alert }
	k.Set(func() { k.Modules = []types.KernelModuleInfo{vspheretest.TCPIP} })
	lost := await(1)
	if lost.Key.String() != vc.Hosts[0]+"/appliance/driver/dvfilter-dsa" || lost.Transition != event.Raised || lost.State != event.Down || lost.Severity != event.Critical || lost.Text == "" {
		t.Fatalf("told %+v", lost)
	}
	k.Set(func() { k.Modules = []types.KernelModuleInfo{vspheretest.TCPIP, vspheretest.Filter} })
	if back := await(2); back.ID != lost.ID || back.Transition != event.Cleared {
		t.Errorf("told %+v", back)
	}
	k.Set(func() { k.Fault = &types.NoPermission{} })
	unseen := await(3)
	if unseen.Key != lost.Key || unseen.State != event.Unknown || !strings.Contains(unseen.Detail, "role Read-only") {
		t.Fatalf("told %+v", unseen)
	}
	k.Set(func() { k.Fault = nil })
	if back := await(4); back.ID != unseen.ID || back.Transition != event.Cleared {
		t.Errorf("told %+v", back)
	}
	r.stop(t)
	if n := len(hook.Received()); n != 4 {
		t.Errorf("%d deliveries, want 4", n)
	}
	if strings.Contains(r.log.String(), "correct horse") {
		t.Error("the password is in the log")
	}
}
