// Package browser drives a real Chromium over the page of a real dswatch. It is a
// module of its own, so that nothing of it is a part of the program.
package browser

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// program is the compiled dswatch.
var program string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "dswatch-browser-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	program = filepath.Join(dir, "dswatch")
	build := exec.Command("go", "build", "-C", "../..", "-trimpath", "-o", program, "./cmd/dswatch")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	code := 1
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build dswatch: %v\n%s", err, out)
	} else {
		code = m.Run()
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// world is a dswatch that watches pretend processes.
type world struct {
	t     *testing.T
	dir   string
	url   string
	token string
	run   *exec.Cmd
	mu    sync.Mutex
	heard []map[string]any // what the webhook was told
	procs map[string][]*exec.Cmd
	links map[string]string
}

const config = `
host: %s
bus: {dir: %s/bus}
watch:
  facts: {os: linux, components: [agent], agent_version: 20.0.2-1390, kernel_version: 4.4.0, edition: deep_security, relay: off, communication: agent_initiated, features: {anti_malware: on, web_reputation: off, firewall: off, intrusion_prevention: off, tls_inspection: off}}
  ignore: [driver/dsa_filter_hook]
  items:
    - {kind: process, name: %q}
detectors:
  process: {schedule: "@every 1s"}
rules: {hold: 2s, repeat: 4h}
sinks:
  - {name: hook, type: webhook, url: "http://%s/hook"}
  - {name: dead, type: webhook, url: "http://%s/refuse"}
web:
  listen: "127.0.0.1:%d"
  tokens: [{name: vera, role: viewer, token: viewer-viewer-viewer}]
`

// hostile is a name that a watched host might have given something.
const hostile = "<script>alert(1)<img src=x onerror=alert(2)>"

func start(t *testing.T, host string) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), procs: map[string][]*exec.Cmd{}, links: map[string]string{}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	far := &http.Server{Handler: http.HandlerFunc(w.hear)}
	go func() { _ = far.Serve(l) }()
	t.Cleanup(func() { _ = far.Close() })
	t.Cleanup(func() {
		for name := range w.procs {
			for len(w.procs[name]) > 0 {
				w.kill(name)
			}
		}
	})
	for _, name := range []string{"ds_agent", "ds_agent", "ds_am", "ds_am"} {
		w.begin(name)
	}
	port := free(t)
	w.url = fmt.Sprintf("http://127.0.0.1:%d", port)
	file := filepath.Join(w.dir, "dswatch.yaml")
	text := fmt.Sprintf(config, host, w.dir, hostile, l.Addr(), l.Addr(), port)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	w.run = exec.Command(program, "run", "-c", file)
	log, err := os.Create(filepath.Join(w.dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	w.run.Stdout, w.run.Stderr = log, log
	if err := w.run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = w.run.Process.Kill()
		_ = w.run.Wait()
		if t.Failed() {
			text, _ := os.ReadFile(log.Name())
			t.Logf("the log of dswatch:\n%s", text)
		}
	})
	w.until("dswatch is ready", func() bool {
		r, err := http.Get(w.url + "/readyz")
		if err != nil {
			return false
		}
		defer r.Body.Close()
		return r.StatusCode == http.StatusOK
	})
	token, err := os.ReadFile(filepath.Join(w.dir, "bus", "token"))
	if err != nil {
		t.Fatal(err)
	}
	w.token = strings.TrimSpace(string(token))
	return w
}

func free(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// hear takes what the webhook is told, and refuses what comes to /refuse for good.
func (w *world) hear(rw http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/refuse" {
		http.Error(rw, "<b>no</b><script>alert(3)</script>", http.StatusBadRequest)
		return
	}
	var body struct{ Alert map[string]any }
	data, _ := io.ReadAll(r.Body)
	if json.Unmarshal(data, &body) == nil {
		w.mu.Lock()
		w.heard = append(w.heard, body.Alert)
		w.mu.Unlock()
	}
	rw.WriteHeader(http.StatusNoContent)
}

// told reports whether the far end heard of a transition of an item.
func (w *world) told(name, transition string, more ...string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range w.heard {
		text, _ := json.Marshal(a)
		all := a["transition"] == transition && strings.Contains(string(text), `"name":"`+name+`"`)
		for _, m := range more {
			all = all && strings.Contains(string(text), m)
		}
		if all {
			return true
		}
	}
	return false
}

