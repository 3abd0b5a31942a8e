package process

import (
	"dswatch/detector"
	"dswatch/event"
)

// Kind is the section detectors.process.
func Kind() detector.Kind {
	return detector.NewRowKind(event.Process, "Processes.", func(items []detector.Item) (detector.Detector, error) {
		var targets []Target
		for _, it := range items {
			targets = append(targets, Target{Key: it.Key, Names: it.Row.Names(), Exe: it.Row.Paths(), Want: it.Row.Want()})
		}
		return New(targets)
	})
}
