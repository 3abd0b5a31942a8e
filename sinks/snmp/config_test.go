package snmp_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"dswatch/event"
	"dswatch/sinks/sinktest"
	"dswatch/sinks/snmp"

	"github.com/gosnmp/gosnmp"

	"dswatch/setting"
)

func TestValidate(t *testing.T) {
	with := func(f func(*snmp.V3)) func(*snmp.Config) {
		return func(c *snmp.Config) {
			c.Version = "3"
			c.V3 = snmp.V3{User: "bert", AuthProtocol: "SHA-256", AuthPassword: "auth password", PrivProtocol: "AES", PrivPassword: "priv password"}
			f(&c.V3)
		}
	}
	for name, c := range map[string]struct {
		set  func(*snmp.Config)
		key  string // "" is valid
		want string
	}{
		"v2c":                  {func(c *snmp.Config) {}, "", ""},
		"v3":                   {with(func(*snmp.V3) {}), "", ""},
		"v3 user only":         {with(func(v *snmp.V3) { *v = snmp.V3{User: "bert"} }), "", ""},
		"other spellings":      {with(func(v *snmp.V3) { v.AuthProtocol, v.PrivProtocol = "sha1", "aes-128" }), "", ""},
		"port left out":        {func(c *snmp.Config) { c.Address = "nms.example" }, "", ""},
		"IPv6":                 {func(c *snmp.Config) { c.Address = "2001:db8::20" }, "", ""},
		"IPv6 with port":       {func(c *snmp.Config) { c.Address = "[2001:db8::20]:1162" }, "", ""},
		"no name":              {func(c *snmp.Config) { c.Name = "" }, "name", "write"},
		"no address":           {func(c *snmp.Config) { c.Address = "" }, "address", "write host:port"},
		"address is a URL":     {func(c *snmp.Config) { c.Address = "udp://192.0.2.1:162" }, "address", "write host:port"},
		"port 0":               {func(c *snmp.Config) { c.Address = "192.0.2.1:0" }, "address", "1 to 65535"},
		"port is a word":       {func(c *snmp.Config) { c.Address = "192.0.2.1:trap" }, "address", "1 to 65535"},
		"version":              {func(c *snmp.Config) { c.Version = "2" }, "version", "1, 2c or 3"},
		"no community":         {func(c *snmp.Config) { c.Community = "" }, "community", "write the community"},
		"long community":       {func(c *snmp.Config) { c.Community = setting.Secret(strings.Repeat("x", 128)) }, "community", "shorter"},
		"v1 inform":            {func(c *snmp.Config) { c.Version, c.Inform = "1", true }, "inform", "version: 2c or 3"},
		"retries":              {func(c *snmp.Config) { c.Retries = -1 }, "retries", "0 to 10"},
		"enterprise":           {func(c *snmp.Config) { c.Enterprise = "1.3.6.1.2.1" }, "enterprise", "enterprise number"},
		"max_size":             {func(c *snmp.Config) { c.MaxSize = 484 }, "max_size", "1472B"},
		"v3 without version 3": {func(c *snmp.Config) { c.V3.User = "bert" }, "v3", "version: 3"},
		"no user":              {with(func(v *snmp.V3) { v.User = "" }), "v3.user", "write the user"},
		"auth protocol":        {with(func(v *snmp.V3) { v.AuthProtocol = "SHA-3" }), "v3.auth_protocol", "MD5, SHA, SHA-224, SHA-256, SHA-384, SHA-512"},
		"priv protocol":        {with(func(v *snmp.V3) { v.PrivProtocol = "3DES" }), "v3.priv_protocol", "AES, AES-192, AES-192-C, AES-256, AES-256-C, DES"},
		"priv without auth":    {with(func(v *snmp.V3) { v.AuthProtocol, v.AuthPassword = "", "" }), "v3.priv_protocol", "needs an auth_protocol"},
		"short password":       {with(func(v *snmp.V3) { v.AuthPassword = "1234567" }), "v3.auth_password", "shorter than 8"},
		"no password":          {with(func(v *snmp.V3) { v.PrivPassword = "" }), "v3.priv_password", "shorter than 8"},
		"password alone":       {with(func(v *snmp.V3) { v.PrivProtocol = "" }), "v3.priv_password", "no protocol"},
		"context":              {with(func(v *snmp.V3) { v.Context = strings.Repeat("x", 33) }), "v3.context", "shorter"},
		"community of 127":     {func(c *snmp.Config) { c.Community = setting.Secret(strings.Repeat("x", 127)) }, "", ""},
		"no retry":             {func(c *snmp.Config) { c.Retries = 0 }, "", ""},
		"10 retries":           {func(c *snmp.Config) { c.Retries = 10 }, "", ""},
		"11 retries":           {func(c *snmp.Config) { c.Retries = 11 }, "retries", "0 to 10"},
		"least max_size":       {func(c *snmp.Config) { c.MaxSize = 1400 }, "", ""},
		"less than that":       {func(c *snmp.Config) { c.MaxSize = 1399 }, "max_size", "1472B"},
		"most max_size":        {func(c *snmp.Config) { c.MaxSize = 65507 }, "", ""},
		"more than that":       {func(c *snmp.Config) { c.MaxSize = 65508 }, "max_size", "1472B"},
		"port 65535":           {func(c *snmp.Config) { c.Address = "192.0.2.1:65535" }, "", ""},
		"port 65536":           {func(c *snmp.Config) { c.Address = "192.0.2.1:65536" }, "address", "1 to 65535"},
		"user of 32":           {with(func(v *snmp.V3) { v.User = strings.Repeat("x", 32) }), "", ""},
		"user of 33":           {with(func(v *snmp.V3) { v.User = strings.Repeat("x", 33) }), "v3.user", "32 bytes"},
		"passwords of 8":       {with(func(v *snmp.V3) { v.AuthPassword, v.PrivPassword = "12345678", "12345678" }), "", ""},
		"context of 32":        {with(func(v *snmp.V3) { v.Context = strings.Repeat("x", 32) }), "", ""},
		"engine id":            {with(func(v *snmp.V3) { v.EngineID = "8000" }), "v3.engine_id", "5 to 32 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config("192.0.2.20:162", c.set)
			err := cfg.Validate()
			if c.key == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			var bad *setting.Error
			if !errors.As(err, &bad) || bad.Key != c.key || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %s: ... %s", err, c.key, c.want)
			}
			if strings.Contains(fmt.Sprint(err), "1234567") {
				t.Error("the error shows a password")
			}
		})
	}
	t.Run("community in version 3", func(t *testing.T) {
		cfg := config("192.0.2.20:162", with(func(*snmp.V3) {}))
		cfg.Community = "public"
		if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), "community") {
			t.Error(err)
		}
	})
}