func (w *world) begin(name string) {
	link := filepath.Join(w.dir, name)
	if _, err := os.Lstat(link); err != nil {
		if err := os.Symlink(program, link); err != nil {
			w.t.Fatal(err)
		}
	}
	cmd := exec.Command(link, "pretend")
	if _, err := cmd.StdinPipe(); err != nil {
		w.t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.procs[name] = append(w.procs[name], cmd)
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		w.t.Fatalf("pretend process %s ended at once", name)
	}
}

func (w *world) kill(name string) {
	all := w.procs[name]
	last := all[len(all)-1]
	w.procs[name] = all[:len(all)-1]
	_ = last.Process.Kill()
	_ = last.Wait()
}

func (w *world) until(what string, is func() bool) {
	w.t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if is() {
			return
		}
	}
	w.t.Fatalf("after 30 s it is not so that %s", what)
}

// browser is one Chromium; what its console says and what it asks of others are
// faults.
type browser struct {
	t      *testing.T
	w      *world
	ctx    context.Context
	mu     sync.Mutex
	faults []string
}

func open(t *testing.T, w *world) *browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("chromium is not installed: apt-get install chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.WSURLReadTimeout(60*time.Second), chromedp.Flag("disable-gpu", true))
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 4*time.Minute)
	t.Cleanup(cancel)
	b := &browser{t: t, w: w, ctx: ctx}
	b.watch(ctx)
	return b
}

// watch notes what must not be.
func (b *browser) watch(ctx context.Context) {
	err := chromedp.Listen(ctx, func(e any) {
		switch e := e.(type) {
		case *runtime.EventConsoleAPICalled:
			b.fault("the console says %s", e.Type)
		case *runtime.EventExceptionThrown:
			b.fault("an exception: %s %s", e.ExceptionDetails.Text, e.ExceptionDetails.URL)
		case *log.EventEntryAdded:
			if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
				b.fault("the log says: %s %s", e.Entry.Text, e.Entry.URL)
			}
		case *page.EventJavascriptDialogOpening:
			b.fault("a dialog opened: %s", e.Message)
		case *network.EventRequestWillBeSent:
			if u := e.Request.URL; !strings.HasPrefix(u, b.w.url+"/") && !strings.HasPrefix(u, "data:") {
				b.fault("it asks for %s", u)
			}
		}
	})
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		b.t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, log.Enable, cdp.Empty{}); err != nil {
		b.t.Fatal(err)
	}
}

func (b *browser) fault(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults = append(b.faults, fmt.Sprintf(format, args...))
}

// clean fails the test for all that was noted.
func (b *browser) clean() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, f := range b.faults {
		b.t.Error(f)
	}
	b.faults = nil
}

func (b *browser) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 40*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.shoot("failed")
		b.t.Fatal(err)
	}
}

func (b *browser) login() {
	b.t.Helper()
	b.visit("/")
	b.do(chromedp.SendKeys("#token", b.w.token+"\r"))
	b.shows("#pulse", "proven")
}

// visit opens a page and waits until it is there.
func (b *browser) visit(path string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
	defer cancel()
	if _, err := chromedp.Call(ctx, page.Navigate, page.NavigateParams{URL: b.w.url + path}); err != nil {
		b.t.Fatal(err)
	}
	b.w.until(path+" is there", func() bool {
		ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("document.readyState === 'complete' && document.querySelector('main') !== null"))
		return err == nil && ok
	})
}

// text is what a part of the page shows.
func (b *browser) text(of string) string {
	b.t.Helper()
	return eval[string](b, fmt.Sprintf("(document.querySelector(%q)||{innerText:''}).innerText", of))
}

// eval is what an expression is on the page.
func eval[T any](b *browser, expression string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
	defer cancel()
	out, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		b.t.Fatal(err)
	}
	return out
}

// shows waits until a part of the page shows a text, and says how long that took.
func (b *browser) shows(of, text string) time.Duration {
	b.t.Helper()
	began := time.Now()
	for time.Since(began) < 20*time.Second {
		if strings.Contains(b.text(of), text) {
			return time.Since(began)
		}
		time.Sleep(20 * time.Millisecond)
	}
	b.shoot("failed")
	b.t.Fatalf("%s does not show %q but %q", of, text, b.text(of))
	return 0
}

