package page

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"dswatch/event"
	"dswatch/web"
	"dswatch/words"
)

// errNotFound is the error of a page that there is not.
var errNotFound = errors.New("not found")

// view is one page for one visitor. Templates ask it for everything.
type view struct {
	w       http.ResponseWriter
	r       *http.Request
	page    *Page
	voice   words.Voice
	visitor visitor
	known   bool
	prefs   preferences

	Name  string // of the template's page, for the navigation
	Title string // what stands before the program's name
	Mark  string // of the icon: ok, warn, lost or stale
	Data  any
}

// preferences are how somebody wants to look. They stand in a cookie, as they
// change nothing but what he himself sees.
type preferences struct{ Language, Theme, Zone string }

const preferencesCookie = "dswatch-view"

// choices are the preferences that there are, and their values.
var choices = map[string][]string{"language": {"en", "ja"}, "theme": {"auto", "light", "dark"}, "zone": {"host", "mine", "utc"}}

func chosen(kind, value string) string {
	for _, c := range choices[kind] {
		if c == value {
			return c
		}
	}
	return ""
}

func preferencesOf(r *http.Request) (p preferences) {
	c, err := r.Cookie(preferencesCookie)
	if err != nil {
		return p
	}
	q, err := url.ParseQuery(c.Value)
	if err != nil {
		return p
	}
	return preferences{chosen("language", q.Get("language")), chosen("theme", q.Get("theme")), chosen("zone", q.Get("zone"))}
}

// setPreferences takes what an address chooses, and leads to it without that.
func setPreferences(w http.ResponseWriter, r *http.Request) bool {
	q, p, changed := r.URL.Query(), preferencesOf(r), false
	for kind, field := range map[string]*string{"language": &p.Language, "theme": &p.Theme, "zone": &p.Zone} {
		if v := chosen(kind, q.Get(kind)); v != "" {
			*field, changed = v, true
			q.Del(kind)
		}
	}
	if !changed {
		return false
	}
	all := url.Values{"language": {p.Language}, "theme": {p.Theme}, "zone": {p.Zone}}
	http.SetCookie(w, &http.Cookie{Name: preferencesCookie, Value: all.Encode(), Path: "/", MaxAge: 365 * 24 * 60 * 60, SameSite: http.SameSiteLaxMode, HttpOnly: true})
	to := url.URL{Path: r.URL.Path, RawQuery: q.Encode()}
	http.Redirect(w, r, back(to.String()), http.StatusSeeOther)
	return true
}

func (p *Page) viewOf(w http.ResponseWriter, r *http.Request) *view {
	v := &view{w: w, r: r, page: p, voice: p.Source.Voice(), prefs: preferencesOf(r), Mark: "ok"}
	v.visitor, v.known = p.read(r)
	if v.prefs.Language != "" {
		v.voice.Language = v.prefs.Language
	}
	if v.prefs.Zone == "utc" {
		v.voice.Zone = time.UTC
	}
	return v
}

// seen shows a page to who may see it, and the login to everyone else.
func (p *Page) seen(show func(*view) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := p.viewOf(w, r)
		switch {
		case !v.known && r.Method != http.MethodGet:
			p.fail(v, http.StatusForbidden, words.PageLoginFirst.With())
			return
		case !v.known:
			http.Redirect(w, r, "/login?"+url.Values{"to": {r.URL.RequestURI()}}.Encode(), http.StatusSeeOther)
			return
		case !v.May(web.ActSee):
			p.fail(v, http.StatusForbidden, words.PageMayNot.With())
			return
		}
		if v.visitor.Ends.Sub(p.Now()) < session/2 {
			if err := p.sessions.open(w, r, v.visitor); err != nil {
				p.Log.Warn("a session cannot be renewed", "error", err)
			}
		}
		switch err := show(v); {
		case errors.Is(err, errNotFound):
			p.fail(v, http.StatusNotFound, words.PageNotFound.With())
		case err != nil:
			p.fail(v, http.StatusBadRequest, words.Of(err))
		}
	}
}

// fail shows why something was not done.
func (p *Page) fail(v *view, code int, why event.Said) {
	v.Title, v.Data = v.T("error.title"), v.voice.Say(why)
	p.render(v, code, "problem")
}

// T is a label of the page.
func (v *view) T(key string, args ...any) string {
	text := v.voice.Page(key)
	if len(args) > 0 {
		return fmt.Sprintf(text, args...)
	}
	return text
}

// counts are the labels with a number.
var counts = map[string]words.Say1[int]{
	"hosts": words.PageHosts, "items": words.PageItems, "alerts": words.PageAlerts, "losses": words.PageLosses,
	"symptoms": words.PageSymptoms, "attempts": words.PageAttempts,
}

// N is a label with a number.
func (v *view) N(key string, n int) string { return v.voice.Say(counts[key].With(n)) }

// Say says statements in the reader's language, or text where there are none.
func (v *view) Say(s event.Said, text string) string { return plain(v.voice.Say(words.Or(s, text))) }

