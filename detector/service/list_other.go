//go:build !linux && !windows

package service

import (
	"context"
	"errors"
	"runtime"

	"dswatch/words"
)

// none stands where no way to ask for services is built in.
type none struct{}

func newTable() none { return none{} }

func check(name string) error {
	if name == "" {
		return errors.New("a name is empty; remove it")
	}
	return nil
}

func (none) read(context.Context, []string) (map[string]status, error) {
	return nil, words.Fail(words.NotOnThisOS.With(runtime.GOOS))
}

func (none) starts(context.Context, []string) (map[string]string, error) {
	return nil, words.Fail(words.NotOnThisOS.With(runtime.GOOS))
}

func (none) close() {}
