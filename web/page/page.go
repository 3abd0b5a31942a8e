package page

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"dswatch/setting"
	"dswatch/web"
	"dswatch/words"
)

// Parts is what a Page is made of.
type Parts struct {
	Source Source
	Token  setting.Secret // what sessions are signed with
	People web.People     // who may come in
	Log    *slog.Logger
	Now    func() time.Time // nil: time.Now
}

// Page serves all that is not the API.
type Page struct {
	Parts
	mux       *http.ServeMux
	templates map[string]*template.Template
	sessions  *sessions
	logins    *logins
	streams   *streams
	origin    *http.CrossOriginProtection
	close     sync.Once
}

//go:embed templates/*.html
var templates embed.FS

//go:embed assets
var assets embed.FS

// New makes a Page. Close ends its streams.
func New(p Parts) (*Page, error) {
	if p.Now == nil {
		p.Now = time.Now
	}
	page := &Page{Parts: p, mux: http.NewServeMux(), templates: map[string]*template.Template{}, origin: http.NewCrossOriginProtection()}
	page.sessions = newSessions(p.Token, p.Now)
	page.logins = newLogins(p.Now)
	page.streams = newStreams(p.Source)
	names, err := fs.Glob(templates, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("list templates: %w", err)
	}
	for _, name := range names {
		short := strings.TrimSuffix(strings.TrimPrefix(name, "templates/"), ".html")
		if short == "layout" || short == "parts" {
			continue
		}
		t, err := template.ParseFS(templates, "templates/layout.html", "templates/parts.html", name)
		if err != nil {
			return nil, fmt.Errorf("read template: %w", err)
		}
		page.templates[short] = t
	}
	page.routes()
	return page, nil
}

// Close ends the event streams, so that a server can stop.
func (p *Page) Close() { p.close.Do(p.streams.close) }

func (p *Page) routes() {
	files, _ := fs.Sub(assets, "assets") // the folder is there: it is embedded
	static := http.StripPrefix("/assets/", http.FileServerFS(files))
	p.mux.HandleFunc("GET /assets/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-cache")
		w.Header().Set("ETag", assetsTag)
		static.ServeHTTP(w, r)
	})
	p.mux.HandleFunc("GET /login", p.loginForm)
	p.mux.HandleFunc("POST /login", p.login)
	p.mux.HandleFunc("POST /logout", p.logout)
	see := func(pattern string, show func(*view) error) { p.mux.HandleFunc("GET "+pattern, p.seen(show)) }
	see("/{$}", p.overview)
	see("/hosts/{name}", p.host)
	see("/alerts", p.alerts)
	see("/alerts/{id}", p.alert)
	see("/items", p.item)
	see("/sinks", p.sinks)
	see("/silences", p.silences)
	do := func(pattern string, action web.Action, done func(*view) error) {
		p.mux.HandleFunc("POST "+pattern, p.done(action, done))
	}
	do("/alerts/{id}/ack", web.ActAck, p.ack)
	do("/alerts/{id}/withdraw", web.ActAck, p.withdraw)
	do("/silences/preview", web.ActSilence, p.previewSilence)
	do("/silences", web.ActSilence, p.addSilence)
	do("/silences/{id}/expire", web.ActSilence, p.expireSilence)
	do("/sinks/{name}/test", web.ActTest, p.testSink)
	do("/letters/{id}/replay", web.ActReplay, p.replay)
	do("/letters/{id}/drop", web.ActDrop, p.drop)
	p.mux.HandleFunc("GET /live", p.stream)
	p.mux.HandleFunc("GET /live/now", p.live)
	p.mux.HandleFunc("/", p.seen(func(*view) error { return errNotFound }))
}

// policy lets a page load what this server serves, and nothing else; nobody may
// show it in a frame.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// mostForm is the largest form in bytes.
const mostForm = 64 << 10

// ServeHTTP answers one request.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	if err := p.origin.Check(r); err != nil {
		p.fail(p.viewOf(w, r), http.StatusForbidden, words.PageForeign.With())
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, mostForm)
	if r.Method == http.MethodGet && setPreferences(w, r) {
		return
	}
	p.mux.ServeHTTP(w, r)
}

// render writes a page whole, or an error.
func (p *Page) render(v *view, code int, name string) {
	var b bytes.Buffer
	if err := p.templates[name].ExecuteTemplate(&b, "layout", v); err != nil {
		p.Log.Error("a page cannot be made", "page", name, "error", err)
		http.Error(v.w, v.T("error.broken"), http.StatusInternalServerError)
		return
	}
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	v.w.WriteHeader(code)
	_, _ = v.w.Write(b.Bytes()) // the browser has gone: nothing to do about it
}
