package page

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"dswatch/event"
	"dswatch/setting"
	"dswatch/web"
	"dswatch/words"
)

// fake is a source with one host and one loss.
type fake struct {
	mu       sync.Mutex
	version  string
	current  bool
	troubles int
	did      []string
}

const hostile = "<script>alert(1)</script>\u202e\"'&"

var key = event.Key{Host: "web01", Component: "agent", Kind: event.Process, Name: hostile}

func (f *fake) note(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.did = append(f.did, fmt.Sprintf(format, args...))
}

func (f *fake) Alerts(context.Context) ([]web.Alert, error) {
	return []web.Alert{{ID: "abcdef0123456789", Key: key, Rule: "loss", State: event.Down, Severity: event.Critical, Since: time.Now(), Sinks: []string{"nms"}, Told: []string{"nms"}}}, nil
}
func (f *fake) Unpaired(context.Context) ([]web.Unpaired, error) { return nil, nil }
func (f *fake) Ack(_ context.Context, id string, a web.Ack) error {
	f.note("ack %s by %s: %s", id, a.Author, a.Comment)
	return nil
}
func (f *fake) Withdraw(_ context.Context, id string, a web.Ack) error {
	f.note("withdraw %s by %s", id, a.Author)
	return nil
}
func (f *fake) Why(_ context.Context, of, language string) ([]web.Why, error) {
	if of != "abcdef0123456789" && of != key.String() {
		return nil, words.Fail(words.NoOpenAlert.With())
	}
	return []web.Why{{Key: key, State: event.Down, Want: 1, Detail: hostile, Observer: "web01", Expected: "yes", Reason: hostile,
		Rules: []web.RuleState{{Rule: "loss", Phase: "firing", Alert: "abcdef0123456789", Severity: event.Critical, Since: time.Now()}},
		Told:  []web.Told{{Sink: "nms", Alert: "abcdef0123456789", Seq: 1, Transition: event.Raised, Progress: "dead", Error: hostile}}}}, nil
}
func (f *fake) Silences(context.Context) ([]web.Silence, error) {
	return []web.Silence{{ID: "s1", Match: []string{"host=" + hostile}, Author: hostile, Comment: hostile, State: "active", Starts: time.Now(), Forever: true}}, nil
}
func (f *fake) AddSilence(_ context.Context, s web.Silence) (web.Silence, error) {
	f.note("silence %v by %s", s.Match, s.Author)
	return s, nil
}
func (f *fake) EditSilence(context.Context, string, web.SilenceEdit) (web.Silence, error) {
	return web.Silence{}, nil
}
func (f *fake) ExpireSilence(_ context.Context, id, author string) error {
	f.note("expire %s by %s", id, author)
	return nil
}
func (f *fake) Letters(context.Context, web.Selection) ([]web.Letter, error) {
	return []web.Letter{{ID: "hook.1", Sink: "hook", DeliveryID: "x.1", Title: hostile, Reason: hostile, Class: "permanent"}}, nil
}
func (f *fake) Letter(context.Context, string) (web.Letter, error) { return web.Letter{}, nil }
func (f *fake) Replay(_ context.Context, s web.Selection) (web.Replayed, error) {
	f.note("replay %v", s.IDs)
	return web.Replayed{Replayed: len(s.IDs)}, nil
}
func (f *fake) Drop(_ context.Context, s web.Selection) (int, error) {
	f.note("drop %v", s.IDs)
	return len(s.IDs), nil
}
func (f *fake) Resync(context.Context, string) (web.Resynced, error) { return web.Resynced{}, nil }
func (f *fake) RenameSink(context.Context, string, string) (web.Renamed, error) {
	return web.Renamed{}, nil
}
func (f *fake) RenameHost(context.Context, string, string) (web.Removed, error) {
	return web.Removed{}, nil
}
func (f *fake) RemoveHost(context.Context, string) (web.Removed, error) { return web.Removed{}, nil }
func (f *fake) TestSinks(_ context.Context, names []string) ([]web.TestResult, error) {
	f.note("test %v", names)
	return []web.TestResult{{Sink: names[0], Error: hostile}}, nil
}
func (f *fake) trouble() Trouble {
	return Trouble{Key: key, Rule: "loss", State: event.Down, Want: 1, Impact: event.ProtectionLost, Severity: event.Critical, Since: time.Now(), Alert: "abcdef0123456789"}
}
func (f *fake) Look(context.Context) (*Look, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	l := &Look{Deciding: true, Hosts: []Host{{Name: "web01", State: event.Up, Up: 9, Expected: 9, Not: 5}, {Name: "idle", Not: 14}}}
	if f.troubles > 0 {
		l.Troubles, l.Hosts[0].Troubles, l.Hosts[0].State, l.Hosts[0].Up, l.Hosts[0].Impact = []Trouble{f.trouble()}, 1, event.Down, 8, event.ProtectionLost
	}
	return l, nil
}
func (f *fake) Tell(t Trouble, v words.Voice) (event.Alert, *web.Silence, bool) {
	return event.Alert{Title: "web01: " + hostile, Short: hostile, Text: hostile, Next: hostile}, &web.Silence{ID: "s1", Author: hostile, Comment: hostile}, true
}
func (f *fake) HostView(name string, v words.Voice) (HostView, bool) {
	t := f.trouble()
	return HostView{
		Host: Host{Name: name, State: event.Down, Expected: 2, Up: 1},
		Rows: []Row{{Key: key, State: event.Down, Want: 1, Expected: "yes", Trouble: &t, Detail: event.Prose(hostile), Footnotes: []string{"n1"}},
			{Key: event.Key{Host: name, Component: "agent", Kind: event.Process, Name: "dsvp"}, State: event.Down, Want: 1, Expected: "no"}},
		Facts: []web.Fact{{Name: event.OS, Value: hostile, Origin: hostile}}, Footnotes: []web.Footnote{{ID: "n1", Text: hostile}},
	}, name == "web01"
}
func (f *fake) Matching(_ context.Context, s web.Silence) (int, []Trouble, int, error) {
	f.note("look %v", s.Match)
	return 3, []Trouble{f.trouble()}, 1, nil
}
func (f *fake) SinkStatus(context.Context) ([]web.SinkStatus, error) {
	return []web.SinkStatus{{Name: "hook", Type: "webhook", Circuit: "open", FailingSince: time.Now(), LastError: hostile, DeadLetters: 1}}, nil
}
func (f *fake) ConfigStatus() web.ConfigState {
	return web.ConfigState{Loaded: time.Now(), Failed: time.Now(), Error: hostile}
}
func (f *fake) Pulse() Pulse {
	f.mu.Lock()
	defer f.mu.Unlock()
	return Pulse{Current: f.current, Age: 2 * time.Second, Since: time.Now(), Why: words.NotProvenYet.With()}
}
func (f *fake) Version() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.version
}
func (f *fake) Voice() words.Voice { return words.In("en", time.UTC) }
func (f *fake) About() About       { return About{Host: hostile, Version: "1.0.0", Started: time.Now()} }

