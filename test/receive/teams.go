package receive

import (
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
)

// The path and query of the stand-in's URL; what is behind sig= is the
// secret.
const (
	TeamsSignature = "Zk3vT0q-8Yw5nR1uXc7LhB2sDp9eMaGf_J6KtVoQyI4"
	TeamsPath      = "/workflows/0f3b6c1d2e4a5968778695a4b3c2d1e0/triggers/manual/paths/invoke?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=" + TeamsSignature
)

// TeamsMaxSize is the strictest reading of the 28 KB that Microsoft documents
// for messages that a flow posts.
const TeamsMaxSize = 28_000

// Teams stands in for a workflow behind "When a Teams webhook request is
// received". Like the real one it answers 202 to any JSON with the right
// signature, and drops later what Teams would not show; Refused says so.
type Teams struct{ chat[TeamsMessage] }

// TeamsMessage is one card as a client shows it.
type TeamsMessage struct {
	At       time.Time
	Style    string   // of the first container: good, attention, warning, accent
	Texts    []string // of text blocks and runs, in order
	Facts    [][2]string
	Fallback string
	Mentions []string // tags and entities found anywhere
	Links    []string // Markdown links, for the desktop's parser or an older phone's
	Markup   []string // other Markdown: emphasis, lists, code
	Raw      []byte
}

// Shown returns everything that a reader sees, one text a line.
func (m TeamsMessage) Shown() string {
	lines := slices.Clone(m.Texts)
	for _, f := range m.Facts {
		lines = append(lines, f[0]+": "+f[1])
	}
	return strings.Join(lines, "\n")
}

// StartTeams serves w until the test ends; the webhook's URL is URL and
// TeamsPath.
func StartTeams(t testing.TB, w *Teams) *HTTP { t.Helper(); return StartHTTP(t, w) }

func (w *Teams) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	no := func(status int, code, message string) {
		w.refused = append(w.refused, code+": "+message)
		rw.Header().Set("Content-Type", "application/json; charset=utf-8")
		rw.WriteHeader(status)
		_ = json.NewEncoder(rw).Encode(map[string]any{"error": map[string]string{"code": code, "message": message}})
	}
	want, _ := url.Parse(TeamsPath)
	ct, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case w.answered(rw):
	case r.URL.Path != want.Path:
		no(http.StatusNotFound, "WorkflowNotFound", "the workflow could not be found")
	case r.URL.RawQuery != want.RawQuery:
		no(http.StatusUnauthorized, "DirectApiAuthorizationRequired", "the signature is missing or wrong")
	case r.Method != http.MethodPost:
		no(http.StatusMethodNotAllowed, "MethodNotAllowed", r.Method)
	case w.early(rw):
		rw.WriteHeader(http.StatusTooManyRequests)
	case err != nil || ct != "application/json" || !json.Valid(body) || !utf8.Valid(body):
		no(http.StatusBadRequest, "InvalidRequestContent", "the request is no JSON")
	default:
		m, err := ReadTeams(body)
		if err != nil {
			w.refused = append(w.refused, err.Error())
		} else {
			w.got = append(w.got, m)
		}
		w.last = time.Now()
		rw.WriteHeader(http.StatusAccepted)
	}
}

