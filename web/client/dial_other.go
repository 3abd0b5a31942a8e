//go:build !linux

package client

import (
	"context"
	"net"
)

// dialSocket finds nobody: there is no socket, see web.Config.
func dialSocket(string, string) dialer {
	return func(context.Context) (net.Conn, error) { return nil, ErrNotRunning }
}

// dialTCP connects. Whose process listens there is not looked at.
func dialTCP(address, _ string) dialer {
	return func(ctx context.Context) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err != nil {
			return nil, notThere(err)
		}
		return c, nil
	}
}
