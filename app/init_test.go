package app

import (
	"strings"
	"testing"

	"dswatch/words"
)

// TestInitOnWindows: every path of the text is one of Windows there, and the
// store's is read as it was meant.
func TestInitOnWindows(t *testing.T) {
	text, err := Init(t.Context(), words.In("en", nil))
	if err != nil {
		t.Fatal(err)
	}
	const folder = `C:\ProgramData\new dswatch`
	if got := placed(text, "linux", folder); got != text {
		t.Error("on Linux something changed")
	}
	got := placed(text, "windows", folder)
	for _, bad := range []string{"/var/", "/etc/"} {
		if strings.Contains(got, bad) {
			t.Errorf("it holds %s", bad)
		}
	}
	if !strings.Contains(got, folder+`\slack.url}`) {
		t.Error("the example of a secret's file is gone")
	}
	l, err := Parse("init.yaml", []byte(got))
	if err != nil {
		t.Fatal(err)
	}
	if l.Config.Bus.Dir != folder {
		t.Errorf("bus.dir is %q", l.Config.Bus.Dir)
	}
}

// TestDirectoriesThatAreHardlyMeant are warned of: they would be made.
func TestDirectoriesThatAreHardlyMeant(t *testing.T) {
	for dir, says := range map[string]string{
		"/var/lib/dswatch": "", "%ProgramData%/dswatch": "%ProgramData% is not replaced", "/srv/%LOCALAPPDATA%": "%LOCALAPPDATA% is not replaced",
		"/srv/100%": "", "/srv/50%20%": "", "data": "absolute path", "./data": "absolute path", "~/dswatch": "absolute path",
	} {
		l, err := Parse("x.yaml", []byte("bus: {dir: '"+dir+"'}"))
		if err != nil {
			t.Fatal(err)
		}
		said := ""
		for _, w := range words.In("en", nil).Lines(l.Warnings) {
			if strings.HasPrefix(w, "x.yaml:1:") && strings.Contains(w, ": bus.dir: ") {
				said = w
			}
		}
		if (said != "") != (says != "") || !strings.Contains(said, says) {
			t.Errorf("%s: %q, want %q", dir, said, says)
		}
	}
}

// TestInitLanguages: both texts are the same configuration but for its
// language, and the comments of the Japanese one are Japanese.
func TestInitLanguages(t *testing.T) {
	text := map[string]string{}
	for _, language := range []string{"en", "ja"} {
		all, err := Init(t.Context(), words.In(language, nil))
		if err != nil {
			t.Fatal(err)
		}
		if l, err := Parse("init.yaml", []byte(all)); err != nil || l.Config.Language != language {
			t.Errorf("%s: %v, %+v", language, err, l)
		}
		for line := range strings.Lines(all) {
			settings, comment, _ := strings.Cut(line, "#")
			text[language] += strings.TrimSpace(settings) + "\n"
			if language == "ja" && english.MatchString(comment) && !japanese(comment) {
				t.Errorf("a comment is English: %s", line)
			}
		}
	}
	if en := strings.Replace(text["en"], "language: en", "language: ja", 1); en != text["ja"] {
		t.Errorf("the settings differ:\n%s\nand\n%s", en, text["ja"])
	}
}
