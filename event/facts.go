package event

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"dswatch/setting"
)

// Name of a fact. The names are those of a facts file.
type Name string

// Every fact that a row of the watch list may depend on.
const (
	OS               Name = "os"
	Components       Name = "components"
	AgentVersion     Name = "agent_version"
	ApplianceVersion Name = "appliance_version"
	KernelVersion    Name = "kernel_version"
	Edition          Name = "edition"
	Relay            Name = "relay"
	Communication    Name = "communication"
	HostID           Name = "host_id" // the manager's number of the computer

	// Sessions is on while a user is logged on, if only by a session that is
	// disconnected: what is started at logon is expected then.
	Sessions Name = "sessions"

	AntiMalware         Name = "features.anti_malware"
	WebReputation       Name = "features.web_reputation"
	Firewall            Name = "features.firewall"
	IntrusionPrevention Name = "features.intrusion_prevention"
	TLSInspection       Name = "features.tls_inspection"

	// BootTime is when the host was started, RFC 3339 in UTC to the second.
	// No row depends on it; a change of it explains what is lost for a while.
	BootTime Name = "boot_time"

	// BootID is the kernel's own name of the boot, where it gives one: whatever
	// the clock was set to, the same id is the same boot.
	BootID Name = "boot_id"

	// Installing is the package manager that is changing the agent: dpkg or
	// rpm. No row depends on it; what is lost meanwhile is expected back.
	Installing Name = "installing"

	// What was seen installed: who says so (dpkg, rpm, registry or file), then
	// the path of the main program. It stays when the thing is gone, until that
	// is a proper removal.
	InstalledAgent   Name = "installed.agent"
	InstalledManager Name = "installed.manager"
	// How its services began with the host when they were last seen to do so:
	// name=state, apart by semicolons.
	StartsAgent   Name = "starts.agent"
	StartsManager Name = "starts.manager"
	// Strangers under the agent's names that were told of, by a hash of each.
	StrangersAgent Name = "strangers.agent"
	// Who recorded that it was removed, and when, for a while after that.
	RemovedAgent   Name = "removed.agent"
	RemovedManager Name = "removed.manager"
)

// What the agent has said of itself, last; see Evidenced.
const (
	EngineSaid    Name = "evidence.anti_malware_engine"
	HeartbeatSaid Name = "evidence.last_heartbeat"
	StateSaid     Name = "evidence.agent_state"
)

// Evidenced is the fact that the agent tells of the row of kind evidence.
func Evidenced(row string) Name { return Name("evidence." + row) }

// Installed, Removed and Starts are the facts about one component.
func Installed(component string) Name { return Name("installed." + component) }
func Removed(component string) Name   { return Name("removed." + component) }
func Starts(component string) Name    { return Name("starts." + component) }

// Names lists every fact in the order in which people read them.
func Names() []Name {
	return []Name{OS, Components, AgentVersion, ApplianceVersion, KernelVersion, Edition, Relay,
		Communication, AntiMalware, WebReputation, Firewall, IntrusionPrevention, TLSInspection, HostID, Sessions}
}

// Values that facts take. Versions are free text, see catalog.ParseVersion.
const (
	Windows = "windows"
	Linux   = "linux"
	Solaris = "solaris"
	ESXi    = "esxi"
	AIX     = "aix"

	Manager   = "manager"
	Agent     = "agent"
	Appliance = "appliance"

	On  = "on"
	Off = "off"

	DeepSecurity     = "deep_security"
	WorkloadSecurity = "workload_security"

	Bidirectional    = "bidirectional"
	ManagerInitiated = "manager_initiated"
	AgentInitiated   = "agent_initiated"
)

// Allowed returns the values a fact may have, nil where the value is free
// text. "unknown" is not among them: an unknown fact is an absent one.
func (n Name) Allowed() []string {
	switch n {
	case OS:
		return []string{Windows, Linux, Solaris, ESXi, AIX}
	case Components:
		return []string{Manager, Agent, Appliance}
	case Edition:
		return []string{DeepSecurity, WorkloadSecurity}
	case Communication:
		return []string{Bidirectional, ManagerInitiated, AgentInitiated}
	case Relay, Sessions, AntiMalware, WebReputation, Firewall, IntrusionPrevention, TLSInspection:
		return []string{On, Off}
	}
	return nil
}