const token = "0123456789ABCDEF0123"

func serve(t *testing.T, more func(*Parts)) (*fake, *httptest.Server) {
	t.Helper()
	f := &fake{version: "1", current: true, troubles: 1}
	parts := Parts{Source: f, Token: setting.Secret(token), Log: slog.New(slog.DiscardHandler)}
	if more != nil {
		more(&parts)
	}
	parts.People = web.NewPeople(parts.Token, web.Config{Tokens: named})
	p, err := New(parts)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(p)
	t.Cleanup(s.Close)
	t.Cleanup(p.Close)
	return f, s
}

// named are the tokens of people.
var named = []web.NamedToken{
	{Name: "vera", Role: web.Viewer, Token: "viewer-viewer-viewer"},
	{Name: "otto", Role: web.Operator, Token: "operator-operator-op"},
	{Name: "ada", Role: web.Admin, Token: "admin-admin-admin-ad", Expires: "2020-01-01"},
}

func client(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, Timeout: 10 * time.Second}
}

// loggedIn has a session with the token.
func loggedIn(t *testing.T, s *httptest.Server, token string) *http.Client {
	t.Helper()
	c := client(t)
	code, text := post(t, c, s.URL+"/login", url.Values{"token": {token}})
	if code != http.StatusOK || !strings.Contains(text, `id="pulse"`) {
		t.Fatalf("the login answers %d:\n%s", code, text)
	}
	return c
}

