// Package client asks the local API of a running dswatch, as every command does
// that only the running process can answer.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"time"

	"dswatch/web"
	"dswatch/words"
)

// ErrNotRunning says that nothing answers at web.listen.
var ErrNotRunning = words.Fail(words.NotRunning.With())

// ErrRefused says that the running process was reached and would not do it.
var ErrRefused = errors.New("refused")

const (
	// maxAnswer bounds what is read: 200,000 items of 500 bytes are 100 MB.
	maxAnswer = 128 << 20
	// patience outlasts what the process works on for longest: web.TestWait,
	// and a reload that waits 30 s for sinks that go.
	patience = 45 * time.Second
)

// Client asks the process of one configuration. It is safe for concurrent use.
type Client struct {
	conf web.Config
	dir  string
}

// New returns a client of the process that runs with this configuration and
// keeps its token below dir, the configured bus.dir; empty: the user may not read
// the configuration, so only the system's own service is asked.
func New(conf web.Config, dir string) *Client { return &Client{conf, dir} }

// Status asks what the process says of itself.
func (c *Client) Status(ctx context.Context) (out web.Status, err error) {
	err = c.ask(ctx, http.MethodGet, "/status", nil, &out)
	return out, err
}

// TestSinks sends a test through the named sinks, all of them without names.
func (c *Client) TestSinks(ctx context.Context, names []string) (out []web.TestResult, err error) {
	err = c.ask(ctx, http.MethodPost, "/sinks/test", map[string][]string{"names": names}, &out)
	return out, err
}

// Resync tells a sink of every open alert again.
func (c *Client) Resync(ctx context.Context, sink string) (out web.Resynced, err error) {
	err = c.ask(ctx, http.MethodPost, "/sinks/"+url.PathEscape(sink)+"/resync", struct{}{}, &out)
	return out, err
}

// RenameSink hands the alerts of a sink over to another one.
func (c *Client) RenameSink(ctx context.Context, from, to string) (out web.Renamed, err error) {
	err = c.ask(ctx, http.MethodPost, "/sinks/"+url.PathEscape(from)+"/rename", map[string]string{"to": to}, &out)
	return out, err
}

// RenameHost ends what is known of a host by its old name.
func (c *Client) RenameHost(ctx context.Context, from, to string) (out web.Removed, err error) {
	err = c.ask(ctx, http.MethodPost, "/hosts/"+url.PathEscape(from)+"/rename", map[string]string{"to": to}, &out)
	return out, err
}

// RemoveHost ends what is known of a host.
func (c *Client) RemoveHost(ctx context.Context, host string) (out web.Removed, err error) {
	err = c.ask(ctx, http.MethodPost, "/hosts/"+url.PathEscape(host)+"/remove", struct{}{}, &out)
	return out, err
}

// Forget ends the memory that the component was installed on the host.
func (c *Client) Forget(ctx context.Context, host, component string) error {
	var out struct{}
	return c.ask(ctx, http.MethodPost, "/hosts/"+url.PathEscape(host)+"/forget/"+url.PathEscape(component), struct{}{}, &out)
}

// Known asks what the process knows of the hosts that it looks at.
func (c *Client) Known(ctx context.Context) (out web.Known, err error) {
	err = c.ask(ctx, http.MethodGet, "/known", nil, &out)
	return out, err
}

// Letters lists dead letters.
func (c *Client) Letters(ctx context.Context, s web.Selection) (out []web.Letter, err error) {
	err = c.ask(ctx, http.MethodPost, "/deadletters", s, &out)
	return out, err
}

// Letter shows one dead letter.
func (c *Client) Letter(ctx context.Context, id string) (out web.Letter, err error) {
	err = c.ask(ctx, http.MethodGet, "/deadletters/"+url.PathEscape(id), nil, &out)
	return out, err
}

// Replay sends dead letters again.
func (c *Client) Replay(ctx context.Context, s web.Selection) (out web.Replayed, err error) {
	err = c.ask(ctx, http.MethodPost, "/deadletters/replay", s, &out)
	return out, err
}

// Drop forgets dead letters.
func (c *Client) Drop(ctx context.Context, s web.Selection) (int, error) {
	var out struct {
		Dropped int `json:"dropped"`
	}
	err := c.ask(ctx, http.MethodPost, "/deadletters/drop", s, &out)
	return out.Dropped, err
}

// Silences lists what is silenced.
func (c *Client) Silences(ctx context.Context) (out []web.Silence, err error) {
	err = c.ask(ctx, http.MethodGet, "/silences", nil, &out)
	return out, err
}

// AddSilence keeps a silence.
func (c *Client) AddSilence(ctx context.Context, s web.Silence) (out web.Silence, err error) {
	err = c.ask(ctx, http.MethodPost, "/silences", s, &out)
	return out, err
}

var errNoSilence = words.Fail(words.SilenceIDEmpty.With())

// EditSilence changes a silence.
func (c *Client) EditSilence(ctx context.Context, id string, e web.SilenceEdit) (out web.Silence, err error) {
	if id == "" {
		return out, errNoSilence
	}
	err = c.ask(ctx, http.MethodPost, "/silences/"+url.PathEscape(id), e, &out)
	return out, err
}

// ExpireSilence ends a silence.
func (c *Client) ExpireSilence(ctx context.Context, id, author string) error {
	if id == "" {
		return errNoSilence
	}
	return c.ask(ctx, http.MethodPost, "/silences/"+url.PathEscape(id)+"/expire", web.Ack{Author: author}, &struct{}{})
}