// Plain is a text from elsewhere.
func (v *view) Plain(s string) string { return plain(s) }

// plain is s without what would turn the text around it, or end the line: a name
// may hold anything. That it is no markup is for the templates to see.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// Words of the dictionary.
func (v *view) State(s event.State) string {
	if s == "" {
		return v.T("state.none")
	}
	return v.voice.State(s)
}
func (v *view) Kind(k event.Kind) string             { return v.voice.Kind(k) }
func (v *view) Component(s string) string            { return v.voice.Component(s) }
func (v *view) Impact(i event.Impact) string         { return v.voice.Impact(i) }
func (v *view) Severity(s event.Severity) string     { return v.voice.Severity(s) }
func (v *view) Expected(s string) string             { return v.voice.Expected(s) }
func (v *view) Circuit(s string) string              { return v.voice.Circuit(s) }
func (v *view) Class(s string) string                { return v.voice.Class(s) }
func (v *view) Outcome(s string) string              { return v.voice.Outcome(s) }
func (v *view) Attempt(s string) string              { return v.voice.Attempt(s) }
func (v *view) Transition(t event.Transition) string { return v.voice.Transition(t) }
func (v *view) SilenceState(s string) string         { return v.voice.Silence(s) }
func (v *view) Fact(n event.Name) string             { return v.voice.Fact(string(n)) }
func (v *view) Value(s string) string                { return v.voice.Value(s) }
func (v *view) Origin(s string) string               { return v.voice.Origin(s) }

// Time is a moment as an element that the browser may put into its own zone.
func (v *view) Time(t time.Time) template.HTML {
	if t.IsZero() {
		return "-"
	}
	utc := t.UTC().Format(time.RFC3339)
	return template.HTML(`<time datetime="` + utc + `" title="` + utc + `">` + t.In(v.voice.Location()).Format(time.DateTime) + `</time>`)
}

// For is how long something has lasted, as an element that counts on.
func (v *view) For(t time.Time) template.HTML {
	if t.IsZero() {
		return "-"
	}
	d := max(0, v.page.Now().Sub(t))
	return template.HTML(fmt.Sprintf(`<span class="for" data-since="%d">%s</span>`, t.UnixMilli(), template.HTMLEscapeString(v.short(d))))
}

// short is a duration in at most two units.
func (v *view) short(d time.Duration) string {
	part := func(n time.Duration, u words.Both) string {
		if n == 0 && d >= time.Minute {
			return ""
		}
		return fmt.Sprintf("%d%s%s", n, v.voice.Either(" ", ""), v.voice.Pick(u))
	}
	two := func(a, b string) string { return strings.TrimSpace(a + v.voice.Either(" ", "") + b) }
	day := 24 * time.Hour
	switch {
	case d >= day:
		return two(part(d/day, words.UnitDay), part(d%day/time.Hour, words.UnitHour))
	case d >= time.Hour:
		return two(part(d/time.Hour, words.UnitHour), part(d%time.Hour/time.Minute, words.UnitMinute))
	case d >= time.Minute:
		return part(d/time.Minute, words.UnitMinute)
	}
	return part(d/time.Second, words.UnitSecond)
}

// Units are what the browser writes durations with.
func (v *view) Units() string {
	all := []string{v.voice.Either(" ", "")}
	for _, u := range []words.Both{words.UnitDay, words.UnitHour, words.UnitMinute, words.UnitSecond} {
		all = append(all, v.voice.Pick(u))
	}
	return strings.Join(all, "|")
}

// May reports whether an action is offered.
func (v *view) May(a web.Action) bool { return v.known && web.May(v.visitor.Who.Role, a) }

// Known reports whether somebody has logged in, User who.
func (v *view) Known() bool  { return v.known }
func (v *view) User() string { return v.visitor.Who.Name }

// Anonymous reports whether the token says nothing of who it is.
func (v *view) Anonymous() bool { return v.visitor.Who.BuiltIn() }

// CSRF is the secret of the session that every form carries.
func (v *view) CSRF() string { return v.visitor.csrf }

// Language, Theme and Zone are what was chosen.
func (v *view) Language() string { return v.voice.Either("en", "ja") }
func (v *view) Theme() string    { return cmp.Or(v.prefs.Theme, "auto") }
func (v *view) Zone() string     { return cmp.Or(v.prefs.Zone, "host") }

// ZoneName is the zone of the times.
func (v *view) ZoneName() string {
	return v.page.Now().In(v.voice.Location()).Format("MST (UTC-07:00)")
}

// Choose is the address of this page with a preference.
func (v *view) Choose(kind, value string) string { return v.With(kind, value) }

