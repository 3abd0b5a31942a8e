package manager

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"dswatch/event"
	"dswatch/setting"
	"dswatch/words"
)

var netCopy = io.Copy

// otherCA is the file of an authority that has signed nothing here.
func otherCA(t *testing.T) string {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "other"}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "other.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestValidate(t *testing.T) {
	good := func() Config {
		c := Defaults()
		c.URL, c.APIKey = "https://dsm.example.com:4119", key
		return c
	}
	if err := Defaults().Validate(); err != nil || Defaults().Enabled() {
		t.Errorf("an empty section: %v", err)
	}
	if err := good().Validate(); err != nil || !good().Enabled() {
		t.Errorf("a good one: %v", err)
	}
	for name, c := range map[string]struct {
		set func(*Config)
		key string
	}{
		"http":                       {func(c *Config) { c.URL = "http://dsm.example.com:4119" }, "url"},
		"no scheme":                  {func(c *Config) { c.URL = "dsm.example.com:4119" }, "url"},
		"user":                       {func(c *Config) { c.URL = "https://u:hunter22@dsm.example.com" }, "url"},
		"query":                      {func(c *Config) { c.URL = "https://dsm.example.com/?key=hunter22" }, "url"},
		"key, no url":                {func(c *Config) { c.URL = "" }, "url"},
		"key on two lines":           {func(c *Config) { c.APIKey = "hunter22\nx" }, "api_key"},
		"edition":                    {func(c *Config) { c.Edition = "cloud" }, "edition"},
		"fingerprint":                {func(c *Config) { c.Fingerprint = "AA:BB" }, "fingerprint"},
		"not hexadecimal":            {func(c *Config) { c.Fingerprint = strings.Repeat("xy", 32) }, "fingerprint"},
		"proxy":                      {func(c *Config) { c.Proxy = "hunter22.example.com:3128" }, "proxy"},
		"late":                       {func(c *Config) { c.Late = time.Second }, "late"},
		"page 0":                     {func(c *Config) { c.Page = 0 }, "page"},
		"page 5001":                  {func(c *Config) { c.Page = 5001 }, "page"},
		"no such file":               {func(c *Config) { c.CAFile = "/does/not/exist.pem" }, "ca_file"},
		"not a file of certificates": {func(c *Config) { c.CAFile = "config_test.go" }, "ca_file"},
	} {
		t.Run(name, func(t *testing.T) {
			conf := good()
			c.set(&conf)
			_, err := New(conf, Options{})
			var bad *setting.Error
			if !errors.As(err, &bad) || bad.Key != c.key || strings.Contains(err.Error(), "hunter22") || !strings.Contains(err.Error(), "write ") {
				t.Errorf("%v, want one about %s that says what to write", err, c.key)
			}
			if verr := conf.Validate(); c.key != "ca_file" && verr == nil {
				t.Error("Validate has nothing against it")
			}
		})
	}
	if _, err := New(Defaults(), Options{}); err == nil {
		t.Error("no manager to ask, and no error")
	}
}

func FuzzDecode(f *testing.F) {
	page, err := json.Marshal(map[string]any{"computers": []any{computerOf(1, "web01"), computerOf(2, "", without("ID", "computerStatus")), nil, 3}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(page)
	f.Add([]byte(`{"computers":[{"ID":"1","hostName":"x\u202e\u0000"},{"ID":-9223372036854775808,"lastAgentCommunication":9223372036854775807,"computerStatus":{"agentStatus":"error"}}]}`))
	f.Add([]byte(`{"a":{"computers":[]},"computers":[],"computers":[]}`))
	f.Add([]byte(`<html>`))
	f.Fuzz(func(t *testing.T, page []byte) {
		list, err := decode(&budget{ctx: t.Context(), r: strings.NewReader(string(page)), total: MaxAnswer}, 500, nil)
		if err != nil {
			return
		}
		c := Defaults()
		c.URL, c.APIKey = "https://dsm.example.com", key
		seen := map[string]bool{}
		d := open(t, c)
		var all []*record
		for _, c := range list {
			all = append(all, c.record(time.Now(), newCommon()))
			all[len(all)-1].at = time.Now().UnixNano()
		}
		d.take(t.Context(), all, true)
		for o := range d.computers(event.Observation{Key: d.key(API), At: time.Now()}) {
			if err := o.Validate(); err != nil {
				t.Fatal(err)
			}
			if k := o.Key.String(); seen[k] || !utf8.ValidString(k) || strings.ContainsAny(k, "\n\r\x00\x1b") || strings.Count(k, "/") != 3 {
				t.Fatalf("key %q", k)
			}
			seen[o.Key.String()] = true
			if !utf8.ValidString(words.English(o.Detail)) || strings.ContainsAny(words.English(o.Detail), "\n\r\x00\x1b") {
				t.Fatalf("detail %q", words.English(o.Detail))
			}
		}
		for _, r := range d.facts {
			if err := r.Facts.Validate(); err != nil {
				t.Fatal(err)
			}
			if _, _, err := event.EncodeFacts(r); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestLongRecord: a computer whose record is too long is known by its ID and
// names, and those behind it are read.
func TestLongRecord(t *testing.T) {
	page := `{"computers":[{"ID":1,"hostName":"a"},{"ID":2,"hostName":"b","description":"` + strings.Repeat("x", 2*maxRecord) + `"},{"ID":3,"hostName":"c"}]}`
	list, err := decode(&budget{ctx: t.Context(), r: strings.NewReader(page), total: MaxAnswer}, 500, nil)
	if err != nil || len(list) != 3 {
		t.Fatalf("%d computers, %v", len(list), err)
	}
	for i, name := range []string{"a", "b", "c"} {
		if c := list[i]; c.HostName != name || c.ID != int64(i+1) || (c.fault != "") != (name == "b") {
			t.Errorf("%d is %+v", i, c)
		}
	}
}
