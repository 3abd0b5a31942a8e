package driver

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dswatch/event"
	"dswatch/words"
)

// Lines as kernels write them: taints at the end, users with a trailing
// comma, no counts in a kernel that cannot unload, zero addresses for users.
const captured = `dsa_filter_hook 24576 1 dsa_filter, Live 0x0000000000000000 (POE)
dsa_filter 3198976 2 - Live 0xffffffffc0a3e000 (POE)
tmhook 110592 3 bmhook, Loading 0xffffffffc09b2000 (OE+)
bmhook 28672 0 - Unloading 0xffffffffc09a1000 (OE-)
nf_conntrack 172032 1 xt_conntrack, Live 0x0000000000000000
static_one 4096 - - Live 0x0000000000000000
snd-dash 4096 0 - Live 0x0000000000000000
`

func TestParseModules(t *testing.T) {
	got, err := Modules([]byte(captured))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"dsa_filter_hook": "Live", "dsa_filter": "Live", "tmhook": "Loading", "bmhook": "Unloading",
		"nf_conntrack": "Live", "static_one": "Live", "snd_dash": "Live"}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got, err := Modules(nil); err != nil || len(got) != 0 {
		t.Errorf("an empty list gives %v, %v", got, err)
	}
	for name, bad := range map[string]string{
		"an empty line":    "\n",
		"too few fields":   "dsa_filter 24576 1 -\n",
		"an unknown state": "dsa_filter 24576 1 - Sleeping 0x0\n",
		"cut off":          captured[:len(captured)-40],
		"a web page":       "<html><body>not found</body></html>\n",
	} {
		if got, err := Modules([]byte(bad)); err == nil {
			t.Errorf("%s is read as %v", name, got)
		}
	}
}

func TestStatesOfModules(t *testing.T) {
	table := proc(t, map[string]string{"modules": captured})
	for name, c := range map[string]struct {
		state event.State
		say   string
	}{
		"dsa_filter":   {event.Up, "dsa_filter is loaded"},
		"dsa-filter":   {event.Up, "dsa-filter is loaded"},
		"snd-dash":     {event.Up, "snd-dash is loaded"},
		"tmhook":       {event.Down, "tmhook is Loading, not Live"},
		"bmhook":       {event.Down, "bmhook is Unloading, not Live"},
		"DSA_filter":   {event.Down, "no driver named DSA_filter is loaded"},
		"nothing_here": {event.Down, "no driver named nothing_here is loaded"},
	} {
		d, err := newDetector(table, []Target{target(name)})
		if err != nil {
			t.Fatal(err)
		}
		if o, err := d.Detect(t.Context()); err != nil || o[0].State != c.state || words.English(o[0].Detail) != c.say {
			t.Errorf("%v, %v; want %s, %q", o, err, c.state, c.say)
		}
	}
	for _, bad := range []string{"", "b c", "x\n", "x\ty"} {
		if _, err := New([]Target{target(bad)}); err == nil || !strings.Contains(err.Error(), "lsmod") {
			t.Errorf("%q: error %v, want one with a next step", bad, err)
		}
	}
}

// proc writes a proc file system with the given files.
func proc(t *testing.T, files map[string]string) modules {
	t.Helper()
	root := t.TempDir()
	for f, text := range files {
		file := filepath.Join(root, f)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return modules{root}
}

func TestRead(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		err   string // empty: no error
		known int
	}{
		"a list":                     {map[string]string{"modules": captured}, "", 7},
		"a kernel without modules":   {map[string]string{"sys/kernel/ostype": "Linux\n"}, "", 0},
		"a hidden list":              {map[string]string{"sys/kernel/modules_disabled": "0\n"}, "hidden by a container", 0},
		"no proc file system":        {nil, "/sys/kernel cannot be seen (stat ", 0},
		"a list that is a directory": {map[string]string{"modules/x": ""}, "may read", 0},
		"nonsense":                   {map[string]string{"modules": "x y\n"}, "line 1 has 2 fields", 0},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := proc(t, c.files).read(t.Context(), nil)
			if c.err == "" && (err != nil || len(got.states) != c.known || got.none != (c.known == 0)) {
				t.Errorf("%v, %v; want %d modules", got, err, c.known)
			}
			if c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
				t.Errorf("%v, %v; want an error with %q", got, err, c.err)
			}
		})
	}
}

// The kernel that runs the test is the judge: what it lists is found, and a
// name it does not list is not. A kernel without modules lists nothing.
func TestThisKernel(t *testing.T) {
	b, err := os.ReadFile("/proc/modules")
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	targets := []Target{target("dswatch_no_such_module")}
	for line := range strings.Lines(string(b)) {
		targets = append(targets, target(strings.Fields(line)[0]))
	}
	d, err := New(targets)
	if err != nil {
		t.Fatal(err)
	}
	got, err := d.Detect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if b == nil && !strings.HasSuffix(words.English(got[0].Detail), "this kernel was built without modules") {
		t.Errorf("there is no /proc/modules, and the detail is %q", words.English(got[0].Detail))
	}
	for i, o := range got {
		if want := i > 0; (o.State == event.Up) != want {
			t.Errorf("%s is %s (%s)", o.Key.Name, o.State, words.English(o.Detail))
		}
	}
	t.Logf("this kernel lists %d modules", len(targets)-1)
}

func FuzzParseModules(f *testing.F) {
	f.Add(captured)
	f.Add("a 1 - - Live 0x0\n\n")
	f.Add("a\x00b 1 - - Live")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := Modules([]byte(text))
		if err != nil {
			if len(err.Error()) > 600 {
				t.Errorf("the error is %d bytes long", len(err.Error()))
			}
			return
		}
		if len(list) > strings.Count(text, "\n")+1 {
			t.Errorf("%d modules in %q", len(list), text)
		}
		for n, s := range list {
			if n == "" || strings.Contains(n, "-") || !strings.Contains(text, s) {
				t.Errorf("module %q in state %q from %q", n, s, text)
			}
		}
	})
}
