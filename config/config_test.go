package config_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"dswatch/config"
	"dswatch/event"
	"dswatch/words"
)

// full uses every kind of value there is.
const full = `
host: web01
language: ja
bus:
  dir: ""
  url: nats://192.0.2.1:4222
  sync: 1m30s
  max_size: 64KiB
  creds: "a: b # c"
  tls: {ca: /etc/ca.pem, verify: false}
watch:
  facts: {os: linux, agent_version: 20.0.1-7380, relay: off, kernel_version: 5.14}
  items:
  - kind: process
    name: my daemon
    instances: 2
  - {kind: service, name: ssh.service}
  ignore: []
detectors:
  process:
  port:
    schedule: "@every 1m"   # inlined
    targets: [{host: 192.0.2.10, ports: [4118, 4122], method: syn}]
rules: {hold: 0s, repeat: 36h}
routes:
  - match: {severity: critical}
    sinks: [nms]
    continue: true
sinks:
  - &base {name: nms, type: snmp, address: 192.0.2.20:162, version: 3, community: 1234}
  - <<: *base
    name: second
    version: 2c
  - name: hook
    type: webhook
    url: https://example.com/hook
    headers: {Authorization: Bearer x, X-Number: 007}
    patience: 1h
    tls:
      key: |
        -----BEGIN KEY-----
        abc
        -----END KEY-----
web: {listen: "127.0.0.1:9418", ratio: 0.5, nice: -20, big: 9223372036854775807}
labels: {true: yes, 1: 1.50, "a.b": "~", サイト: 東京}
`

func wantFull() *Config {
	c := defaults()
	c.Host, c.Language = "web01", "ja"
	c.Bus = Bus{URL: "nats://192.0.2.1:4222", Sync: 90 * time.Second, Max: 64 << 10, Cred: "a: b # c", TLS: TLS{CA: "/etc/ca.pem"}}
	c.Watch = Watch{
		Facts:  map[string]string{"os": "linux", "agent_version": "20.0.1-7380", "relay": "off", "kernel_version": "5.14"},
		Items:  []Item{{"process", "my daemon", 2}, {"service", "ssh.service", 0}},
		Ignore: []string{},
	}
	c.Detectors.Port.Schedule.Schedule = "@every 1m"
	c.Detectors.Port.Targets = []Target{{"192.0.2.10", []uint16{4118, 4122}, "syn"}}
	c.Rules = Rules{0, 36 * time.Hour}
	c.Routes = []Route{{map[string]string{"severity": "critical"}, []string{"nms"}, true}}
	c.Web = &Web{"127.0.0.1:9418", 0.5, -20, 9223372036854775807}
	c.Labels = map[string]string{"true": "yes", "1": "1.50", "a.b": "~", "サイト": "東京"}
	return c
}

var asRead = cmp.Options{cmpopts.IgnoreFields(Config{}, "Sinks"), cmpopts.IgnoreUnexported(Config{}), cmpopts.EquateComparable(netip.AddrPort{})}

// sinks decodes the sections of c.
func sinks(t *testing.T, c *Config) (commons []Common, settings []any) {
	t.Helper()
	for _, s := range c.Sinks {
		own, kind := common(), kinds[s.String("type")]()
		if err := s.Decode(own, kind); err != nil {
			t.Fatal(err)
		}
		commons = append(commons, *own)
		settings = append(settings, kind)
	}
	return commons, settings
}

func TestParseEverything(t *testing.T) {
	for name, data := range map[string]string{
		"as written":      full,
		"windows":         "\xef\xbb\xbf" + strings.ReplaceAll(full, "\n", "\r\n"),
		"old mac":         strings.ReplaceAll(full, "\n", "\r"),
		"document marks":  "---" + full + "...\n",
		"no line at last": strings.TrimSpace(full),
	} {
		t.Run(name, func(t *testing.T) {
			f, c, err := build("x.yaml", []byte(data))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(wantFull(), c, asRead); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
			commons, settings := sinks(t, c)
			if d := cmp.Diff([]Common{{"nms", "snmp", 24 * time.Hour}, {"second", "snmp", 24 * time.Hour}, {"hook", "webhook", time.Hour}}, commons); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
			if d := cmp.Diff([]any{
				&SNMP{"192.0.2.20:162", "3", "1234"}, &SNMP{"192.0.2.20:162", "2c", "1234"},
				&Webhook{
					URL: "https://example.com/hook", Headers: map[string]Secret{"Authorization": "Bearer x", "X-Number": "007"},
					TLS: TLS{Verify: true, Key: "-----BEGIN KEY-----\nabc\n-----END KEY-----\n"},
				},
			}, settings); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
			if w := f.Warnings(); len(w) != 0 {
				t.Errorf("warns: %q", w)
			}
		})
	}
}

