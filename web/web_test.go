package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"dswatch/setting"
	"dswatch/web"
)

type program struct{}

func (program) Status(context.Context) (web.Status, error) { return web.Status{Version: "v1"}, nil }
func (program) TestSinks(_ context.Context, names []string) ([]web.TestResult, error) {
	return []web.TestResult{{Sink: strings.Join(names, ","), Confirmed: true}}, nil
}

func (program) Health() web.Health {
	return web.Health{Role: "standalone", Why: "store: no space left", Stages: []web.Stage{{Name: "store", Why: "no space left"}}}
}
func (program) Live() error { return nil }

func (program) Silences(context.Context) ([]web.Silence, error) {
	return []web.Silence{{ID: "s1"}}, nil
}
func (program) AddSilence(_ context.Context, s web.Silence) (web.Silence, error) {
	s.ID = "new"
	return s, nil
}
func (program) EditSilence(_ context.Context, id string, e web.SilenceEdit) (web.Silence, error) {
	return web.Silence{ID: id, Comment: e.Comment}, nil
}

func (program) ExpireSilence(_ context.Context, id, author string) error {
	if id != "s1" || author == "" {
		return errors.New("no silence has this id")
	}
	return nil
}
func (program) Alerts(context.Context) ([]web.Alert, error) { return []web.Alert{{ID: "a1"}}, nil }
func (program) Why(_ context.Context, of, language string) ([]web.Why, error) {
	if of != "a1" || language != "ja" {
		return nil, errors.New("no item and no alert")
	}
	return []web.Why{{Observer: "h"}}, nil
}
func (program) Unpaired(context.Context) ([]web.Unpaired, error) { return []web.Unpaired{}, nil }
func (program) Ack(_ context.Context, id string, a web.Ack) error {
	if id != "a1" || a.Author == "" {
		return errors.New("no open alert has this id")
	}
	return nil
}

func (program) Withdraw(_ context.Context, id string, a web.Ack) error {
	if id != "a1" || a.Author != "lee" {
		return errors.New("nobody has acknowledged this alert")
	}
	return nil
}

func (program) Letters(context.Context, web.Selection) ([]web.Letter, error) {
	return []web.Letter{{ID: "7"}}, nil
}
func (program) Letter(_ context.Context, id string) (web.Letter, error) {
	if id != "7" {
		return web.Letter{}, errors.New("no dead letter")
	}
	return web.Letter{ID: id}, nil
}
func (program) Replay(_ context.Context, s web.Selection) (web.Replayed, error) {
	return web.Replayed{Replayed: len(s.IDs)}, nil
}
func (program) Drop(_ context.Context, s web.Selection) (int, error) { return len(s.IDs), nil }
func (program) Resync(_ context.Context, sink string) (web.Resynced, error) {
	return web.Resynced{Sink: sink}, nil
}

func (program) RenameSink(_ context.Context, from, to string) (web.Renamed, error) {
	return web.Renamed{From: from, To: to}, nil
}

func (program) RenameHost(_ context.Context, from, to string) (web.Removed, error) {
	return web.Removed{Host: from, To: to}, nil
}

func (program) RemoveHost(_ context.Context, host string) (web.Removed, error) {
	return web.Removed{Host: host}, nil
}