func get(t *testing.T, c *http.Client, address string) (int, string) {
	t.Helper()
	r, err := c.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	return read(t, r)
}

func read(t *testing.T, r *http.Response) (int, string) {
	t.Helper()
	defer r.Body.Close()
	data, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(data)
}

func post(t *testing.T, c *http.Client, address string, form url.Values) (int, string) {
	t.Helper()
	r, err := c.PostForm(address, form)
	if err != nil {
		t.Fatal(err)
	}
	return read(t, r)
}

var paths = []string{"/", "/hosts/web01", "/alerts", "/alerts/abcdef0123456789", "/items?key=" + url.QueryEscape(key.String()), "/sinks", "/silences"}

// TestPagesAreInert: nothing that a host, a comment or a far end says becomes
// markup, no page holds a script or a style of its own or loads from elsewhere,
// and none can be framed, in both languages.
func TestPagesAreInert(t *testing.T) {
	_, s := serve(t, nil)
	c := loggedIn(t, s, token)
	inline := regexp.MustCompile(`(?i)<script>|<style|\sstyle=|\son[a-z]+=|javascript:`)
	foreign := regexp.MustCompile(`(?i)(src|href|action)="(https?:)?//`)
	for _, language := range []string{"en", "ja"} {
		if code, _ := get(t, c, s.URL+"/?language="+language); code != http.StatusOK {
			t.Fatalf("the language answers %d", code)
		}
		for _, path := range append(paths, "/nowhere", "/hosts/unknown", "/alerts/none-such") {
			r, err := c.Get(s.URL + path)
			if err != nil {
				t.Fatal(err)
			}
			h := r.Header
			_, text := read(t, r)
			if found := inline.FindString(text); found != "" {
				t.Errorf("%s in %s holds %q", path, language, found)
			}
			if found := foreign.FindString(text); found != "" {
				t.Errorf("%s in %s leads elsewhere: %q", path, language, found)
			}
			if strings.Contains(text, "\u202e") {
				t.Errorf("%s in %s turns its text around", path, language)
			}
			if !strings.Contains(text, `lang="`+language+`"`) {
				t.Errorf("%s is not in %s", path, language)
			}
			if p := h.Get("Content-Security-Policy"); !strings.Contains(p, "default-src 'none'") || strings.Contains(p, "unsafe") || h.Get("X-Frame-Options") != "DENY" {
				t.Errorf("%s: the policy is %q", path, p)
			}
		}
	}
	if _, text := get(t, c, s.URL+"/hosts/web01"); !strings.Contains(text, "&lt;script&gt;alert(1)") {
		t.Error("the hostile name is not shown as text")
	}
}

