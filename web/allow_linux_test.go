package web

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestMayDo: members of the group read and acknowledge, whoever rules the host
// does everything, others nothing.
func TestMayDo(t *testing.T) {
	for _, c := range []struct {
		who     visitor
		pattern string
		want    bool
	}{
		{ruler, "POST /api/v1/reload", true}, {ruler, "GET /api/v1/status", true},
		{reader, "GET /api/v1/status", true}, {reader, "GET /api/v1/why", true},
		{reader, "POST /api/v1/alerts/{id}/ack", true}, {reader, "POST /api/v1/alerts/{id}/ack/withdraw", true},
		{reader, "POST /api/v1/reload", false}, {reader, "POST /api/v1/silences", false}, {reader, "POST /api/v1/deadletters/drop", false},
		{stranger, "GET /api/v1/status", false}, {stranger, "POST /api/v1/alerts/{id}/ack", false},
	} {
		mux, allowed := http.NewServeMux(), false
		mux.HandleFunc(c.pattern, func(_ http.ResponseWriter, r *http.Request) { allowed = mayDo(r) == nil })
		method, path, _ := strings.Cut(c.pattern, " ")
		r := httptest.NewRequestWithContext(context.WithValue(t.Context(), visitorKey{}, c.who), method, path, nil)
		mux.ServeHTTP(httptest.NewRecorder(), r)
		if allowed != c.want {
			t.Errorf("visitor %d, %s: %v", c.who, c.pattern, allowed)
		}
	}
}
