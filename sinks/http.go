package sinks

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"dswatch/event"
	"dswatch/setting"
	"dswatch/words"
)

// TLS says how the far end is verified and how this side shows who it is.
type TLS struct {
	CAFile     string `yaml:"ca_file" doc:"PEM file of the only authorities that may have signed the far end's certificate; default: those of the system"`
	CertFile   string `yaml:"cert_file" doc:"PEM file of this side's certificate, with its chain, for a far end that asks for one; default: none"`
	KeyFile    string `yaml:"key_file" doc:"PEM file of the key of cert_file; default: none"`
	ServerName string `yaml:"server_name" doc:"name that the far end's certificate must carry; default: the host of the address"`
}

// Validate also reads the files, so that a wrong path is told with its line,
// and before anything starts.
func (t TLS) Validate() error {
	_, err := t.read()
	return err
}

// Config reads the files and returns what crypto/tls wants, TLS 1.2 or newer.
// Its errors are setting.Errors below the key "tls".
func (t TLS) Config() (*tls.Config, error) {
	c, err := t.read()
	if bad, ok := errors.AsType[*setting.Error](err); ok {
		return nil, &setting.Error{Key: "tls." + bad.Key, Err: bad.Err}
	}
	return c, err
}

func (t TLS) read() (*tls.Config, error) {
	switch {
	case t.CertFile != "" && t.KeyFile == "":
		return nil, words.Bad("key_file", words.KeyOfCertMissing.With())
	case t.CertFile == "" && t.KeyFile != "":
		return nil, words.Bad("cert_file", words.CertOfKeyMissing.With())
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, words.Bad("ca_file", words.NoReadablePEM.With(err))
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, words.Bad("ca_file", words.NoCertificate.With(t.CAFile))
		}
	}
	if t.CertFile == "" {
		return c, nil
	}
	cert, err := os.ReadFile(t.CertFile)
	if err != nil {
		return nil, words.Bad("cert_file", words.NoReadablePEM.With(err))
	}
	key, err := os.ReadFile(t.KeyFile)
	if err != nil {
		return nil, words.Bad("key_file", words.NoReadablePEM.With(err))
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, words.Bad("cert_file", words.BadKeyPair.With(err))
	}
	c.Certificates = []tls.Certificate{pair}
	return c, nil
}

// Redactor takes secrets out of texts.
type Redactor struct {
	replacer *strings.Replacer
	longest  int // bytes of the longest form that is searched for
}

// NewRedactor returns a Redactor for secrets, also in the forms that URLs and
// JSON give them. Values that are setting.Short or setting.Public are left out.
func NewRedactor(secrets ...string) *Redactor {
	var forms []string
	for _, s := range secrets {
		if setting.Public(s) {
			continue
		}
		quoted := strconv.Quote(s)
		for _, f := range []string{s, url.QueryEscape(s), url.PathEscape(s), quoted[1 : len(quoted)-1]} {
			if !setting.Short(f) && !slices.Contains(forms, f) {
				forms = append(forms, f)
			}
		}
	}
	// The longest first: a replacer takes the first that fits.
	slices.SortStableFunc(forms, func(a, b string) int { return len(b) - len(a) })
	r := &Redactor{}
	pairs := make([]string, 0, 2*len(forms))
	for _, f := range forms {
		r.longest = max(r.longest, len(f))
		pairs = append(pairs, f, "[redacted]")
	}
	r.replacer = strings.NewReplacer(pairs...)
	return r
}

// Text returns s without the secrets.
func (r *Redactor) Text(s string) string { return r.replacer.Replace(s) }

// Error returns err when neither it nor what it wraps shows a secret, and
// otherwise an error with the cleaned text only: what must not be shown must
// not be reachable through Unwrap either.
func (r *Redactor) Error(err error) error {
	if err == nil || !r.shows(err) {
		return err
	}
	text := Line(r.Text(err.Error()), maxReason)
	switch { // what the classes depend on is kept
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: %w", text, context.DeadlineExceeded)
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("%s: %w", text, context.Canceled)
	}
	return errors.New(text)
}

func (r *Redactor) shows(err error) bool {
	for ; err != nil; err = errors.Unwrap(err) {
		if s := err.Error(); r.Text(s) != s {
			return true
		}
		if many, ok := err.(interface{ Unwrap() []error }); ok {
			return slices.ContainsFunc(many.Unwrap(), r.shows)
		}
	}
	return false
}

