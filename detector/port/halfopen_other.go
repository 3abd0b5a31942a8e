//go:build !linux

package port

import (
	"context"
	"net/netip"
)

// The other platforms answer a SYN-ACK before a program can stop it.
const canHalfOpen = false

func halfOpen(context.Context, netip.AddrPort) answer {
	panic("half-open probe on a platform without it") // ask answers before it comes here
}
