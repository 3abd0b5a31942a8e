package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"dswatch/app"
	"dswatch/web"
)

var (
	// sentence is English, or a good part of it.
	sentence = regexp.MustCompile(`\b[a-z]{2,},? [a-z]{2,},? [a-z]{2,}\b`)
	// names are commands, which are called the same in every language.
	names = regexp.MustCompile("dswatch [a-z]+( [a-z]+)?")
	// quotes are what a far end has answered, or a log says.
	quotes = regexp.MustCompile("post to [^ ]+ answered .*|「[^」]*」")
)

// inLanguage are those whose output this test does not read, and why.
var inLanguage = map[string]string{
	"dswatch run":               "goes on until it is ended; its log is English",
	"dswatch service install":   "changes this host",
	"dswatch service uninstall": "changes this host",
	"dswatch service start":     "changes this host",
	"dswatch service stop":      "changes this host",
	"dswatch demo":              "test/scenarios/demo runs it in both languages",
	"dswatch config reference":  "the manual of the keys is English",
	"dswatch config schema":     "for programs",
	"dswatch config show":       "the configuration as it is written",
	"dswatch helper":            "answers the running dswatch; its log is English",
	"dswatch mib":               "for programs",
	"dswatch words":             "shows both languages side by side",
	"dswatch version":           "has no words",
	"dswatch help":              "TestHelpSpeaks reads what it shows",

	"dswatch completion bash": "for programs", "dswatch completion fish": "for programs", "dswatch completion powershell": "for programs", "dswatch completion zsh": "for programs",
}

