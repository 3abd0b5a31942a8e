package client

import (
	"context"
	"errors"
	"net"

	"dswatch/guard"
	"dswatch/words"
)

// strange is an error about a process that is not to be trusted; a command may
// go on as if it were not there.
func strange(err error) error { return words.FailWith(errors.Join(err, ErrNotRunning), words.Of(err)) }

// dialSocket connects to a socket at which root, this user or the keeper of dir
// listens.
func dialSocket(path, dir string) dialer {
	return func(ctx context.Context) (net.Conn, error) {
		short, release, err := guard.SocketPath(path)
		if err != nil {
			return nil, ErrNotRunning // not even the folder is there, or not for us
		}
		defer release()
		c, err := (&net.Dialer{}).DialContext(ctx, "unix", short)
		if err != nil {
			return nil, notThere(err)
		}
		peer, err := guard.PeerOf(c.(*net.UnixConn))
		if err == nil {
			err = guard.Serves(peer.UID, path, dir)
		}
		if err != nil {
			c.Close()
			return nil, strange(err)
		}
		return c, nil
	}
}

// dialTCP connects to an address at which a process of root, this user or the
// keeper of dir has accepted the connection: it is to get the token.
func dialTCP(address, dir string) dialer {
	return func(ctx context.Context) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err != nil {
			return nil, notThere(err)
		}
		uid, err := guard.TCPServer(c)
		if err == nil {
			err = guard.Serves(uid, address, dir)
		}
		if err != nil {
			c.Close()
			return nil, words.FailWith(err, words.AskRunning.With(err))
		}
		return c, nil
	}
}