// TestNobodySeesAnything without logging in, and nothing leads out of the house.
func TestNobodySeesAnything(t *testing.T) {
	_, s := serve(t, nil)
	c := client(t)
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for _, path := range append(paths, "/nowhere") {
		r, err := c.Get(s.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		code, text := read(t, r)
		if to := r.Header.Get("Location"); code != http.StatusSeeOther || !strings.HasPrefix(to, "/login?to=") || strings.Contains(text, "<main") {
			t.Errorf("%s answers %d to %s:\n%s", path, code, to, text)
		}
	}
	for _, path := range []string{"/live", "/live/now"} {
		if code, _ := get(t, c, s.URL+path); code != http.StatusUnauthorized {
			t.Errorf("%s answers %d", path, code)
		}
	}
	for _, to := range []string{"//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:alert(1)", "", "/login"} {
		r, err := c.PostForm(s.URL+"/login", url.Values{"token": {token}, "to": {to}})
		if err != nil {
			t.Fatal(err)
		}
		if read(t, r); r.Header.Get("Location") != "/" {
			t.Errorf("the login leads to %q for %q", r.Header.Get("Location"), to)
		}
	}
}

// TestSession: the cookie cannot be read by scripts nor sent by other pages, nor
// changed; it ends with its time, with the token, and lasts while somebody looks.
func TestSession(t *testing.T) {
	now := time.Now()
	clock := func() time.Time { return now }
	_, s := serve(t, func(p *Parts) { p.Now = clock })
	c := client(t)
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	r, err := c.PostForm(s.URL+"/login", url.Values{"token": {token}})
	if err != nil {
		t.Fatal(err)
	}
	read(t, r)
	cookie := r.Cookies()[0]
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.Path != "/" {
		t.Errorf("the cookie is %v", cookie)
	}
	asks := func(value string) int {
		q, err := http.NewRequest(http.MethodGet, s.URL+"/sinks", nil)
		if err != nil {
			t.Fatal(err)
		}
		q.AddCookie(&http.Cookie{Name: cookie.Name, Value: value})
		plain := &http.Client{CheckRedirect: c.CheckRedirect}
		r, err := plain.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		code, _ := read(t, r)
		return code
	}
	body, mac, _ := strings.Cut(cookie.Value, ".")
	for value, want := range map[string]int{
		cookie.Value: http.StatusOK, body: http.StatusSeeOther, body + ".": http.StatusSeeOther, body + "x." + mac: http.StatusSeeOther,
		body + "." + mac[:len(mac)-2]: http.StatusSeeOther, "." + mac: http.StatusSeeOther,
	} {
		if got := asks(value); got != want {
			t.Errorf("the cookie %q is answered %d", value, got)
		}
	}
	_, other := serve(t, func(p *Parts) { p.Now, p.Token = clock, "another token, 0123456789" })
	q, err := http.NewRequest(http.MethodGet, other.URL+"/sinks", nil)
	if err != nil {
		t.Fatal(err)
	}
	q.AddCookie(cookie)
	if r, err = c.Do(q); err != nil {
		t.Fatal(err)
	}
	if code, _ := read(t, r); code != http.StatusSeeOther {
		t.Errorf("after the token has changed, the session is answered %d", code)
	}
	now = now.Add(session - time.Minute)
	if got := asks(cookie.Value); got != http.StatusOK {
		t.Errorf("before its end the session is answered %d", got)
	}
	now = now.Add(2 * time.Minute)
	if got := asks(cookie.Value); got != http.StatusSeeOther {
		t.Errorf("after its end the session is answered %d", got)
	}
}

// TestGuessing slows down who guesses tokens, and nobody else.
func TestGuessing(t *testing.T) {
	now := time.Now()
	_, s := serve(t, func(p *Parts) { p.Now = func() time.Time { return now } })
	inside := loggedIn(t, s, token)
	refused := 0
	for range tries + 3 {
		switch code, _ := post(t, client(t), s.URL+"/login", url.Values{"token": {"wrong"}}); code {
		case http.StatusForbidden:
			refused++
		case http.StatusTooManyRequests:
		default:
			t.Fatalf("a wrong token is answered %d", code)
		}
	}
	if refused != tries {
		t.Errorf("%d guesses were looked at, want %d", refused, tries)
	}
	if code, _ := post(t, client(t), s.URL+"/login", url.Values{"token": {token}}); code != http.StatusTooManyRequests {
		t.Errorf("the right token is answered %d while guesses are slowed down", code)
	}
	if code, _ := get(t, inside, s.URL+"/sinks"); code != http.StatusOK {
		t.Errorf("a session is answered %d while guesses are slowed down", code)
	}
	now = now.Add(retryEvery)
	loggedIn(t, s, token)
}

// TestHealthyReadsHealthy: items that need not run do not make a host look down.
func TestHealthyReadsHealthy(t *testing.T) {
	f, s := serve(t, nil)
	f.troubles = 0
	c := loggedIn(t, s, token)
	_, text := get(t, c, s.URL+"/")
	for want, is := range map[string]bool{"Everything that must run is running": true, `s-down`: false, "nothing to watch": true} {
		if strings.Contains(text, want) != is {
			t.Errorf("%q in the page: %t\n%s", want, !is, text)
		}
	}
}

// TestStream: a browser hears of a change at once, and else every few seconds; the
// server stops although somebody listens.
func TestStream(t *testing.T) {
	f, s := serve(t, nil)
	c := loggedIn(t, s, token)
	c.Timeout = 0
	r, err := c.Get(s.URL + "/live")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if kind := r.Header.Get("Content-Type"); kind != "text/event-stream" {
		t.Fatalf("the stream is %s", kind)
	}
	heard := make(chan moment, 100)
	go func() {
		defer close(heard)
		for lines := bufio.NewScanner(r.Body); lines.Scan(); {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				var m moment
				if json.Unmarshal([]byte(data), &m) == nil {
					heard <- m
				}
			}
		}
	}()
	next := func() moment {
		select {
		case m := <-heard:
			return m
		case <-time.After(10 * time.Second):
			t.Fatal("the stream is silent")
			return moment{}
		}
	}
	if m := next(); m != (moment{"1", true, 2000}) {
		t.Errorf("it begins with %+v", m)
	}
	f.mu.Lock()
	f.version = "2"
	f.mu.Unlock()
	for m := next(); m.Version != "2"; m = next() {
		if m.Version != "1" {
			t.Fatalf("it says %+v", m)
		}
	}
	next() // keeps the connection alive
}

