package web_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"dswatch/web"
)

type program struct{}

func (program) Status(context.Context) (web.Status, error) { return web.Status{Version: "v1"}, nil }
func (program) TestSinks(_ context.Context, names []string) ([]web.TestResult, error) {
	return []web.TestResult{{Sink: strings.Join(names, ","), Confirmed: true}}, nil
}

func TestServer(t *testing.T) {
	s, err := web.Start(web.Parts{Config: web.Config{Listen: "127.0.0.1:0"}, Token: "tok", Program: program{}, Metrics: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
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
		"localhost is a name of ours": {"GET", "/healthz", "", "localhost:1", "", 200, "ok"},
		"sinks test":                  {"POST", "/api/v1/sinks/test", "tok", "", `{"names":["a"]}`, 200, `"sink":"a"`},
		"not JSON":                    {"POST", "/api/v1/sinks/test", "tok", "", `{{{`, 400, "read request"},
		"a body without end":          {"POST", "/api/v1/sinks/test", "tok", "", `{"names":["` + strings.Repeat("x", 1<<20), 400, "read request"},
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
		})
	}
}

func TestStartOnATakenAddress(t *testing.T) {
	p := web.Parts{Config: web.Config{Listen: "127.0.0.1:0"}, Program: program{}, Metrics: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler)}
	s, err := web.Start(p)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop(context.Background())
	p.Config.Listen = s.Addr()
	if _, err := web.Start(p); err == nil || !strings.Contains(err.Error(), "web.listen") {
		t.Errorf("err = %v, want one that names web.listen", err)
	}
}

func TestConfigValidate(t *testing.T) {
	for listen, ok := range map[string]bool{"": true, "127.0.0.1:9418": true, "[::1]:0": true, "9418": false, "host": false} {
		if err := (web.Config{Listen: listen}).Validate(); (err == nil) != ok {
			t.Errorf("%q: %v", listen, err)
		}
	}
}
