package alertmanager_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"dswatch/event"
	"dswatch/setting"
	"dswatch/sinks"
	"dswatch/sinks/alertmanager"
	"dswatch/sinks/sinktest"
	"dswatch/test/receive"
)

const bearer = "bearer-token-0123456789"

func config(change func(*alertmanager.Config), urls ...string) alertmanager.Config {
	c := alertmanager.Defaults()
	c.Name, c.Type, c.URLs = "am", "alertmanager", urls
	if change != nil {
		change(&c)
	}
	return c
}

func newSink(t testing.TB, c alertmanager.Config, log *slog.Logger) *alertmanager.Sink {
	t.Helper()
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s, err := alertmanager.New(c, sinks.Env{Name: c.Name, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// posted is what the API's description allows, and nothing else.
type posted struct {
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL"`
}

// read reads a request as Alertmanager validates it.
func read(body []byte) ([]posted, error) {
	var ps []posted
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&ps); err != nil {
		return nil, err
	}
	if len(ps) == 0 {
		return nil, errors.New("no alerts")
	}
	for _, p := range ps {
		if p.EndsAt.Before(p.StartsAt) {
			return nil, fmt.Errorf("end %s before start %s", p.EndsAt, p.StartsAt)
		}
		for _, name := range []string{"alertname", "host", "component", "kind", "name", "rule", "severity"} {
			if p.Labels[name] == "" {
				return nil, fmt.Errorf("label %s is missing in %v", name, p.Labels)
			}
		}
	}
	return ps, nil
}

func TestConformance(t *testing.T) { sinktest.Run(t, conform(t)) }

// TestEveryRowIsWhole: each loss of the list is understood from its message alone.
func TestEveryRowIsWhole(t *testing.T) { sinktest.Whole(t, conform(t)) }

// conform is the sink, its far end and how that reads.
func conform(t *testing.T) sinktest.Options {
	t.Helper()
	return sinktest.Options{
		New: func(t *testing.T, far *sinktest.Far, env sinks.Env) sinks.Sink {
			return newSink(t, config(func(c *alertmanager.Config) { c.Bearer = bearer }, far.Address+"/am"), env.Log)
		},
		Far: func(t *testing.T) *sinktest.Far {
			return sinktest.HTTP(t, func(r *http.Request, body []byte) error {
				if r.URL.Path != "/am/api/v2/alerts" || r.Header.Get("Authorization") != "Bearer "+bearer || r.Header.Get("Content-Type") != "application/json" {
					return fmt.Errorf("%s with %v", r.URL, r.Header)
				}
				_, err := read(body)
				return err
			})
		},
		Read: func(m sinktest.Message) (sinktest.Told, error) {
			ps, err := read(m.Body)
			if err != nil {
				return sinktest.Told{}, err
			}
			told := sinktest.Told{AlertID: ps[0].Annotations["alert_id"], Cleared: ps[0].Annotations["transition"] == "cleared"}
			for _, p := range ps {
				for _, texts := range []map[string]string{p.Labels, p.Annotations} {
					for k, v := range texts {
						told.Texts = append(told.Texts, k, v)
					}
				}
			}
			return told, nil
		},
		Secrets: []string{bearer}, Lines: true, MaxSize: 256 << 10,
	}
}

// firing is a firing of the sample that began d ago by this host's clock.
func firing(tr event.Transition, d time.Duration) event.Alert {
	a := sinktest.Sample(1, tr, "en")
	now := time.Now().Truncate(time.Millisecond)
	a.StartedAt, a.At = now.Add(-d), now
	if tr == event.Cleared {
		a.EndedAt = now
	}
	return a
}

func send(t *testing.T, s *alertmanager.Sink, as ...event.Alert) {
	t.Helper()
	for _, a := range as {
		if err := s.Send(t.Context(), a); err != nil {
			t.Fatalf("%s: %v", a.Transition, err)
		}
	}
}

// TestLife tells a real Alertmanager one firing from its start to its end.
func TestLife(t *testing.T) {
	am := receive.StartAlertmanager(t, receive.AlertmanagerOptions{})
	s := newSink(t, config(func(c *alertmanager.Config) { c.Labels = map[string]string{"team": "security"} }, am.URL+"/"), nil)

	raised := firing(event.Raised, time.Minute)
	send(t, s, raised)
	open := am.Open(t)
	if len(open) != 1 {
		t.Fatalf("open: %+v", open)
	}
	want := map[string]string{
		"alertname": "dswatch_loss", "host": "web01", "component": "agent", "kind": "process", "name": "ds_agent",
		"rule": "loss", "severity": "critical", "team": "security",
	}
	if !maps.Equal(open[0].Labels, want) {
		t.Errorf("labels %v, want %v", open[0].Labels, want)
	}
	for name, want := range map[string]string{
		"summary": raised.Title, "description": raised.Text, "confirm": raised.Confirm, "state": "down", "previous": "up",
		"impact": "management_lost", "found": "0", "want": "2", "os": "linux", "agent_version": "20.0.2-1390.el8",
		"observer": "web01", "alert_id": raised.ID, "seq": "1", "transition": "raised",
	} {
		if got := open[0].Annotations[name]; got != want {
			t.Errorf("annotation %s is %q, want %q", name, got, want)
		}
	}
	if ahead := time.Until(open[0].EndsAt); !open[0].StartsAt.Equal(raised.StartedAt) || ahead < 167*time.Hour || ahead > 168*time.Hour {
		t.Errorf("from %s to %s", open[0].StartsAt, open[0].EndsAt)
	}
	if told := am.AwaitTold(t, 1); told[0].Status != "firing" || told[0].Labels["name"] != "ds_agent" {
		t.Errorf("told %+v", told)
	}

	changed := firing(event.Changed, time.Minute)
	changed.Severity, changed.StartedAt = event.Warning, raised.StartedAt
	send(t, s, changed)
	if open = am.Open(t); len(open) != 1 || open[0].Labels["severity"] != "warning" || open[0].Annotations["state"] != "degraded" {
		t.Errorf("after a change of severity: %+v", open)
	}
	repeated := firing(event.Repeated, time.Minute)
	repeated.Severity, repeated.StartedAt = event.Warning, raised.StartedAt
	send(t, s, repeated)
	if open = am.Open(t); len(open) != 1 || open[0].Annotations["transition"] != "repeated" {
		t.Errorf("after a repeat: %+v", open)
	}
	cleared := firing(event.Cleared, time.Minute)
	cleared.Severity, cleared.StartedAt = event.Warning, raised.StartedAt
	am.AwaitTold(t, 3)
	send(t, s, cleared)
	if open = am.Open(t); len(open) != 0 {
		t.Errorf("after the end: %+v", open)
	}
	var told []string
	for _, n := range am.AwaitTold(t, 4) {
		told = append(told, n.Status+" "+n.Labels["severity"])
	}
	// The two of the change of severity may come in either order.
	got := strings.Join(told, ", ")
	if got != "firing critical, resolved critical, firing warning, resolved warning" && got != "firing critical, firing warning, resolved critical, resolved warning" {
		t.Errorf("people would have been told: %s", got)
	}
}

// TestEndIsCertain: Alertmanager drops a resolve that lies ahead of its clock.
func TestEndIsCertain(t *testing.T) {
	am := receive.StartAlertmanager(t, receive.AlertmanagerOptions{})
	s := newSink(t, config(nil, am.URL), nil)
	for i, c := range []struct {
		name   string
		lasted time.Duration
		ahead  time.Duration // of this host's clock
		seen   event.Severity
	}{
		{"clocks agree", time.Hour, 0, event.Critical},
		{"after a moment", time.Second, 0, event.Critical},
		{"our clock is ahead", time.Hour, 4 * time.Minute, event.Critical},
		{"our clock is ahead of a short alert", time.Second, 4 * time.Minute, event.Critical},
		{"our clock is behind", time.Hour, -30 * time.Minute, event.Critical},
		{"with a severity of its own", time.Hour, 0, event.Info},
	} {
		t.Run(c.name, func(t *testing.T) {
			shift := func(a event.Alert) event.Alert {
				a.Key.Name = fmt.Sprint("item", i)
				a.StartedAt, a.At = a.StartedAt.Add(c.ahead), a.At.Add(c.ahead)
				if !a.EndedAt.IsZero() {
					a.EndedAt = a.EndedAt.Add(c.ahead)
				}
				return a
			}
			send(t, s, shift(firing(event.Raised, c.lasted)))
			if open := am.Open(t); len(open) != 1 {
				t.Fatalf("open: %+v", open)
			}
			cleared := shift(firing(event.Cleared, c.lasted))
			cleared.Severity = c.seen
			send(t, s, cleared)
			if open := am.Open(t); len(open) != 0 {
				t.Errorf("still open: %+v", open)
			}
			send(t, s, shift(firing(event.Raised, 0))) // and it can fire again
			if open := am.Open(t); len(open) != 1 {
				t.Errorf("open: %+v", open)
			}
			send(t, s, shift(firing(event.Cleared, 0)))
			if open := am.Open(t); len(open) != 0 {
				t.Errorf("open again: %+v", open)
			}
		})
	}
}

// TestOutlivesResolveTimeout waits until an alert without an end is resolved
// by Alertmanager itself, and wants ours open.
func TestOutlivesResolveTimeout(t *testing.T) {
	am := receive.StartAlertmanager(t, receive.AlertmanagerOptions{ResolveTimeout: time.Second})
	send(t, newSink(t, config(nil, am.URL), nil), firing(event.Raised, time.Minute))
	resp, err := http.Post(am.URL+"/api/v2/alerts", "application/json", strings.NewReader(`[{"labels":{"alertname":"endless"}}]`))
	if err != nil || resp.StatusCode != 200 {
		t.Fatal(resp, err)
	}
	resp.Body.Close()
	for until := time.Now().Add(15 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		open := am.Open(t)
		if len(open) == 1 && open[0].Labels["alertname"] == "dswatch_loss" {
			return
		}
		if len(open) == 0 || time.Now().After(until) {
			t.Fatalf("open: %+v", open)
		}
	}
}

func TestCredentials(t *testing.T) {
	server := receive.NewAuthority(t).Issue(t, "127.0.0.1", time.Now().Add(time.Hour))
	am := receive.StartAlertmanager(t, receive.AlertmanagerOptions{Login: true, TLS: server})
	login := func(c *alertmanager.Config) {
		c.TLS.CAFile, c.Username, c.Password = server.CAFile, receive.AlertmanagerUser, receive.AlertmanagerPassword
	}
	send(t, newSink(t, config(login, am.URL), nil), firing(event.Raised, time.Minute))
	if open := am.Open(t); len(open) != 1 {
		t.Errorf("open: %+v", open)
	}
	wrong := config(func(c *alertmanager.Config) { login(c); c.Password = "another-password" }, am.URL)
	err := newSink(t, wrong, nil).Send(t.Context(), firing(event.Raised, time.Minute))
	if err == nil || !sinks.IsPermanent(err) || !strings.Contains(err.Error(), "check the credentials") {
		t.Errorf("with a wrong password: %v", err)
	}
	stranger := config(func(c *alertmanager.Config) { login(c); c.TLS.CAFile = "" }, am.URL)
	err = newSink(t, stranger, nil).Send(t.Context(), firing(event.Raised, time.Minute))
	if err == nil || sinks.IsPermanent(err) || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("without its authority: %v", err)
	}
}

func TestProxy(t *testing.T) {
	proxy, asked := sinktest.Proxy(t)
	s := newSink(t, config(func(c *alertmanager.Config) { c.Proxy = setting.Secret(proxy) }, "https://am.invalid:9093"), nil)
	if err := s.Send(t.Context(), firing(event.Raised, time.Minute)); err == nil || sinks.IsPermanent(err) {
		t.Error(err)
	}
	if got := strings.Join(asked(), ", "); got != "CONNECT am.invalid:9093" {
		t.Error(got)
	}
	wrong := config(func(c *alertmanager.Config) { c.Proxy = "ftp://user:proxy-password@x" }, "https://am.invalid:9093")
	if err := wrong.Validate(); err == nil || !strings.HasPrefix(err.Error(), "proxy: ") || strings.Contains(err.Error(), "password") {
		t.Error(err)
	}
}

func TestCluster(t *testing.T) {
	one, two := receive.StartAlertmanager(t, receive.AlertmanagerOptions{}), receive.StartAlertmanager(t, receive.AlertmanagerOptions{})
	var log bytes.Buffer
	s := newSink(t, config(nil, one.URL, two.URL), slog.New(slog.NewTextHandler(&log, nil)))
	send(t, s, firing(event.Raised, time.Minute))
	if len(one.Open(t)) != 1 || len(two.Open(t)) != 1 {
		t.Error("not every member was told")
	}
	two.Stop()
	send(t, s, firing(event.Repeated, time.Minute), firing(event.Repeated, time.Minute))
	if got := strings.Count(log.String(), "did not take an alert"); got != 1 {
		t.Errorf("said %d times, want once:\n%s", got, &log)
	}
	two.Start(t)
	if open := two.Open(t); len(open) != 0 {
		t.Errorf("a restart kept %+v", open)
	}
	send(t, s, firing(event.Repeated, time.Minute))
	if len(two.Open(t)) != 1 || !strings.Contains(log.String(), "takes alerts again") {
		t.Errorf("the member that came back was not told:\n%s", &log)
	}
	one.Stop()
	two.Stop()
	if err := s.Send(t.Context(), firing(event.Repeated, time.Minute)); err == nil || sinks.IsPermanent(err) {
		t.Errorf("with nobody there: %v", err)
	}
}

// TestMembersDisagree weighs the answers of two members.
func TestMembersDisagree(t *testing.T) {
	far := func(t *testing.T, status int) string {
		return receive.StartHTTP(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if status == 0 {
				<-r.Context().Done()
				return
			}
			w.WriteHeader(status)
		})).URL
	}
	for _, c := range []struct {
		name      string
		statuses  []int // 0: hangs
		taken     bool
		permanent bool
	}{
		{"one accepts, one is broken", []int{500, 200}, true, false},
		{"one accepts, one refuses", []int{200, 400}, true, false},
		{"one accepts, one hangs", []int{0, 200}, true, false},
		{"one refuses, one is broken", []int{400, 503}, false, false},
		{"both refuse", []int{400, 401}, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSink(t, config(nil, far(t, c.statuses[0]), far(t, c.statuses[1])), nil)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			begin := time.Now()
			err := s.Send(ctx, firing(event.Raised, time.Minute))
			if (err == nil) != c.taken || sinks.IsPermanent(err) != c.permanent {
				t.Errorf("permanent %v: %v", sinks.IsPermanent(err), err)
			}
			if took := time.Since(begin); took > 5*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}

func TestTestsAreMarked(t *testing.T) {
	am := receive.StartAlertmanager(t, receive.AlertmanagerOptions{})
	s := newSink(t, config(nil, am.URL), nil)
	a, b := firing(event.Raised, time.Minute), firing(event.Raised, time.Minute)
	a.Test, b.Key.Name, b.Replay = true, "other", true
	send(t, s, a, b)
	for _, open := range am.Open(t) {
		if isTest := open.Labels["name"] == "ds_agent"; (open.Labels["test"] == "true") != isTest || (open.Annotations["replay"] == "true") == isTest {
			t.Errorf("%+v", open)
		}
	}
}

// TestHeartbeat is open as long as it comes, and acknowledgements end nothing.
func TestHeartbeat(t *testing.T) {
	am := receive.StartAlertmanager(t, receive.AlertmanagerOptions{})
	s := newSink(t, config(nil, am.URL), nil)
	beat := sinktest.Others("en")["heartbeat"]
	beat.StartedAt, beat.At = time.Now(), time.Now()
	send(t, s, beat)
	open := am.Open(t)
	if len(open) != 1 || open[0].Labels["alertname"] != "dswatch_alive" || open[0].Annotations["waiting"] != "8042" {
		t.Fatalf("%+v", open)
	}
	ack := firing(event.Repeated, time.Minute)
	ack.Transition, ack.Ack = event.Acknowledged, &event.Ack{Author: "kim"}
	send(t, s, firing(event.Raised, time.Minute), ack)
	for _, a := range am.Open(t) {
		if a.Labels["alertname"] == "dswatch_loss" && a.Annotations["ack_author"] != "kim" {
			t.Errorf("%+v", a)
		}
	}
	if n := len(am.Open(t)); n != 2 {
		t.Errorf("%d open, want 2", n)
	}
}

func TestKind(t *testing.T) {
	am := receive.StartAlertmanager(t, receive.AlertmanagerOptions{})
	k := alertmanager.Kind()
	c := k.Settings().(*alertmanager.Config)
	c.Name, c.URLs = "am", []string{am.URL}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	s, err := k.New(c, sinks.Env{Name: "am", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Send(t.Context(), firing(event.Raised, time.Minute)); err != nil || k.Type != "alertmanager" || len(am.Open(t)) != 1 {
		t.Errorf("%s: %v", k.Type, err)
	}
}

func TestValidate(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*alertmanager.Config)
		key    string // "" for valid
	}{
		"plain":            {nil, ""},
		"two":              {func(c *alertmanager.Config) { c.URLs = []string{"http://a:9093", "https://b/am/"} }, ""},
		"none":             {func(c *alertmanager.Config) { c.URLs = nil }, "urls"},
		"too many":         {func(c *alertmanager.Config) { c.URLs = make([]string, 17) }, "urls"},
		"no scheme":        {func(c *alertmanager.Config) { c.URLs = []string{"a:9093"} }, "urls"},
		"twice":            {func(c *alertmanager.Config) { c.URLs = []string{"http://a", "http://a"} }, "urls"},
		"user in url":      {func(c *alertmanager.Config) { c.URLs = []string{"http://u:hidden-password@a"} }, "urls"},
		"query in url":     {func(c *alertmanager.Config) { c.URLs = []string{"http://a?token=hidden-password"} }, "urls"},
		"whole path":       {func(c *alertmanager.Config) { c.URLs = []string{"http://a/api/v2/alerts"} }, "urls"},
		"a label":          {func(c *alertmanager.Config) { c.Labels = map[string]string{"team": "security"} }, ""},
		"a label of ours":  {func(c *alertmanager.Config) { c.Labels = map[string]string{"severity": "page"} }, "labels.severity"},
		"bad label":        {func(c *alertmanager.Config) { c.Labels = map[string]string{"a-b": "x"} }, "labels.a-b"},
		"empty label":      {func(c *alertmanager.Config) { c.Labels = map[string]string{"team": ""} }, "labels.team"},
		"label with break": {func(c *alertmanager.Config) { c.Labels = map[string]string{"team": "a\nb"} }, "labels.team"},
		"ends at once":     {func(c *alertmanager.Config) { c.EndsAfter = time.Minute }, "ends_after"},
		"never ends":       {func(c *alertmanager.Config) { c.EndsAfter = 10000 * time.Hour }, "ends_after"},
		"two ways":         {func(c *alertmanager.Config) { c.Bearer, c.Username = bearer, "x" }, "bearer"},
		"password alone":   {func(c *alertmanager.Config) { c.Password = "hidden-password" }, "username"},
		"colon in name":    {func(c *alertmanager.Config) { c.Username = "a:b" }, "username"},
		"break in bearer":  {func(c *alertmanager.Config) { c.Bearer = "a\r\nX: hidden-password" }, "bearer"},
		"no name":          {func(c *alertmanager.Config) { c.Name = "" }, "name"},
	} {
		t.Run(name, func(t *testing.T) {
			err := config(c.change, "http://192.0.2.30:9093").Validate()
			if c.key == "" {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			var se *setting.Error
			if !errors.As(err, &se) || se.Key != c.key {
				t.Fatalf("error %v, want one about %s", err, c.key)
			}
			if strings.Contains(err.Error(), "hidden-password") {
				t.Errorf("shows a secret: %v", err)
			}
		})
	}
}

// TestEnds holds the exact ends. Alertmanager forgets the end of an alert that
// its own clock has not reached, so what is over ends five minutes before it
// did, and an alert that is as short as that begins with its end.
func TestEnds(t *testing.T) {
	far := make(chan []byte, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var b bytes.Buffer
		b.ReadFrom(r.Body)
		far <- b.Bytes()
	}))
	t.Cleanup(srv.Close)
	s := newSink(t, config(func(c *alertmanager.Config) { c.EndsAfter = 3 * time.Hour }, srv.URL), nil)
	began := time.Date(2026, 11, 22, 3, 4, 5, 0, time.UTC)
	const ahead = 5 * time.Minute
	for name, c := range map[string]struct {
		transition    event.Transition
		at, ended     time.Time
		starts, ends  time.Time // ends: zero for three hours from now
		othersEnd     time.Time // of the other severities
		othersStartAt time.Time
	}{
		"raised":  {transition: event.Raised, at: began, starts: began},
		"changed": {transition: event.Changed, at: began.Add(time.Hour), starts: began, othersStartAt: began, othersEnd: began.Add(time.Hour - ahead)},
		"cleared": {
			transition: event.Cleared, at: began.Add(time.Hour), ended: began.Add(50 * time.Minute),
			starts: began, ends: began.Add(45 * time.Minute), othersStartAt: began, othersEnd: began.Add(45 * time.Minute),
		},
		"cleared by another version, that tells no end": {
			transition: event.Cleared, at: began.Add(time.Hour),
			starts: began, ends: began.Add(time.Hour - ahead), othersStartAt: began, othersEnd: began.Add(time.Hour - ahead),
		},
		"cleared soon": {
			transition: event.Cleared, at: began.Add(time.Minute), ended: began.Add(time.Minute),
			starts: began.Add(time.Minute - ahead), ends: began.Add(time.Minute - ahead),
			othersStartAt: began.Add(time.Minute - ahead), othersEnd: began.Add(time.Minute - ahead),
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := firing(c.transition, time.Minute)
			a.StartedAt, a.At, a.EndedAt = began, c.at, c.ended
			before := time.Now()
			send(t, s, a)
			ps, err := read(<-far)
			if err != nil {
				t.Fatal(err)
			}
			one := ps[0]
			if c.ends.IsZero() {
				if least := before.Add(3 * time.Hour); one.EndsAt.Before(least.Truncate(time.Second)) || one.EndsAt.After(time.Now().Add(3*time.Hour)) {
					t.Errorf("ends at %s, want three hours from now", one.EndsAt)
				}
			} else if !one.EndsAt.Equal(c.ends) {
				t.Errorf("ends at %s, want %s", one.EndsAt, c.ends)
			}
			if !one.StartsAt.Equal(c.starts) {
				t.Errorf("starts at %s, want %s", one.StartsAt, c.starts)
			}
			others := len(event.Severities()) - 1
			if c.othersEnd.IsZero() {
				others = 0
			}
			if len(ps) != 1+others {
				t.Fatalf("%d entries, want %d", len(ps), 1+others)
			}
			for _, p := range ps[1:] {
				if !p.StartsAt.Equal(c.othersStartAt) || !p.EndsAt.Equal(c.othersEnd) || p.Labels["severity"] == one.Labels["severity"] {
					t.Errorf("%s: from %s to %s, want %s to %s", p.Labels["severity"], p.StartsAt, p.EndsAt, c.othersStartAt, c.othersEnd)
				}
			}
		})
	}
}

