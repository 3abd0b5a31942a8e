package facts

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"dswatch/guard"
	"dswatch/words"
)

// The helper is a process of root's that asks the agent in place of one that may
// not. Who connects to its socket sends the name of a question in a line, and is
// sent a JSON object, and the connection ends. It knows two questions, takes no
// arguments, and of an answer it passes on the values that dswatch reads.

// reply is what the helper sends.
type reply struct {
	Values answer `json:"values,omitempty"`
	Error  string `json:"error,omitempty"`
	// Refused: Error is about who asks, not about the agent.
	Refused bool `json:"refused,omitempty"`
	Absent  bool `json:"absent,omitempty"` // there is no such program
}

const (
	// longestLine bounds a question, biggestReply what is sent back, longestValue one
	// value of it, in bytes: an error quotes at most two lines of 100 bytes.
	longestLine  = 64
	longestValue = 4 << 10
	biggestReply = 64 << 10
	// helperPatience bounds how long a visitor may take to say what he wants.
	helperPatience = 5 * time.Second
	// helperRest is for how long an answer is given again: whoever may ask cannot
	// keep the agent busy.
	helperRest = time.Second
	// mostVisitors wait at the same time; more are sent away.
	mostVisitors = 8
)

// helperOf is the socket by which this process asks; empty: it may ask itself.
func helperOf() string {
	if os.Geteuid() == 0 {
		return ""
	}
	return HelperSocket
}

// askHelper puts one question to the helper, of which only root's is believed.
func askHelper(ctx context.Context, socket string, one question) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout+helperPatience)
	defer cancel()
	c, err := (&net.Dialer{}).DialContext(ctx, "unix", socket)
	if err != nil {
		return nil, noHelper(socket, err)
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	who, err := guard.PeerOf(c.(*net.UnixConn))
	if err == nil && who.UID != 0 {
		err = words.Fail(words.StrangeHelper.With(strconv.FormatUint(uint64(who.UID), 10)))
	}
	var r reply
	if err == nil {
		if _, err = io.WriteString(c, one.name+"\n"); err == nil {
			err = json.NewDecoder(io.LimitReader(c, biggestReply)).Decode(&r)
		}
	}
	switch {
	case ctx.Err() != nil:
		return nil, noHelper(socket, ctx.Err())
	case err != nil:
		return nil, noHelper(socket, err)
	case r.Refused:
		return nil, noHelper(socket, errors.New(r.Error))
	case r.Absent:
		return nil, fs.ErrNotExist
	case r.Error != "":
		return nil, errors.New(r.Error)
	}
	return r.Values, nil
}

// Helper answers the questions of a dswatch that does not run as root. It must be
// root itself.
type Helper struct {
	Log  *slog.Logger
	Idle time.Duration // after which Serve returns; zero: never

	path    string
	may     func(uid uint32) bool
	timeout time.Duration

	mu    sync.Mutex // one question after the other
	given map[string]given
}

type given struct {
	at time.Time
	reply
}

// NewHelper returns a helper that answers root and HelperUser.
func NewHelper(log *slog.Logger) *Helper {
	return &Helper{Log: log, path: queryPath(), timeout: queryTimeout, may: mayAsk}
}

// mayAsk looks the user up each time: a package may have made him meanwhile.
func mayAsk(uid uint32) bool {
	u, err := user.Lookup(HelperUser)
	return uid == 0 || err == nil && u.Uid == strconv.FormatUint(uint64(uid), 10)
}

// Serve answers until ctx ends or nobody has asked for Idle. It closes l.
func (h *Helper) Serve(ctx context.Context, l *net.UnixListener) error {
	var visitors atomic.Int32
	var all sync.WaitGroup
	defer all.Wait()
	defer l.Close()
	defer context.AfterFunc(ctx, func() { l.Close() })()
	for {
		if h.Idle > 0 {
			if err := l.SetDeadline(time.Now().Add(h.Idle)); err != nil {
				return err
			}
		}
		c, err := l.AcceptUnix()
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			if visitors.Load() == 0 {
				return nil
			}
			continue
		case err != nil:
			return err
		}
		if visitors.Add(1) > mostVisitors {
			visitors.Add(-1)
			c.Close()
			continue
		}
		all.Go(func() {
			defer visitors.Add(-1)
			defer c.Close()
			h.visit(ctx, c)
		})
	}
}

// visit answers one visitor.
func (h *Helper) visit(ctx context.Context, c *net.UnixConn) {
	_ = c.SetDeadline(time.Now().Add(helperPatience)) // else he has gone, which shows at once
	who, err := guard.PeerOf(c)
	if err != nil {
		return
	}
	line, err := bufio.NewReaderSize(io.LimitReader(c, longestLine), longestLine).ReadString('\n')
	if err != nil {
		return
	}
	var r reply
	if h.may(who.UID) {
		r = h.answer(ctx, strings.TrimSuffix(line, "\n"))
	} else {
		h.Log.Warn("somebody who may not has asked", "uid", who.UID, "pid", who.PID)
		r = reply{Refused: true, Error: fmt.Sprintf("it answers root and the user %s only, not the user of number %d", HelperUser, who.UID)}
	}
	_ = c.SetDeadline(time.Now().Add(helperPatience))
	_ = json.NewEncoder(c).Encode(r) // he has gone: nothing to do about it
}

// answer puts the question of that name to the agent.
func (h *Helper) answer(ctx context.Context, name string) (r reply) {
	at := slices.IndexFunc(questions, func(q question) bool { return q.name == name })
	if at < 0 {
		return reply{Refused: true, Error: "it does not know the question"}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if g, ok := h.given[name]; ok && time.Since(g.at) < helperRest {
		return g.reply
	}
	values, err := put(ctx, h.path, questions[at], h.timeout)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.Absent = true
	case err != nil:
		r.Error = err.Error()
	default:
		r.Values = answer{}
		for _, n := range questions[at].values {
			if v, ok := values[n]; ok && len(v) <= longestValue {
				r.Values[n] = v
			}
		}
	}
	if h.given == nil {
		h.given = map[string]given{}
	}
	h.given[name] = given{time.Now(), r}
	return r
}
