package port

import (
	"context"

	"dswatch/detector/exits"
)

// remember notes who held what counted.
func (d *Detector) remember() {
	all := make([]exits.Process, 0, len(d.owners))
	for pid := range d.owners {
		all = append(all, exits.Of(pid))
	}
	d.counted.Store(&all)
}

// Watch implements detector.Watcher: it waits for the end of who holds a port of
// this host. A look that also asks other hosts is not hurried.
func (d *Detector) Watch(ctx context.Context, wake func()) error {
	if all := d.counted.Load(); all != nil && len(d.endpoints) == 0 {
		return exits.Wait(ctx, *all, wake)
	}
	<-ctx.Done()
	return nil
}

// Glance implements detector.Glancer.
func (d *Detector) Glance() bool {
	all := d.counted.Load()
	return all != nil && len(d.endpoints) == 0 && exits.Any(*all)
}
