package app

import (
	"context"
	"log/slog"
	"net"
	"time"

	"dswatch/detector/facts"
)

// HelperUser is the user whom the helper answers beside root.
const HelperUser = facts.HelperUser

// Help asks this host's agent, as root, for a dswatch that is not root, until ctx
// ends or nobody has asked for idle; zero: never.
func Help(ctx context.Context, l *net.UnixListener, idle time.Duration, log *slog.Logger) error {
	h := facts.NewHelper(log)
	h.Idle = idle
	return h.Serve(ctx, l)
}