func (b *browser) size(width, height int64) chromedp.Action[chromedp.Void] {
	return chromedp.EmulateViewport(width, height)
}

// shoot keeps a picture below bin, for people to look at.
func (b *browser) shoot(name string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.t.Logf("no picture %s: %v", name, err)
		return
	}
	dir := "../../bin/screenshots"
	if err := os.MkdirAll(dir, 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// client is a browser without a screen.
func (w *world) client() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return &http.Client{Jar: jar, Timeout: 20 * time.Second}
}

func (w *world) loggedIn() *http.Client {
	w.t.Helper()
	c := w.client()
	r, err := c.PostForm(w.url+"/login", url.Values{"token": {w.token}})
	if err != nil {
		w.t.Fatal(err)
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK || r.Request.URL.Path != "/" {
		w.t.Fatalf("the login leads to %s %s", r.Request.URL, r.Status)
	}
	return c
}

// TestPages opens every page in both languages and themes, on a phone and on a
// screen on the wall: nothing asks another host, the console is silent, nothing is
// wider than the screen. What a host calls its things is text.
func TestPages(t *testing.T) {
	w := start(t, "web01")
	b := open(t, w)
	b.do(b.size(1600, 900))
	b.login()
	b.shows("#hosts", "web01")
	w.kill("ds_am")
	w.kill("ds_am")
	w.until("the far end heard of ds_am", func() bool { return w.told("ds_am", "raised") })
	w.until("a message was given up", func() bool {
		return strings.Contains(get(t, w.loggedIn(), w.url+"/sinks"), "letter-")
	})
	b.visit("/alerts")
	alert := eval[string](b, `[...document.querySelectorAll('#alerts a')].find(a => a.innerText.includes('ds_am')).getAttribute('href')`)
	pages := map[string]string{"overview": "/", "host": "/hosts/web01", "alerts": "/alerts", "alert": alert, "sinks": "/sinks", "silences": "/silences", "missing": "/nowhere"}
	for _, language := range []string{"en", "ja"} {
		for _, theme := range []string{"light", "dark"} {
			for name, path := range pages {
				for _, width := range []int64{360, 1600} {
					b.do(b.size(width, 900))
					b.visit(path + join(path) + "language=" + language + "&theme=" + theme)
					wide := eval[int64](b, "document.documentElement.scrollWidth")
					if wide > width {
						t.Errorf("%s in %s is %d wide on %d", name, language, wide, width)
					}
					b.shoot(fmt.Sprintf("%s-%s-%s-%d", name, language, theme, width))
					b.forgive(name == "missing", "404")
					b.clean()
				}
			}
		}
	}
	b.visit("/hosts/web01")
	if !strings.Contains(b.text("#watched"), "<script>alert(1)") {
		t.Errorf("the hostile name is not shown as it is: %s", b.text("#watched"))
	}
	b.clean()
}

// join is what stands between an address and one more parameter.
func join(path string) string {
	if strings.Contains(path, "?") {
		return "&"
	}
	return "?"
}

// forgive drops faults that a page is there for.
func (b *browser) forgive(is bool, text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var left []string
	for _, f := range b.faults {
		if !is || !strings.Contains(f, text) {
			left = append(left, f)
		}
	}
	b.faults = left
}

func get(t *testing.T, c *http.Client, address string) string {
	t.Helper()
	r, err := c.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	data, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestLive: a kill shows on the open page within two seconds, in all tabs, and the
// page says by its own clock when it has not heard from the server.
func TestLive(t *testing.T) {
	w := start(t, "web01")
	b := open(t, w)
	b.do(b.size(1600, 900))
	b.login()
	for range 7 { // one stream, so that seven more tabs do not use up the browser's connections
		ctx, cancel := chromedp.NewContext(b.ctx)
		defer cancel()
		if err := chromedp.Do(ctx, chromedp.Navigate(w.url+"/")); err != nil {
			t.Fatal(err)
		}
	}
	b.shows("#pulse", "proven")
	time.Sleep(time.Second)
	w.kill("ds_am")
	w.kill("ds_am")
	if took := b.shows("#lost", "ds_am"); took > 2*time.Second {
		t.Errorf("the loss showed after %s", took)
	} else {
		t.Logf("the loss showed after %s", took)
	}
	if title := eval[string](b, "document.title"); !strings.Contains(title, "problem") {
		t.Errorf("the title is %q", title)
	}
	b.shows("#lost", "not protected")
	w.begin("ds_am")
	w.begin("ds_am")
	w.until("the page shows no loss of ds_am", func() bool { return !strings.Contains(b.text("#lost"), "ds_am") })
	b.clean()
	if err := w.run.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	b.shows("#pulse", "NO CONNECTION")
	if !eval[bool](b, "document.documentElement.classList.contains('stale') && document.getElementById('icon').href.includes('stale') && getComputedStyle(document.querySelector('main')).filter.includes('grayscale')") {
		t.Error("the page looks current although nothing was heard")
	}
	b.shoot("stale")
	if err := w.run.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	b.shows("#pulse", "proven")
	if eval[bool](b, "document.documentElement.classList.contains('stale')") {
		t.Error("the page stays stale")
	}
}

// fill writes into a field of a form.
func (b *browser) fill(field, text string) {
	b.t.Helper()
	eval[bool](b, fmt.Sprintf("(document.querySelector(%q).value = %q) !== null", field, text))
}

// press clicks a button, and waits for the page that follows to say something.
func (b *browser) press(button, says string) {
	b.t.Helper()
	eval[bool](b, fmt.Sprintf("(document.querySelector(%q).click(), true)", button))
	b.shows("main", says)
}

// TestClicks: what is clicked reaches the far end with who did it; what somebody
// writes stays text; and a viewer has nothing to click.
func TestClicks(t *testing.T) {
	w := start(t, "web01")
	b := open(t, w)
	b.do(b.size(1600, 900))
	b.login()
	w.kill("ds_am")
	w.kill("ds_am")
	w.until("the far end heard of ds_am", func() bool { return w.told("ds_am", "raised") })
	b.visit("/alerts")
	alert := eval[string](b, `[...document.querySelectorAll('#alerts a')].find(a => a.innerText.includes('ds_am')).getAttribute('href')`)

	b.visit(alert)
	b.fill("input[name=author]", "kim "+hostile)
	b.fill("#ack-comment", "ticket 4711")
	b.press("#ack", "the sinks are told who looks after it")
	w.until("the far end heard who looks after it", func() bool { return w.told("ds_am", "acknowledged", "ticket 4711", "kim ") })
	b.shoot("acknowledged")

	eval[bool](b, "(document.querySelector('a.button').click(), true)")
	b.shows("#new", "New silence")
	b.fill("input[name=author]", "kim")
	b.fill("input[name=comment]", hostile)
	b.press("#preview", "1 of them lost")
	b.shoot("silence-preview")
	b.press("#save", "The silence is saved")
	b.shows("#silences", hostile)
	b.shoot("silenced")
	w.begin("ds_am")
	w.begin("ds_am")
	w.until("the all-clear is told under the silence", func() bool { return w.told("ds_am", "cleared") })
	w.kill("ds_am")
	w.kill("ds_am")
	b.visit("/")
	b.shows("#lost", "silenced by kim")
	b.visit("/silences")
	b.press("form[action$='/expire'] button", "The silence has ended")
	w.until("the loss is told at the end of the silence", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		raised := 0
		for _, a := range w.heard {
			if a["transition"] == "raised" && strings.Contains(fmt.Sprint(a["key"]), "ds_am") {
				raised++
			}
		}
		return raised == 2
	})

	b.visit("/sinks")
	b.press("form[action='/sinks/hook/test'] button", "hook confirmed the firing and the resolve")
	b.press("form[action$='/drop'] button", "It is thrown away")
	b.clean()

	b.visit("/")
	b.press("#menu button", "Token")
	b.do(chromedp.SendKeys("#token", "viewer-viewer-viewer\r"))
	b.shows("#pulse", "proven")
	for _, path := range []string{alert, "/sinks", "/silences"} {
		b.visit(path)
		if n := eval[int](b, "document.querySelectorAll('main button').length"); n != 0 {
			t.Errorf("a viewer has %d buttons on %s", n, path)
		}
	}
	b.clean()
}