func TestServer(t *testing.T) {
	s := web.Start(web.Parts{Config: web.Config{Listen: "127.0.0.1:0", Hosts: []string{"watch.example.com"}, URL: "https://dswatch.example.com", Tokens: []web.NamedToken{
		{Name: "vera", Role: web.Viewer, Token: "viewer"}, {Name: "otto", Role: web.Operator, Token: "operator"}, {Name: "ada", Role: web.Admin, Token: "late", Expires: "2020-01-01"},
	}}, Token: "tok", Program: program{}, Healthy: program{}, Silencer: program{}, Alerts: program{}, Outbox: program{}, Metrics: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler)})
	defer s.Stop(context.Background())
	for name, c := range map[string]struct {
		method, path, token, host, body string
		code                            int
		holds                           string
	}{
		"health needs no token":       {"GET", "/healthz", "", "", "", 200, "ok"},
		"metrics need no token":       {"GET", "/metrics", "", "", "", 200, ""},
		"status needs the token":      {"GET", "/api/v1/status", "", "", "", 401, "token"},
		"a wrong token":               {"GET", "/api/v1/status", "tok2", "", "", 401, "token"},
		"status":                      {"GET", "/api/v1/status", "tok", "", "", 200, `"version":"v1"`},
		"a rebinding name is refused": {"GET", "/api/v1/status", "tok", "evil.example", "", 403, "Host"},
		"a name that is configured":   {"GET", "/healthz", "", "Watch.Example.com:443", "", 200, "ok"},
		"localhost is a name of ours": {"GET", "/healthz", "", "localhost:1", "", 200, "ok"},
		"sinks test":                  {"POST", "/api/v1/sinks/test", "tok", "", `{"names":["a"]}`, 200, `"sink":"a"`},
		"not JSON":                    {"POST", "/api/v1/sinks/test", "tok", "", `{{{`, 400, "read request"},
		"a body without end":          {"POST", "/api/v1/sinks/test", "tok", "", `{"names":["` + strings.Repeat("x", 1<<20), 400, "read request"},
		"silences need the token":     {"GET", "/api/v1/silences", "", "", "", 401, "token"},
		"silences":                    {"GET", "/api/v1/silences", "tok", "", "", 200, `"id":"s1"`},
		"a new silence":               {"POST", "/api/v1/silences", "tok", "", `{"match":["host=a"]}`, 200, `"id":"new"`},
		"expire":                      {"POST", "/api/v1/silences/s1/expire", "tok", "", `{"author":"kim"}`, 200, `"done":true`},
		"expire another":              {"POST", "/api/v1/silences/s2/expire", "tok", "", `{"author":"kim"}`, 400, "no silence"},
		"expire without the token":    {"POST", "/api/v1/silences/s1/expire", "", "", `{"author":"kim"}`, 401, "token"},
		"alerts":                      {"GET", "/api/v1/alerts", "tok", "", "", 200, `"id":"a1"`},
		"why":                         {"GET", "/api/v1/why?of=a1&language=ja", "tok", "", "", 200, `"observer":"h"`},
		"why of nothing":              {"GET", "/api/v1/why?of=a2", "tok", "", "", 400, "no item"},
		"why without the token":       {"GET", "/api/v1/why?of=a1", "", "", "", 401, "token"},
		"nothing unpaired":            {"GET", "/api/v1/alerts/unpaired", "tok", "", "", 200, `[]`},
		"ack":                         {"POST", "/api/v1/alerts/a1/ack", "tok", "", `{"author":"kim"}`, 200, `"done":true`},
		"ack of another":              {"POST", "/api/v1/alerts/a2/ack", "tok", "", `{"author":"kim"}`, 400, "no open alert"},
		"ack withdrawn":               {"POST", "/api/v1/alerts/a1/ack/withdraw", "tok", "", `{"author":"lee"}`, 200, `"done":true`},
		"ack withdrawn of another":    {"POST", "/api/v1/alerts/a2/ack/withdraw", "tok", "", `{"author":"lee"}`, 400, "nobody has acknowledged"},
		"withdrawn without the token": {"POST", "/api/v1/alerts/a1/ack/withdraw", "", "", `{"author":"lee"}`, 401, "token"},
		"ack without the token":       {"POST", "/api/v1/alerts/a1/ack", "", "", `{"author":"kim"}`, 401, "token"},
		"dead letters":                {"POST", "/api/v1/deadletters", "tok", "", `{}`, 200, `"id":"7"`},
		"dead letters need the token": {"POST", "/api/v1/deadletters", "", "", `{}`, 401, "token"},
		"one dead letter":             {"GET", "/api/v1/deadletters/7", "tok", "", "", 200, `"id":"7"`},
		"another dead letter":         {"GET", "/api/v1/deadletters/8", "tok", "", "", 400, "no dead letter"},
		"replay":                      {"POST", "/api/v1/deadletters/replay", "tok", "", `{"ids":["7"]}`, 200, `"replayed":1`},
		"replay without the token":    {"POST", "/api/v1/deadletters/replay", "", "", `{"ids":["7"]}`, 401, "token"},
		"drop":                        {"POST", "/api/v1/deadletters/drop", "tok", "", `{"ids":["7"]}`, 200, `"dropped":1`},
		"drop without the token":      {"POST", "/api/v1/deadletters/drop", "", "", `{"ids":["7"]}`, 401, "token"},
		"resync":                      {"POST", "/api/v1/sinks/nms/resync", "tok", "", `{}`, 200, `"sink":"nms"`},
		"resync without the token":    {"POST", "/api/v1/sinks/nms/resync", "", "", `{}`, 401, "token"},
		"a sink's new name":           {"POST", "/api/v1/sinks/nms/rename", "tok", "", `{"to":"noc"}`, 200, `"to":"noc"`},
		"a host's new name":           {"POST", "/api/v1/hosts/web1/rename", "tok", "", `{"to":"web2"}`, 200, `"to":"web2"`},
		"a host is no more":           {"POST", "/api/v1/hosts/web1/remove", "tok", "", `{}`, 200, `"host":"web1"`},
		"no more without the token":   {"POST", "/api/v1/hosts/web1/remove", "", "", `{}`, 401, "token"},
		"the name that people use":    {"GET", "/healthz", "", "dswatch.example.com", "", 200, "ok"},
		"a viewer looks":              {"GET", "/api/v1/alerts", "viewer", "", "", 200, `"id":"a1"`},
		"a viewer looks at letters":   {"POST", "/api/v1/deadletters", "viewer", "", `{}`, 200, `"id":"7"`},
		"a viewer does not ack":       {"POST", "/api/v1/alerts/a1/ack", "viewer", "", `{"author":"kim"}`, 403, "vera"},
		"a viewer does not silence":   {"POST", "/api/v1/silences", "viewer", "", `{"match":["host=a"]}`, 403, "viewer"},
		"an operator acks":            {"POST", "/api/v1/alerts/a1/ack", "operator", "", `{"author":"kim"}`, 200, `"done":true`},
		"an operator does not drop":   {"POST", "/api/v1/deadletters/drop", "operator", "", `{"ids":["7"]}`, 403, "otto"},
		"an operator removes no host": {"POST", "/api/v1/hosts/web1/remove", "operator", "", `{}`, 403, "operator"},
		"a token past its last day":   {"GET", "/api/v1/alerts", "late", "", "", 401, "token"},
		"another method":              {"POST", "/api/v1/status", "tok", "", "", 405, ""},
	} {
		t.Run(name, func(t *testing.T) {
			req, _ := http.NewRequestWithContext(t.Context(), c.method, "http://"+s.Addr()+c.path, strings.NewReader(c.body))
			if c.token != "" {
				req.Header.Set("Authorization", "Bearer "+c.token)
			}
			req.Host = c.host
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			b, _ := io.ReadAll(resp.Body)
			if resp.StatusCode != c.code || !strings.Contains(string(b), c.holds) {
				t.Errorf("%d %s; want %d with %q", resp.StatusCode, b, c.code, c.holds)
			}
			if resp.Header.Get("Content-Type") == "application/json" {
				oneValue(t, b)
			}
		})
	}
}

