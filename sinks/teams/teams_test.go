package teams_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"dswatch/event"
	"dswatch/setting"
	"dswatch/sinks"
	"dswatch/sinks/sinktest"
	"dswatch/sinks/teams"
	"dswatch/test/receive"
)

var update = flag.Bool("update", false, "write the golden files")

func newSink(t testing.TB, url string) *teams.Sink {
	t.Helper()
	c := teams.Defaults()
	c.Name, c.Type, c.WebhookURL = "team", "teams", setting.Secret(url)
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	s, err := teams.New(c, sinks.Env{Name: c.Name, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// harmless wants a card that only shows something.
func harmless(m receive.TeamsMessage) error {
	if len(m.Mentions)+len(m.Links)+len(m.Markup) > 0 {
		return fmt.Errorf("mentions %q, links %q, markup %q", m.Mentions, m.Links, m.Markup)
	}
	return nil
}

func TestConformance(t *testing.T) { sinktest.Run(t, conform(t)) }

// TestEveryRowIsWhole: each loss of the list is understood from its message alone.
func TestEveryRowIsWhole(t *testing.T) { sinktest.Whole(t, conform(t)) }

// conform is the sink, its far end and how that reads.
func conform(t *testing.T) sinktest.Options {
	t.Helper()
	return sinktest.Options{
		New: func(t *testing.T, far *sinktest.Far, env sinks.Env) sinks.Sink {
			return newSink(t, far.Address+receive.TeamsPath)
		},
		Far: func(t *testing.T) *sinktest.Far {
			return sinktest.HTTP(t, func(r *http.Request, body []byte) error {
				if r.URL.RequestURI() != receive.TeamsPath || r.Header.Get("Content-Type") != "application/json" {
					return fmt.Errorf("%s, %v", r.URL, r.Header)
				}
				m, err := receive.ReadTeams(body)
				if err != nil {
					return err
				}
				return harmless(m)
			})
		},
		Read: func(m sinktest.Message) (sinktest.Told, error) {
			msg, err := receive.ReadTeams(m.Body)
			if err != nil {
				return sinktest.Told{}, err
			}
			head := msg.Texts[0]
			told := sinktest.Told{
				AlertID: strings.Fields(msg.Texts[len(msg.Texts)-1])[1], Texts: append(msg.Texts, msg.Fallback),
				Cleared: msg.Style == "good" && (strings.HasPrefix(head, "✅ [RECOVERED]") || strings.HasPrefix(head, "✅ [復旧]")),
			}
			for _, f := range msg.Facts {
				told.Texts = append(told.Texts, f[0], f[1])
			}
			return told, nil
		},
		Secrets: []string{receive.TeamsSignature}, Lines: true, MaxSize: receive.TeamsMaxSize,
	}
}

// TestGolden shows what is sent, for people to look at.
func TestGolden(t *testing.T) {
	far := &receive.Teams{}
	s := newSink(t, receive.StartTeams(t, far).URL+receive.TeamsPath)
	for _, language := range []string{"en", "ja"} {
		for _, tr := range []event.Transition{event.Raised, event.Cleared} {
			t.Run(language+" "+string(tr), func(t *testing.T) {
				if err := s.Send(t.Context(), sinktest.Sample(1, tr, language)); err != nil {
					t.Fatal(err)
				}
				if r := far.Refused(); len(r) > 0 {
					t.Fatal(r)
				}
				got := far.Received()
				m := got[len(got)-1]
				if err := harmless(m); err != nil {
					t.Error(err)
				}
				var pretty struct {
					Type        string `json:"type"`
					Attachments []any  `json:"attachments"`
				}
				if err := json.Unmarshal(m.Raw, &pretty); err != nil {
					t.Fatal(err)
				}
				raw, err := json.MarshalIndent(pretty, "", "  ")
				if err != nil {
					t.Fatal(err)
				}
				text := "style: " + m.Style + "\nfallback: " + m.Fallback + "\n\n" + m.Shown() + "\n\n" + string(raw) + "\n"
				sinktest.Golden(t, language+"-"+string(tr), text, *update)
			})
		}
	}
}

func TestSignAndStyle(t *testing.T) {
	far := &receive.Teams{}
	s := newSink(t, receive.StartTeams(t, far).URL+receive.TeamsPath)
	for i, c := range []struct {
		severity    event.Severity
		transition  event.Transition
		change      func(*event.Alert)
		head, style string
	}{
		{event.Critical, event.Raised, nil, "🔴 [ALERT] ", "attention"},
		{event.Warning, event.Changed, nil, "🟠 [CHANGED] ", "warning"},
		{event.Info, event.Repeated, nil, "🔵 [STILL OPEN] ", "accent"},
		{event.Critical, event.Cleared, nil, "✅ [RECOVERED] ", "good"},
		{event.Critical, event.Raised, func(a *event.Alert) { a.Test = true }, "🔴 [TEST] [ALERT] ", "attention"},
		{event.Critical, event.Raised, func(a *event.Alert) { a.Replay = true }, "🔴 [REPLAY] [ALERT] ", "attention"},
	} {
		a := sinktest.Sample(1, c.transition, "en")
		a.Severity = c.severity
		if c.change != nil {
			c.change(&a)
		}
		if err := s.Send(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		m := far.Received()[i]
		if m.Style != c.style || !strings.HasPrefix(m.Texts[0], c.head) || !strings.HasPrefix(m.Fallback, c.head) {
			t.Errorf("%s %s: %s %q, fallback %q", c.severity, c.transition, m.Style, m.Texts[0], m.Fallback)
		}
	}
}

// TestLeftOutIsCounted adds what is shown of a text to what is said to be
// left out.
func TestLeftOutIsCounted(t *testing.T) {
	far := &receive.Teams{}
	s := newSink(t, receive.StartTeams(t, far).URL+receive.TeamsPath)
	counted := map[string]*regexp.Regexp{
		"en": regexp.MustCompile(`^… ([0-9]+) characters left out$`), "ja": regexp.MustCompile(`^… ([0-9]+) 文字を省略$`),
	}
	n := 0
	for _, language := range []string{"en", "ja"} {
		for name, c := range map[string]struct {
			long    string
			lengths [4]int // of text, detail, confirm, reason
		}{
			"fits":            {"z", [4]int{2000, 10, 10, 10}},
			"one too long":    {"z", [4]int{2001, 10, 10, 10}},
			"all far too big": {"漢", [4]int{9000, 8000, 7000, 6000}},
			"wide ones":       {"👩", [4]int{1900, 1900, 1900, 1900}},
			"escaped ones":    {"\\", [4]int{50000, 1, 1, 4000}},
			"many lines":      {"y\n", [4]int{300, 1, 1, 1}},
		} {
			t.Run(language+" "+name, func(t *testing.T) {
				a := sinktest.Sample(1, event.Raised, language)
				texts := [4]*string{&a.Text, &a.Detail, &a.Confirm, &a.Reason}
				total := 0
				for i, l := range c.lengths {
					*texts[i] = strings.TrimSpace(strings.Repeat(c.long, l))
					total += utf8.RuneCountInString(*texts[i])
				}
				if err := s.Send(t.Context(), a); err != nil {
					t.Fatal(err)
				}
				if r := far.Refused(); len(r) > 0 {
					t.Fatal(r)
				}
				m := far.Received()[n]
				n++
				shown, left := 0, 0
				for _, text := range m.Texts {
					if match := counted[language].FindStringSubmatch(text); match != nil {
						left, _ = strconv.Atoi(match[1])
					} else if strings.Contains(text, c.long) || text == "y" {
						shown += utf8.RuneCountInString(strings.TrimSuffix(text, "…"))
					}
				}
				if shown+left != total || (left == 0) != (name == "fits") {
					t.Errorf("%d shown and %d left out of %d", shown, left, total)
				}
				if len(m.Raw) < 2000 || shown < 100 {
					t.Errorf("only %d characters in %d bytes are shown", shown, len(m.Raw))
				}
			})
		}
	}
}

// TestOrderOfTexts: what was seen stands above how to confirm it, and after a
// recovery nobody is told what to do.
func TestOrderOfTexts(t *testing.T) {
	far := &receive.Teams{}
	s := newSink(t, receive.StartTeams(t, far).URL+receive.TeamsPath)
	for _, tr := range []event.Transition{event.Raised, event.Cleared} {
		if err := s.Send(t.Context(), sinktest.Sample(1, tr, "en")); err != nil {
			t.Fatal(err)
		}
	}
	up, down := far.Received()[1].Shown(), far.Received()[0].Shown()
	if raw := string(far.Received()[0].Raw); strings.Index(raw, sinktest.Sample(1, event.Raised, "en").Next) > strings.Index(raw, "FactSet") {
		t.Errorf("the next step stands behind the state:\n%s", raw)
	}
	seen, confirm := strings.Index(down, "What was seen"), strings.Index(down, "How to confirm")
	if seen < 0 || confirm < seen || strings.Contains(up, "How to confirm") || !strings.Contains(up, "Lasted: 4 h 5 min") {
		t.Errorf("raised:\n%s\ncleared:\n%s", down, up)
	}
}

// TestWorkflowsWords sends to a workflow that refuses as the real one does.
func TestWorkflowsWords(t *testing.T) {
	far := &receive.Teams{}
	srv := receive.StartTeams(t, far)
	good := newSink(t, srv.URL+receive.TeamsPath)
	a := sinktest.Sample(1, event.Raised, "en")
	for _, c := range []struct {
		status             int
		body               string
		success, permanent bool
	}{
		{200, "", true, false},
		{202, "", true, false},
		{400, `{"error":{"code":"TriggerInputSchemaMismatch"}}`, false, true},
		{401, `{"error":{"code":"DirectApiAuthorizationRequired"}}`, false, true},
		{403, `{"error":{"code":"DirectApiRequestHasMoreThanOneAuthorization"}}`, false, true},
		{404, `{"error":{"code":"WorkflowNotFound"}}`, false, true},
		{413, "RequestEntityTooLarge", false, true},
		{429, `{"error":{"code":"WorkflowRunInProgress"}}`, false, false},
		{502, `{"error":{"code":"NoResponse"}}`, false, false},
		{504, "", false, false},
		{200, "<html><title>Sign in to the guest network</title>", false, false},
	} {
		h := http.Header{}
		if c.status == 429 {
			h.Set("Retry-After", "30")
		}
		far.Answer(c.status, h, c.body)
		err := good.Send(t.Context(), a)
		if (err == nil) != c.success || sinks.IsPermanent(err) != c.permanent {
			t.Errorf("%d %s: %v", c.status, c.body, err)
			continue
		}
		if !c.success && c.status != 200 && !strings.Contains(err.Error(), c.body) {
			t.Errorf("%d %s: not said: %v", c.status, c.body, err)
		}
		if d, ok := sinks.After(err); (c.status == 429) != ok || ok && d != 30*time.Second {
			t.Errorf("%d %s: wait %s, %v", c.status, c.body, d, ok)
		}
	}
	far.Answer(0, nil, "")
	for want, path := range map[string]string{
		"WorkflowNotFound":               strings.Replace(receive.TeamsPath, "/0f3b", "/1f3b", 1),
		"DirectApiAuthorizationRequired": receive.TeamsPath[:len(receive.TeamsPath)-3] + "zzz",
	} {
		err := newSink(t, srv.URL+path).Send(t.Context(), a)
		if err == nil || !sinks.IsPermanent(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestRateLimitIsKept(t *testing.T) {
	far := &receive.Teams{}
	far.Every = 10 * time.Second
	sinktest.Throttled(t, newSink(t, receive.StartTeams(t, far).URL+receive.TeamsPath))
}

func TestKind(t *testing.T) {
	far := &receive.Teams{}
	k := teams.Kind()
	c := k.Settings().(*teams.Config)
	c.Name, c.WebhookURL = "team", setting.Secret(receive.StartTeams(t, far).URL+receive.TeamsPath)
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	s, err := k.New(c, sinks.Env{Name: "team", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Send(t.Context(), sinktest.Sample(1, event.Raised, "en")); err != nil || k.Type != "teams" || len(far.Received()) != 1 {
		t.Errorf("%s: %d arrived, %v", k.Type, len(far.Received()), err)
	}
}

func TestValidate(t *testing.T) {
	const good = "https://prod-00.westus.logic.azure.com:443" + receive.TeamsPath
	for name, c := range map[string]struct {
		name, url string
		size      setting.Size
		key       string // "" for valid
	}{
		"good":      {"team", good, 28_000, ""},
		"no url":    {"team", "", 28_000, "webhook_url"},
		"half url":  {"team", "prod-00" + receive.TeamsPath, 28_000, "webhook_url"},
		"no name":   {"", good, 28_000, "name"},
		"too small": {"team", good, 15_999, "max_size"},
		"too large": {"team", good, 100_001, "max_size"},
	} {
		cfg := teams.Defaults()
		cfg.Name, cfg.WebhookURL, cfg.MaxSize = c.name, setting.Secret(c.url), c.size
		err := cfg.Validate()
		var se *setting.Error
		if c.key == "" && err != nil || c.key != "" && (!errors.As(err, &se) || se.Key != c.key) {
			t.Errorf("%s: %v, want one about %q", name, err, c.key)
		}
		if err != nil && strings.Contains(err.Error(), receive.TeamsSignature) {
			t.Errorf("%s: shows the secret: %v", name, err)
		}
	}
}

// FuzzMarkdown wants a fact's text to be read by a CommonMark parser as what
// it is: no markup, no link, nothing lost.
func FuzzMarkdown(f *testing.F) {
	for _, s := range []string{
		"", "ds_agent", "_x_", "__init__", "*a*", "[x](https://evil.example)", "[x]: https://evil.example", "![x](y)", "<at>all</at>", "&lt;at&gt;all",
		`\[x\](y)`, `C:\dir\*.exe`, `\\`, "`code`", "~~x~~", "1. x", "12) x", "1.", "- x", "+ x", "# x", "> x", "---", "===", "20.0.2-1390.el8", "a<b", "<https://evil.example>",
		"{{DATE(2020-01-01T00:00:00Z)}}", "監視_x_", "a|b", "&amp;&#60;at&#62;", "](", "[a][b]", "]\\(", "<!--", "_\\_", "&\\lt;",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		s = strings.TrimSpace(sinks.Line(s, 600))
		if s == "" {
			return
		}
		shown, err := asFact(teams.Markdown(s))
		if err != nil {
			t.Fatalf("%q became %q: %v", s, teams.Markdown(s), err)
		}
		apart := strings.NewReplacer("](", "] (", "]:", "] :", "][", "] [")
		// A run of such pairs overlaps: "][(" is moved apart twice.
		want := apart.Replace(apart.Replace(teams.Plain(s)))
		if got := strings.Join(strings.Fields(shown), " "); got != strings.Join(strings.Fields(want), " ") {
			t.Errorf("%q became %q, shown as %q, want %q", s, teams.Markdown(s), got, want)
		}
	})
}

// asFact reads a fact's value as a client shows it.
func asFact(value string) (string, error) {
	v, err := json.Marshal(value)
	if err != nil {
		return "", err
	}
	m, err := receive.ReadTeams(fmt.Appendf(nil, `{"type":"message","attachments":[{"contentType":"application/vnd.microsoft.card.adaptive","content":{"type":"AdaptiveCard","version":"1.4",
"body":[{"type":"Container","style":"good","items":[{"type":"TextBlock","text":"x"},{"type":"FactSet","facts":[{"title":"t","value":%s}]}]}]}}]}`, v))
	if err != nil {
		return "", err
	}
	return m.Facts[0][1], harmless(m)
}

// FuzzEncode wants a valid, harmless card within the limit whatever an alert
// holds.
func FuzzEncode(f *testing.F) {
	f.Add("web01", "ds_agent", "title", "text", "detail", 1)
	f.Add("<at>all</at>", "[x](y)", "# <at>", strings.Repeat("<at>x</at>\n", 500), "{{TIME(2020-01-01T00:00:00Z)}}", 3000)
	f.Add("\xff", "", "", "\n\n", strings.Repeat("\\", 999), 99)
	f.Fuzz(func(t *testing.T, host, name, title, text, detail string, times int) {
		times = 1 + (times&0xffff)%5000
		a := sinktest.Sample(1, event.Raised, "ja")
		a.Key.Host, a.Key.Name, a.Title, a.Observer, a.OS, a.AgentVersion, a.Key.Component = host, name, title, name, title, host, name
		grow := func(s string) string { return strings.Repeat(s, min(times, 1+(1<<18)/(len(s)+1))) }
		a.Text, a.Detail, a.Confirm, a.Reason = grow(text), grow(detail), text+detail, grow(title)
		for _, most := range []int{16_000, 28_000} {
			b, err := teams.Encode(a, most, "https://dswatch.example.com/alerts/"+a.ID)
			if err != nil || len(b) > most {
				t.Fatalf("%d bytes, %v", len(b), err)
			}
			m, err := receive.ReadTeams(b)
			if err != nil {
				t.Fatalf("%v\n%s", err, b)
			}
			if err := harmless(m); err != nil {
				t.Errorf("%v\n%s", err, b)
			}
		}
	})
}

// TestStandInIsStrict makes sure that the stand-in refuses, so that the other
// tests mean something.
func TestStandInIsStrict(t *testing.T) {
	envelope := func(card string) string {
		return `{"type":"message","attachments":[{"contentType":"application/vnd.microsoft.card.adaptive","content":` + card + `}]}`
	}
	body := func(elements string) string {
		return envelope(`{"type":"AdaptiveCard","version":"1.4","body":[{"type":"Container","style":"good","items":[` + elements + `]}]}`)
	}
	for name, b := range map[string]string{
		"no JSON":             `{`,
		"a bare card":         `{"type":"AdaptiveCard","version":"1.4","body":[]}`,
		"another content":     strings.Replace(body(`{"type":"TextBlock","text":"x"}`), "adaptive", "hero", 1),
		"no version":          envelope(`{"type":"AdaptiveCard","body":[{"type":"TextBlock","text":"x"}]}`),
		"a newer version":     envelope(`{"type":"AdaptiveCard","version":"1.5","body":[{"type":"TextBlock","text":"x"}]}`),
		"an unknown element":  body(`{"type":"Table"}`),
		"an unknown property": body(`{"type":"TextBlock","text":"x","style":"heading"}`),
		"an unknown word":     body(`{"type":"TextBlock","text":"x","size":"huge"}`),
		"a word for a bool":   body(`{"type":"TextBlock","text":"x","wrap":"true"}`),
		"no text":             body(`{"type":"TextBlock"}`),
		"an empty text":       body(`{"type":"TextBlock","text":""}`),
		"no inlines":          body(`{"type":"RichTextBlock"}`),
		"an untyped run":      body(`{"type":"RichTextBlock","inlines":[{"text":"x"}]}`),
		"a run with wrap":     body(`{"type":"RichTextBlock","inlines":[{"type":"TextRun","text":"x","wrap":true}]}`),
		"a fact of no value":  body(`{"type":"FactSet","facts":[{"title":"x"}]}`),
		"too large":           body(`{"type":"TextBlock","text":"` + strings.Repeat("x", receive.TeamsMaxSize) + `"}`),
	} {
		if _, err := receive.ReadTeams([]byte(b)); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	m, err := receive.ReadTeams([]byte(body(`{"type":"TextBlock","text":"<at>a</at> [x](https://y) *z* <https://w>"},{"type":"FactSet","facts":[{"title":"t","value":"&lt;at&gt; - v"}]}`)))
	if err != nil || len(m.Mentions) != 3 || len(m.Links) != 3 || len(m.Markup) != 3 {
		t.Errorf("mentions %q, links %q, markup %q, %v", m.Mentions, m.Links, m.Markup, err)
	}
}

func TestProxy(t *testing.T) {
	proxy, asked := sinktest.Proxy(t)
	c := teams.Defaults()
	c.Name, c.WebhookURL, c.Proxy = "team", "https://flow.invalid/workflows/x", setting.Secret(proxy)
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	s, err := teams.New(c, sinks.Env{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Send(t.Context(), sinktest.Sample(1, event.Raised, "en")); err == nil || sinks.IsPermanent(err) {
		t.Error(err)
	}
	if got := strings.Join(asked(), ", "); got != "CONNECT flow.invalid:443" {
		t.Error(got)
	}
	c.Proxy = "ftp://user:proxy-password@x"
	if err := c.Validate(); err == nil || !strings.HasPrefix(err.Error(), "proxy: ") || strings.Contains(err.Error(), "password") {
		t.Error(err)
	}
}

// TestAnswersThatSayNo: what went wrong behind a 200 is told in its words.
func TestAnswersThatSayNo(t *testing.T) {
	for answer, denied := range map[string]bool{
		"": false, "1": false, `{"id":"x"}`: false,
		"Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 413": true,
		`{"ok":false}`: true,
	} {
		far := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answer) }))
		err := newSink(t, far.URL).Send(t.Context(), sinktest.Sample(1, event.Raised, "en"))
		far.Close()
		if (err != nil) != denied || err != nil && !strings.Contains(err.Error(), answer) {
			t.Errorf("%q: %v", answer, err)
		}
	}
}

// TestBackslash: one is written twice only where a card would take it for an
// escape.
func TestBackslash(t *testing.T) {
	for in, want := range map[string]string{
		`C:\Program Files`: `C:\Program Files`,
		`\ x`:              `\ x`,
		`\!x`:              `\\!x`,
		`\~x`:              `\\\~x`,
		`\あ`:               `\あ`,
		`\9`:               `\9`,
	} {
		if got := teams.Markdown(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}
