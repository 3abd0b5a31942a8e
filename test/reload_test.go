package test

import (
	"fmt"
	"os"
	ossignal "os/signal"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestHangup: SIGHUP and `dswatch reload` read the configuration again; what is
// wrong with it never ends the process, and is told.
func TestHangup(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := func(more string) string {
		return fmt.Sprintf("host: h\nbus: {dir: %q}\nweb: {listen: \"127.0.0.1:0\"}\nsinks: [{name: out, type: stdout}]\n%s", dir, more)
	}
	file := configFile(t, text(""))
	write := func(more string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text(more)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := startFile(t, file)
	hangup := func() { _ = signal(r.cmd, syscall.SIGHUP) }
	said := func(want string) {
		t.Helper()
		until(t, want, func() bool { return strings.Contains(r.log.String(), want) })
	}
	said("watching")

	write("languge: ja\n")
	hangup()
	said("the configuration was not read again")
	stdout, stderr, code := output(t, "status", "-c", configFile(t, text("")))
	if code != 0 || !strings.Contains(stdout, "THE CONFIGURATION WAS NOT READ AGAIN") || !strings.Contains(stdout, "did you mean") {
		t.Errorf("status says %s %s", stdout, stderr)
	}
	write("language: ja\n")
	hangup()
	said("key=language old=en new=ja")

	write("log: {format: json}\n")
	if stdout, stderr, code := output(t, "reload", "-c", file); code != 0 || !strings.Contains(stdout, "log.format: text -> json") {
		t.Errorf("reload: %d %s %s", code, stdout, stderr)
	}
	said(`"msg":"the configuration was read again"`)
	if stdout, _, code := output(t, "reload", "-c", file); code != 0 || !strings.Contains(stdout, "nothing has changed") {
		t.Errorf("reload again: %d %s", code, stdout)
	}
	write("log: {format: json}\nbus.dir: x\n")
	if _, stderr, code := output(t, "reload", "-c", file); code != 2 || stderr == "" {
		t.Errorf("reload of what is wrong: %d %s", code, stderr)
	}
	stdout, _, _ = output(t, "status", "-c", configFile(t, text("")))
	if !strings.Contains(stdout, "THE CONFIGURATION WAS NOT READ AGAIN") || !strings.Contains(stdout, "unknown key") {
		t.Errorf("the running process was not told of what is wrong: status says %s", stdout)
	}
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, stderr, code := output(t, "reload", "-c", file); code != 2 || !strings.Contains(stderr, "no running dswatch") {
		t.Errorf("reload of no YAML: %d %s", code, stderr)
	}
	r.stop(t)
}

// TestEarlyHangup sends SIGHUP as soon as the process outlives it: what it
// asks for is done once the program runs.
func TestEarlyHangup(t *testing.T) {
	t.Parallel()
	// Under nohup it is ignored, also by what is started from here; what is
	// caught here is not.
	caught := make(chan os.Signal, 1)
	ossignal.Notify(caught, syscall.SIGHUP)
	defer ossignal.Stop(caught)
	file := configFile(t, fmt.Sprintf("host: h\nbus: {dir: %q}\nweb: {listen: \"127.0.0.1:0\"}\nsinks: [{name: out, type: stdout}]\n", t.TempDir()))
	for wait := time.Millisecond; wait < 3*time.Second; wait += wait/2 + time.Millisecond {
		r := startFile(t, file)
		time.Sleep(wait)
		_ = signal(r.cmd, syscall.SIGHUP)
		ended := false
		until(t, "the configuration is read again", func() bool {
			select {
			case <-r.done:
				ended = true
			default:
			}
			return ended || strings.Contains(r.log.String(), "the configuration was read again")
		})
		if !ended {
			t.Logf("outlives SIGHUP %s after its start", wait)
			r.stop(t)
			return
		}
	}
	t.Error("every process was ended by SIGHUP")
}
