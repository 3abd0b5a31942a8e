package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"dswatch/event"
	"dswatch/setting"
	"dswatch/words"
)

// Config is the section `web:`.
type Config struct {
	Listen string       `yaml:"listen" doc:"address of the local API and metrics; loopback by default, empty: none"`
	URL    string       `yaml:"url" doc:"address by which people reach the status page, for links in messages, such as https://dswatch.example.com; default: no links"`
	Tokens []NamedToken `yaml:"tokens" doc:"who else may look, and do what, in a browser and through the API, beside who can read the token in bus.dir; default nobody"`
	Socket string       `yaml:"socket" doc:"Unix socket of the local API for the commands (Linux): path, or off; default api.sock in systemd's runtime directory, else in bus.dir"`
	Hosts  []string     `yaml:"hosts" doc:"names under which page and API may be called besides the address in listen, such as that of a proxy"`
}

// Defaults returns the settings of an empty `web:`.
func Defaults() Config { return Config{Listen: "127.0.0.1:9418"} }

// Validate refuses what cannot be listened on.
func (c Config) Validate() error {
	if u, err := url.Parse(c.URL); c.URL != "" && (err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "") {
		return words.Bad("url", words.NotAPageURL.With(words.Inner(setting.Clip(c.URL))))
	}
	if err := validTokens(c.Tokens); err != nil {
		return err
	}
	if c.Socket != "" && c.Socket != Off && !filepath.IsAbs(c.Socket) {
		return words.Bad("socket", words.PathNotAbsoluteNamed.With(words.Inner(c.Socket), socketName))
	}
	for i, h := range c.Hosts {
		if h == "" || strings.ContainsAny(h, ":/ *") {
			return words.Bad(fmt.Sprintf("hosts[%d]", i), words.NotAHostName.With(words.Inner(h)))
		}
	}
	if c.Listen == "" {
		return nil
	}
	_, port, err := net.SplitHostPort(c.Listen)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil || port == "" {
		return words.Bad("listen", words.NotAnAddress.With(words.Inner(c.Listen)))
	}
	return nil
}

// Public reports whether other hosts can reach the address. A name counts as
// what it says: only localhost is this host for sure.
func (c Config) Public() bool {
	host, _, err := net.SplitHostPort(c.Listen)
	if ip := net.ParseIP(host); ip != nil {
		return !ip.IsLoopback()
	}
	return err == nil && host != "localhost"
}

// Item is one row as `status` shows it.
type Item struct {
	Key      event.Key   `json:"key"`
	State    event.State `json:"state"`
	Found    int         `json:"found"`
	Want     int         `json:"want"`
	Expected string      `json:"expected"`
	Reason   string      `json:"reason"`
	// ReasonStatements is Reason as data.
	ReasonStatements event.Said `json:"reason_statements,omitzero"`
	Detail           string     `json:"detail,omitempty"`
	// DetailStatements is Detail as data.
	DetailStatements event.Said `json:"detail_statements,omitzero"`
	Alerting         bool       `json:"alerting"`
	Silence          string     `json:"silence,omitempty"` // the id of what keeps it from being told or repeated
	Since            time.Time  `json:"since,omitzero"`
}

// SinkStatus is one sink as `status` shows it.
type SinkStatus struct {
	Name    string `json:"name"`
	Type    string `json:"type"`
	Waiting uint64 `json:"waiting"` // deliveries in its outbox

	Circuit       string    `json:"circuit"`                 // closed, half-open or open: whether attempts are made
	ProbeAt       time.Time `json:"probe_at,omitzero"`       // of an open circuit
	Delivered     uint64    `json:"delivered"`               // since the start
	Dead          uint64    `json:"dead"`                    // moved to the dead letters since the start
	DeadLetters   uint64    `json:"dead_letters"`            // that lie there now
	FailingSince  time.Time `json:"failing_since,omitzero"`  // zero: the last attempt succeeded
	LastDelivered time.Time `json:"last_delivered,omitzero"` // since the start
	LastError     string    `json:"last_error,omitempty"`    // of the last failure, which may be over
	// LastErrorStatements is LastError as data, as far as it is not somebody else's text.
	LastErrorStatements event.Said `json:"last_error_statements,omitzero"`

	Drill *Drill `json:"drill,omitempty"` // absent before the first one
	// Listening is how what people ask for at the far end arrives; absent where
	// nobody can ask.
	Listening *Listening `json:"listening,omitempty"`
}

// Listening says how what people ask for at a far end arrives.
type Listening struct {
	Open  bool      `json:"open"`
	Since time.Time `json:"since"`
	Error string    `json:"error,omitempty"` // why nothing arrives, or not all
	// ErrorStatements is Error as data.
	ErrorStatements event.Said `json:"error_statements,omitzero"`
}

// Drill is what the last drill found of one sink.
type Drill struct {
	At        time.Time `json:"at"`
	Confirmed bool      `json:"confirmed"`
	Error     string    `json:"error,omitempty"`
}

