package bus_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"dswatch/bus"
	"dswatch/setting"
)

func TestDefaultsAreValid(t *testing.T) {
	if err := bus.Defaults().Validate(); err != nil {
		t.Error(err)
	}
}

func TestValidate(t *testing.T) {
	for name, c := range map[string]struct {
		edit func(*bus.Config)
		key  string // empty: valid
		text string
	}{
		"no directory":           {func(c *bus.Config) { c.Dir = "" }, "dir", "write a directory"},
		"a tab in directory":     {func(c *bus.Config) { c.Dir = "C:\temp\new dir" }, "dir", "single quotes"},
		"sync always":            {func(c *bus.Config) { c.Sync = bus.Always }, "", ""},
		"sync too short":         {func(c *bus.Config) { c.Sync = bus.Sync(time.Millisecond) }, "sync", "100ms to 10m"},
		"sync too long":          {func(c *bus.Config) { c.Sync = bus.Sync(time.Hour) }, "sync", "100ms to 10m"},
		"outbox too small":       {func(c *bus.Config) { c.MaxOutbox = 1000 }, "max_outbox", "at least 1MiB"},
		"events negative":        {func(c *bus.Config) { c.MaxEvents = -1 }, "max_events", "at least 1MiB"},
		"dead too small":         {func(c *bus.Config) { c.MaxDead = 0 }, "max_dead", "at least 1MiB"},
		"two replicas":           {func(c *bus.Config) { c.Replicas = 2 }, "replicas", "none of 1, 3, 5"},
		"replicas embedded":      {func(c *bus.Config) { c.Replicas = 3 }, "replicas", "set url"},
		"creds embedded":         {func(c *bus.Config) { c.CredsFile = "x" }, "creds_file", "set url"},
		"tls embedded":           {func(c *bus.Config) { c.TLS.CAFile = "x" }, "tls.ca_file", "set url"},
		"external":               {func(c *bus.Config) { c.URL = "nats://a:4222" }, "", ""},
		"external cluster":       {func(c *bus.Config) { c.URL, c.Replicas = "nats://a:4222, tls://b", 5 }, "", ""},
		"not a NATS address":     {func(c *bus.Config) { c.URL = "http://a:4222" }, "url", "write nats://"},
		"no scheme":              {func(c *bus.Config) { c.URL = "a:4222" }, "url", "write nats://"},
		"one bad of two":         {func(c *bus.Config) { c.URL = "nats://a:4222,b:4222" }, "url", "write nats://"},
		"user in address":        {func(c *bus.Config) { c.URL = "nats://me:hunter2@a" }, "url", "password_file"},
		"user without password":  {func(c *bus.Config) { c.URL, c.User = "nats://a", "me" }, "user", "belong together"},
		"password without user":  {func(c *bus.Config) { c.URL, c.PasswordFile = "nats://a", "f" }, "user", "belong together"},
		"two ways to log in":     {func(c *bus.Config) { c.URL, c.User, c.PasswordFile, c.CredsFile = "nats://a", "me", "f", "g" }, "creds_file", "keep one"},
		"certificate, no key":    {func(c *bus.Config) { c.URL, c.TLS.CertFile = "tls://a", "f" }, "tls.cert_file", "belong together"},
		"password in bad escape": {func(c *bus.Config) { c.URL = "nats://me:hunter2%zz@a" }, "url", "write nats://"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := bus.Defaults()
			c.edit(&cfg)
			err := cfg.Validate()
			if c.key == "" {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			var se *setting.Error
			if !errors.As(err, &se) || se.SettingKey() != c.key || !strings.Contains(se.Error(), c.text) {
				t.Fatalf("got %v, want key %s and %q", err, c.key, c.text)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error shows a password: %v", err)
			}
		})
	}
}

func TestSyncText(t *testing.T) {
	for in, want := range map[string]bus.Sync{"always": bus.Always, "2s": bus.Sync(2 * time.Second), " 1m ": bus.Sync(time.Minute)} {
		var s bus.Sync = 1
		if err := s.UnmarshalText([]byte(in)); err != nil || s != want {
			t.Errorf("%q = %v, %v; want %v", in, s, err, want)
		}
	}
	for _, bad := range []string{"", "never", "0", "0s", "-1s", "5"} {
		var s bus.Sync
		if s.UnmarshalText([]byte(bad)) == nil {
			t.Errorf("%q was accepted as %v", bad, s)
		}
	}
}

func FuzzSync(f *testing.F) {
	for _, s := range []string{"always", "2s", "1h2m3.5s", "-1s", "", "9999999h"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		var s, back bus.Sync
		if s.UnmarshalText([]byte(in)) != nil {
			return
		}
		if err := back.UnmarshalText([]byte(s.String())); err != nil || back != s {
			t.Errorf("%q was written as %q and read as %v, %v", in, s, back, err)
		}
	})
}

func FuzzSize(f *testing.F) {
	for _, s := range []string{"512MiB", "2GB", "1.5KiB", "0B", "-1KB", "NaNMB", "12", "1e3KB"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		var s, back setting.Size
		if s.UnmarshalText([]byte(in)) != nil {
			return
		}
		if s < 0 {
			t.Fatalf("%q is %d", in, int64(s))
		}
		if err := back.UnmarshalText([]byte(s.String())); err != nil {
			t.Errorf("%q was written as %q, which is refused: %v", in, s, err)
		} else if s < 1<<53 && back != s {
			t.Errorf("%q was written as %q and read as %d", in, s, int64(back))
		}
	})
}