func TestNothingMeansDefaults(t *testing.T) {
	for _, data := range []string{"", "\n\n", "# only a comment\n", "---\n", "--- # c\n...\n", "{}", "~", "bus:\nwatch:\n  facts:\ndetectors: {process: }\nsinks:\nweb:\n", "\xef\xbb\xbf"} {
		f, c, err := build("x.yaml", []byte(data))
		if err != nil {
			t.Errorf("%q: %v", data, err)
			continue
		}
		if d := cmp.Diff(defaults(), c, asRead); d != "" {
			t.Errorf("%q: -want +got:\n%s", data, d)
		}
		if len(c.Sinks) != 0 {
			t.Errorf("%q: has %d sinks", data, len(c.Sinks))
		}
		if got := f.Position("bus.dir"); !strings.HasPrefix(got, "x.yaml:1:") {
			t.Errorf("%q: bus.dir is at %s", data, got)
		}
	}
}

func TestDefaultsAreNotShared(t *testing.T) {
	ignore, web, labels := []string{"a", "b"}, &Web{Listen: "x", Nice: 3}, map[string]string{"k": "v"}
	c := &Config{Watch: Watch{Ignore: ignore}, Web: web, Labels: labels}
	if _, err := config.Parse("x", []byte("watch: {ignore: [c]}\nweb: {nice: 4}\nlabels: {l: w}\n"), c); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"a", "b"}, ignore); d != "" {
		t.Error(d)
	}
	if web.Nice != 3 || c.Web.Nice != 4 || c.Web.Listen != "x" {
		t.Errorf("default is %+v, read %+v", web, c.Web)
	}
	if len(labels) != 1 || len(c.Labels) != 1 || c.Labels["l"] != "w" {
		t.Errorf("default is %v, read %v", labels, c.Labels)
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "dswatch.yaml")
	if err := os.WriteFile(path, []byte("host: web01\nbus: {creds_file: sub/creds}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(dir, "sub", "creds")
	for content, want := range map[string]Secret{"S3cret": "S3cret", "S3cret\n": "S3cret", "S3cret\r\n": "S3cret", "S3cret\n\n": "S3cret\n", " a\tb ": " a\tb "} {
		if err := os.WriteFile(secret, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		c := defaults()
		f, err := config.Load(path, c)
		if err != nil {
			t.Fatal(err)
		}
		if c.Bus.Cred != want || c.Host != "web01" {
			t.Errorf("%q was read as %q", content, c.Bus.Cred)
		}
		if len(f.Warnings()) != 0 {
			t.Errorf("warns: %q", f.Warnings())
		}
	}
	if runtime.GOOS != "windows" { // which keeps no such bits
		for _, mode := range []os.FileMode{0o640, 0o604, 0o644} {
			if err := os.Chmod(secret, mode); err != nil {
				t.Fatal(err)
			}
			f, err := config.Load(path, defaults())
			if err != nil {
				t.Fatal(err)
			}
			want := fmt.Sprintf("%s:2:19: bus.creds_file: other users can read the file named here (mode %04o); run chmod 600 on it", path, mode)
			if d := cmp.Diff([]string{want}, words.In("en", nil).Lines(f.Warnings())); d != "" {
				t.Error(d)
			}
		}
	}
}

// TestSecretInAFileForAll: a secret that stands in a configuration that every
// user can read is told once, with the command that ends it.
func TestSecretInAFileForAll(t *testing.T) {
	if runtime.GOOS != "linux" {
		return // elsewhere nothing is said
	}
	path := filepath.Join(t.TempDir(), "dswatch.yaml")
	for name, c := range map[string]struct {
		text string
		mode os.FileMode
		want string
	}{
		"every user":   {"host: web01\nbus: {creds: S3cret}\n", 0o644, ":2:14: bus.creds: a secret stands in this file, which every user can read (mode 0644); run chmod o-rwx " + path},
		"a group":      {"bus: {creds: S3cret}\n", 0o640, ""},
		"the owner":    {"bus: {creds: S3cret}\n", 0o600, ""},
		"no secret":    {"host: web01\n", 0o644, ""},
		"known to all": {"bus: {creds: public}\n", 0o644, ""},
	} {
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, c.mode); err != nil {
			t.Fatal(err)
		}
		f, err := config.Load(path, defaults())
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join(words.In("en", nil).Lines(f.Warnings()), "\n")
		if !strings.HasPrefix(got, path+c.want) && c.want != "" || c.want == "" && got != "" || strings.Contains(got, "S3cret") {
			t.Errorf("%s: warns %q, want %q", name, got, c.want)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct {
		data string
		want string
	}{
		"too large":       {strings.Repeat("#\n", config.MaxFile/2+1), ":1:1: the file is larger than 1024 KiB; check that it is the right file"},
		"utf-16 little":   {"\xff\xfeh\x00", ":1:1: the file is UTF-16; save it as UTF-8"},
		"utf-16 big":      {"\xfe\xff\x00h", ":1:1: the file is UTF-16; save it as UTF-8"},
		"shift_jis":       {"host: web01\nlabels: {site: \x93\x8c\x8b\x9e}\n", ":2:16: not UTF-8 text; save the file as UTF-8"},
		"control":         {"host: web\x0001\n", `:1:10: a control character (U+0000); remove it, or write it as \x00 inside double quotes`},
		"endless line":    {"host: " + strings.Repeat("x", 70_000), ":1:1: the line is longer than 64 KiB; break it into several lines"},
		"tabs":            {"host: \"" + strings.Repeat("\t", 1001) + "\"", ":1:1: more than 1000 tabs in one line; use spaces"},
		"nested flow":     {"labels: " + strings.Repeat("[", 10_000), ":1:58: nested more than 50 levels deep; check the brackets and the indentation"},
		"nested block":    {strings.Repeat("- ", 1_000), ":1:101: nested more than 50 levels deep; check the brackets and the indentation"},
		"nested maps":     {nested(60), ":51:52: nested more than 50 levels deep; check the brackets and the indentation"},
		"wide":            {many("k%d: 1\n", 10_000), ":5001:6: more than 5000 keys in one map; check that it is the right file"},
		"absent":          {"watch:\n  ignore:\n" + strings.Repeat("  -\n", 5_000), ":1002:3: more than 1000 keys and entries without a value; check that it is the right file"},
		"absent values":   {"labels: {" + strings.Repeat("a: ,\n", 5_000) + "}", ":1001:4: more than 1000 keys and entries without a value; check that it is the right file"},
		"words":           {"watch:\n  ignore: [" + strings.Repeat("a,\n", 200_000) + "]", ":149999:2: the file has more than 300000 words; split what it describes"},
		"anchors":         {"watch:\n  ignore:\n" + strings.Repeat("  - &a a\n", 2_000), ":1003:5: more than 1000 anchors; write the values out"},
		"anchors in line": {strings.Repeat("&a ", 5_000), ":1:3001: more than 1000 anchors; write the values out"},
		"documents":       {strings.Repeat("---\n", 5_000), ":2:1: a second document begins here; keep one document in the file"},
		"alias bomb": {"watch:\n  ignore: &a [" + strings.Repeat("x,", 2_000) + "]\nroutes:\n" + strings.Repeat("  - {sinks: *a}\n", 1_000),
			":53:13: routes[49].sinks[1950]: aliases expand to more than 100000 values; write the values out"},
		"merge bomb": {"sinks:\n  - &a {" + many("k%d: 1,\n", 2_000) + "}\n" + strings.Repeat("  - <<: *a\n", 1_000),
			": merge keys add more than 100000 values; write the values out"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, "dswatch.yaml")
			if err := os.WriteFile(path, []byte(c.data), 0o600); err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			_, err := config.Load(path, defaults())
			if err == nil {
				t.Fatal("was accepted")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("got  %.300s\nwant %s", err, c.want)
			}
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("took %s", took)
			}
			if n := len(err.Error()); n > 20_000 {
				t.Errorf("the error is %d bytes long", n)
			}
		})
	}
}

