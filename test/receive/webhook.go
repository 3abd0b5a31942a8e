package receive

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"dswatch/event"
)

// Webhook is a far end for webhook sinks: it checks each request as a careful
// receiver would, answers, and records.
type Webhook struct {
	Secret string // whsec_...; empty: signatures are not asked for
	Bearer string // empty: not asked for
	// Choke reports whether an alert is answered that the far end is out of
	// order; nil: none is.
	Choke func(event.Alert) bool

	mu      sync.Mutex
	arrived int
	got     []WebhookDelivery
	refused []string
	status  int
	header  http.Header
	delay   time.Duration
}

// WebhookDelivery is one request that was accepted.
type WebhookDelivery struct {
	At         time.Time
	Header     http.Header
	Body       []byte
	Version    string
	DeliveryID string
	Alert      event.Alert
}

// StartWebhook serves w until the test ends.
func StartWebhook(t testing.TB, w *Webhook) *HTTP { t.Helper(); return StartHTTP(t, w) }

// Answer makes w answer status, with header, instead of accepting; 0 ends it.
func (w *Webhook) Answer(status int, header http.Header) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.status, w.header = status, header
}

// Delay makes w wait before it looks at a request.
func (w *Webhook) Delay(d time.Duration) { w.mu.Lock(); defer w.mu.Unlock(); w.delay = d }

// Arrived returns how many requests have come, answered or not.
func (w *Webhook) Arrived() int { w.mu.Lock(); defer w.mu.Unlock(); return w.arrived }

// Received returns what was accepted, oldest first.
func (w *Webhook) Received() []WebhookDelivery {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.got)
}

// Refused returns why requests were refused. A correct sink causes none.
func (w *Webhook) Refused() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.refused)
}

// Await waits until n deliveries were accepted.
func (w *Webhook) Await(t testing.TB, n int) []WebhookDelivery {
	t.Helper()
	await(t, fmt.Sprintf("%d webhook deliveries", n), func() bool { return len(w.Received()) >= n })
	return w.Received()
}

func (w *Webhook) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	w.arrived++
	status, header, delay := w.status, w.header, w.delay
	w.mu.Unlock()
	select {
	case <-r.Context().Done():
		return
	case <-time.After(delay):
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return
	}
	if status != 0 {
		for k, v := range header {
			rw.Header()[k] = v
		}
		rw.WriteHeader(status)
		fmt.Fprintf(rw, "told to answer %d", status)
		return
	}
	d, status, err := w.check(r, body)
	if err == nil && w.Choke != nil && w.Choke(d.Alert) {
		http.Error(rw, "told to choke on it", http.StatusServiceUnavailable)
		return
	}
	w.mu.Lock()
	if err != nil {
		w.refused = append(w.refused, err.Error())
	} else {
		w.got = append(w.got, d)
	}
	w.mu.Unlock()
	if err != nil {
		http.Error(rw, err.Error(), status)
		return
	}
	rw.WriteHeader(http.StatusOK)
}

// check returns what a receiver reads, or the status to refuse it with.
func (w *Webhook) check(r *http.Request, body []byte) (WebhookDelivery, int, error) {
	d := WebhookDelivery{At: time.Now(), Header: r.Header.Clone(), Body: body}
	if r.Method != http.MethodPost {
		return d, http.StatusMethodNotAllowed, fmt.Errorf("method %s, want POST", r.Method)
	}
	if w.Bearer != "" && r.Header.Get("Authorization") != "Bearer "+w.Bearer {
		return d, http.StatusUnauthorized, fmt.Errorf("authorization is missing or wrong")
	}
	if w.Secret != "" {
		if err := VerifySignature(w.Secret, r.Header, body); err != nil {
			return d, http.StatusUnauthorized, err
		}
	}
	if ct := r.Header.Get("Content-Type"); ct != "application/json" {
		return d, http.StatusUnsupportedMediaType, fmt.Errorf("content type %q, want application/json", ct)
	}
	var p struct {
		Version    string      `json:"version"`
		DeliveryID string      `json:"delivery_id"`
		Alert      event.Alert `json:"alert"`
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&p); err != nil {
		return d, http.StatusBadRequest, fmt.Errorf("decode body: %w", err)
	}
	d.Version, d.DeliveryID, d.Alert = p.Version, p.DeliveryID, p.Alert
	switch {
	case p.Version != "1":
		return d, http.StatusBadRequest, fmt.Errorf("version %q, want 1", p.Version)
	case p.DeliveryID == "" || p.DeliveryID != r.Header.Get("Idempotency-Key"):
		return d, http.StatusBadRequest, fmt.Errorf("delivery_id %q and Idempotency-Key %q differ", p.DeliveryID, r.Header.Get("Idempotency-Key"))
	case p.Alert.ID == "" || !p.Alert.Transition.Valid():
		return d, http.StatusBadRequest, fmt.Errorf("alert has no id or no known transition")
	}
	return d, 0, nil
}

// VerifySignature checks the three headers of Standard Webhooks 1.0 as a
// receiver does: the time within five minutes, one of the v1 signatures
// right.
func VerifySignature(secret string, h http.Header, body []byte) error {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		return fmt.Errorf("decode secret: %w", err)
	}
	id, stamp := h.Get("webhook-id"), h.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if id == "" || err != nil {
		return fmt.Errorf("webhook-id %q or webhook-timestamp %q is missing or wrong", id, stamp)
	}
	if age := time.Since(time.Unix(seconds, 0)).Abs(); age > 5*time.Minute {
		return fmt.Errorf("webhook-timestamp is %s away", age)
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", id, stamp, body)
	want := mac.Sum(nil)
	for _, s := range strings.Fields(h.Get("webhook-signature")) {
		if v, ok := strings.CutPrefix(s, "v1,"); ok {
			if got, err := base64.StdEncoding.DecodeString(v); err == nil && hmac.Equal(got, want) {
				return nil
			}
		}
	}
	return fmt.Errorf("no signature in %q is right", h.Get("webhook-signature"))
}
