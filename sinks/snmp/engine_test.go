package snmp

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dswatch/machine"
	"dswatch/sinks"
)

func TestEngineKeepsItsIDAndRaisesBoots(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "not", "yet", "there")
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	var last engine
	for i := range 5 {
		e, err := openEngine(dir, "", machine.Identity{}, now, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		if len(e.id) != 17 || e.id[:5] != "\x80\x00\x1f\x88\x05" {
			t.Errorf("engine id %x", e.id)
		}
		if i > 0 && (e.id != last.id || e.boots != last.boots+1) {
			t.Errorf("start %d: %x with boots %d after %x with %d", i, e.id, e.boots, last.id, last.boots)
		}
		last = e
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

// TestEngineOfAClone: a copy of the state directory on another machine does
// not speak in the name of the first one, and says so; the first one goes on.
func TestEngineOfAClone(t *testing.T) {
	dir, now := t.TempDir(), time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)
	var said bytes.Buffer
	log := slog.New(slog.NewTextHandler(&said, nil))
	open := func(configured string, here machine.Identity) engine {
		t.Helper()
		said.Reset()
		e, err := openEngine(dir, configured, here, now, log)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	first := open("", machine.Identity{})
	one := machine.Identity{System: "1", Firmware: "1"}
	if again := open("", one); again.id != first.id || strings.Contains(said.String(), "another machine") {
		t.Errorf("a file of an earlier version is not this machine's: %s", said.String())
	}
	clone := open("", machine.Identity{System: "1", Firmware: "2"})
	if clone.id == first.id || !strings.Contains(said.String(), "another machine") {
		t.Errorf("the clone has engine id %x, the first one %x; said %s", clone.id, first.id, said.String())
	}
	if again := open("", machine.Identity{System: "1", Firmware: "2"}); again.id != clone.id || strings.Contains(said.String(), "another machine") {
		t.Errorf("the clone changes its id at every start; said %s", said.String())
	}
	if own := open("8000000001020304", one); own.id != "\x80\x00\x00\x00\x01\x02\x03\x04" || !strings.Contains(said.String(), "give each its own") {
		t.Errorf("configured %x; said %s", own.id, said.String())
	}
}

func TestNextBoots(t *testing.T) {
	day := func(n int) time.Time { return bootsEpoch.AddDate(0, 0, n) }
	for name, c := range map[string]struct {
		last uint32
		now  time.Time
		want uint32
	}{
		"first":                     {0, day(10), 864000},
		"later":                     {864000, day(20), 1728000},
		"twice within a second":     {864000, day(10), 864001},
		"clock set back":            {1728000, day(10), 1728001},
		"clock before the epoch":    {7, day(-1), 8},
		"clock far in the future":   {7, day(40000), 8},
		"state of an older copy":    {864000, day(30), 2592000},
		"state lost, with the host": {0, day(30), 2592000},
	} {
		if got := nextBoots(c.last, c.now); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

func TestEngineConfigured(t *testing.T) {
	dir, now, log := t.TempDir(), time.Now(), slog.New(slog.DiscardHandler)
	made, err := openEngine(dir, "", machine.Identity{}, now, log)
	if err != nil {
		t.Fatal(err)
	}
	own, err := openEngine(dir, "8000000001020304", machine.Identity{}, now, log)
	if err != nil || own.id != "\x80\x00\x00\x00\x01\x02\x03\x04" {
		t.Fatalf("%x, %v", own.id, err)
	}
	again, err := openEngine(dir, "8000000001020304", machine.Identity{}, now, log)
	if err != nil || again.id != own.id || again.boots <= own.boots {
		t.Errorf("%x with boots %d after %d, %v", again.id, again.boots, own.boots, err)
	}
	if made.id == own.id {
		t.Error("the configured id was not used")
	}
}

func TestEngineFaults(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	for name, text := range map[string]string{
		"empty": "", "no json": "boots=7", "no id": `{"boots":7}`, "id too short": `{"engine_id":"80","boots":7}`,
		"boots negative": `{"engine_id":"8000000001020304","boots":-1}`, "cut": `{"engine_id":"80000000010203`,
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, engineFile)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := openEngine(dir, "", machine.Identity{}, time.Now(), log)
		if err == nil || !strings.Contains(err.Error(), "is damaged") || !strings.Contains(err.Error(), "new engine id") {
			t.Errorf("%s: %v", name, err)
		}
		if b, _ := os.ReadFile(path); string(b) != text {
			t.Errorf("%s: the damaged file was changed", name)
		}
	}
	t.Run("the last boots", func(t *testing.T) {
		dir := t.TempDir()
		os.WriteFile(filepath.Join(dir, engineFile), []byte(`{"engine_id":"8000000001020304","boots":2147483646}`), 0o600)
		if _, err := openEngine(dir, "", machine.Identity{}, time.Now(), log); err == nil || !strings.Contains(err.Error(), "highest number") {
			t.Errorf("%v", err)
		}
	})
	t.Run("no directory can be made", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "file")
		os.WriteFile(file, nil, 0o600)
		if _, err := openEngine(filepath.Join(file, "dir"), "", machine.Identity{}, time.Now(), log); err == nil {
			t.Error("success")
		}
	})
}

// TestEngineWarnsOfAClockSetBack: then nothing keeps a restored copy from
// sending boots that receivers refuse, so it must be said.
func TestEngineWarnsOfAClockSetBack(t *testing.T) {
	dir := t.TempDir()
	var said bytes.Buffer
	log := slog.New(slog.NewTextHandler(&said, nil))
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	for _, step := range []struct {
		at   time.Time
		warn bool
	}{{now, false}, {now.Add(-time.Minute), false}, {now.AddDate(0, -1, 0), true}} {
		said.Reset()
		if _, err := openEngine(dir, "", machine.Identity{}, step.at, log); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(said.String(), "ahead of the clock"); got != step.warn {
			t.Errorf("%s: warned %v, want %v: %s", step.at, got, step.warn, said.String())
		}
	}
}

func TestClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClock()
		time.Sleep(90*time.Second + 10*time.Millisecond)
		if got := c.ticks(); got != 9001 {
			t.Errorf("uptime %d, want 9001", got)
		}
		if got := c.seconds(); got != 90 {
			t.Errorf("engine time %d, want 90", got)
		}
		c.last = time.Hour // the wall clock had run ahead
		if got := c.seconds(); got != 3600 {
			t.Errorf("engine time went back to %d", got)
		}
	})
}

