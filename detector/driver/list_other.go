//go:build !linux && !windows

package driver

import (
	"context"
	"errors"
	"fmt"
	"runtime"
)

// none stands where no way to list drivers is built in.
type none struct{}

func newTable() table { return none{} }

func check(name string) error {
	if name == "" {
		return errors.New("a name is empty; remove it")
	}
	return nil
}

func canonical(name string) string { return name }

func (none) read(context.Context, []string) (drivers, error) {
	return drivers{}, fmt.Errorf("this version cannot do it on %s; put the driver rows into watch.ignore, or accept that they are unknown", runtime.GOOS)
}
