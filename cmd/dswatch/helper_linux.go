package main

import (
	"errors"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"time"

	"github.com/coreos/go-systemd/v22/activation"
	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"dswatch/app"
	"dswatch/guard"
	"dswatch/words"
)

// helperRest is how long nobody asks until the helper of systemd's socket ends;
// the next question starts it again.
const helperRest = time.Minute

// helperCommand is the part that stays root where the rest is not.
func helperCommand() *cobra.Command {
	var path string
	c := &cobra.Command{
		Use: "helper", Short: "Ask this host's agent, as root, for a dswatch that is not root",
		Long: "The agent's dsa_query answers root only. This process puts its two questions for a dswatch that runs as the\n" +
			"user dswatch, and tells it nothing but edition, features and what the agent says of itself. systemd starts\n" +
			"it when somebody asks (dswatch-helper.socket), and it ends after a minute.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if os.Geteuid() != 0 {
				return words.Fail(words.HelperIsRoot.With())
			}
			listen, idle := activated, helperRest
			if path != "" {
				listen, idle = func() (*net.UnixListener, error) { return listenForHelp(path) }, 0
			}
			l, err := listen()
			if err != nil {
				return err
			}
			ctx, stop := interrupted(c.Context())
			defer stop()
			return app.Help(ctx, l, idle, logger(app.Log{}))
		},
	}
	c.Flags().StringVar(&path, "socket", "", "listen at this path instead of at systemd's socket, until it is ended")
	return c
}

// activated is the socket that systemd gave.
func activated() (*net.UnixListener, error) {
	all, err := activation.Listeners()
	if err == nil && len(all) == 1 {
		if l, ok := all[0].(*net.UnixListener); ok {
			return l, nil
		}
	}
	return nil, words.Fail(words.HelperNoSocket.With())
}

// listenForHelp listens where only root and the user of dswatch may come.
func listenForHelp(path string) (*net.UnixListener, error) {
	if err := guard.Writers(filepath.Dir(path)); err != nil {
		return nil, err
	}
	if info, err := os.Lstat(path); err == nil && info.Mode().Type() != os.ModeSocket {
		return nil, words.Fail(words.NoSocketThere.With(path))
	} else if err == nil {
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	before := unix.Umask(0o177)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	unix.Umask(before)
	if err != nil {
		return nil, err
	}
	if u, err := user.Lookup(app.HelperUser); err == nil { // else there is nobody but root
		uid, _ := strconv.Atoi(u.Uid) // a number, on this system
		if err := os.Lchown(path, uid, -1); err != nil {
			return nil, errors.Join(err, l.Close())
		}
	}
	return l, nil
}
