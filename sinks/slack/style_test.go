package slack_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"dswatch/event"
	"dswatch/setting"
	"dswatch/sinks"
	"dswatch/sinks/sinktest"
	"dswatch/sinks/slack"
)

// TestAnswersThatSayNo: Slack's codes of a refusal count also with status 200,
// and what servers compatible with Slack answer is accepted.
func TestAnswersThatSayNo(t *testing.T) {
	for answer, want := range map[string]struct{ said, permanent bool }{
		"ok": {}, "": {}, " OK\n": {}, `{"success":true}`: {}, `{"ok":true}`: {},
		"invalid_payload": {true, true}, "no_text": {true, true}, "no_service": {true, true},
		"rollup_error": {true, false}, `{"ok":false,"error":"x"}`: {true, false}, `{"success":false}`: {true, false},
	} {
		far := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answer) }))
		err := newSink(t, far.URL+"/services/T0/B0/xxxxxxxx").Send(t.Context(), sinktest.Sample(1, event.Raised, "en"))
		far.Close()
		if (err != nil) != want.said || sinks.IsPermanent(err) != want.permanent {
			t.Errorf("%q: %v, permanent %v", answer, err, sinks.IsPermanent(err))
		}
		if err != nil && !strings.Contains(err.Error(), strings.TrimSpace(answer)) {
			t.Errorf("%q: %v does not repeat it", answer, err)
		}
	}
}

// TestStyleAttachment: a server that ignores blocks shows text and fields.
func TestStyleAttachment(t *testing.T) {
	var got struct {
		Text        string
		Blocks      json.RawMessage
		Attachments []struct {
			Color, Fallback, Text, Footer string
			Blocks                        json.RawMessage
			Fields                        []struct{ Title, Value string }
		}
	}
	far := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Error(err)
		}
		_, _ = io.WriteString(w, "ok")
	}))
	defer far.Close()
	c := slack.Defaults()
	c.Name, c.Type, c.WebhookURL, c.Style = "chat", "slack", setting.Secret(far.URL), "attachment"
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	s, err := slack.New(c, sinks.Env{Name: "chat"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	a := sinktest.Sample(1, event.Raised, "ja")
	a.Detail = "<!channel> & co"
	if err := s.Send(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	if some(got.Blocks) || len(got.Attachments) != 1 || some(got.Attachments[0].Blocks) {
		t.Fatalf("%+v", got)
	}
	one := got.Attachments[0]
	if !strings.Contains(got.Text, a.Title) || !strings.HasPrefix(one.Text, a.Text+"\n次の対応: "+a.Next) || !strings.Contains(one.Text, "&lt;!channel&gt; &amp; co") {
		t.Errorf("%q\n%q", got.Text, one.Text)
	}
	if len(one.Fields) < 6 || one.Fields[0].Value != a.Key.Host || !strings.Contains(one.Footer, a.ID) || one.Color == "" {
		t.Errorf("%+v", one)
	}
	a.Confirm, a.Reason = "the-command", "the-reason"
	for transition, want := range map[event.Transition]bool{event.Raised: true, event.Cleared: false} {
		if a.Transition = transition; s.Send(t.Context(), a) != nil || len(got.Attachments) != 1 {
			t.Fatalf("%s: %+v", transition, got)
		}
		text := got.Attachments[0].Text
		if strings.Contains(text, "the-command") != want || strings.Contains(text, "the-reason") != want {
			t.Errorf("%s: %q", transition, text)
		}
	}
	c.Style = "cards"
	if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "neither blocks nor attachment") {
		t.Errorf("style cards: %v", err)
	}
}

// some reports whether there is anything in a list of blocks.
func some(blocks json.RawMessage) bool { return len(blocks) > 0 && string(blocks) != "null" }