// oneValue wants one JSON value: who reads an answer stops after the first.
func oneValue(t *testing.T, body []byte) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(body))
	var v any
	if err := d.Decode(&v); err != nil {
		t.Errorf("%v in %s", err, body)
	}
	if err := d.Decode(&v); err != io.EOF {
		t.Errorf("more than one JSON value: %s", body)
	}
}

// counting counts what reaches the program.
type counting struct {
	program
	calls atomic.Int32
}

func (c *counting) Status(context.Context) (web.Status, error) {
	c.calls.Add(1)
	return web.Status{}, nil
}
func (c *counting) TestSinks(context.Context, []string) ([]web.TestResult, error) {
	c.calls.Add(1)
	return nil, nil
}
func (c *counting) AddSilence(_ context.Context, s web.Silence) (web.Silence, error) {
	c.calls.Add(1)
	return s, nil
}
func (c *counting) EditSilence(context.Context, string, web.SilenceEdit) (web.Silence, error) {
	c.calls.Add(1)
	return web.Silence{}, nil
}
func (c *counting) ExpireSilence(context.Context, string, string) error { c.calls.Add(1); return nil }
func (c *counting) Ack(context.Context, string, web.Ack) error          { c.calls.Add(1); return nil }
func (c *counting) Withdraw(context.Context, string, web.Ack) error     { c.calls.Add(1); return nil }
func (c *counting) Letters(context.Context, web.Selection) ([]web.Letter, error) {
	c.calls.Add(1)
	return nil, nil
}
func (c *counting) Replay(context.Context, web.Selection) (web.Replayed, error) {
	c.calls.Add(1)
	return web.Replayed{}, nil
}
func (c *counting) Drop(context.Context, web.Selection) (int, error) { c.calls.Add(1); return 0, nil }

