package config_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"dswatch/config"
)

// golden compares got with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s: -want +got:\n%s", path, d)
	}
}

func TestShow(t *testing.T) {
	f, c, err := build("x.yaml", []byte(full))
	if err != nil {
		t.Fatal(err)
	}
	c.Bus.URL = "nats://user:S3cret@192.0.2.1:4222"
	var b bytes.Buffer
	if err := f.Show(&b, c); err != nil {
		t.Fatal(err)
	}
	golden(t, "show.yaml", b.Bytes())
	for _, secret := range []string{"S3cret", "1234", "BEGIN KEY", "Bearer", "007", "a: b # c"} {
		if strings.Contains(b.String(), secret) {
			t.Errorf("shows %q", secret)
		}
	}
}

// What Show wrote reads back as the same configuration, secrets apart.
func TestShowReadsBack(t *testing.T) {
	const data = `
host: "x: y"
bus: {dir: "", url: "http://192.0.2.1:80/a@b", creds_file: ./creds}
watch: {items: [{name: "- a", kind: "#"}], ignore: ["[a]", "*b", "", "null", "1_0", "0x1F", "2026-01-01", " ", "a\nb\tc\x01\"\\", "日本　語"]}
labels: {"": "", "a.b": ":", "<<": "<<", "true": "yes", "x y": "---"}
routes: [{sinks: []}, {match: {a: b}}]
sinks:
  - {name: hook, type: webhook, url: "https://example.com", secret_file: ./creds, tls: {key_file: ./creds}, retries: -3}
  - {name: nms, type: snmp, address: "[2001:db8::1]:162", version: 3, community_file: ./creds}
web: {ratio: 1e-7}
`
	t.Chdir(t.TempDir())
	if err := os.WriteFile("creds", []byte("S3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, c, err := build("x.yaml", []byte(data))
	if err != nil {
		t.Fatal(err)
	}
	sinks(t, c) // their last Decode is what is shown
	var first, second bytes.Buffer
	if err := f.Show(&first, c); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(first.String(), "S3cret") {
		t.Errorf("shows a secret:\n%s", &first)
	}
	f, again, err := build("again.yaml", first.Bytes())
	if err != nil {
		t.Fatalf("%v\nin:\n%s", err, &first)
	}
	if d := cmp.Diff(c, again, cmpopts.EquateEmpty(), asRead); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	wantNames, wantKinds := sinks(t, c)
	gotNames, gotKinds := sinks(t, again)
	if d := cmp.Diff(wantNames, gotNames) + cmp.Diff(wantKinds, gotKinds, cmpopts.EquateEmpty()); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if err := f.Show(&second, again); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(first.String(), second.String()); d != "" {
		t.Errorf("the second time: -want +got:\n%s", d)
	}
}

func TestShowNeedsDecodedSections(t *testing.T) {
	c := defaults()
	f, err := config.Parse("x", []byte("sinks: [{name: a, type: snmp, community: S3cret}]"), c)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	err = f.Show(&b, c)
	if want := "show configuration: section sinks[0] was not decoded"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if b.Len() > 0 {
		t.Errorf("wrote %q", &b)
	}
}

func TestShowHidesUserinfo(t *testing.T) {
	for in, want := range map[string]string{
		"nats://user:S3cret@h:4222":            "nats://[redacted]@h:4222",
		"nats://S3cret@h":                      "nats://[redacted]@h",
		"nats://u:S3/cret@h":                   "nats://[redacted]@h",
		"nats://u:S3c@ret@h":                   "nats://[redacted]@h",
		"nats://u:S3cret@h1,nats://v:S3cret@h": "nats://[redacted]@h1,nats://[redacted]@h",
		"see https://a:S3cret@h/x and more":    "see https://[redacted]@h/x and more",
		"https://h:80/a@b":                     "https://h:80/a@b",
		"https://h/@user":                      "https://h/@user",
		"https://h/?q=a@b":                     "https://h/?q=a@b",
		"user@example.com":                     "user@example.com",
	} {
		c := defaults()
		f, err := config.Parse("x", nil, c)
		if err != nil {
			t.Fatal(err)
		}
		c.Host = in
		var b bytes.Buffer
		if err := f.Show(&b, c); err != nil {
			t.Fatal(err)
		}
		again := defaults()
		if _, err := config.Parse("x", b.Bytes(), again); err != nil || again.Host != want {
			t.Errorf("%s is shown as %s, %v; want %s", in, again.Host, err, want)
		}
	}
}

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", time.Second: "1s", 20 * time.Second: "20s", time.Minute: "1m", 10 * time.Minute: "10m", 90 * time.Second: "1m30s", time.Hour: "1h",
		4*time.Hour + 30*time.Second: "4h0m30s", 90 * time.Minute: "1h30m", 1500 * time.Microsecond: "1.5ms", -time.Minute: "-1m", 20 * time.Hour: "20h",
	} {
		if got := config.Duration(d); got != want {
			t.Errorf("Duration(%d) = %s, want %s", d, got, want)
		}
		if back, err := time.ParseDuration(want); err != nil || back != d {
			t.Errorf("%s is read as %s, %v", want, back, err)
		}
	}
}