// Status is what a running dswatch says about itself.
type Status struct {
	Version string       `json:"version"`
	Host    string       `json:"host"`
	Started time.Time    `json:"started"`
	Items   []Item       `json:"items"`
	Sinks   []SinkStatus `json:"sinks"`
	Forever []string     `json:"silenced_forever,omitempty"` // ids of the silences without an end
	Health  Health       `json:"health"`
	Config  ConfigState  `json:"config"`
	Store   *Store       `json:"store,omitempty"`
	API     []Door       `json:"api,omitempty"` // where this process listens
	// Watching says of each job that the system can tell of an end how it learns
	// of it, beside its schedule.
	Watching []Watching `json:"watching"`
	// Unasked says what nobody knows because this process may not ask the agent and
	// no helper does; nil: it is asked, or there is none.
	Unasked *Unasked `json:"agent_not_asked,omitempty"`
	// Refused is what was refused of the bus for want of room; nil: nothing.
	Refused *Refused `json:"refused,omitempty"`
}

// Refused is what was refused of the bus since the start because there are more
// hosts or items than are taken.
type Refused struct {
	Messages uint64    `json:"messages"`
	Last     time.Time `json:"last"`
	Error    string    `json:"error"` // of the last
}

// Unasked is an agent that is not asked.
type Unasked struct {
	Error string `json:"error"`
	// ErrorStatements is Error as data.
	ErrorStatements event.Said `json:"error_statements,omitzero"`
	// Blind are the items of which therefore nobody knows whether they are expected.
	Blind []event.Key `json:"blind"`
}

// Watching is how one job learns that something has ended.
type Watching struct {
	Job   string `json:"job"`
	Told  string `json:"told"`            // notified: by the system; polled: it does not tell
	Error string `json:"error,omitempty"` // of polled: why
}

// Store is what is to be said of the message store; nil: nothing.
type Store struct {
	Anew time.Time `json:"began_anew,omitzero"` // when it was found empty, and what was open is not known
	Back time.Time `json:"went_back,omitzero"`  // when it was found to be an older copy
	Last time.Time `json:"last,omitzero"`       // when that copy was written last
	// NotKept is why what is open is not kept a second time; empty: it is.
	NotKept string `json:"not_kept,omitempty"`
	// NoHistory is why history cannot be stored now; empty: it can.
	NoHistory string `json:"history_not_kept,omitempty"`
}

// TestResult is what `sinks test` learned of one sink.
type TestResult struct {
	Sink      string `json:"sink"`
	Confirmed bool   `json:"confirmed"` // the firing and the resolve were both accepted
	Error     string `json:"error,omitempty"`
	Took      string `json:"took"`
	Warning   string `json:"warning,omitempty"` // why the rules, which a test goes past, send nothing now
	// ErrorStatements is Error as data.
	ErrorStatements event.Said `json:"error_statements,omitzero"`
	// WarningStatements is Warning as data.
	WarningStatements event.Said `json:"warning_statements,omitzero"`
}

// TestWait is how long a sink has to confirm a test. It outlasts one attempt
// with the default timeout and one retry.
const TestWait = 20 * time.Second

// Program is what the API shows and does.
type Program interface {
	Status(ctx context.Context) (Status, error)
	TestSinks(ctx context.Context, names []string) ([]TestResult, error)
}

// Known is what a running process knows beyond what a single look can see.
type Known struct {
	Hosts []HostFacts `json:"hosts"` // this host first, then those that are looked at from here
	// Said is what this host's agent said of itself when it was last asked.
	Said []event.Observation `json:"said"`
}

// HostFacts are the facts that count for a host.
type HostFacts struct {
	Host  string      `json:"host"`
	Facts event.Facts `json:"facts"`
}

// Memory is what is remembered of hosts.
type Memory interface {
	Known(ctx context.Context) (Known, error)
	// Forget ends the memory that the component was installed on the host.
	Forget(ctx context.Context, host, component string) error
}

// Page serves what is neither the API nor health nor metrics. It asks for a login
// itself. Close ends what would go on for ever.
type Page interface {
	http.Handler
	Close()
}

// Parts is what a Server is made of.
type Parts struct {
	Config   Config
	Dir      string // bus.dir; empty: the commands are not told of this process
	Token    setting.Secret
	Program  Program
	Healthy  Healthy
	Silencer Silencer
	Alerts   Alerts
	Outbox   Outbox
	Memory   Memory // nil: nothing is remembered
	Reloader Reloader
	Page     Page // nil: there is none
	Past     Past
	Metrics  prometheus.Gatherer
	Log      *slog.Logger
}

// Server answers requests from Start to Stop.
type Server struct {
	Parts
	http    *http.Server
	doors   []*door
	stopped chan struct{}
	stop    sync.Once
}

// Start listens and serves. An address that is taken is tried again until Stop,
// see Doors: whoever has it must not keep dswatch from watching.
func Start(p Parts) *Server {
	s := &Server{Parts: p, stopped: make(chan struct{})}
	s.http = &http.Server{
		Handler: s.handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10, ConnContext: greet,
		ErrorLog: slog.NewLogLogger(p.Log.Handler(), slog.LevelDebug),
	}
	if p.Page != nil {
		s.http.RegisterOnShutdown(p.Page.Close)
	}
	s.openDoors()
	return s
}