// URLSecrets returns the parts of u that can hold a secret: the user info,
// the query's values, and path segments of eight bytes or more (the form of
// Slack's, Teams' and most chat systems' webhook URLs).
func URLSecrets(u *url.URL) []string {
	var s []string
	if u.User != nil {
		pass, _ := u.User.Password()
		basic := base64.StdEncoding.EncodeToString([]byte(u.User.Username() + ":" + pass)) // the header made of it
		s = append(s, u.User.Username(), pass, basic)
	}
	for _, values := range u.Query() {
		s = append(s, values...)
	}
	for _, p := range strings.Split(u.EscapedPath(), "/") {
		if len(p) >= 8 {
			s = append(s, p)
			if plain, err := url.PathUnescape(p); err == nil {
				s = append(s, plain)
			}
		}
	}
	if u.RawQuery != "" {
		s = append(s, u.RawQuery)
	}
	return s
}

// HTTP posts to one URL and classifies the answer. It is safe for concurrent
// use. It follows no redirect, so that what it sends reaches the configured
// server only.
type HTTP struct {
	rt     *http.Transport
	url    *url.URL
	basic  string // Authorization header made of the URL's user info
	redact *Redactor
	most   int         // bytes of an answer that are read
	tls    *tls.Config // as it was given; that of rt is the transport's
}

// HTTPOptions say how an HTTP is made.
type HTTPOptions struct {
	URL         string      // http or https; its user info becomes basic authentication
	TLS         *tls.Config // nil: the system's authorities
	Concurrency int         // requests in flight; as many connections are kept open
	Secrets     []string    // beside those of the URL: tokens, keys, passwords
	Proxy       string      // URL of a proxy, see ParseProxy; "": as the environment says
	MaxAnswer   int         // bytes of an answer that are read; 0: 64 KiB
}

// NewHTTP returns an HTTP for o. Without Proxy, proxies come from the
// environment (HTTPS_PROXY, NO_PROXY). An error never repeats the URL.
func NewHTTP(o HTTPOptions) (*HTTP, error) {
	u, err := ParseURL(o.URL)
	if err != nil {
		return nil, err
	}
	proxy, hidden := http.ProxyFromEnvironment, slices.Clone(o.Secrets)
	if o.Proxy != "" {
		p, err := ParseProxy(o.Proxy)
		if err != nil {
			return nil, err
		}
		proxy, hidden = http.ProxyURL(p), append(hidden, URLSecrets(p)...)
	}
	n := max(1, o.Concurrency)
	h := &HTTP{
		most:   cmp.Or(o.MaxAnswer, maxAnswer),
		tls:    o.TLS.Clone(),
		redact: NewRedactor(append(URLSecrets(u), hidden...)...),
		rt: &http.Transport{
			Proxy:                  proxy,
			DialContext:            (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
			TLSClientConfig:        o.TLS.Clone(), // the transport writes into it
			ForceAttemptHTTP2:      true,
			TLSHandshakeTimeout:    10 * time.Second,
			MaxIdleConns:           n,
			MaxIdleConnsPerHost:    n,
			IdleConnTimeout:        90 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
			DisableCompression:     true, // a compressed answer could be far larger than what is read
		},
	}
	if u.User != nil {
		pass, _ := u.User.Password()
		r := http.Request{Header: http.Header{}}
		r.SetBasicAuth(u.User.Username(), pass)
		h.basic = r.Header.Get("Authorization")
		u.User = nil
	}
	h.url = u
	return h, nil
}

// ParseURL reads the URL of an HTTP far end. Its errors do not repeat it,
// because its path, query or user info can be a secret.
func ParseURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case s == "":
		return nil, words.Fail(words.URLMissing.With())
	case err != nil:
		return nil, words.Fail(words.NotAURL.With())
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, words.Fail(words.NotHTTP.With())
	case u.Hostname() == "":
		return nil, words.Fail(words.URLNoHost.With())
	}
	return u, nil
}

// ParseProxy reads the URL of a proxy. Its errors do not repeat it, because
// it can hold a password.
func ParseProxy(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "socks5":
		return nil, words.Fail(words.NotAProxy.With())
	case u.Path != "" && u.Path != "/" || u.RawQuery != "":
		return nil, words.Fail(words.ProxyMore.With())
	}
	return u, nil
}