func many(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

func nested(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

func TestLoadNamesTheFile(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "none.yaml")
	for path, want := range map[string]string{
		missing: "read configuration " + missing + ": no such file or directory; check the path given with -c, or write a file with dswatch init -o " + missing,
		dir:     "read configuration " + dir + ": is a directory; name a readable file with -c",
	} {
		f, err := config.Load(path, defaults())
		if f != nil || err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

func TestPermissionIsExplained(t *testing.T) {
	denied := &fs.PathError{Op: "open", Path: "x", Err: fs.ErrPermission}
	if got, want := config.ReadError("x", denied).Error(), "read configuration x: permission denied; let the user that runs dswatch read it"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got, want := words.English(words.SecretFileFault.With("", config.Unreadable(denied))), " cannot be read: permission denied; give it to the user that runs dswatch (chown), with chmod 600"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestFileNamesLines(t *testing.T) {
	f, c, err := build("x.yaml", []byte(full))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"":                                   "x.yaml:2:1",
		"host":                               "x.yaml:2:7",
		"bus":                                "x.yaml:4:1",
		"bus.dir":                            "x.yaml:5:8",
		"bus.absent":                         "x.yaml:4:1",
		"bus.tls.verify":                     "x.yaml:10:34",
		"watch.items[0].name":                "x.yaml:15:11",
		"watch.items[1].name":                "x.yaml:17:27",
		"watch.items[7].name":                "x.yaml:13:3",
		"sinks[1]":                           "x.yaml:31:5",
		"sinks[1].address":                   "x.yaml:30:44",
		"sinks[2].tls.key":                   "x.yaml:40:12",
		`labels["a.b"]`:                      "x.yaml:45:37",
		`labels["a.b`:                        "x.yaml:45:9",
		"nothing.at[3].all":                  "x.yaml:2:1",
		"detectors.port.targets[0].ports[1]": "x.yaml:23:48",
		"[0]":                                "x.yaml:2:1",
		"host.too.deep":                      "x.yaml:2:7",
	} {
		if got := f.Position(path); got != want {
			t.Errorf("Position(%q) = %s, want %s", path, got, want)
		}
	}
	err = config.Join(
		f.Fault("watch.ignore", event.Prose(`"driver/x" matches nothing; remove it`)),
		nil,
		c.Sinks[0].Fault("address", event.Prose("is wrong; correct it")),
		errors.New("open a.sock: refused; start it"),
		f.Fault("watch.ignore", event.Prose(`"driver/x" matches nothing; remove it`)),
	)
	want := `open a.sock: refused; start it
x.yaml:18:11: watch.ignore: "driver/x" matches nothing; remove it
   18 |   ignore: []
      |           ^
x.yaml:30:44: sinks[0].address: is wrong; correct it
   30 |   - &base {name: nms, type: snmp, address: 192.0.2.20:162, version: 3, community: [redacted]}
      |                                            ^`
	if d := cmp.Diff(want, err.Error()); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if err := config.Join(nil, nil); err != nil {
		t.Errorf("nothing joined is %v", err)
	}
}

func TestMessagesOfOthersAreCleaned(t *testing.T) {
	f, err := config.Parse("x", []byte("bus: {creds: S3cret}\n"), defaults())
	if err != nil {
		t.Fatal(err)
	}
	err = f.Fault("bus", event.Prose("a\x1b[31m\u202e\nS3cret nats://u:p@h; see"))
	want := "x:1:6: bus: a\uFFFD[31m\uFFFD [redacted] nats://[redacted]@h; see"
	if got, _, _ := strings.Cut(err.Error(), "\n"); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestWarningsAreToldOnce(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // which keeps no mode bits
	}
	t.Chdir(t.TempDir())
	if err := os.WriteFile("c", []byte("S3cret"), 0o644); err != nil {
		t.Fatal(err)
	}
	f, c, err := build("x", []byte("sinks: [{type: snmp, name: a, address: b, community_file: ./c}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	sinks(t, c)
	want := []string{"x:1:59: sinks[0].community_file: other users can read ./c (mode 0644); run chmod 600 on it"}
	if d := cmp.Diff(want, words.In("en", nil).Lines(f.Warnings())); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestJoinIsBounded(t *testing.T) {
	f, err := config.Parse("x", []byte("host: a\n"), defaults())
	if err != nil {
		t.Fatal(err)
	}
	var errs []error
	for i := range 100 {
		errs = append(errs, f.Fault("host", event.Prose(fmt.Sprintf("fault %d %s; see", i, strings.Repeat("東", 1_000)))))
	}
	err = config.Join(config.Join(errs[:50]...), config.Join(errs[50:]...))
	if !strings.HasSuffix(err.Error(), "\nand 80 more; correct these first") {
		t.Errorf("ends with %q", err.Error()[len(err.Error())-80:])
	}
	if n := len([]rune(err.Error())); n > 15_000 {
		t.Errorf("%d characters", n)
	}
}

func TestValuesOfOtherShapes(t *testing.T) {
	type holder struct {
		One   texts                      `yaml:"one"`
		Ptr   *string                    `yaml:"ptr"`
		PP    **int                      `yaml:"pp"`
		Lists [][]int                    `yaml:"lists"`
		Langs map[Language]bool          `yaml:"langs"`
		Key   *Secret                    `yaml:"key"`
		F32   float32                    `yaml:"f32"`
		Self  *self                      `yaml:"self"`
		Sec   *config.Section            `yaml:"sec"`
		Secs  map[string]*config.Section `yaml:"secs"`
	}
	var h holder
	_, err := config.Parse("x", []byte("one: a,b\nptr: p\npp: 5\nlists: [[1, 2], [], [3]]\nlangs: {en: true, ja: false}\nkey: k\nf32: 1e3\nself: {in: {in: {v: deep}}}\nsec: {a: 1}\nsecs: {x: {a: 2}}\n"), &h)
	if err != nil {
		t.Fatal(err)
	}
	if len(h.One) != 2 || *h.Ptr != "p" || **h.PP != 5 || len(h.Lists) != 3 || !h.Langs["en"] || *h.Key != "k" || h.F32 != 1000 || h.Self.In.In.V != "deep" {
		t.Errorf("read %+v", h)
	}
	var a struct {
		A int `yaml:"a"`
	}
	for s, want := range map[*config.Section]int{h.Sec: 1, h.Secs["x"]: 2} {
		if err := s.Decode(&a); err != nil || a.A != want {
			t.Errorf("%s holds %d, %v; want %d", s.Path(), a.A, err, want)
		}
	}
	if _, err := config.Parse("x", []byte("one: [a, b, c]\n"), &h); err != nil || len(h.One) != 3 {
		t.Errorf("read %v, %v", h.One, err)
	}
	var list []Item
	if _, err := config.Parse("x", []byte("- {name: a}\n- {name: b}\n"), &list); err != nil || len(list) != 2 {
		t.Errorf("a list at the top was read as %v, %v", list, err)
	}
}

// texts may be written as one text or as a list.
type texts []string

func (w *texts) UnmarshalText(b []byte) error { *w = strings.Split(string(b), ","); return nil }

type self struct {
	In *self  `yaml:"in"`
	V  string `yaml:"v"`
}

func TestMistakesOfTheProgramPanic(t *testing.T) {
	for name, into := range map[string]any{
		"no tag":     &struct{ A int }{},
		"no pointer": struct{}{},
		"nil":        (*Config)(nil),
		"interface": &struct {
			A any `yaml:"a"`
		}{},
		"channel": &struct {
			A []chan int `yaml:"a"`
		}{},
		"key twice": &struct {
			A, B int `yaml:"a"`
		}{},
		"twin twice": &struct {
			A Secret `yaml:"a"`
			B string `yaml:"a_file"`
		}{},
		"twin before": &struct {
			B string `yaml:"a_file"`
			A Secret `yaml:"a"`
		}{},
		"embedded": &struct{ Schedule }{},
		"inlined map": &struct {
			A map[string]int `yaml:",inline"`
		}{},
		"number keys": &struct {
			A map[int]int `yaml:"a"`
		}{},
		"not exported": &struct {
			a int `yaml:"a"`
		}{},
		"section value": &struct {
			A config.Section `yaml:"a"`
		}{},
		"section target": nil,
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("did not panic")
				}
			}()
			if name == "section target" {
				_, c, err := build("x", []byte(full))
				if err != nil {
					return
				}
				c.Sinks[0].Decode(new(string))
			}
			config.Parse("x", nil, into)
		})
	}
}
