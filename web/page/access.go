package page

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"dswatch/setting"
	"dswatch/web"
	"dswatch/words"
)

// visitor is who looks.
type visitor struct {
	Who   web.Person `json:"w"`
	Ends  time.Time  `json:"e"`
	Nonce string     `json:"x"`
	csrf  string
}

// session is how long a session lasts without a look. An open page looks all the
// time, so a screen on a wall stays.
const session = 12 * time.Hour

// sessions signs and reads the cookies of visitors.
type sessions struct {
	key    []byte
	cookie string
	now    func() time.Time
}

func newSessions(token setting.Secret, now func() time.Time) *sessions {
	key, err := hkdf.Key(sha256.New, []byte(token.Reveal()), nil, "dswatch session", sha256.Size)
	if err != nil || token == "" { // nobody can log in, and nobody can guess the key
		key = []byte(rand.Text())
	}
	name := sha256.Sum256(append([]byte("cookie"), key...))
	// Ports share cookies, so two dswatch of one host have names of their own.
	return &sessions{key: key, cookie: "dswatch-" + hex.EncodeToString(name[:4]), now: now}
}

func (s *sessions) sign(what, data string) string {
	m := hmac.New(sha256.New, s.key)
	m.Write([]byte(what + "\x00" + data))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

// open begins a session, or lets it last.
func (s *sessions) open(w http.ResponseWriter, r *http.Request, v visitor) error {
	v.Ends = s.now().Add(session)
	if v.Nonce == "" {
		v.Nonce = rand.Text()
	}
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	text := base64.RawURLEncoding.EncodeToString(data)
	http.SetCookie(w, &http.Cookie{
		Name: s.cookie, Value: text + "." + s.sign("session", text), Path: "/", MaxAge: int(session / time.Second),
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil,
	})
	return nil
}

// end lets the browser forget the session.
func (s *sessions) end(w http.ResponseWriter) {
	http.SetCookie(w, &http.Cookie{Name: s.cookie, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteStrictMode})
}

// read says who sent the request.
func (s *sessions) read(r *http.Request) (v visitor, ok bool) {
	c, err := r.Cookie(s.cookie)
	if err != nil {
		return v, false
	}
	text, mac, _ := strings.Cut(c.Value, ".")
	if subtle.ConstantTimeCompare([]byte(mac), []byte(s.sign("session", text))) != 1 {
		return v, false
	}
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || json.Unmarshal(data, &v) != nil || !s.now().Before(v.Ends) {
		return visitor{}, false
	}
	v.csrf = s.sign("csrf", v.Nonce)
	return v, true
}

// genuine reports whether a form was made for the visitor.
func (v visitor) genuine(r *http.Request) bool {
	return v.csrf != "" && subtle.ConstantTimeCompare([]byte(r.PostFormValue("csrf")), []byte(v.csrf)) == 1
}

const (
	tries      = 5                // logins that may fail in a row
	retryEvery = 10 * time.Second // and then one more each
	mostPeers  = 1024             // addresses that are told apart
)

// logins slows down who guesses.
type logins struct {
	now func() time.Time
	mu  sync.Mutex
	all map[string]*rate.Limiter
}

func newLogins(now func() time.Time) *logins {
	return &logins{now: now, all: map[string]*rate.Limiter{}}
}

// allowed takes one try of an address. Who holds a session needs none.
func (l *logins) allowed(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	one := l.all[host]
	if one == nil {
		if len(l.all) >= mostPeers { // forgetting helps who guesses from a thousand addresses less than keeping them would cost
			clear(l.all)
		}
		one = rate.NewLimiter(rate.Every(retryEvery), tries)
		l.all[host] = one
	}
	return one.AllowN(l.now(), 1)
}

// forgive gives the tries back to who has logged in.
func (l *logins) forgive(address string) {
	host, _, _ := net.SplitHostPort(address)
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.all, host)
}

// read says who sent the request, if he may still come in.
func (p *Page) read(r *http.Request) (visitor, bool) {
	v, ok := p.sessions.read(r)
	if !ok || !p.People.Still(v.Who, p.Now()) {
		return visitor{}, false
	}
	return v, true
}

func (p *Page) loginForm(w http.ResponseWriter, r *http.Request) {
	v := p.viewOf(w, r)
	if v.known {
		http.Redirect(w, r, back(r.FormValue("to")), http.StatusSeeOther)
		return
	}
	v.Data = loginView{To: back(r.FormValue("to"))}
	p.render(v, http.StatusOK, "login")
}

type loginView struct{ To, Problem string }

func (p *Page) login(w http.ResponseWriter, r *http.Request) {
	v := p.viewOf(w, r)
	to := back(r.PostFormValue("to"))
	refuse := func(code int, why words.Say0) {
		v.Data = loginView{To: to, Problem: v.voice.Say(why.With())}
		p.render(v, code, "login")
	}
	if !p.logins.allowed(r.RemoteAddr) {
		w.Header().Set("Retry-After", "10")
		refuse(http.StatusTooManyRequests, words.PageTooMany)
		return
	}
	who, ok := p.People.Find(strings.TrimSpace(r.PostFormValue("token")), p.Now())
	if !ok {
		p.Log.Warn("a login to the page was refused", "from", r.RemoteAddr)
		refuse(http.StatusForbidden, words.PageWrongToken)
		return
	}
	p.logins.forgive(r.RemoteAddr)
	if err := p.sessions.open(w, r, visitor{Who: who}); err != nil {
		p.fail(v, http.StatusInternalServerError, words.Of(err))
		return
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

func (p *Page) logout(w http.ResponseWriter, r *http.Request) {
	if v := p.viewOf(w, r); v.known && !v.visitor.genuine(r) {
		p.fail(v, http.StatusForbidden, words.PageForeign.With())
		return
	}
	p.sessions.end(w)
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

// back is the way back to a page of ours; what leads elsewhere leads home.
func back(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\r\n\t") || u.Path == "/login" {
		return "/"
	}
	return to
}