// ReadTeams reads a message as the flow and Teams do, and says what they
// would not take: another envelope, a card that does not follow the Adaptive
// Card 1.4 reference, a message over the limit.
func ReadTeams(body []byte) (TeamsMessage, error) {
	m := TeamsMessage{At: time.Now(), Raw: body}
	if len(body) > TeamsMaxSize {
		return m, fmt.Errorf("RequestEntityTooLarge: %d bytes, at most %d are allowed", len(body), TeamsMaxSize)
	}
	var p struct {
		Type        string `json:"type"`
		Attachments []struct {
			ContentType string          `json:"contentType"`
			ContentURL  *string         `json:"contentUrl"`
			Content     json.RawMessage `json:"content"`
		} `json:"attachments"`
	}
	if err := json.Unmarshal(body, &p); err != nil {
		return m, err
	}
	// The template's flow posts each attachment; one card is one message.
	if p.Type != "message" || len(p.Attachments) != 1 || p.Attachments[0].ContentType != "application/vnd.microsoft.card.adaptive" {
		return m, fmt.Errorf("envelope: type %q with %d attachments", p.Type, len(p.Attachments))
	}
	var card any
	if err := json.Unmarshal(p.Attachments[0].Content, &card); err != nil {
		return m, err
	}
	if err := checkObject("card", "AdaptiveCard", card); err != nil {
		return m, err
	}
	c := card.(map[string]any)
	if c["version"] != "1.4" {
		return m, fmt.Errorf("card: version %v, want 1.4", c["version"])
	}
	if fallback, ok := c["fallbackText"].(string); ok {
		m.Fallback = m.markdown(fallback)
	}
	m.show(c["body"])
	if m.Style == "" || len(m.Texts) == 0 {
		return m, fmt.Errorf("card: has no coloured container or no text")
	}
	return m, nil
}

// show collects what a reader sees of the elements below v.
func (m *TeamsMessage) show(v any) {
	list, _ := v.([]any)
	for _, v := range list {
		e := v.(map[string]any)
		switch e["type"] {
		case "TextBlock":
			m.Texts = append(m.Texts, m.markdown(e["text"].(string)))
		case "TextRun":
			m.Texts = append(m.Texts, m.plain(e["text"].(string)))
		case "Container":
			if s, ok := e["style"].(string); ok && m.Style == "" {
				m.Style = s
			}
		}
		if facts, ok := e["facts"].([]any); ok {
			for _, f := range facts {
				f := f.(map[string]any)
				m.Facts = append(m.Facts, [2]string{m.markdown(f["title"].(string)), m.markdown(f["value"].(string))})
			}
		}
		for _, below := range []string{"items", "inlines", "columns"} {
			m.show(e[below])
		}
	}
}

var (
	atTag    = regexp.MustCompile(`(?i)</?at\b[^>]*>?`)
	dateCall = regexp.MustCompile(`\{\{(DATE|TIME)\(`)
	phone    = regexp.MustCompile(`\]\(`) // a link to a parser that knows no backslash
)

// plain notes what works in any text of a card.
func (m *TeamsMessage) plain(s string) string {
	m.Mentions = append(m.Mentions, atTag.FindAllString(s, -1)...)
	m.Markup = append(m.Markup, dateCall.FindAllString(s, -1)...)
	return s
}

// markdown notes what a text's Markdown does, and returns it as shown.
func (m *TeamsMessage) markdown(s string) string {
	m.plain(s)
	m.Links = append(m.Links, phone.FindAllString(s, -1)...)
	shown, links, markup := readMarkdown(s)
	m.plain(shown) // an entity that became a tag
	m.Links, m.Markup = append(m.Links, links...), append(m.Markup, markup...)
	return shown
}

// commonMark is safe for concurrent use, and costly to make.
var commonMark = goldmark.New()

// readMarkdown reads s with a CommonMark parser.
func readMarkdown(s string) (shown string, links, markup []string) {
	source := []byte(s)
	doc := commonMark.Parser().Parse(text.NewReader(source))
	err := ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Document, *ast.Paragraph, *ast.Text, *ast.String:
		case *ast.Link:
			links = append(links, string(n.Destination))
		case *ast.AutoLink:
			links = append(links, string(n.URL(source)))
		case *ast.Image:
			links = append(links, string(n.Destination))
		default:
			markup = append(markup, n.Kind().String())
		}
		return ast.WalkContinue, nil
	})
	var b strings.Builder
	if err := errors.Join(err, commonMark.Renderer().Render(&b, source, doc)); err != nil {
		markup = append(markup, err.Error())
	}
	shown = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSuffix(b.String(), "\n"), "<p>"), "</p>")
	return html.UnescapeString(shown), links, markup
}
