// Package managertest has a stand-in for the manager of Deep Security that
// answers over HTTPS as the real one does, and is as strict.
package managertest

import (
	"cmp"
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
)

// Key is the API key that the stand-in accepts.
const Key = "0A1B2C3D:secret/key=="

// StandIn answers as the manager does, and is as strict: a request that the
// real one would refuse gets its status and message.
type StandIn struct {
	*httptest.Server
	Cloud   bool   // takes the key as Workload Security does
	Accepts string // another key than Key

	// Change these with Set once it is asked.
	Computers []map[string]any
	Made      func(after int64, most int) []map[string]any      // a page, instead of what Computers has
	Limit     int                                               // searches until 429; 0: no limit
	Retry     string                                            // Retry-After of those
	Page      func(w http.ResponseWriter, r *http.Request) bool // instead of a page, if it returns true
	After     func(w http.ResponseWriter, after int64) bool     // as Page, told after which ID the page was asked for
	Pinged    func(w http.ResponseWriter, r *http.Request) bool // instead of the status page

	mu       sync.Mutex
	searches []int64 // the ID after which each page was asked for
	pings    int
}

// Start returns a stand-in on a free port of the loopback with these computers.
// It ends with the test.
func Start(t testing.TB, computers ...map[string]any) *StandIn {
	t.Helper()
	s := &StandIn{Computers: computers}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(s.serve))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes are wanted here
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func (s *StandIn) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch r.URL.Path {
	case "/rest/status/manager/ping":
		s.pings++
		if r.Header.Get("api-secret-key") != "" || r.Header.Get("Authorization") != "" {
			http.Error(w, "a key for a page that needs none", http.StatusBadRequest)
			return
		}
		if s.Pinged != nil && s.Pinged(w, r) {
			return
		}
		fmt.Fprint(w, "1732248000000")
	case "/api/computers/search":
		s.search(w, r)
	default:
		Refuse(w, http.StatusNotFound, "Not found")
	}
}

// Refuse answers as the manager refuses.
func Refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": message})
}

func (s *StandIn) search(w http.ResponseWriter, r *http.Request) {
	key := cmp.Or(s.Accepts, Key)
	authorized := r.Header.Get("api-secret-key") == key && r.Header.Get("Authorization") == ""
	if s.Cloud {
		authorized = r.Header.Get("Authorization") == "ApiKey "+key && r.Header.Get("api-secret-key") == ""
	}
	expand := slices.Sorted(slices.Values(r.URL.Query()["expand"]))
	switch {
	case r.Method != http.MethodPost:
		Refuse(w, http.StatusMethodNotAllowed, "Method not allowed")
		return
	case !authorized:
		Refuse(w, http.StatusForbidden, "Invalid API Key "+r.Header.Get("api-secret-key"))
		return
	case r.Header.Get("api-version") != "v1":
		Refuse(w, http.StatusBadRequest, "api-version is missing")
		return
	case r.Header.Get("Content-Type") != "application/json":
		Refuse(w, http.StatusUnsupportedMediaType, "Unsupported media type")
		return
	case !slices.Equal(expand, []string{"antiMalware", "computerStatus", "firewall", "intrusionPrevention", "webReputation"}):
		Refuse(w, http.StatusBadRequest, "expand")
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
		Refuse(w, http.StatusBadRequest, fmt.Sprintf("Invalid search: %v", err))
		return
	}
	after := *body.SearchCriteria[0].IDValue
	s.searches = append(s.searches, after)
	if s.Limit > 0 && len(s.searches) > s.Limit {
		if s.Retry != "" {
			w.Header().Set("Retry-After", s.Retry)
		}
		Refuse(w, http.StatusTooManyRequests, "Too many API requests.")
		return
	}
	if s.Page != nil && s.Page(w, r) {
		return
	}
	if s.After != nil && s.After(w, after) {
		return
	}
	page := []map[string]any{}
	if s.Made != nil {
		page = s.Made(after, *body.MaxItems)
	}
	for _, c := range s.Computers {
		if id, ok := c["ID"].(int); ok && int64(id) > after && len(page) < *body.MaxItems {
			page = append(page, c)
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"computers": page})
}

// Set changes the stand-in between two requests.
func (s *StandIn) Set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// Asked returns the ID after which each page was asked for.
func (s *StandIn) Asked() []int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.searches)
}

// Pings returns how often the status page was asked for.
func (s *StandIn) Pings() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pings
}

// Fingerprint is that of the certificate, as `fingerprint` takes it.
func (s *StandIn) Fingerprint() string {
	sum := sha256.Sum256(s.Certificate().Raw)
	return hex.EncodeToString(sum[:])
}

// CAFile returns a file with the authority of the certificate.
func (s *StandIn) CAFile(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// Computer is a healthy computer as the API shows one, with what the test
// wants otherwise.
func Computer(id int, name string, other ...func(map[string]any)) map[string]any {
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

// With sets a field.
func With(field string, v any) func(map[string]any) {
	return func(c map[string]any) { c[field] = v }
}

// Without removes fields.
func Without(fields ...string) func(map[string]any) {
	return func(c map[string]any) {
		for _, f := range fields {
			delete(c, f)
		}
	}
}

// Status sets what the manager says of the agent.
func Status(s string, messages ...string) func(map[string]any) {
	return With("computerStatus", map[string]any{"agentStatus": s, "agentStatusMessages": messages})
}

// Module sets what the manager says of a module, such as antiMalware.
func Module(field, state, s, message string) func(map[string]any) {
	return With(field, map[string]any{"state": state, "moduleStatus": map[string]any{"agentStatus": s, "agentStatusMessage": message}})
}
