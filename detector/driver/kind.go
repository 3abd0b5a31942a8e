package driver

import (
	"dswatch/detector"
	"dswatch/event"
)

// Kind is the section detectors.driver.
func Kind() detector.Kind {
	return detector.NewRowKind(event.Driver, "Kernel modules, Windows drivers.", func(items []detector.Item) (detector.Detector, error) {
		var targets []Target
		for _, it := range items {
			targets = append(targets, Target{Key: it.Key, Names: it.Row.Names()})
		}
		return New(targets)
	})
}
