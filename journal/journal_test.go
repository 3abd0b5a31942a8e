package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func open(t *testing.T, dir string) (*Journal, *[]error) {
	t.Helper()
	var told []error
	j := New(dir, Header{Store: "s1", Host: "web01"}, func(err error) { told = append(told, err) })
	t.Cleanup(j.Close)
	return j, &told
}

func read(t *testing.T, dir string) Contents {
	t.Helper()
	c, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func entry(key, value string) Entry {
	if value == "" {
		return Entry{Key: key}
	}
	return Entry{key, []byte(`"` + value + `"`)}
}

func values(c Contents) string {
	var out []string
	for k, v := range c.Values {
		out = append(out, k+"="+string(v))
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func TestNewestValuesCount(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "open")
	if _, err := Read(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("a directory that is not there: %v", err)
	}
	j, told := open(t, dir)
	if _, err := spell(nil, Entry{"a b", nil}, 1); err == nil {
		t.Error("a key with a blank is taken")
	}
	j.Append([]Entry{entry("lost", "x")}, true) // nothing was written whole yet
	j.Whole(slices.Values([]Entry{entry("a", "1"), entry("b", "1")}))
	j.Append([]Entry{entry("a", "2"), entry("c", "1")}, true)
	j.Append([]Entry{entry("b", "")}, false)
	c := read(t, dir)
	if got := values(c); got != `a="2" c="1"` || c.Store != "s1" || c.Host != "web01" || c.Torn != 0 || c.Last.IsZero() {
		t.Errorf("read %s of %+v, torn %d", got, c.Header, c.Torn)
	}
	if len(*told) != 1 || (*told)[0] != nil {
		t.Errorf("told %v, want once that it can be written", *told)
	}
}

func TestTornLinesAreLeftOut(t *testing.T) {
	for name, c := range map[string]struct {
		change func(text string) string
		want   string
		torn   int
	}{
		"the last line was cut off":   {func(s string) string { return s[:len(s)-5] }, `a="1" b="1"`, 1},
		"a byte in the middle":        {func(s string) string { return strings.Replace(s, ` b `, ` x `, 1) }, `a="1" c="1"`, 1},
		"a line of nothing but zeros": {func(s string) string { return s + strings.Repeat("\x00", 4096) }, `a="1" b="1" c="1"`, 1},
		"a line without an end":       {func(s string) string { return s + strings.Repeat("x", longest+9) + "\n" }, `a="1" b="1" c="1"`, 1},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			j, _ := open(t, dir)
			j.Whole(slices.Values([]Entry{entry("a", "1"), entry("b", "1"), entry("c", "1")}))
			text, err := os.ReadFile(j.path())
			if err == nil {
				err = os.WriteFile(j.path(), []byte(c.change(string(text))), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := read(t, dir); values(got) != c.want || got.Torn != c.torn {
				t.Errorf("read %s, torn %d; want %s, %d", values(got), got.Torn, c.want, c.torn)
			}
		})
	}
}

func TestNoJournalOfOurs(t *testing.T) {
	newer, err := spellHead(Header{Format: format + 1})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{"": "EOF", "hello\n": "first line", string(newer): "a newer version"} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(dir); err == nil || text != "" && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(dir); err == nil {
		t.Error("a directory is read as a journal")
	}
}

// TestItStaysSmall changes few keys often.
func TestItStaysSmall(t *testing.T) {
	dir := t.TempDir()
	j, _ := open(t, dir)
	j.Whole(slices.Values([]Entry{entry("a", "1")}))
	for i := range 20000 {
		j.Append([]Entry{entry(fmt.Sprint("k", i%10), strings.Repeat("x", 1000)+fmt.Sprint(i))}, false)
	}
	info, err := os.Stat(j.path())
	if err != nil || info.Size() > 2*spare {
		t.Errorf("%d bytes, %v", info.Size(), err)
	}
	if c := read(t, dir); len(c.Values) != 11 || !strings.HasSuffix(string(c.Values["k9"]), `19999"`) {
		t.Errorf("%d values, the last %s", len(c.Values), c.Values["k9"])
	}
}

// TestUnwritable: it is said once, nothing fails, and the next Whole mends it.
func TestUnwritable(t *testing.T) {
	top := t.TempDir()
	dir := filepath.Join(top, "open")
	j, told := open(t, dir)
	if err := os.WriteFile(dir, nil, 0o600); err != nil { // a file where the directory would be
		t.Fatal(err)
	}
	for range 3 {
		j.Whole(slices.Values([]Entry{entry("a", "1")}))
		j.Append([]Entry{entry("b", "1")}, true)
	}
	if j.Err() == nil || len(*told) != 1 || !strings.Contains((*told)[0].Error(), "bus.open_dir") {
		t.Errorf("error %v, told %v", j.Err(), *told)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	j.Whole(slices.Values([]Entry{entry("a", "2")}))
	if j.Err() != nil || len(*told) != 2 || values(read(t, dir)) != `a="2"` {
		t.Errorf("error %v, told %v", j.Err(), *told)
	}
	if err := os.RemoveAll(dir); err != nil { // under the open journal
		t.Fatal(err)
	}
	j.Append([]Entry{entry("b", "1")}, true)
	if j.Err() == nil {
		t.Error("what was removed is written to")
	}
}

func FuzzRead(f *testing.F) {
	head, err := spellHead(Header{Format: format})
	if err != nil {
		f.Fatal(err)
	}
	one, err := spell(head, Entry{"a", []byte("1")}, 1)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(one)
	f.Add(head[:5])
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
		if c, err := Read(dir); err == nil && len(c.Values) > len(text) {
			t.Errorf("%d values of %d bytes", len(c.Values), len(text))
		}
	})
}