// Valid reports whether n is a known fact.
func (n Name) Valid() bool {
	switch n {
	case BootTime, BootID, Installing, InstalledAgent, InstalledManager, RemovedAgent, RemovedManager, StartsAgent, StartsManager, StrangersAgent, EngineSaid, HeartbeatSaid, StateSaid:
		return true
	}
	return slices.Contains(Names(), n)
}

// bootJitter is how far two readings of one boot may lie apart: they are made
// from the wall clock and the uptime, each of which is rounded and slewed.
const bootJitter = 3 * time.Second

// SameBoot reports whether two values of BootTime are of one boot. What cannot
// be read is the same as anything.
func SameBoot(a, b string) bool {
	x, err := time.Parse(time.RFC3339, a)
	y, yerr := time.Parse(time.RFC3339, b)
	return a == b || err != nil || yerr != nil || x.Sub(y).Abs() <= bootJitter
}

// SameBoot reports whether both are of one boot, by the kernel's id where both
// have one.
func (f Facts) SameBoot(g Facts) bool {
	a, aok := f.Get(BootID)
	b, bok := g.Get(BootID)
	if aok && bok {
		return a.Value == b.Value
	}
	return SameBoot(f[BootTime].Value, g[BootTime].Value)
}

// Fact is one value with where it came from.
type Fact struct {
	// Value is one of Allowed, or a version. Components are joined by commas
	// in alphabetical order.
	Value string `json:"value"`
	// Origin says where the value came from: declared, kernel, package,
	// registry, dsa_query, manager API, learned (port 4122 is listening).
	Origin string    `json:"origin"`
	At     time.Time `json:"at,omitzero"`
}

// Facts is what is known about one host. A name that is absent is unknown.
// The zero value knows nothing and can be read.
type Facts map[Name]Fact

// Get returns the value of n and whether it is known.
func (f Facts) Get(n Name) (Fact, bool) {
	v, ok := f[n]
	return v, ok && v.Value != ""
}

// Has reports whether the components fact names c; known is false where
// nothing is known about components.
func (f Facts) Has(c string) (has, known bool) {
	v, ok := f.Get(Components)
	if !ok {
		return false, false
	}
	return slices.Contains(strings.Split(v.Value, ","), c), true
}

// Merge returns f with every fact of over in place of its own.
func (f Facts) Merge(over Facts) Facts {
	out := make(Facts, len(f)+len(over))
	maps.Copy(out, f)
	maps.Copy(out, over)
	return out
}

// Equal reports whether both know the same values. Origins and times may
// differ: they do not change what is expected.
func (f Facts) Equal(g Facts) bool {
	if len(f) != len(g) {
		return false
	}
	for n, a := range f {
		b, ok := g[n]
		if !ok || a.Value != b.Value && (n != BootTime || !f.SameBoot(g)) {
			return false
		}
	}
	return true
}

// Validate rejects unknown names and values outside Allowed. It does not
// look at the form of versions.
func (f Facts) Validate() error {
	for _, n := range slices.Sorted(maps.Keys(f)) {
		if !n.Valid() {
			return fmt.Errorf("facts: %q is not a fact", setting.Clip(string(n)))
		}
		v := f[n].Value
		if len(v) > MaxName {
			return fmt.Errorf("facts: %s is %d bytes long, at most %d are allowed", n, len(v), MaxName)
		}
		allowed := n.Allowed()
		if allowed == nil {
			continue
		}
		for _, part := range strings.Split(v, ",") {
			if !slices.Contains(allowed, part) || (n != Components && part != v) {
				return fmt.Errorf("facts: %s is %q, want one of %s", n, setting.Clip(v), strings.Join(allowed, ", "))
			}
		}
	}
	return nil
}