// Alerts lists what is open.
func (c *Client) Alerts(ctx context.Context) (out []web.Alert, err error) {
	err = c.ask(ctx, http.MethodGet, "/alerts", nil, &out)
	return out, err
}

// Unpaired lists which resolves were lost.
func (c *Client) Unpaired(ctx context.Context) (out []web.Unpaired, err error) {
	err = c.ask(ctx, http.MethodGet, "/alerts/unpaired", nil, &out)
	return out, err
}

var errNoAlert = words.Fail(words.AlertIDEmpty.With())

// Ack notes who looks after an alert.
func (c *Client) Ack(ctx context.Context, id string, a web.Ack) error {
	if id == "" {
		return errNoAlert
	}
	return c.ask(ctx, http.MethodPost, "/alerts/"+url.PathEscape(id)+"/ack", a, &struct{}{})
}

// Withdraw takes an acknowledgement back.
func (c *Client) Withdraw(ctx context.Context, id string, by web.Ack) error {
	if id == "" {
		return errNoAlert
	}
	return c.ask(ctx, http.MethodPost, "/alerts/"+url.PathEscape(id)+"/ack/withdraw", by, &struct{}{})
}

// Why explains an item or an alert.
func (c *Client) Why(ctx context.Context, of, language string) (out []web.Why, err error) {
	q := url.Values{"of": {of}, "language": {language}}
	err = c.ask(ctx, http.MethodGet, "/why?"+q.Encode(), nil, &out)
	return out, err
}

// History returns a page of what happened, and the cursor of the next one; empty:
// there is none.
func (c *Client) History(ctx context.Context, s web.HistorySelection) (out web.HistoryPage, err error) {
	err = c.ask(ctx, http.MethodGet, "/history?"+s.Query().Encode(), nil, &out)
	return out, err
}

// Reload lets the process read its configuration again.
func (c *Client) Reload(ctx context.Context) (out web.Reloaded, err error) {
	err = c.ask(ctx, http.MethodPost, "/reload", struct{}{}, &out)
	return out, err
}

// ask is call; where nothing answers the error says what to start.
func (c *Client) ask(ctx context.Context, method, path string, in, out any) error {
	err := c.call(ctx, method, "/api/v1"+path, in, out)
	if err == ErrNotRunning { // and not one about who listens instead
		err = words.FailWith(ErrNotRunning, words.NotRunningAt.With(ErrNotRunning, c.conf.Listen))
	}
	return err
}

// call asks through the socket, where the kernel says who asks and who answers,
// else at web.listen with the token.
func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://localhost"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	var strange error
	for _, socket := range web.Sockets(c.conf, c.dir) {
		err := c.through(req, dialSocket(socket, c.dir), out)
		if !errors.Is(err, ErrNotRunning) {
			return err
		}
		if err != ErrNotRunning {
			strange = err
		}
	}
	err = c.overTCP(req, out)
	if errors.Is(err, ErrNotRunning) && strange != nil {
		return strange
	}
	return err
}

func (c *Client) overTCP(req *http.Request, out any) error {
	listen := web.Address(c.dir, c.conf.Listen)
	if listen == "" || c.dir == "" {
		return ErrNotRunning
	}
	token, err := web.Token(c.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return ErrNotRunning // no process has ever run with this bus.dir
	}
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token.Reveal())
	req.URL.Host, req.Host = reachable(listen), ""
	return c.through(req, dialTCP(reachable(listen), c.dir), out)
}

// dialer connects to one process, or returns an error about who listens there
// before anything was sent.
type dialer func(ctx context.Context) (net.Conn, error)

// through asks one process. Where none is, or that of another configuration, the
// error is ErrNotRunning; where one is not to be trusted it wraps that.
func (c *Client) through(req *http.Request, dial dialer, out any) error {
	conn, err := dial(req.Context())
	if err != nil {
		return err
	}
	defer conn.Close()
	again := req.Clone(req.Context())
	if again.Body, err = req.GetBody(); err != nil {
		return err
	}
	if dir, err := filepath.Abs(c.dir); err == nil && c.dir != "" {
		again.Header.Set(web.DirHeader, dir)
	}
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(context.Context, string, string) (net.Conn, error) { return conn, nil }}
	resp, err := (&http.Client{Transport: transport, Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(again)
	if err != nil {
		return words.FailWith(err, words.AskRunning.With(err))
	}
	defer resp.Body.Close()
	answer := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer))
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusMisdirectedRequest:
		return ErrNotRunning
	default:
		var problem web.Problem
		if answer.Decode(&problem) != nil || problem.Error == "" {
			problem = web.ProblemOf(words.Fail(words.AnswersOtherwise.With(resp.Status)))
		}
		return words.FailWith(ErrRefused, words.AskRunning.With(problem.Err()))
	}
	if err := answer.Decode(out); err != nil {
		return words.FailWith(err, words.ReadAnswer.With(err))
	}
	return nil
}

// notThere is ErrNotRunning for a dial that found nobody.
func notThere(err error) error {
	var refused *net.OpError
	if errors.As(err, &refused) && refused.Op == "dial" {
		return ErrNotRunning
	}
	return words.FailWith(err, words.AskRunning.With(err))
}

// reachable turns an address that is listened on into one to connect to.
func reachable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip != nil && ip.IsUnspecified()) {
		return net.JoinHostPort("localhost", port)
	}
	return listen
}
