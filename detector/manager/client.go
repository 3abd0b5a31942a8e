package manager

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"dswatch/detector/trust"
	"dswatch/event"
	"dswatch/setting"
	"dswatch/words"
)

const (
	// MaxAnswer bounds one page in bytes. A computer with the five parts that
	// are asked for is under 10 KB.
	MaxAnswer = 32 << 20
	// MaxComputers bounds one listing.
	MaxComputers = 200_000

	maxRecord = 1 << 20 // bytes of one computer, or of anything else in a page
	maxOthers = 32      // fields of a page beside the list of computers

	pingPath    = "/rest/status/manager/ping"
	searchPath  = "/api/computers/search"
	searchQuery = "expand=computerStatus&expand=antiMalware&expand=webReputation&expand=firewall&expand=intrusionPrevention"

	// limitWindow is a second more than the window over which the manager
	// measures its limit, for a refusal that does not say how long to wait.
	limitWindow = 61 * time.Second
	maxPause    = time.Hour
	maxMessage  = 300 // bytes of the manager's own words in an error or detail
)

// client asks one manager.
type client struct {
	base    *url.URL
	key     setting.Secret
	proxy   setting.Secret
	renewal setting.Again // reads the key; nil where it stands in the configuration
	edition string
	page    int
	most    int           // bytes of an answer
	again   time.Duration // until a page that failed is asked for once more
	room    []computer    // of the last page, for the next one
	http    *http.Client
}

func newClient(c Config) (*client, error) {
	base, err := c.base()
	if err != nil {
		return nil, err
	}
	conf, err := trust.TLS(c.CAFile, c.Fingerprint)
	if err != nil {
		return nil, err
	}
	proxy := http.ProxyFromEnvironment
	if c.Proxy != "" {
		u, err := c.proxy()
		if err != nil {
			return nil, err
		}
		proxy = http.ProxyURL(u) // a nil one means none
	}
	return &client{
		base: base, key: c.APIKey, proxy: c.Proxy, edition: c.edition(base.Hostname()), page: c.Page, most: MaxAnswer, again: time.Second,
		http: &http.Client{
			Transport: &http.Transport{
				TLSClientConfig: conf, Proxy: proxy, MaxIdleConns: 2, IdleConnTimeout: time.Minute,
				TLSHandshakeTimeout: 10 * time.Second, MaxResponseHeaderBytes: 64 << 10, ForceAttemptHTTP2: true,
			},
			// A redirect could carry the key to somebody else.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// limited is the refusal of a manager that was asked too often.
type limited struct{ pause time.Duration }

func (l *limited) Error() string { return words.English(l.Says()) }

// Says is Error as data.
func (l *limited) Says() event.Said { return words.ManagerTooOften.With(l.pause) }

// deaf is a manager that does not answer, or not as one that works.
type deaf struct{ said event.Said }

func (d *deaf) Error() string { return words.English(d.said) }

// Says is Error as data.
func (d *deaf) Says() event.Said { return d.said }

// unwelcome is a manager that refuses the key.
type unwelcome struct{ said event.Said }

func (u *unwelcome) Error() string { return words.English(u.said) }

// Says is Error as data.
func (u *unwelcome) Says() event.Said { return u.said }

// renew reads the key again, and reports whether it is another one.
func (c *client) renew() bool {
	if c.renewal == nil {
		return false
	}
	key, err := c.renewal()
	if err != nil || key == "" || key == c.key {
		return false
	}
	c.key = key
	return true
}

// ping returns nil when the manager answers its status page with 200, and a
// deaf where it is the manager that fails.
func (c *client) ping(ctx context.Context) error {
	resp, err := c.do(ctx, http.MethodGet, c.base.JoinPath(pingPath).String(), nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return c.status(resp)
	}
	return nil
}

// listing is a page of computers, and the manager's clock when it told them. It
// counts until the next page is asked for.
type listing struct {
	computers []computer
	at        time.Time
}

// list asks page by page for the computers with an ID above from, then for
// those before it, and hands each page on. What was handed on before an error
// is not the whole; the next list begins best from reached.
func (c *client) list(ctx context.Context, from int64, each func(listing)) (reached int64, err error) {
	n := 0
	for _, part := range [...]struct{ after, until int64 }{{from, math.MaxInt64}, {0, from}} {
		for last := part.after; last < part.until; {
			p, err := c.ask(ctx, last)
			if err != nil {
				return last, err
			}
			if len(p.computers) == 0 {
				break
			}
			before := last
			for _, k := range p.computers {
				last = max(last, k.ID)
			}
			if last <= before {
				return 0, words.Fail(words.ManagerProxyAnswers.With(int(before)))
			}
			if part.until == from { // the last page of the second part overlaps the first
				p.computers = slices.DeleteFunc(p.computers, func(k computer) bool { return k.ID > from })
			}
			if n += len(p.computers); n > MaxComputers {
				return 0, words.Fail(words.ManagerTooMany.With(MaxComputers))
			}
			each(p)
		}
	}
	return 0, nil
}

// ask is search, and once more where that may give another answer: an empty
// page is the end only if the manager says so twice, and one that failed may
// have met a node that is about to restart.
func (c *client) ask(ctx context.Context, last int64) (listing, error) {
	p, err := c.search(ctx, last)
	var passing *deaf
	if refused := new(unwelcome); errors.As(err, &refused) && c.renew() {
		p, err = c.search(ctx, last)
	}
	if err == nil && len(p.computers) > 0 || err != nil && !errors.As(err, &passing) {
		return p, err
	}
	if err != nil {
		select {
		case <-ctx.Done():
			return p, err
		case <-time.After(c.again):
		}
	}
	if ctx.Err() != nil {
		return p, err
	}
	return c.search(ctx, last)
}

// search asks for one page of computers with an ID above last.
func (c *client) search(ctx context.Context, last int64) (listing, error) {
	body, err := json.Marshal(map[string]any{
		"maxItems":       c.page,
		"searchCriteria": []any{map[string]any{"idValue": last, "idTest": "greater-than"}},
		"sortByObjectID": true,
	})
	if err != nil {
		return listing{}, fmt.Errorf("ask for computers: %w", err)
	}
	u := c.base.JoinPath(searchPath)
	u.RawQuery = searchQuery
	resp, err := c.do(ctx, http.MethodPost, u.String(), body)
	if err != nil {
		return listing{}, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return listing{}, c.status(resp)
	}
	at, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		at = time.Now()
	}
	computers, err := decode(&budget{ctx: ctx, r: resp.Body, total: c.most}, c.page, c.room)
	c.room = computers
	switch {
	case errors.Is(err, errPage):
		return listing{}, words.Fail(words.ManagerTooLong.With(int(c.most)))
	case ctx.Err() != nil:
		return listing{}, c.late(ctx)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return listing{}, &deaf{words.ManagerEndedEarly.With(c.clean(err.Error()))}
	case err != nil:
		return listing{}, words.Fail(words.ManagerMisread.With(c.clean(err.Error())))
	}
	return listing{computers, at}, nil
}

// do sends one request. Its errors are fit to be shown.
func (c *client) do(ctx context.Context, method, to string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, to, bytes.NewReader(body))
	if err != nil {
		return nil, words.Fail(words.ManagerBadURL.With(c.clean(err.Error())))
	}
	req.Header.Set("User-Agent", "dswatch")
	req.Header.Set("Accept", "application/json")
	if method == http.MethodPost { // the status page needs no key, and gets none
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("api-version", "v1")
		if c.edition == event.WorkloadSecurity {
			req.Header.Set("Authorization", "ApiKey "+c.key.Reveal())
		} else {
			req.Header.Set("api-secret-key", c.key.Reveal())
		}
	}
	resp, err := c.http.Do(req)
	if err == nil {
		return resp, nil
	}
	if ctx.Err() != nil {
		return nil, c.late(ctx)
	}
	if why := trust.Explain(err, "manager"); why != nil {
		return nil, why
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err // without the method and the address, which everybody knows
	}
	var name *net.DNSError
	var op *net.OpError
	switch {
	case errors.As(err, &name):
		return nil, words.Fail(words.ManagerNoName.With(c.clean(err.Error())))
	case errors.As(err, &op) && op.Op == "proxyconnect":
		return nil, words.Fail(words.ManagerNoProxy.With(c.clean(err.Error())))
	}
	return nil, &deaf{words.ManagerUnreachable.With(c.clean(err.Error()))}
}

func (c *client) late(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return &deaf{words.ManagerSlow.With()}
	}
	return ctx.Err()
}

