//go:build !linux && !windows

package process

import (
	"context"
	"dswatch/event"
	"dswatch/words"
	"fmt"
	"runtime"
)

// grant says what to do where a process may be seen but not read.
func grant() event.Said { return words.Grant.With() }

// none stands where no way to list processes is built in.
type none struct{}

func newTable() table { return none{} }

func (none) forms(name string) []string { return []string{name} }

func (n none) rest(ctx context.Context, wanted func([]byte) bool, visit func(proc)) (gaps, error) {
	return n.read(ctx, wanted, visit)
}

func (none) read(context.Context, func([]byte) bool, func(proc)) (gaps, error) {
	return gaps{}, fmt.Errorf("dswatch cannot do this on %s; remove detectors.process or run it on Linux or Windows", runtime.GOOS)
}

// Stranger knows nothing on this system.
func (o Owner) Stranger(uint32, []int) (say event.Said) { return say }
