package webhook_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"

	"dswatch/event"
	"dswatch/setting"
	"dswatch/sinks"
	"dswatch/sinks/sinktest"
	"dswatch/sinks/webhook"
	"dswatch/test/receive"
)

// recorder keeps the last request.
type recorder struct {
	mu     sync.Mutex
	header http.Header
	body   []byte
	status int
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	b, _ := io.ReadAll(req.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.header, r.body = req.Header, b
	if r.status != 0 {
		w.WriteHeader(r.status)
		w.Write(b) // as a helpful server does
	}
}

// every is one alert of every kind, by name.
func every(language string) map[string]event.Alert {
	all := sinktest.Others(language)
	for _, tr := range sinktest.Transitions() {
		all[string(tr)] = sinktest.Sample(1, tr, language)
	}
	test := sinktest.Sample(2, event.Raised, language)
	test.Test = true
	replay := sinktest.Sample(3, event.Raised, language)
	replay.Replay = true
	all["test"], all["replay"] = test, replay
	return all
}

// TestAlertmanagerFormat gives a real Alertmanager the same alerts and
// compares what it posts to its receiver with what we post, field by field.
func TestAlertmanagerFormat(t *testing.T) {
	am := receive.StartAlertmanager(t, receive.AlertmanagerOptions{GroupBy: []string{"alertname", "component", "host", "kind", "name", "rule", "test"}})
	far := &recorder{}
	srv := receive.StartHTTP(t, far)
	c := config(srv.URL, func(c *webhook.Config) { c.Name, c.Format, c.ExternalURL = "test", "alertmanager", am.URL })
	s := newSink(t, c)
	told := 0
	compare := func(t *testing.T, a event.Alert) {
		t.Helper()
		if err := s.Send(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		if ct := far.header.Get("Content-Type"); ct != "application/json" {
			t.Errorf("content type %q", ct)
		}
		ours := decode(t, far.body).(map[string]any)
		tell(t, am.URL, ours)
		told++
		bodies := am.AwaitBodies(t, told)
		theirs := decode(t, bodies[told-1]).(map[string]any)
		match(t, ours, theirs)
	}
	now := time.Now().UTC().Truncate(time.Millisecond)
	life := func(n int, language string) (raised, changed, cleared event.Alert) {
		raised, changed, cleared = sinktest.Sample(n, event.Raised, language), sinktest.Sample(n, event.Changed, language), sinktest.Sample(n, event.Cleared, language)
		for _, a := range []*event.Alert{&raised, &changed, &cleared} {
			a.StartedAt, a.At = now.Add(-time.Minute), now
		}
		changed.Severity, cleared.EndedAt = event.Warning, now
		return raised, changed, cleared
	}
	for i, language := range []string{"en", "ja"} {
		raised, changed, cleared := life(10+i, language)
		raised.Key.Name, changed.Key.Name, cleared.Key.Name = `C:\x "y"`, `C:\x "y"`, `C:\x "y"` // a name that must be quoted in groupKey
		t.Run(language+" raised", func(t *testing.T) { compare(t, raised) })
		t.Run(language+" with another severity", func(t *testing.T) { compare(t, changed) })
		t.Run(language+" cleared", func(t *testing.T) { compare(t, cleared) })
	}
	others := every("en")
	for _, name := range []string{"acknowledged", "unacknowledged", "digest", "heartbeat", "test", "replay"} {
		a := others[name]
		a.StartedAt, a.At = now.Add(-time.Minute), now
		a.Key.Host = "of-" + name
		t.Run(name, func(t *testing.T) { compare(t, a) })
	}
}

// tell posts what our notice says to an Alertmanager's API.
func tell(t *testing.T, url string, notice map[string]any) {
	t.Helper()
	var posted []map[string]any
	for _, x := range notice["alerts"].([]any) {
		a := x.(map[string]any)
		p := map[string]any{"labels": a["labels"], "annotations": a["annotations"], "startsAt": a["startsAt"], "endsAt": a["endsAt"]}
		if a["status"] == "firing" {
			p["endsAt"] = time.Now().Add(time.Hour)
		}
		posted = append(posted, p)
	}
	b, _ := json.Marshal(posted)
	resp, err := http.Post(url+"/api/v2/alerts", "application/json", bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if answer, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", resp.Status, answer)
	}
}

// match wants ours to be theirs. A real one leaves out the end of what it
// never told of.
func match(t *testing.T, ours, theirs map[string]any) {
	t.Helper()
	byPrint := func(notice map[string]any) map[string]map[string]any {
		m := map[string]map[string]any{}
		for _, x := range notice["alerts"].([]any) {
			a := x.(map[string]any)
			m[fmt.Sprint(a["fingerprint"])] = a
		}
		return m
	}
	ourAlerts, theirAlerts := byPrint(ours), byPrint(theirs)
	for print, a := range theirAlerts {
		if !reflect.DeepEqual(ourAlerts[print], a) {
			t.Errorf("alert %s\nours   %v\ntheirs %v", print, ourAlerts[print], a)
		}
	}
	for print, a := range ourAlerts {
		if theirAlerts[print] == nil && a["status"] != "resolved" {
			t.Errorf("alert %s: they do not tell of %v", print, a)
		}
	}
	if len(theirAlerts) == 0 {
		t.Error("they tell of nothing")
	}
	if len(theirAlerts) == 1 && len(ourAlerts) == 3 { // alone, it has its severity in common with itself
		delete(theirs["commonLabels"].(map[string]any), "severity")
	}
	delete(ours, "alerts")
	delete(theirs, "alerts")
	if !slices.Equal(slices.Sorted(maps.Keys(ours)), slices.Sorted(maps.Keys(theirs))) {
		t.Errorf("keys: ours %v, theirs %v", slices.Sorted(maps.Keys(ours)), slices.Sorted(maps.Keys(theirs)))
	}
	for k, v := range theirs {
		if !reflect.DeepEqual(ours[k], v) {
			t.Errorf("%s: ours %v, theirs %v", k, ours[k], v)
		}
	}
}

// TestCloudEventsFormat has the SDK judge every kind of alert.
func TestCloudEventsFormat(t *testing.T) {
	far := &recorder{}
	s := newSink(t, config(receive.StartHTTP(t, far).URL, func(c *webhook.Config) { c.Format = "cloudevents" }))
	for _, language := range []string{"en", "ja"} {
		for name, a := range every(language) {
			a.Observer = "監視 host/1"
			if err := s.Send(t.Context(), a); err != nil {
				t.Fatal(err)
			}
			if ct := far.header.Get("Content-Type"); ct != "application/cloudevents+json; charset=utf-8" {
				t.Errorf("content type %q", ct)
			}
			var e cloudevents.Event
			if err := json.Unmarshal(far.body, &e); err != nil {
				t.Fatalf("%s: %v\n%s", name, err, far.body)
			}
			if err := e.Validate(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			var p sinks.Payload
			if err := e.DataAs(&p); err != nil || !reflect.DeepEqual(p, sinks.NewPayload(a, "")) {
				t.Errorf("%s: data %+v, %v", name, p, err)
			}
			if e.ID() != a.DeliveryID() || e.Type() != "dswatch.alert."+string(a.Transition)+".v1" || e.Subject() != a.Key.String() || !e.Time().Equal(a.At) ||
				e.Source() != "dswatch/%E7%9B%A3%E8%A6%96%20host%2F1" || len(e.Extensions()) > 0 {
				t.Errorf("%s: %s", name, e)
			}
		}
	}
}

// TestFormatsConform runs the suite that every sink passes.
func TestFormatsConform(t *testing.T) {
	const key = "R0UTINGKEY0123456789"
	for name, c := range map[string]struct {
		change func(*webhook.Config)
		read   func([]byte) (sinktest.Told, error)
	}{
		"alertmanager": {func(c *webhook.Config) { c.Format = "alertmanager" }, func(b []byte) (told sinktest.Told, err error) {
			var n struct {
				Status string
				Alerts []struct{ Annotations map[string]string }
			}
			err = json.Unmarshal(b, &n)
			told.AlertID, told.Cleared = n.Alerts[0].Annotations["alert_id"], n.Status == "resolved"
			told.Texts = slices.Collect(maps.Values(n.Alerts[0].Annotations))
			return told, err
		}},
		"cloudevents": {func(c *webhook.Config) { c.Format = "cloudevents" }, func(b []byte) (told sinktest.Told, err error) {
			var e struct{ Data sinks.Payload }
			err = json.Unmarshal(b, &e)
			a := e.Data.Alert
			return sinktest.Told{AlertID: a.ID, Cleared: a.Transition == event.Cleared, Texts: []string{a.Title, a.Text, a.Detail}}, err
		}},
		"template": {func(c *webhook.Config) {
			c.Body = `{"key":"` + key + `","id":{{json .ID}},"over":{{eq .Transition "cleared"}},"host":{{json .Key.Host}},"text":{{json .Text}},"ack":{{with .Ack}}{{json .Author}}{{else}}null{{end}},` +
				`"count":{{.AffectedCount}},"beat":{{json .Heartbeat}}}`
		}, func(b []byte) (told sinktest.Told, err error) {
			var x struct {
				ID, Text string
				Over     bool
			}
			err = json.Unmarshal(b, &x)
			return sinktest.Told{AlertID: x.ID, Cleared: x.Over, Texts: []string{x.Text}}, err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			secrets := []string{inPath}
			most := 256 << 10
			if name == "alertmanager" { // repeats the annotations
				most *= 2
			}
			if name == "template" {
				secrets = append(secrets, key)
			}
			sinktest.Run(t, sinktest.Options{
				New: func(t *testing.T, far *sinktest.Far, _ sinks.Env) sinks.Sink {
					return newSink(t, config(far.Address+"/"+inPath, c.change))
				},
				Read:    func(m sinktest.Message) (sinktest.Told, error) { return c.read(m.Body) },
				Secrets: secrets, Lines: true, MaxSize: most,
			})
		})
	}
}

// TestBodyTemplate posts to what PagerDuty's API of events and a plain text
// receiver take.
func TestBodyTemplate(t *testing.T) {
	far := &recorder{}
	url := receive.StartHTTP(t, far).URL
	pager := `{"routing_key":"R0123456789ABCDEF0123","dedup_key":{{json .ID}},"event_action":"{{if eq .Transition "cleared"}}resolve{{else if eq .Transition "acknowledged"}}acknowledge{{else}}trigger{{end}}",
"payload":{"summary":{{json .Title}},"source":{{json .Key.Host}},"severity":"{{.Severity}}","timestamp":"{{utc .At}}"}}`
	s := newSink(t, config(url, func(c *webhook.Config) { c.Body = setting.Secret(pager) }))
	for name, a := range every("en") {
		a.Title = "quote \" back \\ line\nbreak <b>"
		if err := s.Send(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		var got struct {
			DedupKey    string `json:"dedup_key"`
			EventAction string `json:"event_action"`
			Payload     struct{ Summary, Source string }
		}
		want := map[event.Transition]string{event.Cleared: "resolve", event.Acknowledged: "acknowledge"}[a.Transition]
		if want == "" {
			want = "trigger"
		}
		if err := json.Unmarshal(far.body, &got); err != nil || got.DedupKey != a.ID || got.EventAction != want || got.Payload.Summary != "quote \" back \\ line break <b>" {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	s = newSink(t, config(url, func(c *webhook.Config) {
		c.Body, c.ContentType, c.Secret = "{{transition .Transition}}: {{.Title}}", "text/plain; charset=utf-8", secret
	}))
	a := sinktest.Sample(1, event.Cleared, "ja")
	if err := s.Send(t.Context(), a); err != nil || string(far.body) != "復旧: "+a.Title || far.header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("%s, %q, %v", far.body, far.header.Get("Content-Type"), err)
	}
	if err := receive.VerifySignature(secret, far.header, far.body); err != nil {
		t.Error(err)
	}
}

// TestBodyTemplateFailsLater: what no sample shows is a dead letter that says
// what to do.
func TestBodyTemplateFailsLater(t *testing.T) {
	far := &recorder{}
	url := receive.StartHTTP(t, far).URL
	a := sinktest.Sample(1, event.Raised, "en")
	a.Found = 7
	for name, body := range map[string]string{
		"fails":    `{{if eq .Found 7}}{{index .Affected 3}}{{end}}{}`,
		"no json":  `{{if eq .Found 7}}x"{{end}}{}`,
		"too long": `{{if eq .Found 7}}{{printf "%300000s" "k3y-in-a-constant"}}{{end}}{}`,
	} {
		err := newSink(t, config(url, func(c *webhook.Config) { c.Body = setting.Secret(body) })).Send(t.Context(), a)
		if err == nil || !sinks.IsPermanent(err) || !strings.Contains(err.Error(), "replay the dead letter") || strings.Contains(err.Error(), "k3y") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if far.body != nil {
		t.Errorf("posted %s", far.body)
	}
}

func TestBodyIsChecked(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*webhook.Config)
		key    string
	}{
		"template":             {func(c *webhook.Config) { c.Body = `{"t":{{json .Title}}}` }, ""},
		"text":                 {func(c *webhook.Config) { c.Body, c.ContentType = "{{.Title}}", "text/plain" }, ""},
		"alertmanager":         {func(c *webhook.Config) { c.Format, c.ExternalURL = "alertmanager", "https://noc.example" }, ""},
		"no format":            {func(c *webhook.Config) { c.Format = "xml" }, "format"},
		"no json":              {func(c *webhook.Config) { c.Body = `{"t":"{{.Text}}` }, "body"},
		"quotes break it":      {func(c *webhook.Config) { c.Body = `{"t":"{{json .Title}}"}` }, "body"},
		"unknown field":        {func(c *webhook.Config) { c.Body = `{"t":{{json .Titel}}}` }, "body"},
		"files cannot be read": {func(c *webhook.Config) { c.Body = `{{readFile "/etc/passwd-k3y"}}` }, "body"},
		"env cannot be read":   {func(c *webhook.Config) { c.Body = `{{env "k3y"}}` }, "body"},
		"only some have it":    {func(c *webhook.Config) { c.Body = `{"t":{{json .Ack.Author}}}` }, "body"},
		"endless":              {func(c *webhook.Config) { c.Body = `{{define "x"}}k3y{{template "x"}}{{end}}{{template "x"}}` }, "body"},
		"body and format":      {func(c *webhook.Config) { c.Body, c.Format = "{}", "cloudevents" }, "body"},
		"a type without body":  {func(c *webhook.Config) { c.ContentType = "text/plain" }, "content_type"},
		"no media type":        {func(c *webhook.Config) { c.Body, c.ContentType = "{}", "json;" }, "content_type"},
		"header injection":     {func(c *webhook.Config) { c.Body, c.ContentType = "{}", "text/plain\r\nX: y" }, "content_type"},
		"external url":         {func(c *webhook.Config) { c.ExternalURL = "https://x" }, "external_url"},
		"proxy":                {func(c *webhook.Config) { c.Proxy = "http://user:k3y@proxy.example:3128" }, ""},
		"proxy of ftp":         {func(c *webhook.Config) { c.Proxy = "ftp://user:k3y@proxy.example" }, "proxy"},
		"proxy with a path":    {func(c *webhook.Config) { c.Proxy = "http://proxy.example/k3y" }, "proxy"},
		"proxy without a host": {func(c *webhook.Config) { c.Proxy = "proxy.example:3128" }, "proxy"},
	} {
		err := config("https://example.com/hook", c.change).Validate()
		if c.key == "" && err != nil || c.key != "" && (err == nil || !strings.HasPrefix(err.Error(), c.key+": ")) {
			t.Errorf("%s: %v, want one about %q", name, err, c.key)
		}
		if err != nil && strings.Contains(err.Error(), "k3y") {
			t.Errorf("%s: shows the secret: %v", name, err)
		}
	}
}

// TestProxy goes through a proxy that asks for a password, over http and,
// by CONNECT, over https.
func TestProxy(t *testing.T) {
	far := &recorder{}
	plain, secure := httptest.NewServer(far), httptest.NewTLSServer(far)
	defer plain.Close()
	defer secure.Close()
	var asked []string
	refuse := false
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.Host)
		want := "Basic " + base64.StdEncoding.EncodeToString([]byte("dswatch:proxy-password"))
		if r.Header.Get("Proxy-Authorization") != want || refuse {
			http.Error(w, "refused "+r.Header.Get("Proxy-Authorization")+" proxy-password", http.StatusProxyAuthRequired)
			return
		}
		b, _ := io.ReadAll(r.Body)
		out, err := http.NewRequest(http.MethodPost, plain.URL, bytes.NewReader(b))
		if err != nil {
			t.Error(err)
			return
		}
		resp, err := http.DefaultClient.Do(out)
		if err != nil {
			t.Error(err)
			return
		}
		resp.Body.Close()
		w.WriteHeader(resp.StatusCode)
	}))
	defer proxy.Close()
	through := setting.Secret(strings.Replace(proxy.URL, "http://", "http://dswatch:proxy-password@", 1))
	a := sinktest.Sample(1, event.Raised, "en")
	s := newSink(t, config("http://far.invalid/hook", func(c *webhook.Config) { c.Proxy = through }))
	if err := s.Send(t.Context(), a); err != nil || len(far.body) == 0 || !slices.Equal(asked, []string{"POST far.invalid"}) {
		t.Errorf("%v, asked %q", err, asked)
	}
	refuse = true
	for _, url := range []string{"http://far.invalid/hook", "https://far.invalid/hook"} {
		err := newSink(t, config(url, func(c *webhook.Config) { c.Proxy = through })).Send(t.Context(), a)
		if err == nil || strings.Contains(err.Error(), "proxy-password") || strings.Contains(err.Error(), "ZHN3YXRja") {
			t.Errorf("%s: %v", url, err)
		}
	}
	if !slices.Contains(asked, "CONNECT far.invalid:443") {
		t.Errorf("asked %q", asked)
	}
}

// TestBodyInAnAnswer: a far end that repeats the body brings no key of it
// into the error.
func TestBodyInAnAnswer(t *testing.T) {
	far := &recorder{status: 400}
	s := newSink(t, config(receive.StartHTTP(t, far).URL, func(c *webhook.Config) { c.Body = `{"routing_key":"R0123456789ABCDEF0123","t":{{json .Title}}}` }))
	if err := s.Send(t.Context(), sinktest.Sample(1, event.Raised, "en")); err == nil || strings.Contains(err.Error(), "R0123456789") {
		t.Error(err)
	}
}