// TestNotificationOfATest: a test says so, whatever it stands for.
func TestNotificationOfATest(t *testing.T) {
	st := newStation(t)
	s := newSink(t, config(st.address(), nil), t.TempDir())
	for _, tr := range []event.Transition{event.Raised, event.Cleared} {
		a := sinktest.Sample(1, tr, "en")
		a.Test = true
		if err := s.Send(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	for i, m := range await(t, st, 2) {
		p, err := (&gosnmp.GoSNMP{}).UnmarshalTrap(m.Body, false)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := p.Variables[1].Value, "."+snmp.DefaultEnterprise+".0.7"; got != want {
			t.Errorf("message %d is %v, want %s", i, got, want)
		}
	}
}

// TestKind: the program finds the section's defaults and gets a sink.
func TestKind(t *testing.T) {
	k := snmp.Kind()
	c, ok := k.Settings().(*snmp.Config)
	if !ok || k.Type != "snmp" || c.Version != "2c" || c.MaxSize != 1472 {
		t.Fatalf("%s, %+v", k.Type, c)
	}
}

// TestConflict: one engine for two sinks makes the receiver deaf to one.
func TestConflict(t *testing.T) {
	base := config("192.0.2.1:162", func(c *snmp.Config) { c.Version, c.V3 = "3", snmp.V3{User: "u", EngineID: "0x8000000001020304"} })
	for name, c := range map[string]struct {
		change   func(*snmp.Config)
		conflict bool
	}{
		"the same":          {func(*snmp.Config) {}, true},
		"written otherwise": {func(c *snmp.Config) { c.Address, c.V3.EngineID = "192.0.2.1", "8000000001020304" }, true},
		"another engine":    {func(c *snmp.Config) { c.V3.EngineID = "0x8000000001020305" }, false},
		"no engine":         {func(c *snmp.Config) { c.V3.EngineID = "" }, false},
		"another receiver":  {func(c *snmp.Config) { c.Address = "192.0.2.2" }, false},
		"informs":           {func(c *snmp.Config) { c.Inform = true }, false}, // the receiver's own engine counts
		"v2c":               {func(c *snmp.Config) { c.Version = "2c" }, false},
	} {
		other := base
		c.change(&other)
		if err := base.Conflict(&other); (err != nil) != c.conflict {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := base.Conflict(1); err != nil {
		t.Error(err)
	}
}
