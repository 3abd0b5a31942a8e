//go:build !linux

package web

import (
	"context"
	"errors"
	"net"
)

// Group is of no use where there is no socket.
const Group = "dswatch"

// socketOf is empty: who is at the other end cannot be asked for.
func socketOf(Config, string) string { return "" }

func listenUnix(string) (net.Listener, error) { return nil, errors.ErrUnsupported }

type visitor int

const (
	stranger visitor = iota + 1
	reader
	ruler
)

type visitorKey struct{}

func greet(ctx context.Context, _ net.Conn) context.Context { return ctx }

func lostName(net.Listener) bool { return false }
