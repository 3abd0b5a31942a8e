//go:build !linux && !windows

package guard

import (
	"context"
	"errors"
	"io"
	"runtime"
)

// Writers judges nothing.
func Writers(...string) error { return nil }

// Program is something to run.
type Program struct {
	Path           string
	Args           []string
	Stdout, Stderr io.Writer
	Terminal       bool
}

// Run runs nothing where nothing can be judged.
func (p Program) Run(context.Context) error {
	return errors.New("dswatch runs no programs on " + runtime.GOOS)
}
