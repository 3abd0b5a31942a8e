package test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"dswatch/app"
	"dswatch/catalog"
	"dswatch/engine/story"
	"dswatch/event"
	"dswatch/rules"
)

// stories are read by operators as examples of their own.
const stories = "stories/*.txtar"

// TestStoryScripts tells every story in English and in Japanese, and again with
// a restart at every step, and with a kill -9 and a power loss at every
// operation, the languages in turns: the sinks must be told the same at the
// same times. Of stories with many operations, and with -short of all, it takes
// faults that are spread evenly; make soak takes all but of the largest.
//
// It goes red when any of these is broken on purpose: what a kill left untold
// is put, an all-clear is made again, the outbox is filled after the status,
// a hold goes on where it was; silences, acknowledgements, who was told when,
// the cause and the symptoms of an alert, changes of what flaps, a well item
// that is waited for, the transition of a host and the members of a digest
// outlive a restart; what was told keeps its number.
func TestStoryScripts(t *testing.T) {
	t.Parallel() // no process of this machine is in it
	files, err := filepath.Glob(stories)
	if err != nil || len(files) < 30 {
		t.Fatalf("%d stories, %v", len(files), err)
	}
	own, err := app.Load("")
	if err != nil {
		t.Fatal(err)
	}
	o := story.Options{Faults: 600, Ops: 12_000}
	switch {
	case os.Getenv("DSWATCH_SOAK") != "":
		o = story.Options{Faults: 1 << 20, Ops: 4_000_000}
	case testing.Short():
		o.Faults = 80 // fewer miss the few moments at which silent-rule-switched-off can be compared exactly
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			tale := readTale(t, file, own)
			if n := len(tale.Languages()); n != 2 {
				t.Fatalf("wanted in %d languages; want en and ja", n)
			}
			v, err := story.Judge(t.Context(), tale, o)
			if err != nil {
				t.Fatal(err)
			}
			if v.Complaint != "" {
				t.Errorf("%s\nwhere this is right, write it with: dswatch rules test --write %s", v.Complaint, file)
			}
			for _, language := range tale.Languages() {
				for _, d := range v.Told[language] {
					if wrong := illegible(d.Alert, language); wrong != "" {
						t.Errorf("%s, %s: %s\n%s\n%s", d.At, d.Sink, wrong, d.Alert.Title, d.Alert.Text)
					}
				}
			}
			// With rules.silent a host that does not report is nearly always about to be missed.
			if exact := v.Faults - v.Moved; exact == 0 || exact < v.Faults/20 {
				t.Errorf("of %d faults %d may move what is told, so too little was compared", v.Faults, v.Moved)
			}
			t.Logf("%d faults; with %d of them only pairing and order are compared", v.Faults, v.Moved)
		})
	}
}

// japanese characters are in every Japanese sentence and in no English one.
var japanese = regexp.MustCompile(`[\p{Hiragana}\p{Katakana}\p{Han}]`)

// illegible returns what the alert does not tell its reader: what happened
// and what it means in his language, and how to look for himself.
func illegible(a event.Alert, language string) string {
	listed := a.Key.Kind != event.Host && a.Rule != event.RuleStorm && a.Key.Component != catalog.Own
	switch {
	case a.Transition == event.Beat:
		return ""
	case !strings.Contains(a.Title, ": "):
		return "the title names no host"
	case a.Text == "":
		return "it does not say what it means"
	case japanese.MatchString(a.Title+a.Text+a.Reason) != (language == "ja"):
		return "is not in " + language
	case language == "ja" && (!japanese.MatchString(a.Title) || !japanese.MatchString(a.Text)):
		return "is only half in ja"
	case listed && a.Transition.Firing() && a.Confirm == "":
		return "it does not say how to look for oneself"
	case listed && a.Transition.Firing() && a.Rule == rules.Loss && a.Impact == "":
		return "it does not say what is lost"
	}
	return ""
}

// readTale reads a story, to be played under what own has beside it.
func readTale(t *testing.T, file string, own *app.Loaded) *story.Tale {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s, err := story.Parse(file, data)
	if err != nil {
		t.Fatal(err)
	}
	tale, err := story.Load(s, app.StoryReader(own))
	if err != nil {
		t.Fatal(err)
	}
	return tale
}

// TestStoryScriptsByCommand: the operator's command comes to the same verdict.
func TestStoryScriptsByCommand(t *testing.T) {
	files, err := filepath.Glob(stories)
	if err != nil {
		t.Fatal(err)
	}
	if stdout, stderr, code := output(t, append([]string{"rules", "test"}, files...)...); code != 0 {
		t.Errorf("exit status %d\n%s%s", code, stdout, stderr)
	}
}