func FuzzEngineID(f *testing.F) {
	for _, s := range []string{"0x80001f8805a1b2c3d4", "80001F88", "", "0x", "zz", strings.Repeat("ab", 33)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, err := parseEngineID(s)
		if err != nil {
			return
		}
		if again, err := parseEngineID(id); err != nil || again != id || len(id) < 10 || len(id) > 64 {
			t.Errorf("%q was read as %q, then %q, %v", s, id, again, err)
		}
	})
}

// TestInherit: a sink that had another name goes on as the engine that its
// receivers know, with higher boots; a configured id stays.
func TestInherit(t *testing.T) {
	for name, configured := range map[string]string{"made": "", "configured": "0x8000000001020304"} {
		t.Run(name, func(t *testing.T) {
			make := func(id string) *Sink {
				c := Defaults()
				c.Name, c.Type, c.Address, c.Version, c.Community = "nms", "snmp", "127.0.0.1:162", "3", ""
				c.V3 = V3{User: "bert", EngineID: id}
				s, err := New(c, sinks.Env{StateDir: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
				if err != nil {
					t.Fatal(err)
				}
				return s
			}
			old, heir := make(""), make(configured)
			if err := heir.Inherit(old.env.StateDir); err != nil { // nothing is there yet
				t.Fatal(err)
			}
			_, before, err := old.self()
			if err != nil {
				t.Fatal(err)
			}
			_, own, err := heir.self()
			if err != nil {
				t.Fatal(err)
			}
			if err := heir.Inherit(old.env.StateDir); err != nil {
				t.Fatal(err)
			}
			_, now, err := heir.self()
			if err != nil || now.boots <= max(before.boots, own.boots) {
				t.Errorf("boots %d after %d and %d, %v", now.boots, before.boots, own.boots, err)
			}
			if want := before.id; configured == "" && now.id != want || configured != "" && now.id != own.id {
				t.Errorf("engine %x, the old one was %x and the own %x", now.id, want, own.id)
			}
		})
	}
}
