//go:build !linux && !windows

package service

import (
	"context"
	"errors"
	"fmt"
	"runtime"
)

// none stands where no way to ask for services is built in.
type none struct{}

func newTable() table { return none{} }

func check(name string) error {
	if name == "" {
		return errors.New("a name is empty; remove it")
	}
	return nil
}

func (none) read(context.Context, []string) (map[string]status, error) {
	return nil, fmt.Errorf("this version cannot do it on %s; put the service rows into watch.ignore, or accept that they are unknown", runtime.GOOS)
}

func (none) close() {}
