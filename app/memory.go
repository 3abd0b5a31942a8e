package app

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"dswatch/bus"
)

// Bounds of BoundMemory, measured with BenchmarkEndToEnd and BenchmarkRestart:
// with them 20,000 changes through two sinks peak under 300 MB, and 200,000
// items stay under 400 MB.
const (
	baseMemory = 240 << 20
	itemMemory = 600
	gcPercent  = 400
	// leastRoom is the part of what is live that may come on top of it
	// whatever the bounds are: else a program that needs more would do little
	// but collect.
	leastRoom = 4
)

// BoundMemory tunes the garbage collector until ctx ends: the heap may grow
// freely up to what this many items need, and is collected often beyond that.
// It changes the whole process, so a program that embeds App calls it or not.
// Whoever sets GOMEMLIMIT or GOGC has decided for himself.
func (a *App) BoundMemory(ctx context.Context) {
	if os.Getenv("GOMEMLIMIT") != "" || os.Getenv("GOGC") != "" {
		return
	}
	debug.SetGCPercent(gcPercent)
	items := a.storedItems(ctx) // the engine says how many there are when it has read them
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for limit := int64(0); ; {
		if l := memoryLimit(items, live()); l != limit {
			limit = l
			debug.SetMemoryLimit(limit)
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		if e := a.engine.Load(); e != nil {
			items = max(items, e.Count())
		}
		seen := 0 // what was seen and has not reached the rules takes room as well
		for _, one := range a.looking() {
			seen += one.sched.Count()
		}
		items = max(items, seen)
	}
}

// memoryLimit is how many bytes the runtime may use for this many items when
// live bytes were in use at the last collection.
func memoryLimit(items int, live int64) int64 {
	return max(baseMemory+int64(items)*itemMemory, live+live/leastRoom)
}

// live is how many bytes of the heap the last collection found in use.
func live() int64 {
	m := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(m)
	return int64(m[0].Value.Uint64())
}

// storedItems is how many items the bus has kept.
func (a *App) storedItems(ctx context.Context) int {
	usage, err := a.bus.Usage(ctx)
	if err != nil {
		return 0
	}
	for _, u := range usage {
		if u.Name == bus.Items {
			return int(u.Messages)
		}
	}
	return 0
}