func serve(t *testing.T, c *counting, token setting.Secret) string {
	t.Helper()
	s := web.Start(web.Parts{Config: web.Config{Listen: "127.0.0.1:0"}, Token: token, Program: c, Healthy: program{}, Silencer: c, Alerts: c, Outbox: c, Metrics: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(func() { s.Stop(context.Background()) })
	return "http://" + s.Addr()
}

// ask sends one request with exactly these Authorization headers.
func ask(t *testing.T, method, url, body string, authorization ...string) (code int, answer []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range authorization {
		req.Header.Add("Authorization", a)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, b
}

// TestTornBodies: a request that was cut off must not act as an empty one,
// which for a test means every sink, and for an edit nothing but defaults.
func TestTornBodies(t *testing.T) {
	c := &counting{}
	base := serve(t, c, "tok")
	for _, path := range []string{
		"sinks/test", "silences", "silences/s1", "silences/s1/expire", "alerts/a1/ack", "alerts/a1/ack/withdraw",
		"deadletters", "deadletters/replay", "deadletters/drop", "sinks/nms/rename", "hosts/web01/rename",
	} {
		for _, body := range []string{"", "{", `{"x":`, `[]`, `"x"`} {
			code, answer := ask(t, "POST", base+"/api/v1/"+path, body, "Bearer tok")
			if code != http.StatusBadRequest || c.calls.Load() != 0 {
				t.Errorf("%s with %q: %d %s, and %d calls", path, body, code, answer, c.calls.Swap(0))
			}
			oneValue(t, answer)
		}
	}
}

// TestNoTokenOpensNothing: a program without a token answers nobody.
func TestNoTokenOpensNothing(t *testing.T) {
	c := &counting{}
	base := serve(t, c, "")
	for _, authorization := range [][]string{nil, {""}, {"Bearer"}, {"Bearer "}, {"Bearer x"}} {
		code, answer := ask(t, "GET", base+"/api/v1/status", "", authorization...)
		if code != http.StatusUnauthorized || c.calls.Load() != 0 {
			t.Errorf("%q: %d %s", authorization, code, answer)
		}
		oneValue(t, answer)
	}
}

func TestPublic(t *testing.T) {
	for listen, want := range map[string]bool{
		"": false, "127.0.0.1:9418": false, "127.9.9.9:1": false, "[::1]:9418": false, "localhost:9418": false,
		"0.0.0.0:9418": true, "[::]:9418": true, ":9418": true, "192.0.2.1:9418": true, "[2001:db8::1]:9418": true, "web01:9418": true,
	} {
		if got := (web.Config{Listen: listen}).Public(); got != want {
			t.Errorf("%q: %v, want %v", listen, got, want)
		}
	}
}

// TestTakenAddress: whoever has the address keeps nobody from watching. It is
// said, and listened at once it is free.
func TestTakenAddress(t *testing.T) {
	squatter, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s := web.Start(web.Parts{Config: web.Config{Listen: squatter.Addr().String()}, Dir: dir, Program: program{}, Healthy: program{}, Silencer: program{}, Alerts: program{}, Outbox: program{}, Metrics: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler)})
	defer s.Stop(context.Background())
	if err := s.Fault(); !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), "web.listen") || s.Addr() != "" {
		t.Errorf("%v at %q; want one that names web.listen", err, s.Addr())
	}
	if d := s.Doors()[0]; d.Address != squatter.Addr().String() || d.Closed.IsZero() || d.ErrorStatements.Empty() {
		t.Errorf("%+v", d)
	}
	if got := web.Address(dir, "none"); got != "none" {
		t.Errorf("the commands are sent to %s", got)
	}
	squatter.Close()
	for end := time.Now().Add(60 * time.Second); s.Addr() == ""; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not listen once the address is free")
		}
	}
	if d := s.Doors()[0]; !d.Closed.IsZero() || d.Error != "" || s.Fault() != nil || web.Address(dir, "none") != squatter.Addr().String() {
		t.Errorf("%+v, %v, the commands are sent to %s", d, s.Fault(), web.Address(dir, "none"))
	}
}

func TestConfigValidate(t *testing.T) {
	for listen, ok := range map[string]bool{"": true, "127.0.0.1:9418": true, "[::1]:0": true, ":9418": true, "127.0.0.1:65535": true,
		"9418": false, "host": false, "127.0.0.1:": false, "127.0.0.1:nosuchport": false, "127.0.0.1:65536": false, "127.0.0.1:-1": false} {
		if err := (web.Config{Listen: listen}).Validate(); (err == nil) != ok {
			t.Errorf("%q: %v", listen, err)
		}
	}
}
