package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"time"

	"dswatch/web"
)

// errNotRunning says that nothing answers at web.listen.
var errNotRunning = errors.New("no running dswatch answers")

// Status is what the running process says of itself.
type Status = web.Status

// RunningStatus asks the running process about itself.
func (l *Loaded) RunningStatus(ctx context.Context) (Status, error) {
	var st Status
	err := l.ask(ctx, http.MethodGet, "/api/v1/status", nil, &st)
	return st, err
}

// ask is call for what only a running process can answer.
func (l *Loaded) ask(ctx context.Context, method, path string, in, out any) error {
	return l.started(l.call(ctx, method, path, in, out))
}

// started says what to start where nothing answers.
func (l *Loaded) started(err error) error {
	if errors.Is(err, errNotRunning) {
		err = fmt.Errorf("%w at web.listen (%s); start it with: dswatch run", errNotRunning, l.Web.Listen)
	}
	return err
}

// TestSinks tests the sinks through the running process, or by itself where
// none runs.
func (l *Loaded) TestSinks(ctx context.Context, names []string, o Options) ([]web.TestResult, error) {
	var out []web.TestResult
	err := l.call(ctx, http.MethodPost, "/api/v1/sinks/test", map[string][]string{"names": names}, &out)
	if !errors.Is(err, errNotRunning) {
		return out, err
	}
	a, err := Open(ctx, l, o)
	if err != nil {
		return nil, err
	}
	out, err = a.TestOnly(ctx, names)
	return out, errors.Join(err, a.Close())
}

// maxAnswer bounds what is read from the local API: 200,000 items of 500
// bytes are 100 MB.
const maxAnswer = 128 << 20

// call asks the local API of the process that uses the same configuration.
func (l *Loaded) call(ctx context.Context, method, path string, in, out any) error {
	if l.Web.Listen == "" {
		return errNotRunning
	}
	token, err := readToken(l.Bus.Dir, false)
	if errors.Is(err, fs.ErrNotExist) {
		return errNotRunning // no process has ever run with this bus.dir
	}
	if err != nil {
		return err
	}
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://"+reachable(l.Web.Listen)+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token.Reveal())
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: testWait + 10*time.Second}
	resp, err := client.Do(req)
	var refused *net.OpError
	if errors.As(err, &refused) && refused.Op == "dial" {
		return errNotRunning
	}
	if err != nil {
		return fmt.Errorf("ask the running dswatch: %w", err)
	}
	defer resp.Body.Close()
	answer := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer))
	if resp.StatusCode != http.StatusOK {
		var problem struct {
			Error string `json:"error"`
		}
		if answer.Decode(&problem) != nil || problem.Error == "" {
			problem.Error = "it answered " + resp.Status + "; is another program listening at web.listen?"
		}
		return fmt.Errorf("ask the running dswatch: %s", problem.Error)
	}
	if err := answer.Decode(out); err != nil {
		return fmt.Errorf("read the answer of the running dswatch: %w", err)
	}
	return nil
}

// reachable turns an address that is listened on into one to connect to.
func reachable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip != nil && ip.IsUnspecified()) {
		return net.JoinHostPort("localhost", port)
	}
	return listen
}
