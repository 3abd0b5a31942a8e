//go:build !linux

package bus_test

import (
	"context"
	"errors"

	"dswatch/bus"
)

func childFills(context.Context, *bus.Bus) error {
	return errors.New("file sizes cannot be limited here")
}
