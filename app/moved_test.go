package app

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"dswatch/event"
	"dswatch/ledger"
	"dswatch/test/receive"
)

// offline is what the commands need of a stopped program.
func (f *fleet) offline() (*Loaded, Options) {
	f.t.Helper()
	l, err := Load(filepath.Join(f.dir, "fleet.yaml"))
	if err != nil {
		f.t.Fatal(err)
	}
	return l, Options{Version: "9.9.9", Log: slog.New(slog.DiscardHandler)}
}

// toldOf are the transitions of one item at a sink.
func toldOf(w *receive.Webhook, name string) (out []string) {
	for _, d := range w.Received() {
		if d.Alert.Key.Name == name {
			out = append(out, string(d.Alert.Transition))
		}
	}
	return out
}

// TestStoreMovesByAFile exports a store with an open alert and imports it
// elsewhere: nothing is told twice, and the end goes to every sink once.
func TestStoreMovesByAFile(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.start(quickRules)
	f.agent("20.0.0-5512")
	f.tell(event.Process, "own.exe", event.Down)
	eventually(t, "the alert", func() bool { return len(f.hook.Received()) == 1 && len(f.other.Received()) == 1 })
	f.stop()
	l, o := f.offline()
	file := filepath.Join(t.TempDir(), "moved.json")
	m, err := ExportStore(t.Context(), l, o, file)
	if err != nil || m.Records == 0 || m.Unreadable > 0 {
		t.Fatalf("exported %+v, %v", m, err)
	}
	if _, err := ExportStore(t.Context(), l, o, file); err == nil {
		t.Error("an export is written over a file")
	}
	if _, err := ImportStore(t.Context(), l, o, file); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("imported into a store with records: %v", err)
	}

	f.dir = t.TempDir()
	f.write(quickRules)
	l, o = f.offline()
	if m, err := ImportStore(t.Context(), l, o, file); err != nil || m.Head.Host != "hub" || m.Head.Version != "9.9.9" {
		t.Fatalf("imported %+v, %v", m, err)
	}
	f.start(quickRules)
	f.tell(event.Process, "own.exe", event.Up)
	for _, w := range []*receive.Webhook{f.hook, f.other} {
		eventually(t, "the end", func() bool { return len(toldOf(w, "own.exe")) >= 2 })
		if got := toldOf(w, "own.exe"); !slices.Equal(got, []string{"raised", "cleared"}) {
			t.Errorf("told %v", got)
		}
	}
	f.stop()
}

// TestImportRefuses what is not as it was written, and leaves no store behind.
func TestImportRefuses(t *testing.T) {
	t.Parallel()
	f := stoppedWithALoss(t)
	l, o := f.offline()
	file := filepath.Join(t.TempDir(), "whole.json")
	if _, err := ExportStore(t.Context(), l, o, file); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	whole := string(text)
	head, rest, _ := strings.Cut(whole, "\n")
	first, _, _ := strings.Cut(rest, "\n")
	withLine := func(line string) string { return head + "\n" + line + "\n" + rest }
	for name, c := range map[string]struct{ text, want string }{
		"nothing":                     {"", "no export of dswatch"},
		"another file":                {"hello\n", "no export of dswatch"},
		"cut off":                     {whole[:len(whole)-20], "stops before its end"},
		"without a line":              {head + rest[strings.IndexByte(rest, '\n'):], "a part is missing"},
		"without its last line":       {whole[:strings.LastIndex(strings.TrimSpace(whole), "\n")+1], "stops before its end"},
		"a line twice":                {withLine(first), "line 3: it is there twice"},
		"a changed byte":              {strings.Replace(whole, `"reached":true`, `"reached":false`, 1), "was changed"},
		"more behind the end":         {whole + "{}\n", "was changed"},
		"a key nobody knows":          {withLine(`{"in":"items","key":"x","value":{},"more":1}`), "line 2: json: unknown field"},
		"a place nobody knows":        {withLine(`{"in":"keys","key":"x","value":{}}`), "no place keys"},
		"an item under another's key": {withLine(`{"in":"items","key":"abc","value":{"key":{"host":"h","component":"agent","kind":"process","name":"p"}}}`), "another item"},
		"a file that leads elsewhere": {withLine(`{"in":"files","key":"../../etc/passwd","value":"aGVsbG8="}`), "no place files"},
		"a file of no sink":           {withLine(`{"in":"files","key":"a b/c","value":"aGVsbG8="}`), "no place files"},
		"a newer format":              {strings.Replace(whole, `"format":1`, `"format":99`, 1), "9.9.9"},
		"a newer form of the file":    {strings.Replace(whole, `"dswatch_export":1`, `"dswatch_export":2`, 1), "9.9.9"},
		"deep":                        {withLine(`{"in":"items","key":"x","value":` + strings.Repeat("[", 20000) + `}`), "line 2"},
		"one long line":               {strings.Repeat("x", 5<<20), "no export of dswatch"},
	} {
		f.dir = t.TempDir()
		f.write(quickRules)
		l, o := f.offline()
		bad := filepath.Join(t.TempDir(), "bad.json")
		if err := os.WriteFile(bad, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ImportStore(t.Context(), l, o, bad); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		for _, left := range []string{"jetstream", "import", "sinks"} {
			if _, err := os.Stat(filepath.Join(f.dir, left)); err == nil {
				t.Errorf("%s: %s is left", name, left)
			}
		}
	}
}

// TestFormats: a store of the first version starts as it is, and is upgraded on
// request; one of a newer version is refused with the way out.
func TestFormats(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	unpack(t, filepath.Join("testdata", "store-64fc8e6.tar.gz"), f.dir)
	f.host, f.sinks = "web01", strings.Replace(f.sinks, "name: other", "name: away", 1)
	f.start(quickRules)
	meta, found, err := f.a.ledger.Meta(t.Context())
	if err != nil || !found || meta.Format != 0 {
		t.Errorf("the store of the first version is %+v, %v, %v", meta, found, err)
	}
	f.stop()
	l, o := f.offline()
	for _, from := range []int{0, ledger.Format} {
		if before, now, err := UpgradeStore(t.Context(), l, o); err != nil || before != from || now != ledger.Format {
			t.Errorf("upgraded from %d to %d, %v", before, now, err)
		}
	}
	f.start(quickRules)
	meta, _, err = f.a.ledger.Meta(t.Context())
	if err != nil || meta.Format != ledger.Format {
		t.Errorf("after the upgrade: %+v, %v", meta, err)
	}
	meta.Format, meta.Version = 99, "7.0.0"
	if err := f.a.ledger.SetMeta(t.Context(), meta); err != nil {
		t.Fatal(err)
	}
	f.stop()
	_, err = Open(t.Context(), l, o)
	for _, want := range []string{f.dir, "99", "7.0.0", "dswatch store export"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("a store of a newer version: %v, want %q in it", err, want)
		}
	}
	if _, _, uerr := UpgradeStore(t.Context(), l, o); uerr == nil {
		t.Error("a store of a newer version is upgraded")
	}
}
