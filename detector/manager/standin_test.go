package manager

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"dswatch/event"
)

const key = "0A1B2C3D:secret/key=="

// standIn answers as the manager does, and is as strict: a request that the
// real one would refuse gets its status and message.
type standIn struct {
	*httptest.Server
	cloud bool

	mu        sync.Mutex
	computers []map[string]any
	searches  []int64 // the ID after which each page was asked for
	pings     int
	limit     int // searches until 429; 0: no limit
	retry     string
	page      func(w http.ResponseWriter, r *http.Request) bool // instead of a page, if it returns true
	pinged    func(w http.ResponseWriter, r *http.Request) bool
}

func start(t *testing.T, computers ...map[string]any) *standIn {
	t.Helper()
	s := &standIn{computers: computers}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(s.serve))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes are wanted here
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func (s *standIn) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch r.URL.Path {
	case "/rest/status/manager/ping":
		s.pings++
		if r.Header.Get("api-secret-key") != "" || r.Header.Get("Authorization") != "" {
			http.Error(w, "a key for a page that needs none", http.StatusBadRequest)
			return
		}
		if s.pinged != nil && s.pinged(w, r) {
			return
		}
		fmt.Fprint(w, "1732248000000")
	case "/api/computers/search":
		s.search(w, r)
	default:
		refuse(w, http.StatusNotFound, "Not found")
	}
}

func refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": message})
}

func (s *standIn) search(w http.ResponseWriter, r *http.Request) {
	authorized := r.Header.Get("api-secret-key") == key && r.Header.Get("Authorization") == ""
	if s.cloud {
		authorized = r.Header.Get("Authorization") == "ApiKey "+key && r.Header.Get("api-secret-key") == ""
	}
	expand := slices.Sorted(slices.Values(r.URL.Query()["expand"]))
	switch {
	case r.Method != http.MethodPost:
		refuse(w, http.StatusMethodNotAllowed, "Method not allowed")
		return
	case !authorized:
		refuse(w, http.StatusForbidden, "Invalid API Key "+r.Header.Get("api-secret-key"))
		return
	case r.Header.Get("api-version") != "v1":
		refuse(w, http.StatusBadRequest, "api-version is missing")
		return
	case r.Header.Get("Content-Type") != "application/json":
		refuse(w, http.StatusUnsupportedMediaType, "Unsupported media type")
		return
	case !slices.Equal(expand, []string{"antiMalware", "computerStatus", "firewall", "intrusionPrevention", "webReputation"}):
		refuse(w, http.StatusBadRequest, "expand")
		return
	}
	var body struct {
		MaxItems       *int `json:"maxItems"`
		SearchCriteria []struct {
			IDValue *int64 `json:"idValue"`
			IDTest  string `json:"idTest"`
		} `json:"searchCriteria"`
		SortByObjectID bool `json:"sortByObjectID"`
	}
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&body); err != nil || body.MaxItems == nil || *body.MaxItems < 1 || *body.MaxItems > 5000 || !body.SortByObjectID ||
		len(body.SearchCriteria) != 1 || body.SearchCriteria[0].IDTest != "greater-than" || body.SearchCriteria[0].IDValue == nil {
		refuse(w, http.StatusBadRequest, fmt.Sprintf("Invalid search: %v", err))
		return
	}
	after := *body.SearchCriteria[0].IDValue
	s.searches = append(s.searches, after)
	if s.limit > 0 && len(s.searches) > s.limit {
		if s.retry != "" {
			w.Header().Set("Retry-After", s.retry)
		}
		refuse(w, http.StatusTooManyRequests, "Too many API requests.")
		return
	}
	if s.page != nil && s.page(w, r) {
		return
	}
	page := []map[string]any{}
	for _, c := range s.computers {
		if id, ok := c["ID"].(int); ok && int64(id) > after && len(page) < *body.MaxItems {
			page = append(page, c)
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"computers": page})
}

// set changes the stand-in between two requests.
func (s *standIn) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func (s *standIn) asked() []int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.searches)
}

func (s *standIn) fingerprint() string {
	sum := sha256.Sum256(s.Certificate().Raw)
	return hex.EncodeToString(sum[:])
}

func (s *standIn) caFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func (s *standIn) config() Config {
	c := Defaults()
	c.URL, c.APIKey, c.Fingerprint, c.Proxy = s.URL, key, s.fingerprint(), noProxy
	return c
}

// computerOf is a healthy computer as the API shows one, with what the test
// wants otherwise.
func computerOf(id int, name string, other ...func(map[string]any)) map[string]any {
	part := func(state string) map[string]any {
		return map[string]any{"state": state, "moduleStatus": map[string]any{"agentStatus": "active", "agentStatusMessage": "On"}, "policyID": 3}
	}
	c := map[string]any{
		"ID": id, "hostName": name, "displayName": "", "agentVersion": "20.0.0.8438", "agentFingerPrint": "AA:BB",
		"lastAgentCommunication": time.Now().Add(-4 * time.Minute).UnixMilli(), "platform": "Red Hat Enterprise 8 (64 bit)",
		"computerStatus": map[string]any{"agentStatus": "active", "agentStatusMessages": []string{"Managed (Online)"}},
		"antiMalware":    part("on"), "webReputation": part("on"), "firewall": part("inherited"), "intrusionPrevention": part("prevent"),
	}
	for _, o := range other {
		o(c)
	}
	return c
}

func with(field string, v any) func(map[string]any) {
	return func(c map[string]any) { c[field] = v }
}

func without(fields ...string) func(map[string]any) {
	return func(c map[string]any) {
		for _, f := range fields {
			delete(c, f)
		}
	}
}

func status(s string, messages ...string) func(map[string]any) {
	return with("computerStatus", map[string]any{"agentStatus": s, "agentStatusMessages": messages})
}

func moduleIs(field, state, s, message string) func(map[string]any) {
	return with(field, map[string]any{"state": state, "moduleStatus": map[string]any{"agentStatus": s, "agentStatusMessage": message}})
}

// desk is a Detector and what it told.
type desk struct {
	*Detector
	t     *testing.T
	facts map[string]event.FactsReport
	tells int
}

func open(t *testing.T, c Config) *desk {
	t.Helper()
	d := &desk{t: t, facts: map[string]event.FactsReport{}}
	det, err := New(c, Options{Observer: "hub", Tell: func(_ context.Context, r event.FactsReport) error {
		d.facts[r.Host] = r
		d.tells++
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = det.Close() })
	d.Detector = det
	return d
}

// look returns the observations by their keys as people read them.
func (d *desk) look() map[string]event.Observation {
	d.t.Helper()
	got, err := d.Detect(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	out := map[string]event.Observation{}
	for _, o := range got {
		k := o.Key.String()
		if _, twice := out[k]; twice {
			d.t.Errorf("%s was answered twice", k)
		}
		out[k] = o
		if err := valid(o); err != nil {
			d.t.Error(err)
		}
	}
	return out
}

// valid is what the scheduler asks of an observation, once the shared words
// have this package's kinds.
func valid(o event.Observation) error {
	if o.Key.Kind != Heartbeat && o.Key.Kind != Module {
		return fmt.Errorf("%s is of another kind", o.Key)
	}
	o.Key.Kind = event.Process
	if err := o.Validate(); err != nil {
		return err
	}
	return nil
}

var _ io.Closer = (*Detector)(nil)
