package app

import (
	"slices"

	"dswatch/bus"
)

// madeAnew hears which streams and buckets of the bus were lost and are empty
// now. The rules put back what they know, and the detectors say all anew.
func (a *App) madeAnew(names []string) {
	events := slices.Contains(names, bus.Events)
	if e := a.engine.Load(); e != nil {
		e.Lost(events)
	}
	a.again(events)
}

// again lets what waits for the bus be stored at once.
func (a *App) again(whole bool) {
	for _, w := range a.workers() {
		w.worker.Mended()
	}
	for _, one := range a.looking() {
		one.sched.Again(whole)
	}
}