// Stop waits for requests under way until ctx ends.
func (s *Server) Stop(ctx context.Context) error {
	s.stop.Do(func() { close(s.stopped) })
	return s.http.Shutdown(ctx)
}

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	s.handleHealth(mux)
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.Metrics, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /api/v1/status", s.guarded(func(r *http.Request) (any, error) {
		st, err := s.Program.Status(r.Context())
		st.API = s.Doors()
		return st, err
	}))
	mux.HandleFunc("POST /api/v1/sinks/test", s.guarded(func(r *http.Request) (any, error) {
		var in struct {
			Names []string `json:"names"`
		}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			return nil, words.FailWith(err, words.ReadRequest.With(err))
		}
		return s.Program.TestSinks(r.Context(), in.Names)
	}))
	mux.HandleFunc("POST /api/v1/reload", s.guarded(func(r *http.Request) (any, error) { return s.Reloader.Reload(r.Context()) }))
	s.handleSilences(mux)
	s.handleOutbox(mux)
	s.handleHistory(mux)
	if s.Memory != nil {
		mux.HandleFunc("GET /api/v1/known", s.guarded(func(r *http.Request) (any, error) { return s.Memory.Known(r.Context()) }))
		mux.HandleFunc("POST /api/v1/hosts/{host}/forget/{component}", s.guarded(func(r *http.Request) (any, error) {
			return done{true}, s.Memory.Forget(r.Context(), r.PathValue("host"), r.PathValue("component"))
		}))
	}
	if s.Page != nil {
		mux.HandleFunc("/api/", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "404 page not found", http.StatusNotFound) })
		mux.Handle("/", s.Page)
	}
	return s.sameHost(mux)
}

// maxRequest is the largest request body in bytes.
const maxRequest = 64 << 10

// guarded asks for a token of who may do this or, at the socket, who it is, and
// writes the answer as JSON.
func (s *Server) guarded(do func(*http.Request) (any, error)) http.HandlerFunc {
	people := NewPeople(s.Token, s.Config)
	return func(w http.ResponseWriter, r *http.Request) {
		if code, err := refuses(r, people); err != nil {
			if code == http.StatusUnauthorized {
				w.Header().Set("WWW-Authenticate", "Bearer")
			}
			answer(w, code, ProblemOf(err))
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxRequest)
		v, err := do(r)
		if err != nil {
			answer(w, http.StatusBadRequest, ProblemOf(err))
			return
		}
		answer(w, http.StatusOK, v)
	}
}

// refuses says why who asks may not do this, and with which status; nil: he may.
func refuses(r *http.Request, people People) (code int, err error) {
	if r.Context().Value(visitorKey{}) != nil { // at the socket
		return http.StatusForbidden, mayDo(r)
	}
	got, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	who, ok := people.Find(got, time.Now())
	switch {
	case !ok:
		return http.StatusUnauthorized, words.Fail(words.TokenWrong.With())
	case !May(who.Role, actionOf(r)):
		return http.StatusForbidden, words.Fail(words.RoleMayNot.With(who.Name, string(who.Role)))
	}
	return 0, nil
}

// Problem is the answer to a request that was not done.
type Problem struct {
	Error string `json:"error"` // in English
	// Statements is Error as data.
	Statements event.Said `json:"error_statements,omitzero"`
}

// ProblemOf is what err says.
func ProblemOf(err error) Problem {
	p := Problem{Error: err.Error()}
	if s := words.Of(err); !s.Has(words.Quoted.Code()) {
		p.Statements = words.Spell(s)
	}
	return p
}

// Err is the error that p tells of.
func (p Problem) Err() error {
	if p.Statements.Empty() { // of another version, or cited
		return errors.New(p.Error)
	}
	return words.Fail(p.Statements)
}

func answer(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v) // the client has gone: nothing to do about it
}

// sameHost refuses requests whose Host is neither an IP address nor a name
// of this machine's own, nor that by which people reach the page: a browser that was lured by DNS rebinding sends the
// attacker's name.
func (s *Server) sameHost(next http.Handler) http.Handler {
	configured, _, _ := net.SplitHostPort(s.Config.Listen)
	var people string
	if u, err := url.Parse(s.Config.URL); err == nil {
		people = u.Hostname()
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		host = strings.Trim(host, "[]")
		if net.ParseIP(host) == nil && host != "localhost" && host != configured && (people == "" || !strings.EqualFold(host, people)) && !slices.ContainsFunc(s.Config.Hosts, func(h string) bool { return strings.EqualFold(h, host) }) {
			answer(w, http.StatusForbidden, ProblemOf(words.Fail(words.UnknownHost.With())))
			return
		}
		if dir := r.Header.Get(DirHeader); dir != "" && s.Dir != "" && dir != absolute(s.Dir) {
			answer(w, http.StatusMisdirectedRequest, ProblemOf(words.Fail(words.OtherInstance.With(s.Dir))))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// absolute is the path as another process would name it.
func absolute(dir string) string {
	if abs, err := filepath.Abs(dir); err == nil {
		return abs
	}
	return dir
}
