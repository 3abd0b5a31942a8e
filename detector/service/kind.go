package service

import (
	"dswatch/detector"
	"dswatch/event"
)

// Kind is the section detectors.service.
func Kind() detector.Kind {
	return detector.NewRowKind(event.Service, "Services: systemd units, Windows services.", func(items []detector.Item) (detector.Detector, error) {
		var targets []Target
		for _, it := range items {
			targets = append(targets, Target{Key: it.Key, Names: it.Row.Names()})
		}
		return New(targets)
	})
}
