package facts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"dswatch/event"
)

// TestMain is also, as another user, who listens at the helper's socket or asks
// there.
func TestMain(m *testing.M) {
	if socket := os.Getenv("HELPER_STRANGER"); socket != "" {
		l, err := net.Listen("unix", socket)
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("listens")
		c, err := l.Accept()
		if err == nil {
			b, _ := io.ReadAll(c) // what he is told
			fmt.Printf("told %q\n", b)
		}
		os.Exit(0)
	}
	if socket := os.Getenv("HELPER_VISITOR"); socket != "" {
		values, err := askHelper(context.Background(), socket, questions[0])
		fmt.Printf("%v, %v\n", values, err)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// open returns a folder that everybody may reach and write.
func open(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "helper")
	if err == nil {
		err = os.Chmod(dir, 0o777)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// asNobody is this program as another user.
func asNobody(t *testing.T, env string) *exec.Cmd {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("it needs root, to have another user")
	}
	self := filepath.Join(open(t), "self")
	b, err := os.ReadFile("/proc/self/exe")
	if err == nil {
		err = os.WriteFile(self, b, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Dir, cmd.Env = "/", append(os.Environ(), env)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}, Pdeathsig: syscall.SIGKILL}
	return cmd
}

// serve starts a helper that runs the program at path.
func serve(t *testing.T, path string, idle time.Duration) (h *Helper, socket string, ended <-chan error) {
	t.Helper()
	socket = filepath.Join(open(t), "helper.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err == nil {
		err = os.Chmod(socket, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
	h = NewHelper(slog.New(slog.DiscardHandler))
	h.path, h.timeout, h.Idle = path, 5*time.Second, idle
	end := make(chan error, 1)
	go func() { end <- h.Serve(t.Context(), l) }()
	return h, socket, end
}

func helped(path, socket string) *Query {
	q := newQuery(path, true)
	q.helper = socket
	return q
}

// TestHelper: what the agent tells through the helper is what it tells when it is
// asked.
func TestHelper(t *testing.T) {
	for name, c := range map[string]struct {
		status, components string
		want               event.Facts
		reason             string
	}{
		"as captured":       {say(agentStatus), say(componentInfo), all, ""},
		"password demanded": {`echo "Enter password:"`, `echo "Enter password:"`, nil, "self-protection demands its password"},
		"one of two":        {"exit 3", say(componentInfo), facts("features.anti_malware", "on", "features.web_reputation", "off", "features.firewall", "off", "features.intrusion_prevention", "on"), "exit status 3"},
		"a huge value":      {say("AgentStatus.dsmUrl: " + strings.Repeat("x", 200_000) + "\nAgentStatus.agentState: green\n"), say(componentInfo), facts("features.anti_malware", "on", "features.web_reputation", "off", "features.firewall", "off", "features.intrusion_prevention", "on"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			path, asked := script(t, c.status, c.components)
			_, socket, _ := serve(t, path, 0)
			q := helped(filepath.Join(t.TempDir(), "not for us"), socket)
			got, err := q.Facts(t.Context())
			if !got.Equal(c.want) || (err == nil) != (c.reason == "") || err != nil && !strings.Contains(err.Error(), c.reason) {
				t.Errorf("%v, %v; want %v", got, err, c.want)
			}
			if q.Unhelped() != nil || asked() != 2 {
				t.Errorf("without help: %v; asked %d times", q.Unhelped(), asked())
			}
		})
	}
	t.Run("no program", func(t *testing.T) {
		_, socket, _ := serve(t, filepath.Join(t.TempDir(), "none"), 0)
		q := helped("/x", socket)
		if f, err := q.Facts(t.Context()); len(f) != 0 || err != nil || q.Unhelped() != nil {
			t.Errorf("%v, %v, %v", f, err, q.Unhelped())
		}
	})
}

// TestNoHelper: without a helper the process tries itself, and says what it lacks
// when it may not.
func TestNoHelper(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none.sock")
	path, _ := script(t, say(agentStatus), say(componentInfo))
	q := helped(path, none)
	if got, err := q.Facts(t.Context()); !got.Equal(all) || err != nil || q.Unhelped() != nil {
		t.Errorf("who may ask: %v, %v, %v", got, err, q.Unhelped())
	}
	denied, _ := script(t, "echo 'permission denied' >&2; exit 13", "exit 13")
	q = helped(denied, none)
	if got, err := q.Facts(t.Context()); len(got) != 0 || err == nil || q.Unhelped() == nil || !strings.Contains(q.Unhelped().Error(), "systemctl enable --now dswatch-helper.socket") || !strings.Contains(err.Error(), "permission denied") {
		t.Errorf("who may not: %v, %v, %v", got, err, q.Unhelped())
	}
	q = helped(filepath.Join(t.TempDir(), "dsa_query"), none)
	if _, err := q.Facts(t.Context()); err != nil || q.Unhelped() != nil {
		t.Errorf("no agent: %v, %v", err, q.Unhelped())
	}
}

// TestHelperQuestions: nothing but the two questions is answered, quickly asked
// ones from memory, and nothing but what is read comes back.
func TestHelperQuestions(t *testing.T) {
	path, asked := script(t, say(agentStatus+"AgentStatus.secret: no business of yours\n"), say(componentInfo))
	h, socket, _ := serve(t, path, 0)
	var nobody atomic.Bool
	h.may = func(uid uint32) bool { return !nobody.Load() && mayAsk(uid) }
	put := func(line string) string {
		c, err := net.Dial("unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_, _ = io.WriteString(c, line) // it may be refused before
		b, err := io.ReadAll(c)
		if err != nil && !errors.Is(err, syscall.ECONNRESET) {
			t.Fatal(err)
		}
		return string(b)
	}
	for _, line := range []string{"GetAgentEvents\n", "-c GetAgentStatus\n", "GetAgentStatus; reboot\n", "\n", strings.Repeat("x", 10_000) + "\n"} {
		if got := put(line); strings.Contains(got, "values") || asked() != 0 {
			t.Errorf("%.30q was answered with %s", line, got)
		}
	}
	for range 20 {
		if got := put("GetAgentStatus\n"); !strings.Contains(got, `"dsmUrl":`) || strings.Contains(got, "secret") {
			t.Fatalf("answered %s", got)
		}
	}
	if n := asked(); n > 2 {
		t.Errorf("the agent was asked %d times", n)
	}
	nobody.Store(true)
	if got := put("GetAgentStatus\n"); !strings.Contains(got, `"refused":true`) || strings.Contains(got, "values") {
		t.Errorf("who may not is told %s", got)
	}
	var idlers []net.Conn
	for range 2 * mostVisitors { // who says nothing keeps nobody away for long
		if c, err := net.Dial("unix", socket); err == nil {
			idlers = append(idlers, c)
		}
	}
	nobody.Store(false)
	for end := time.Now().Add(3 * helperPatience); !strings.Contains(put("GetAgentStatus\n"), "dsmUrl"); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("idlers keep others away")
		}
	}
	for _, c := range idlers {
		c.Close()
	}
}

// TestHelperStrangers: another user is told nothing, and is not believed.
func TestHelperStrangers(t *testing.T) {
	path, asked := script(t, say(agentStatus), say(componentInfo))
	_, socket, _ := serve(t, path, 0)
	out, err := asNobody(t, "HELPER_VISITOR="+socket).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "it answers root and the user dswatch only") || asked() != 0 {
		t.Errorf("a visitor: %v: %s; asked %d times", err, out, asked())
	}
	socket = filepath.Join(open(t), "his.sock")
	stranger := asNobody(t, "HELPER_STRANGER="+socket)
	said, err := stranger.StdoutPipe()
	if err == nil {
		err = stranger.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(said, make([]byte, len("listens\n"))); err != nil {
		t.Fatal(err)
	}
	if values, err := askHelper(t.Context(), socket, questions[0]); err == nil || !strings.Contains(err.Error(), "it is run by user 65534, not by root") {
		t.Errorf("a stranger who listens: %v, %v", values, err)
	}
	told, _ := io.ReadAll(said)
	if err := stranger.Wait(); err != nil || string(told) != "told \"\"\n" {
		t.Errorf("%v: he was %s", err, told)
	}
}

// TestHelperEnds: it ends when nobody asks, and not before.
func TestHelperEnds(t *testing.T) {
	path, _ := script(t, "sleep 1; "+say(agentStatus), say(componentInfo))
	_, socket, ended := serve(t, path, 300*time.Millisecond)
	if values, err := askHelper(t.Context(), socket, questions[0]); err != nil || values["dsmUrl"] == "" {
		t.Errorf("%v, %v", values, err)
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("it goes on")
	}
}

// TestHelperThatHangs: the asking ends with its context, whatever the helper does.
func TestHelperThatHangs(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "hangs.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, err := askHelper(ctx, socket, questions[0]); err == nil || time.Since(start) > 2*time.Second {
		t.Errorf("%v after %s", err, time.Since(start))
	}
}