// status says what an answer other than 200 means.
func (c *client) status(resp *http.Response) error {
	said := ""
	if b, err := io.ReadAll(io.LimitReader(resp.Body, 16<<10)); err == nil {
		var m struct {
			Message string `json:"message"`
		}
		if json.Unmarshal(b, &m) == nil && m.Message != "" {
			said = ": " + c.clean(m.Message)
		}
	}
	switch s := resp.StatusCode; {
	case s == http.StatusTooManyRequests:
		return &limited{pause(resp.Header.Get("Retry-After"))}
	case s == http.StatusUnauthorized, s == http.StatusForbidden:
		if c.renewal != nil {
			return &unwelcome{words.ManagerRefusesFile.With(s, said)}
		}
		return &unwelcome{words.ManagerRefuses.With(s, said)}
	case s >= 300 && s < 400:
		return words.Fail(words.ManagerRedirects.With(s))
	case s == http.StatusNotFound:
		return words.Fail(words.ManagerNoPage.With(said))
	default:
		return &deaf{words.ManagerStatus.With(s, said)}
	}
}

// pause reads Retry-After: seconds, or a date.
func pause(after string) time.Duration {
	if n, err := strconv.Atoi(strings.TrimSpace(after)); err == nil && n >= 0 {
		return min(time.Duration(min(n, 1<<20))*time.Second, maxPause)
	}
	if at, err := http.ParseTime(after); err == nil {
		return min(max(time.Until(at), time.Second), maxPause)
	}
	return limitWindow
}

// clean makes text from afar short, of one line and free of secrets.
func (c *client) clean(s string) string { return line(c.proxy.Out(c.key.Out(s))) }
