//go:build !linux

package driver

import (
	"fmt"
	"runtime"
)

// none stands where no way to list drivers is built in.
type none struct{}

func newTable() table { return none{} }

func (none) read() (drivers, error) {
	return drivers{}, fmt.Errorf("this version cannot do it on %s; put the driver rows into watch.ignore, or accept that they are unknown", runtime.GOOS)
}