const (
	maxAnswer = 64 << 10 // bytes of an answer that are read unless more is asked for; the rest costs the connection
	maxReason = 512      // bytes of a reason in an error
	maxQuote  = 200      // bytes of a far end's words in an error
)

// Own is a header of one request, with its name as net/http keeps it.
type Own struct{ Name, Value string }

// Post sends body with header (which is kept, not changed) and own, and returns
// what the far end answered, up to MaxAnswer. The error is nil for 2xx only and
// otherwise says what happened and whether it can pass.
func (h *HTTP) Post(ctx context.Context, header http.Header, body []byte, own ...Own) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, h.posting("", err)
	}
	var sent sending
	sent.first.Reset(body)
	if len(own) > 0 {
		header = sent.with(header, own)
	}
	req := (&http.Request{
		Method: http.MethodPost, URL: h.url, Host: h.url.Host, Header: header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Body: io.NopCloser(&sent.first), ContentLength: int64(len(body)),
		GetBody: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil },
	}).WithContext(sent.watched(ctx))
	if h.basic != "" && header.Get("Authorization") == "" {
		req.Header = header.Clone()
		req.Header.Set("Authorization", h.basic)
	}
	resp, err := h.rt.RoundTrip(req)
	if err != nil {
		if err = h.transportError(req, err); sent.begun.Load() {
			err = &underWay{err}
		}
		return nil, err
	}
	answer, err := h.readBounded(resp)
	if resp.StatusCode == http.StatusProxyAuthRequired {
		// Only a proxy may answer so, also where the far end was asked directly.
		return answer, Refused(ClassifyStatus(resp.StatusCode, resp.Header, h.posting(h.through(req), errProxyRefused)))
	}
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return answer, nil // accepted; that the rest of its words did not come changes nothing
	}
	if err != nil {
		answer = append(answer, " (cut off)"...)
	}
	return answer, h.answerError(resp, answer)
}

// sending is one request on its way. net/http may try once more by itself, and
// fail then in another way. A body that it knows to be in memory, as first, is
// sent together with the header.
type sending struct {
	first bytes.Reader // of the first try
	begun atomic.Bool  // bytes were on their way
	trace httptrace.ClientTrace
	own   [4]string // values of headers, as many as have room
}

// with returns header and own.
func (s *sending) with(header http.Header, own []Own) http.Header {
	all := make(http.Header, len(header)+len(own))
	maps.Copy(all, header)
	values := s.own[:0]
	for i, one := range own {
		values = append(values, one.Value)
		all[one.Name] = values[i : i+1 : i+1]
	}
	return all
}

// watched is ctx, in which begun is noted.
func (s *sending) watched(ctx context.Context) context.Context {
	s.trace.WroteHeaders = func() { s.begun.Store(true) }
	return httptrace.WithClientTrace(ctx, &s.trace)
}

// Close lets go of idle connections.
func (h *HTTP) Close() error {
	h.rt.CloseIdleConnections()
	return nil
}

// readBounded reads at most h.most bytes and closes the body. Only an answer
// that was read to its end leaves a connection that can be used again.
func (h *HTTP) readBounded(resp *http.Response) ([]byte, error) {
	defer resp.Body.Close()
	if resp.ContentLength == 0 {
		return nil, nil
	}
	return io.ReadAll(io.LimitReader(resp.Body, int64(h.most)+1))
}

// errProxyRefused is said of a proxy that wants to know who asks.
var errProxyRefused = words.Fail(words.ProxyWantsLogin.With())

// posting is err of a request, through a proxy if there is one.
func (h *HTTP) posting(proxy string, err error) error {
	if proxy != "" {
		return words.FailWith(err, words.PostThroughFailed.With(h.url.Host, proxy, err))
	}
	return words.FailWith(err, words.PostFailed.With(h.url.Host, err))
}

// through names the proxy that req goes through, if any.
func (h *HTTP) through(req *http.Request) string {
	if u, err := h.rt.Proxy(req); err == nil && u != nil {
		return u.Host
	}
	return ""
}

// hungUp reports whether err may be how a refused certificate of ours looks: from
// TLS 1.3 on the far end says no after the handshake, and who writes at that
// moment sees no more than a closed connection.
func (h *HTTP) hungUp(err error) bool {
	c := h.rt.TLSClientConfig
	return c != nil && len(c.Certificates) > 0 && (errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, net.ErrClosed))
}

