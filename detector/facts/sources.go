package facts

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	"dswatch/event"
)

// Kernel tells the operating system and, on Linux, the kernel's release.
type Kernel struct{}

// Facts never fails where dswatch runs at all.
func (Kernel) Facts(context.Context) (event.Facts, error) {
	now := time.Now()
	f := event.Facts{}
	if slices.Contains(event.OS.Allowed(), runtime.GOOS) {
		f[event.OS] = event.Fact{Value: runtime.GOOS, Origin: "kernel", At: now}
	}
	rel, err := release()
	if err != nil {
		return f, fmt.Errorf("ask the kernel for its release: %w; declare kernel_version in watch.facts", err)
	}
	if rel != "" {
		f[event.KernelVersion] = event.Fact{Value: rel, Origin: "kernel", At: now}
	}
	return f, nil
}