// FuzzPost wants every transition of a firing under the same labels but for
// severity, an end that Alertmanager takes, and no severity left open.
func FuzzPost(f *testing.F) {
	f.Add("web01", "ds_agent", "text", "loss", int64(60))
	f.Add("", "a\x00\xff", "<b>\n{{ . }}", "\r", int64(-60))
	f.Add("監視", strings.Repeat("\\\"", 999), strings.Repeat("\n", 9999), "x", int64(1)<<40)
	far := make(chan []byte, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var b bytes.Buffer
		b.ReadFrom(r.Body)
		far <- b.Bytes()
	}))
	f.Cleanup(srv.Close)
	s := newSink(f, config(nil, srv.URL), nil)
	f.Fuzz(func(t *testing.T, host, name, text, rule string, lasted int64) {
		identity := map[string]string{}
		for _, tr := range sinktest.Transitions() {
			a := firing(tr, time.Duration(lasted%(1<<30))*time.Second)
			a.Key.Host, a.Key.Name, a.Rule, a.Text, a.Detail, a.OS = host, name, rule, text, text, text
			if err := s.Send(t.Context(), a); err != nil {
				t.Fatal(err)
			}
			var ps []posted
			if err := json.Unmarshal(<-far, &ps); err != nil {
				t.Fatal(err)
			}
			severities := map[string]bool{}
			for i, p := range ps {
				if p.EndsAt.Before(p.StartsAt) {
					t.Errorf("%s: end %s before start %s", tr, p.EndsAt, p.StartsAt)
				}
				if open := p.EndsAt.After(time.Now().Add(time.Hour)); lasted > 0 && open != (i == 0 && tr.Firing()) {
					t.Errorf("%s: entry %d ends at %s", tr, i, p.EndsAt)
				}
				severities[p.Labels["severity"]] = true
				delete(p.Labels, "severity")
				if tr == event.Raised {
					identity = p.Labels
				} else if !maps.Equal(identity, p.Labels) {
					t.Errorf("%s: labels %q, raised with %q", tr, p.Labels, identity)
				}
			}
			if tr != event.Raised && len(severities) != len(event.Severities()) {
				t.Errorf("%s: severities %v", tr, severities)
			}
		}
	})
}

// TestOtherSeveritiesEnd: where the severity may have changed, what stands
// under the others ends in the same notice; nothing else is named.
func TestOtherSeveritiesEnd(t *testing.T) {
	for _, c := range []struct {
		transition event.Transition
		seq, want  int
	}{
		{event.Raised, 1, 1}, {event.Raised, 3, 1}, {event.Repeated, 3, 1}, {event.Acknowledged, 3, 1},
		{event.Cleared, 2, 1}, {event.Cleared, 3, len(event.Severities())}, {event.Changed, 2, len(event.Severities())},
	} {
		a := sinktest.Sample(c.seq, c.transition, "en")
		a.Seq = c.seq
		if got := alertmanager.NewNotice(a, "r", "https://am.example/", ""); len(got.Alerts) != c.want {
			t.Errorf("%s %d: %d alerts, want %d", c.transition, c.seq, len(got.Alerts), c.want)
		}
	}
}
