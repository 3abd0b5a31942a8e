package process

import (
	"context"

	"dswatch/detector/exits"
)

// Watch implements detector.Watcher: it waits for the end of every process that
// counted in the last look. What is not there yet nobody tells of.
func (d *Detector) Watch(ctx context.Context, wake func()) error {
	if all := d.counted.Load(); all != nil {
		return exits.Wait(ctx, *all, wake)
	}
	<-ctx.Done() // nothing was seen yet
	return nil
}

// Glance implements detector.Glancer.
func (d *Detector) Glance() bool {
	all := d.counted.Load()
	return all != nil && exits.Any(*all)
}
