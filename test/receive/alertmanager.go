package receive

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dswatch/test/ports"
)

// AlertmanagerOptions say what an Alertmanager asks of its clients.
type AlertmanagerOptions struct {
	ResolveTimeout time.Duration // of alerts without an end; 0: its default
	GroupBy        []string      // labels of a notice to its receiver; nil: all of them
	Login          bool          // ask for AlertmanagerUser and AlertmanagerPassword
	TLS            PKI           // https with these certificates; empty: http
}

// The login that AlertmanagerOptions.Login asks for, and its bcrypt hash.
const (
	AlertmanagerUser     = "dswatch"
	AlertmanagerPassword = "alertmanager-password"
	alertmanagerHash     = "$2a$04$XdVGd9E0blo4.mghJ0Lt7.H22z7Qirqm9GN/Tk8331BVwgIzlIr86"
)

// Alertmanager is a running Prometheus Alertmanager, alone in its cluster,
// that tells a receiver of its own what it would tell people.
type Alertmanager struct {
	URL string

	o        AlertmanagerOptions
	dir      string
	client   *http.Client
	receiver *notified
	proc     *process
}

// AlertmanagerAlert is an alert as the API shows it.
type AlertmanagerAlert struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	StartsAt    time.Time         `json:"startsAt"`
	EndsAt      time.Time         `json:"endsAt"`
	Status      struct {
		State string `json:"state"`
	} `json:"status"`
}

// StartAlertmanager starts prometheus-alertmanager until the test ends.
func StartAlertmanager(t testing.TB, o AlertmanagerOptions) *Alertmanager {
	t.Helper()
	a := &Alertmanager{o: o, dir: t.TempDir(), client: &http.Client{Timeout: patience}, receiver: &notified{}}
	scheme, web := "http", ""
	if o.TLS != (PKI{}) {
		scheme = "https"
		web = fmt.Sprintf("tls_server_config: {cert_file: %q, key_file: %q}\n", o.TLS.CertFile, o.TLS.KeyFile)
		ca, err := os.ReadFile(o.TLS.CAFile)
		if err != nil {
			t.Fatal(err)
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(ca)
		a.client.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	}
	if o.Login {
		web += fmt.Sprintf("basic_auth_users: {%s: %q}\n", AlertmanagerUser, alertmanagerHash)
	}
	if o.GroupBy == nil {
		o.GroupBy = []string{`"..."`}
	}
	a.URL = scheme + "://127.0.0.1:" + ports.Free(t, "tcp")
	if o.ResolveTimeout == 0 {
		o.ResolveTimeout = 5 * time.Minute
	}
	write(t, filepath.Join(a.dir, "web.yml"), web)
	write(t, filepath.Join(a.dir, "alertmanager.yml"), fmt.Sprintf(`global: {resolve_timeout: %s}
route: {receiver: test, group_by: [%s], group_wait: 10ms, group_interval: 50ms, repeat_interval: 1h}
receivers:
  - name: test
    webhook_configs: [{url: %q, send_resolved: true}]
`, o.ResolveTimeout, strings.Join(o.GroupBy, ", "), StartHTTP(t, a.receiver).URL))
	a.Start(t)
	return a
}

// Start starts it again after Stop, at the same address and without the
// alerts it had: it keeps those in memory.
func (a *Alertmanager) Start(t testing.TB) {
	t.Helper()
	a.proc = launch(t, exec.Command(lookup(t, "prometheus-alertmanager", "prometheus-alertmanager"),
		"--config.file="+filepath.Join(a.dir, "alertmanager.yml"), "--web.config.file="+filepath.Join(a.dir, "web.yml"),
		"--web.external-url="+a.URL, "--storage.path="+filepath.Join(a.dir, "data"), "--cluster.listen-address=", // alone
		"--web.listen-address="+strings.SplitN(a.URL, "//", 2)[1]))
	a.proc.await(t, "ready API", func() bool { _, err := a.get("/-/ready"); return err == nil })
}

// Stop ends it; nobody listens then.
func (a *Alertmanager) Stop() { a.proc.stop() }

func (a *Alertmanager) get(path string) ([]byte, error) {
	req, err := http.NewRequest(http.MethodGet, a.URL+path, nil)
	if err != nil {
		return nil, err
	}
	if a.o.Login {
		req.SetBasicAuth(AlertmanagerUser, AlertmanagerPassword)
	}
	resp, err := a.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("get %s: %s: %s", path, resp.Status, b)
	}
	return b, err
}

// Open returns the alerts that it holds for open, in the order of their start.
func (a *Alertmanager) Open(t testing.TB) []AlertmanagerAlert {
	t.Helper()
	b, err := a.get("/api/v2/alerts")
	if err != nil {
		t.Fatal(err)
	}
	var alerts []AlertmanagerAlert
	if err := json.Unmarshal(b, &alerts); err != nil {
		t.Fatalf("read alerts: %v\n%s", err, b)
	}
	slices.SortFunc(alerts, func(x, y AlertmanagerAlert) int { return x.StartsAt.Compare(y.StartsAt) })
	return alerts
}

// AlertmanagerNotice is one alert in what Alertmanager told its receiver.
type AlertmanagerNotice struct {
	Status   string            `json:"status"` // firing or resolved
	Labels   map[string]string `json:"labels"`
	StartsAt time.Time         `json:"startsAt"`
	EndsAt   time.Time         `json:"endsAt"`
}

// Told returns what people would have been told so far, oldest first.
func (a *Alertmanager) Told() []AlertmanagerNotice {
	a.receiver.mu.Lock()
	defer a.receiver.mu.Unlock()
	return slices.Clone(a.receiver.got)
}

// AwaitTold waits until people would have been told n times.
func (a *Alertmanager) AwaitTold(t testing.TB, n int) []AlertmanagerNotice {
	t.Helper()
	a.proc.await(t, fmt.Sprintf("%d notices", n), func() bool { return len(a.Told()) >= n })
	return a.Told()
}

// AwaitBodies waits until it has posted n times to its receiver and returns
// what, oldest first. The receiver's name is "test".
func (a *Alertmanager) AwaitBodies(t testing.TB, n int) [][]byte {
	t.Helper()
	bodies := func() [][]byte {
		a.receiver.mu.Lock()
		defer a.receiver.mu.Unlock()
		return slices.Clone(a.receiver.bodies)
	}
	a.proc.await(t, fmt.Sprintf("%d posts", n), func() bool { return len(bodies()) >= n })
	return bodies()
}

// notified is the receiver that Alertmanager's webhook_config names.
type notified struct {
	mu     sync.Mutex
	got    []AlertmanagerNotice
	bodies [][]byte
}

func (n *notified) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var p struct {
		Version string               `json:"version"`
		Alerts  []AlertmanagerNotice `json:"alerts"`
	}
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(body, &p)
	}
	if err != nil || p.Version != "4" {
		http.Error(w, fmt.Sprintf("version %q, %v", p.Version, err), http.StatusBadRequest)
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.got = append(n.got, p.Alerts...)
	n.bodies = append(n.bodies, body)
}