// TestStreamsEnd: nobody who listens keeps a server from stopping, and many who
// listen are told by one loop.
func TestStreamsEnd(t *testing.T) {
	f := &fake{version: "1", current: true}
	s := newStreams(f)
	var all []chan moment
	for range 1000 {
		c, ok := s.listen()
		if !ok {
			t.Fatal("no stream is left")
		}
		all = append(all, c)
	}
	for _, c := range all {
		select {
		case m := <-c:
			if m.Version != "1" {
				t.Fatalf("told %+v", m)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("nothing was told")
		}
		s.leave(c)
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		s.mu.Lock()
		runs := s.runs
		s.mu.Unlock()
		if !runs {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the loop goes on for nobody")
		}
	}
	s.close()
	s.close()
	if _, ok := s.listen(); ok {
		t.Error("somebody may listen after the end")
	}
}

// TestLabels: each label of a template exists, and each that exists is used.
func TestLabels(t *testing.T) {
	used := map[string]bool{}
	calls := regexp.MustCompile(`\bT "([a-z_.]+)"`)
	err := fs.WalkDir(templates, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(templates, name)
		for _, m := range calls.FindAllStringSubmatch(string(data), -1) {
			used[m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for kind, values := range choices {
		for _, v := range values {
			if kind != "language" {
				used["view."+kind+"."+v] = true
			}
		}
	}
	inCode := regexp.MustCompile(`\bT\("([a-z_.]+)"`)
	for _, data := range source(t) {
		for _, m := range inCode.FindAllStringSubmatch(data, -1) {
			used[m[1]] = true
		}
	}
	there := map[string]bool{}
	for _, k := range words.PageKeys() {
		there[k] = true
		if !used[k] {
			t.Errorf("nobody shows the label %s; remove it", k)
		}
	}
	for k := range used {
		if !there[k] {
			t.Errorf("there is no label %s", k)
		}
	}
	if len(used) < 80 {
		t.Errorf("only %d labels were found", len(used))
	}
}

func TestNatural(t *testing.T) {
	for _, c := range []struct{ a, b string }{{"web2", "web10"}, {"a", "b"}, {"web", "web1"}, {"web01a", "web1b"}, {"10.0.0.9", "10.0.0.10"}} {
		if natural(c.a, c.b) >= 0 || natural(c.b, c.a) <= 0 {
			t.Errorf("%s does not stand before %s", c.a, c.b)
		}
	}
	if natural("x1", "x1") != 0 {
		t.Error("a name differs from itself")
	}
}

func TestPaged(t *testing.T) {
	all := make([]int, 250)
	for asked, want := range map[string]paging{"": {1, 3, 1, 100, 250}, "3": {3, 3, 201, 250, 250}, "99": {3, 3, 201, 250, 250}, "-1": {1, 3, 1, 100, 250}, "x": {1, 3, 1, 100, 250}} {
		if _, got := paged(all, 100, asked); got != want {
			t.Errorf("page %q is %+v, want %+v", asked, got, want)
		}
	}
	if shown, got := paged([]int(nil), 100, "2"); len(shown) != 0 || got != (paging{1, 1, 0, 0, 0}) {
		t.Errorf("of nothing: %+v", got)
	}
}

// source is the code of this package.
func source(t *testing.T) (all []string) {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(data))
	}
	return all
}

// TestActions does everything that somebody may click, as each role: who may not
// has no button and is refused, and so is a form without the secret of the session,
// one of another page, and a link.
func TestActions(t *testing.T) {
	f, s := serve(t, nil)
	secret := regexp.MustCompile(`name="csrf" value="([^"]+)"`)
	all := []struct {
		path, page, did string
		form            url.Values
		least           web.Role
	}{
		{"/alerts/abcdef0123456789/ack", "/alerts/abcdef0123456789", "ack abcdef0123456789 by %s: on it", url.Values{"comment": {"on it"}}, web.Operator},
		{"/alerts/abcdef0123456789/withdraw", "", "withdraw abcdef0123456789 by %s", nil, web.Operator},
		{"/silences/preview", "/silences", "look [host=web01 kind=process]", url.Values{"match": {"host=web01\r\n kind=process\n"}, "lasts": {"2h"}, "comment": {"x"}}, web.Operator},
		{"/silences", "/silences", "silence [host=web01] by %s", url.Values{"match": {"host=web01"}, "lasts": {"cleared"}, "comment": {"x"}}, web.Operator},
		{"/silences/s1/expire", "/silences", "expire s1 by %s", nil, web.Operator},
		{"/sinks/hook/test", "/sinks", "test [hook]", nil, web.Operator},
		{"/letters/hook.1/replay", "/sinks", "replay [hook.1]", nil, web.Operator},
		{"/letters/hook.1/drop", "/sinks", "drop [hook.1]", nil, web.Admin},
	}
	for who, c := range map[string]struct {
		token string
		role  web.Role
	}{"vera": {"viewer-viewer-viewer", web.Viewer}, "otto": {"operator-operator-op", web.Operator}, "kim": {token, web.Admin}} {
		browser := loggedIn(t, s, c.token)
		browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		_, home := get(t, browser, s.URL+"/")
		csrf := secret.FindStringSubmatch(home)[1]
		for _, a := range all {
			form := url.Values{"author": {"kim"}}
			for k, v := range a.form {
				form[k] = v
			}
			if code, _ := post(t, browser, s.URL+a.path, form); code != http.StatusForbidden {
				t.Errorf("%s of %s without the secret is answered %d", a.path, who, code)
			}
			form.Set("csrf", csrf)
			if code, _ := get(t, browser, s.URL+a.path+"?"+form.Encode()); code == http.StatusOK && a.path != "/silences" || len(f.took()) > 0 {
				t.Errorf("%s of %s as a link is answered %d", a.path, who, code)
			}
			q, err := http.NewRequest(http.MethodPost, s.URL+a.path, strings.NewReader(form.Encode()))
			if err != nil {
				t.Fatal(err)
			}
			q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			q.Header.Set("Origin", "https://evil.example")
			r, err := browser.Do(q)
			if err != nil {
				t.Fatal(err)
			}
			if code, _ := read(t, r); code != http.StatusForbidden || len(f.took()) > 0 {
				t.Errorf("%s of %s from another page is answered %d", a.path, who, code)
			}
			may := web.May(c.role, map[web.Role]web.Action{web.Operator: web.ActAck, web.Admin: web.ActDrop}[a.least])
			code, text := post(t, browser, s.URL+a.path, form)
			did := f.took()
			want := strings.ReplaceAll(a.did, "%s", who)
			if may != (code == http.StatusOK || code == http.StatusSeeOther) || may != (len(did) == 1 && did[0] == want) {
				t.Errorf("%s of %s is answered %d and does %q, want %q\n%s", a.path, who, code, did, want, text)
			}
			if a.page == "" {
				continue
			}
			if _, text := get(t, browser, s.URL+a.page); strings.Contains(text, `action="`+a.path+`"`) != may && a.path != "/silences" {
				t.Errorf("%s is offered to %s: %t", a.path, who, !may)
			}
		}
	}
	if code, _ := post(t, client(t), s.URL+"/login", url.Values{"token": {"admin-admin-admin-ad"}}); code != http.StatusForbidden {
		t.Errorf("a token that has expired is answered %d", code)
	}
}

// took are the things that were done since the last call.
func (f *fake) took() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	did := f.did
	f.did = nil
	return did
}