// TestCommandsSpeak walks the tree of commands and runs each in English and in
// Japanese, against a running process with an open alert, a silence, a dead
// letter and a sink that refuses. A command that is not named here fails.
func TestCommandsSpeak(t *testing.T) {
	dir := t.TempDir()
	far := func(status int) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		t.Cleanup(s.Close)
		return s.URL
	}
	file := filepath.Join(dir, "dswatch.yaml")
	err := os.WriteFile(file, fmt.Appendf(nil, `host: web01
bus: {dir: %q}
time_zone: Asia/Tokyo
watch: {items: [{kind: process, name: no-such-thing}, {kind: process, name: nor-this-one}]}
detectors: {process: {schedule: "@every 1h"}}
rules: {hold: 0s}
sinks:
  - {name: good, type: webhook, url: %q}
  - {name: bad, type: webhook, url: %q}
web: {listen: "127.0.0.1:0"}
`, filepath.Join(dir, "bus"), far(http.StatusOK), far(http.StatusBadRequest)), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	story := filepath.Join(dir, "a.txtar")
	if err := os.WriteFile(story, []byte("A story\n-- config --\nsinks: [{name: nms}]\n-- facts web01 --\nos: linux\ncomponents: [agent]\n-- story --\n0s web01 all up\n1h end\n-- wanted en --\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := app.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	a, err := app.Open(ctx, l, app.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	until := time.Now().Add(time.Minute)
	for open, dead := 0, 0; open < 2 || dead < 2; time.Sleep(50 * time.Millisecond) {
		alerts, _ := a.Alerts(t.Context())
		letters, _ := a.Letters(t.Context(), web.Selection{Sink: "bad"})
		if open, dead = len(alerts), len(letters); time.Now().After(until) {
			t.Fatalf("%d alerts are open, %d letters are dead", open, dead)
		}
	}
	other := another(t)
	stopped := filepath.Join(dir, "stopped.yaml") // with a store that nobody uses
	if err := errors.Join(os.MkdirAll(filepath.Join(dir, "copy"), 0o700), os.WriteFile(stopped, fmt.Appendf(nil, "host: web01\nbus: {dir: %q}\n", filepath.Join(dir, "copy")), 0o600)); err != nil {
		t.Fatal(err)
	}
	brief(t, stopped)
	// shell runs one command line.
	shell := func(language string, args ...string) (out string, status int) {
		t.Helper()
		switch args[0] {
		case "rules", "init":
		case "store":
			args = append(args, "-c", stopped)
		case "host":
			args = append(args, "-c", other)
		default:
			args = append(args, "-c", file)
		}
		return captured(t, func() int { return run(append(args, "--language", language)) })
	}
	field := func(of string, args ...string) string {
		t.Helper()
		out, _ := shell("en", append(args, "--format", "json")...)
		var list []map[string]any
		if err := json.Unmarshal([]byte(out), &list); err != nil || len(list) == 0 {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		return fmt.Sprint(list[0][of])
	}
	tried := map[string]bool{}
	for _, language := range []string{"en", "ja"} {
		speaks := func(args ...string) string {
			t.Helper()
			out, _ := shell(language, args...)
			path := "dswatch"
			for _, arg := range args {
				if sub, _, err := command().Find(append(strings.Fields(path)[1:], arg)); err != nil || sub.CommandPath() == path {
					break
				}
				path += " " + arg
			}
			tried[path] = true
			for line := range strings.Lines(out) {
				bare := names.ReplaceAllString(quotes.ReplaceAllString(line, ""), "")
				if found := sentence.FindString(bare); language == "ja" && found != "" {
					t.Errorf("%s shows %q in\n%s", strings.Join(args, " "), found, out)
				}
				if language == "en" && strings.ContainsFunc(line, func(r rune) bool { return unicode.In(r, unicode.Hiragana, unicode.Katakana, unicode.Han) }) {
					t.Errorf("%s shows Japanese:\n%s", strings.Join(args, " "), out)
				}
			}
			return out
		}
		speaks("check")
		speaks("check", "--format", "nagios")
		speaks("catalog")
		speaks("status")
		alert := field("id", "alerts")
		speaks("alerts")
		speaks("why", alert)
		says := func(out, en, ja string) {
			t.Helper()
			if want := map[string]string{"en": en, "ja": ja}[language]; !strings.Contains(strings.Join(strings.Fields(out), " "), want) {
				t.Errorf("%q is not in what was said:\n%s", want, out)
			}
		}
		says(speaks("ack", alert, "--author", "kim", "--comment", "4711"), alert+" (web01/custom/process/", alert+" (web01/custom/process/")
		says(speaks("ack", "process/nor-this-one", "--author", "lee"), "lee looks after it", "担当者を lee にしました")
		says(speaks("ack", "process/nor-this-one", "--author", "lee", "--withdraw"), "repeated again", "再通知を再開します")
		speaks("alerts")
		speaks("ack", alert, "--author", "kim", "--withdraw")
		speaks("alerts", "--unpaired")
		id := strings.Fields(speaks("silence", "add", "host=web01", "--for", "forever", "--author", "kim", "--comment", "4712"))[0]
		speaks("silence", "add", "host=web77", "--until-cleared", "--author", "kim", "--comment", "4713")
		speaks("silence", "add", "host=web77", "--every", "0 2 * * SUN", "--for", "3h", "--author", "kim", "--comment", "4714")
		speaks("status")
		speaks("alerts")
		speaks("silence", "list")
		speaks("silence", "edit", id, "--for", "1h", "--author", "lee", "--comment", "4715")
		says(speaks("silence", "expire", id, "--author", "kim"), "silence "+id+" has ended", "サイレンス "+id+" を終了しました")
		speaks("silence", "list", "--all")
		speaks("history")
		speaks("report")
		letter := field("id", "deadletter", "list")
		speaks("deadletter", "list")
		speaks("deadletter", "show", letter)
		says(speaks("deadletter", "replay", letter), "bad: 1 is a dead letter again", "bad: 1 件が再び配信不能になりました")
		speaks("deadletter", "drop", "--sink", "good")
		speaks("sinks", "test")
		speaks("deadletter", "replay", "--all") // of tests, which nothing ends
		speaks("sinks", "resync", "good")
		speaks("sinks", "rename", "gone", "good")
		speaks("host", "rename", "web77", "web01")
		speaks("host", "remove", "web77")
		speaks("host", "forget", "web77", "agent")
		speaks("store", "check")
		speaks("store", "repair")
		moved := filepath.Join(dir, language+".export")
		speaks("store", "export", moved)
		speaks("store", "import", moved) // refused: the store is not empty
		speaks("store", "upgrade")
		speaks("config", "check")
		speaks("reload")
		speaks("init")
		speaks("init", "-o", filepath.Join(dir, language+".yaml"))
		speaks("rules", "test", story)
	}
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			walk(sub)
		}
		if path := c.CommandPath(); c.Runnable() && !c.HasSubCommands() && !c.Hidden && !tried[path] && inLanguage[path] == "" {
			t.Errorf("%s was not run in both languages; add it to this test", path)
		}
	}
	walk(command())
}

// another is the configuration of a dswatch that knows a second host, of which
// there is only the API.
func another(t *testing.T) (file string) {
	dir := t.TempDir()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"host": "web77", "items": 2, "to": "web01"}`)
	}))
	t.Cleanup(api.Close)
	_, err := web.NewToken(dir)
	file = filepath.Join(dir, "dswatch.yaml")
	err = errors.Join(err, web.SetAddress(dir, strings.TrimPrefix(api.URL, "http://")), os.WriteFile(file, fmt.Appendf(nil, "host: web01\nbus: {dir: %q}\n", dir), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// brief opens and closes the store of a configuration.
func brief(t *testing.T, file string) {
	t.Helper()
	l, err := app.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.Open(t.Context(), l, app.Options{Log: slog.New(slog.DiscardHandler)})
	if err == nil {
		err = a.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// captured runs do and returns what it wrote to standard output and error.
func captured(t *testing.T, do func() int) (out string, status int) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	read := make(chan string, 1)
	go func() {
		all, _ := io.ReadAll(r)
		read <- string(all)
	}()
	stdout, stderr := os.Stdout, os.Stderr
	os.Stdout, os.Stderr = w, w
	func() {
		defer func() { os.Stdout, os.Stderr = stdout, stderr }()
		status = do()
	}()
	w.Close()
	return <-read, status
}

// TestSpokenLanguage: --language, then `language:` of the file, then the session.
func TestSpokenLanguage(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	none, english := write("none.yaml", "host: web01\n"), write("en.yaml", "host: web01\nlanguage: en\n")
	for _, c := range []struct{ lang, all, flag, file, want string }{
		{"ja_JP.UTF-8", "", "", none, "設定は有効です"},
		{"en_US.UTF-8", "ja_JP.UTF-8", "", none, "設定は有効です"},
		{"ja_JP.UTF-8", "C", "", none, "the configuration is valid"},
		{"", "", "", none, "the configuration is valid"},
		{"ja_JP.UTF-8", "", "", english, "the configuration is valid"},
		{"ja_JP.UTF-8", "", "en", none, "the configuration is valid"},
		{"", "", "ja", english, "設定は有効です"},
	} {
		t.Setenv("LANG", c.lang)
		t.Setenv("LC_MESSAGES", "")
		t.Setenv("LC_ALL", c.all)
		args := []string{"config", "check", "-c", c.file}
		if c.flag != "" {
			args = append(args, "--language", c.flag)
		}
		out, status := captured(t, func() int { return run(args) })
		if status != 0 || !strings.Contains(out, c.want) {
			t.Errorf("%+v: status %d, %s", c, status, out)
		}
	}
	if out, status := captured(t, func() int { return run([]string{"status", "--language", "fr"}) }); status != 2 || !strings.Contains(out, "write one of them") {
		t.Errorf("--language fr: status %d, %s", status, out)
	}
}
