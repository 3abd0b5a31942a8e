package detector

import "dswatch/event"

// Component is that of the items through which this dswatch sees others: a
// resolver, a network, an SSH login, an API. What one of them hides is behind
// it (event.Observation.Behind), so that one trouble is told once.
const Component = "dswatch"

// Way is such an item: on the host where it is looked after.
func Way(host, name string) event.Key {
	return event.Key{Host: host, Component: Component, Kind: event.Heartbeat, Name: name}
}

// IsWay reports whether k is what Way returned.
func IsWay(k event.Key) bool { return k.Kind == event.Heartbeat && k.Component == Component }

// The ways that are not a network, which has its prefix as name.
const (
	WayResolver = "resolver" // names are resolved
	WayNetwork  = "network"  // something answers at all
	WayTargets  = "targets"  // a pass gets to every target, and this host can ask
	WaySSH      = "ssh"      // the host lets us log in and answers
	WayVSphere  = "vsphere"  // the API tells of its hosts
)
