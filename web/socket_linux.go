package web

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"dswatch/guard"
	"dswatch/words"
)

// Group is that whose members may read and acknowledge through the socket.
const Group = "dswatch"

// socketOf is where the commands are listened for; empty: nowhere. systemd makes
// RUNTIME_DIRECTORY for this program alone.
func socketOf(c Config, dir string) string {
	run, _, _ := strings.Cut(os.Getenv("RUNTIME_DIRECTORY"), ":")
	switch {
	case c.Socket == Off:
		return ""
	case c.Socket != "":
		return c.Socket
	case run != "":
		return filepath.Join(run, socketName)
	case dir == "":
		return ""
	}
	return filepath.Join(dir, socketName)
}

// listenUnix listens at path, in place of a socket of ours that is there. The mode
// lets everybody in, because the kernel says who comes: see allow.
func listenUnix(path string) (net.Listener, error) {
	if err := replaceable(path); err != nil {
		return nil, err
	}
	next := path + ".new"
	if err := os.Remove(next); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	short, release, err := guard.SocketPath(next)
	if err != nil {
		return nil, err
	}
	defer release()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: short, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false) // by then it may be that of who came after
	info, err := os.Lstat(next)
	if err = errors.Join(err, os.Chmod(next, 0o666)); err == nil {
		err = os.Rename(next, path)
	}
	if err != nil {
		return nil, errors.Join(err, l.Close(), os.Remove(next))
	}
	return &unixListener{l, path, info}, nil
}

// replaceable is nil where nothing is, or a socket that nobody but this process
// listens at.
func replaceable(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return words.Fail(words.NoSocketThere.With(path))
	}
	short, release, err := guard.SocketPath(path)
	if err != nil {
		return err
	}
	defer release()
	c, err := net.DialTimeout("unix", short, time.Second)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return nil // its process has ended
	}
	if err != nil {
		return err
	}
	defer c.Close()
	if p, err := guard.PeerOf(c.(*net.UnixConn)); err != nil || p.PID != os.Getpid() {
		return words.FailWith(syscall.EADDRINUSE, words.SocketTaken.With(path))
	}
	return nil
}

// unixListener takes its name away with it.
type unixListener struct {
	net.Listener
	path string
	made fs.FileInfo
}

func (l *unixListener) Close() error {
	if !lostName(l) {
		_ = os.Remove(l.path) // what stays is replaced by the next start
	}
	return l.Listener.Close()
}

// lostName reports whether a listener's socket is not the one at its path.
func lostName(l net.Listener) bool {
	u, ok := l.(*unixListener)
	if !ok {
		return false
	}
	now, err := os.Lstat(u.path)
	return err != nil || !os.SameFile(now, u.made)
}

func (l *unixListener) Addr() net.Addr { return &net.UnixAddr{Name: l.path, Net: "unix"} }

// visitor is who asks through the socket.
type visitor int

const (
	stranger visitor = iota + 1
	reader           // may read and acknowledge
	ruler            // may do everything
)

type visitorKey struct{}

// greet notes who is at the other end of a connection.
func greet(ctx context.Context, c net.Conn) context.Context {
	u, ok := c.(*net.UnixConn)
	if !ok {
		return ctx
	}
	who := stranger
	if p, err := guard.PeerOf(u); err == nil {
		switch {
		case p.Rules():
			who = ruler
		case p.In(Group):
			who = reader
		}
	}
	return context.WithValue(ctx, visitorKey{}, who)
}
