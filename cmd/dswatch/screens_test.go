package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"dswatch/table"
	"dswatch/web"
)

// TestScreens: every table, in both languages, fits a terminal of 80 cells and
// is as in the golden file, which a person has read. What the running process
// says is in testdata/api, a file for each question.
func TestScreens(t *testing.T) {
	t.Setenv("COLUMNS", "80")
	file, facts := canned(t), filepath.Join("testdata", "agent.yaml")
	var all strings.Builder
	for _, args := range []string{
		"status", "status --all", "alerts", "alerts --unpaired", "why 785f4f18", "why 5f0c", "silence list --all", "deadletter list", "deadletter show 17",
		"catalog --facts " + facts, "catalog --all --facts " + facts,
	} {
		for _, language := range []string{"en", "ja"} {
			out, status := captured(t, func() int { return run(append(strings.Fields(args), "-c", file, "--language", language)) })
			for line := range strings.Lines(out) {
				if n := table.Width(strings.TrimRight(line, "\n")); n > 80 && strings.Contains(strings.TrimLeft(line, " "), " ") {
					t.Errorf("%s (%s): %d cells: %s", args, language, n, line)
				}
			}
			fmt.Fprintf(&all, "== dswatch %s (%s), status %d\n%s\n", args, language, status, out)
		}
	}
	golden(t, "screens.txt", all.String())
}

// golden holds got to a file below testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s has changed; read it after -update:\n%s", file, got)
	}
}

// canned is the configuration of a dswatch of which there is only the API, with
// the answers of testdata/api.
func canned(t *testing.T) (file string) {
	t.Helper()
	dir := t.TempDir()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.ReplaceAll(strings.TrimPrefix(r.URL.Path, "/api/v1/"), "/", "-")
		if of := r.URL.Query().Get("of"); of != "" {
			name += "-" + of
		}
		text, err := os.ReadFile(filepath.Join("testdata", "api", name+".json"))
		if err != nil {
			w.WriteHeader(http.StatusNotFound)
			text, err = json.Marshal(web.Problem{Error: "nothing is canned as " + name})
		}
		if err == nil {
			_, err = w.Write(text)
		}
		if err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(api.Close)
	_, err := web.NewToken(dir)
	file = filepath.Join(dir, "dswatch.yaml")
	err = errors.Join(err, web.SetAddress(dir, strings.TrimPrefix(api.URL, "http://")),
		os.WriteFile(file, fmt.Appendf(nil, "host: web01\ntime_zone: Asia/Tokyo\nbus: {dir: %q}\n", dir), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// TestBadCommands: plausible mistakes, each answered in both languages with what
// is wrong, where, and the next step, and the same mistake with the same exit
// status everywhere. No sentence of a library is among the answers.
func TestBadCommands(t *testing.T) {
	t.Setenv("COLUMNS", "80")
	file := canned(t)
	dir := t.TempDir()
	nobody := filepath.Join(dir, "nobody.yaml")
	if err := os.WriteFile(nobody, fmt.Appendf(nil, "bus: {dir: %q}\nweb: {listen: \"127.0.0.1:1\"}\n", filepath.Join(dir, "bus")), 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join("testdata", "badcommand.txt"))
	if err != nil {
		t.Fatal(err)
	}
	library := regexp.MustCompile(`strconv|time: |unknown unit|invalid syntax|Unknown help|pflag|cobra|json: |yaml: line`)
	var all strings.Builder
	n := 0
	for line := range strings.Lines(string(text)) {
		words, is := strings.CutPrefix(strings.TrimSpace(line), "$ dswatch ")
		if !is {
			continue
		}
		n++
		args := strings.Fields(strings.NewReplacer("{api}", file, "{nobody}", nobody).Replace(words))
		fmt.Fprintf(&all, "$ dswatch %s\n", words)
		var statuses [2]int
		for i, language := range []string{"en", "ja"} {
			said, status := captured(t, func() int { return run(append([]string{"--language=" + language}, args...)) })
			statuses[i] = status
			said = strings.NewReplacer(file, "{api}", nobody, "{nobody}").Replace(said)
			if found := library.FindString(said); found != "" {
				t.Errorf("%s: %q leaks:\n%s", words, found, said)
			}
			all.WriteString(said)
		}
		if statuses[0] == 0 || statuses[0] != statuses[1] {
			t.Errorf("%s: status %d", words, statuses)
		}
		fmt.Fprintf(&all, "exit status %d\n\n", statuses[0])
	}
	if n < 40 {
		t.Errorf("only %d mistakes", n)
	}
	golden(t, "badcommand.txt", all.String())
}