// With is the address of this page with one parameter changed; an empty value
// leaves it out.
func (v *view) With(pairs ...string) string {
	q := v.r.URL.Query()
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			q.Del(pairs[i])
		} else {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	path := v.r.URL.EscapedPath()
	if v.r.Method != http.MethodGet {
		path, q = "/", url.Values{pairs[0]: {pairs[1]}}
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// Query is a parameter of the address.
func (v *view) Query(name string) string { return v.r.URL.Query().Get(name) }

// HostLink, ItemLink and AlertLink are the addresses of pages.
func (v *view) HostLink(name string) string { return "/hosts/" + url.PathEscape(name) }
func (v *view) ItemLink(k event.Key) string {
	return "/items?" + url.Values{"key": {k.String()}}.Encode()
}
func (v *view) AlertLink(id string) string  { return "/alerts/" + url.PathEscape(id) }
func (v *view) SinkLink(name string) string { return "/sinks/" + url.PathEscape(name) }
func (v *view) LetterLink(id string) string { return "/letters/" + url.PathEscape(id) }
func (v *view) SilenceOf(id string) string  { return "/silences/" + url.PathEscape(id) }
func (v *view) KeyLink(key string) string   { return "/items?" + url.Values{"key": {key}}.Encode() }
func (v *view) SilenceLink(k event.Key) string {
	return "/silences?" + url.Values{"match": {fmt.Sprintf("host=%q\nkind=%q\nname=%q", k.Host, string(k.Kind), k.Name)}}.Encode() + "#new"
}

// Whole is the title of the window: what stands out first.
func (v *view) Whole() string {
	return plain(strings.TrimPrefix(v.Title+" - dswatch", " - "))
}

// Version is that of what is shown, for the stream to compare with.
func (v *view) Version() string { return v.page.Source.Version() }

// Pulse is what the head says of dswatch itself.
func (v *view) Pulse() pulseView {
	p := v.page.Source.Pulse()
	out := pulseView{Current: p.Current, Age: p.Age.Milliseconds()}
	switch {
	case p.Current:
		out.Text = strings.ReplaceAll(v.T("pulse.current"), "{}", v.short(p.Age))
	case p.Since.IsZero():
		out.Text = v.voice.Say(words.NeverCurrent.With(words.Cause(p.Why, "")))
	default:
		out.Text = v.voice.Say(words.NotCurrent.With(p.Since, words.Cause(p.Why, "")))
	}
	return out
}

type pulseView struct {
	Current bool
	Age     int64 // in milliseconds
	Text    string
}

// About is which dswatch this is, Config which configuration is in force.
func (v *view) About() About {
	a := v.page.Source.About()
	a.Host = plain(a.Host)
	return a
}
func (v *view) Config() web.ConfigState { return v.page.Source.ConfigStatus() }

// Tag is a part of the addresses of scripts and styles, so that no browser keeps
// those of another version.
func (v *view) Tag() string { return strings.Trim(assetsTag, `"`) }

// assetsTag changes with the files.
var assetsTag = tagOf(assets)

func tagOf(files fs.FS) string {
	h := sha256.New()
	_ = fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(files, name)
		h.Write([]byte(name))
		h.Write(data)
		return err
	})
	return `"` + hex.EncodeToString(h.Sum(nil)[:8]) + `"`
}

// Badge is a state as a word with a sign, so that it does not depend on colours.
func (v *view) Badge(s event.State) template.HTML {
	signs := map[event.State]string{event.Up: "✓", event.Degraded: "◐", event.Down: "✕", event.Unknown: "?", "": "–"}
	class := cmp.Or(string(s), "none")
	if _, known := signs[s]; !known {
		class = "none"
	}
	return template.HTML(`<span class="badge s-` + class + `"><span aria-hidden="true">` + cmp.Or(signs[s], "–") + `</span> ` + template.HTMLEscapeString(v.State(s)) + `</span>`)
}

// pair is what a part of a page is given.
type pair struct {
	View *view
	Of   any
}

// Pair gives a part of a page the page.
func (v *view) Pair(of any) pair { return pair{v, of} }

// Join is a list of names.
func (v *view) Join(all []string) string { return plain(strings.Join(all, v.voice.Pick(words.Comma))) }

// States are those that a host may be in, and Choices those of a preference.
func (v *view) States() []event.State {
	return []event.State{event.Down, event.Unknown, event.Degraded, event.Up}
}
func (v *view) Choices(kind string) []string { return choices[kind] }

// From is when a silence is in force, or will be; Until when that ends.
func (v *view) From(s web.Silence) time.Time { return next(s) }
func (v *view) Until(s any) template.HTML {
	one, ok := s.(web.Silence)
	if p, is := s.(*web.Silence); is {
		one, ok = *p, true
	}
	switch {
	case !ok || one.Starts.IsZero():
		return "-"
	case !one.Closes.IsZero():
		return v.Time(one.Closes)
	case !one.Ends.IsZero():
		return v.Time(one.Ends)
	case one.Forever:
		return template.HTML(template.HTMLEscapeString(v.T("silences.forever")))
	}
	return template.HTML(template.HTMLEscapeString(v.T("silences.cleared")))
}

// Again is when a silence comes again; empty: it does not.
func (v *view) Again(s web.Silence) string {
	if s.Every == "" {
		return ""
	}
	return v.T("silences.every", plain(s.Every), v.short(time.Duration(s.Lasts)*time.Second), plain(s.TimeZone))
}