func (h *HTTP) transportError(req *http.Request, err error) error {
	if err.Error() == http.StatusText(http.StatusProxyAuthRequired) { // how net/http tells a refused CONNECT
		err = errProxyRefused
	}
	_, unknown := errors.AsType[*tls.CertificateVerificationError](err)
	alert, refused := errors.AsType[*net.OpError](err)
	refused = refused && alert.Op == "remote error" || err == errProxyRefused || unknown || h.hungUp(err)
	err = h.redact.Error(h.posting(h.through(req), err))
	if text := err.Error(); text != Line(text, maxReason) {
		err = errors.New(Line(text, maxReason)) // names in certificates are the far end's words too
	}
	if refused {
		return Refused(err)
	}
	return err
}

func (h *HTTP) answerError(resp *http.Response, body []byte) error {
	code := resp.StatusCode
	status := strings.TrimSpace(strconv.Itoa(code) + " " + http.StatusText(code))
	said := words.Answered.With(status)
	if quote := h.quote(body); quote != "" {
		said = words.AnsweredSaying.With(status, quote)
	}
	err := ClassifyStatus(code, resp.Header, h.posting("", words.Fail(said.And(nextStep(code)))))
	switch code {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusGone: // of a URL that holds a token
		return Refused(err)
	}
	return err
}

// Denied returns the error of an answer that says no although its status is
// 2xx, as chat systems and relays do: JSON with ok or success false, or what
// no says of it. It is temporary, because only the far end's own code knows.
func (h *HTTP) Denied(answer []byte, no func(string) bool) error {
	text := strings.TrimSpace(string(answer))
	switch {
	case strings.HasPrefix(text, "{") && notOK(answer):
	case no != nil && no(text):
	default:
		return nil
	}
	said := words.SaidNothing.With()
	if quote := h.quote(answer); quote != "" {
		said = words.SaidNo.With(quote)
	}
	return h.posting("", words.Fail(said))
}

// notOK reports whether it is JSON with ok or success false.
func notOK(answer []byte) bool {
	var said struct{ OK, Success *bool }
	return json.Unmarshal(answer, &said) == nil && (said.OK != nil && !*said.OK || said.Success != nil && !*said.Success)
}

// quote returns the beginning of a far end's words, clean and without the
// secrets that some servers repeat.
func (h *HTTP) quote(body []byte) string {
	window := 16*maxQuote + h.redact.longest
	text := h.redact.Text(string(body[:min(len(body), window)]))
	if len(body) > window {
		// A secret that the window cuts in half was not found; its half is
		// shorter than the longest.
		text = text[:max(0, len(text)-h.redact.longest)]
	}
	return strings.TrimSpace(Line(text, maxQuote))
}

func nextStep(code int) event.Said {
	switch {
	case code >= 300 && code < 400:
		return words.FinalURL.With()
	case code == 401 || code == 403:
		return words.CheckLogin.With()
	case code == 404 || code == 410:
		return words.CheckURL.With()
	case code == 413:
		return words.RaiseBodyLimit.With()
	}
	return event.Said{}
}

// ClassifyStatus marks err after the status of an HTTP answer other than
// 2xx: what may pass by itself is temporary (408, 425, 429, 5xx), with the pause
// that Retry-After asks for; anything else is permanent, every redirect, too: it
// is not followed, so the next attempt would end there as well.
func ClassifyStatus(code int, header http.Header, err error) error {
	err = &answered{err, code}
	switch {
	case code == 408, code == 425, code == 429, code >= 500:
		if d, ok := ParseRetryAfter(header.Get("Retry-After"), time.Now()); ok {
			return RetryAfter(err, d)
		}
		return err
	}
	return Permanent(err)
}

// ParseRetryAfter reads a Retry-After header (RFC 9110, 10.2.3): seconds or a
// date. ok is false for anything else and for what lies in the past; the
// answer is at most MaxRetryAfter.
func ParseRetryAfter(v string, now time.Time) (d time.Duration, ok bool) {
	v = strings.TrimSpace(v)
	if v == "" {
		return 0, false
	}
	if isDigits(v) {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil || n > int64(MaxRetryAfter/time.Second) {
			return MaxRetryAfter, true
		}
		return time.Duration(n) * time.Second, n > 0
	}
	at, err := http.ParseTime(v)
	if err != nil {
		return 0, false
	}
	d = min(at.Sub(now), MaxRetryAfter)
	return max(d, 0), d > 0
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