func TestReference(t *testing.T) {
	var b bytes.Buffer
	root := defaults()
	root.Bus.Cred = "S3cret"
	if err := config.Reference(&b, root, parts()); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "S3cret") || strings.Contains(b.String(), "`public`") {
		t.Error("shows a secret's default")
	}
	golden(t, "reference.md", b.Bytes())
}

func TestReferenceIsComplete(t *testing.T) {
	type bad struct {
		A int `yaml:"a"`
		B struct {
			C string `yaml:"c"`
		} `yaml:"b" doc:"Has one."`
		S []*config.Section `yaml:"s" doc:"Sections."`
	}
	err := config.Reference(&bytes.Buffer{}, &bad{}, []config.Part{{Path: "t"}})
	want := "write reference: a has no doc tag\nb.c has no doc tag\nsection s has no part\npart \"t\": there is no section of this path"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if err := config.Schema(&bytes.Buffer{}, &bad{}, nil); err == nil || !strings.Contains(err.Error(), "section s has no part") {
		t.Errorf("schema without parts: %v", err)
	}
}

func TestReferenceEndsAtTypesThatHoldThemselves(t *testing.T) {
	type holder struct {
		Self self `yaml:"self" doc:"Holds itself."`
	}
	var b bytes.Buffer
	if err := config.Schema(&b, &holder{}, nil); err != nil || !json.Valid(b.Bytes()) {
		t.Errorf("%v\n%s", err, &b)
	}
	if err := config.Reference(&b, &holder{}, nil); err == nil || !strings.Contains(err.Error(), "self.in.v has no doc tag") && !strings.Contains(err.Error(), "self.v has no doc tag") {
		t.Errorf("got %v", err)
	}
}

func TestSchema(t *testing.T) {
	var b bytes.Buffer
	root := defaults()
	root.Bus.Cred = "S3cret"
	if err := config.Schema(&b, root, parts()); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "S3cret") {
		t.Error("shows a secret's default")
	}
	golden(t, "schema.json", b.Bytes())
	var any map[string]any
	if err := json.Unmarshal(b.Bytes(), &any); err != nil {
		t.Fatal(err)
	}
}

func TestSchemaLeavesOutLargeDefaults(t *testing.T) {
	var b bytes.Buffer
	root := struct {
		Routes []Route `yaml:"routes" doc:"Routes."`
		Ports  []int   `yaml:"ports" doc:"Ports."`
	}{[]Route{{Sinks: []string{"a"}}}, []int{1, 2}}
	if err := config.Schema(&b, &root, nil); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Properties map[string]struct {
			Default any `json:"default"`
		}
	}
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]any{1.0, 2.0}, got.Properties["ports"].Default); d != "" || got.Properties["routes"].Default != nil {
		t.Errorf("defaults are %v", got)
	}
}
