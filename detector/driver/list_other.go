//go:build !linux && !windows

package driver

import (
	"context"
	"errors"
	"runtime"

	"dswatch/words"
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
	return drivers{}, words.Fail(words.NotOnThisOS.With(runtime.GOOS))
}
