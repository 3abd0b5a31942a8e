package catalog

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"dswatch/event"
	"dswatch/setting"
	"dswatch/words"
)

// FactsFile is what an operator declares about a host: a facts file, or
// `watch.facts`. Everything that is left out, empty or "unknown" is unknown.
// Versions are text: a reader must hand over 5.10 as it is written, not as
// the number 5.1, which is what the configuration loader does.
type FactsFile struct {
	OS               string   `yaml:"os" doc:"windows, linux, solaris, esxi or aix (default: discovered, else unknown)"`
	Components       []string `yaml:"components" doc:"what is installed on the host: any of manager, agent, appliance (default: discovered, else unknown)"`
	AgentVersion     string   `yaml:"agent_version" doc:"version of the agent, such as 20.0.0-8438 (default: discovered, else unknown)"`
	ApplianceVersion string   `yaml:"appliance_version" doc:"version of the virtual appliance, such as 9.5 (default: unknown)"`
	KernelVersion    string   `yaml:"kernel_version" doc:"Linux kernel release, such as 5.14.0-362.el9 (default: discovered, else unknown)"`
	Edition          string   `yaml:"edition" doc:"deep_security, or workload_security for Cloud One (default: discovered, else unknown)"`
	Relay            Switch   `yaml:"relay" doc:"on if the agent is a relay, else off (default: discovered, else unknown)"`
	Communication    string   `yaml:"communication" doc:"bidirectional, manager_initiated or agent_initiated (default: discovered, else unknown)"`
	HostID           string   `yaml:"host_id" doc:"the manager's number of this computer, which its own events carry as cn1, so that a SIEM can join both (default: learned from the manager's API, else unknown)"`
	Sessions         Switch   `yaml:"sessions" doc:"on if a user is logged on to this Windows host, so that Notifier.exe is expected, off if nobody ever is (default: discovered, else unknown, which expects it)"`
	Folders          []string `yaml:"folders" doc:"folders in which the components are installed, where neither a package nor the registry tells; a program of theirs that runs from elsewhere is not counted (default: discovered)"`
	User             string   `yaml:"user" doc:"user that runs the components' processes, as a name or number, where it is not the system's own (default: root, LocalSystem)"`
	Features         Features `yaml:"features" doc:"modules that are on or off for the host"`
}

// Features are the modules of an agent.
type Features struct {
	AntiMalware         Switch `yaml:"anti_malware" doc:"anti-malware: on or off (default: discovered, else unknown)"`
	WebReputation       Switch `yaml:"web_reputation" doc:"web reputation: on or off (default: discovered, else unknown)"`
	Firewall            Switch `yaml:"firewall" doc:"firewall: on or off (default: discovered, else unknown)"`
	IntrusionPrevention Switch `yaml:"intrusion_prevention" doc:"intrusion prevention: on or off; prevent and detect are both on (default: discovered, else unknown)"`
	TLSInspection       Switch `yaml:"tls_inspection" doc:"advanced TLS traffic inspection of intrusion prevention: on or off (default: learned, else unknown)"`
}

// Switch is a fact that is on, off or unknown. YAML 1.1's other words for
// these are accepted: true, yes and false, no, in any case.
type Switch string

// UnmarshalText takes any word; FactsFile.Validate names the key of one that
// is none of the accepted.
func (s *Switch) UnmarshalText(b []byte) error {
	t := strings.TrimSpace(string(b))
	switch strings.ToLower(t) {
	case "on", "true", "yes":
		t = event.On
	case "off", "false", "no":
		t = event.Off
	}
	*s = Switch(t)
	return nil
}

// unknown is how a file may say that it does not know.
const unknown = "unknown"

// declared is one fact of the file.
type declared struct {
	name  event.Name
	value string // "" is unknown
}

// entries lists every fact but the components.
func (f FactsFile) entries() []declared {
	s := []declared{
		{event.OS, f.OS},
		{event.AgentVersion, f.AgentVersion},
		{event.ApplianceVersion, f.ApplianceVersion},
		{event.KernelVersion, f.KernelVersion},
		{event.Edition, f.Edition},
		{event.Relay, string(f.Relay)},
		{event.Communication, f.Communication},
		{event.HostID, f.HostID},
		{event.Sessions, string(f.Sessions)},
		{event.AntiMalware, string(f.Features.AntiMalware)},
		{event.WebReputation, string(f.Features.WebReputation)},
		{event.Firewall, string(f.Features.Firewall)},
		{event.IntrusionPrevention, string(f.Features.IntrusionPrevention)},
		{event.TLSInspection, string(f.Features.TLSInspection)},
	}
	for i := range s {
		if s[i].value == unknown {
			s[i].value = ""
		}
	}
	return s
}

// Validate returns an setting.Error for every value that its fact cannot
// have, joined.
func (f FactsFile) Validate() error {
	var errs []error
	for i, c := range f.Components {
		allowed := event.Components.Allowed()
		switch key := fmt.Sprintf("components[%d]", i); {
		case c == unknown && len(f.Components) == 1:
		case !slices.Contains(allowed, c):
			errs = append(errs, words.Bad(key, words.NotAComponent.With(words.Inner(setting.Clip(c)), meant(c, allowed))))
		case slices.Contains(f.Components[:i], c):
			errs = append(errs, words.Bad(key, words.ThereTwice.With(c)))
		}
	}
	for i, folder := range f.Folders {
		if !absolute(folder) {
			errs = append(errs, words.Bad(fmt.Sprintf("folders[%d]", i), words.FolderNotAbsolute.With(words.Inner(setting.Clip(folder)))))
		}
	}
	for _, e := range f.entries() {
		if e.value == "" {
			continue
		}
		allowed := e.name.Allowed()
		if e.name == event.HostID {
			if id, err := strconv.ParseUint(e.value, 10, 63); err != nil || id == 0 {
				errs = append(errs, words.Bad(string(e.name), words.NotAComputer.With(words.Inner(setting.Clip(e.value)))))
			}
			continue
		}
		if allowed == nil {
			if _, err := ParseVersion(e.value); err != nil {
				errs = append(errs, &setting.Error{Key: string(e.name), Err: err})
			}
			continue
		}
		if !slices.Contains(allowed, e.value) {
			errs = append(errs, words.Bad(string(e.name), words.NotAValueOfFact.With(words.Inner(setting.Clip(e.value)), meant(e.value, append(slices.Clone(allowed), unknown)))))
		}
	}
	return errors.Join(errs...)
}

// absolute reports whether path is one on any system.
func absolute(path string) bool {
	slashed := strings.ReplaceAll(path, `\`, "/")
	drive, rest, ok := strings.Cut(slashed, ":")
	return plain(path) && (strings.HasPrefix(slashed, "/") || ok && len(drive) == 1 && strings.HasPrefix(rest, "/"))
}

// Facts returns what the file declares, with origin and time on every fact.
// The file must have passed Validate.
func (f FactsFile) Facts(origin string, at time.Time) event.Facts {
	out := event.Facts{}
	for _, e := range f.entries() {
		if e.value != "" {
			out[e.name] = event.Fact{Value: strings.TrimSpace(e.value), Origin: origin, At: at}
		}
	}
	if len(f.Components) > 0 && f.Components[0] != unknown {
		out[event.Components] = event.Fact{Value: strings.Join(slices.Sorted(slices.Values(f.Components)), ","), Origin: origin, At: at}
	}
	return out
}
