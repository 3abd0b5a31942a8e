package process

import (
	"errors"
	"strings"
	"testing"
)

func TestPattern(t *testing.T) {
	for _, c := range []struct {
		pattern, file string
		fold, want    bool
	}{
		{"/opt/dsm/jre/bin/java", "/opt/dsm/jre/bin/java", false, true},
		{"/opt/dsm/jre/bin/java", "/opt/dsm/jre/bin/java2", false, false},
		{"/opt/dsm/jre/bin/java", "/usr/opt/dsm/jre/bin/java", false, false},
		{"/opt/dsm/jre/bin/java", "/opt/dsm/jre/bin/JAVA", false, false},
		{"/opt/*/nginx", "/opt/ds_agent/nginx", false, true},
		{"/opt/*/nginx", "/opt/ds_agent/relay/nginx", false, false},
		{"/opt/ds_agent/**/nginx", "/opt/ds_agent/nginx", false, true},
		{"/opt/ds_agent/**/nginx", "/opt/ds_agent/relay/sbin/nginx", false, true},
		{"/opt/ds_agent/**/nginx", "/opt/ds_agent2/nginx", false, false},
		{"/opt/ds_agent/**", "/opt/ds_agent/a/b", false, true},
		{"/opt/ds_agent/**", "/opt/ds_agent", false, true},
		{"/**/a/**/b", "/x/a/y/a/z/b", false, true},
		{"/**/a/**/b", "/x/a/y/a/z/b/c", false, false},
		{"/opt/ds_[am]*", "/opt/ds_agent", false, true},
		{"/a b/(c)", "/a b/(c)", false, true},
		{`C:\Program Files\**\dsa.exe`, `c:\program files\Trend Micro\Deep Security Agent\DSA.EXE`, true, true},
		{`C:\Program Files\**\dsa.exe`, `D:\Program Files\dsa.exe`, true, false},
		{`**\Deep Security Agent\**\nginx.exe`, `C:\Program Files\Trend Micro\Deep Security Agent\relay\nginx.exe`, true, true},
	} {
		p, err := compile(c.pattern, c.fold)
		if err != nil {
			t.Errorf("%q: %v", c.pattern, err)
			continue
		}
		if got := p.match(c.file); got != c.want {
			t.Errorf("%q on %q is %v, want %v", c.pattern, c.file, got, c.want)
		}
	}
	for _, bad := range []string{"", "nginx", "opt/nginx", "/opt/[a", `C:\x`} {
		if _, err := compile(bad, false); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestPatternBase(t *testing.T) {
	for in, want := range map[string]string{"/opt/x/java": "java", "/opt/**/nginx": "nginx", "/opt/x/*": "", "/opt/**": ""} {
		p, err := compile(in, false)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.base(); got != want {
			t.Errorf("base of %q is %q, want %q", in, got, want)
		}
	}
}

func TestPatternResolve(t *testing.T) {
	follow := func(s string) (string, error) {
		switch s {
		case "/opt", "/opt/dsm":
			return "/data" + s, nil
		case "/srv":
			return s, nil
		}
		return "", errors.New("does not exist")
	}
	for in, want := range map[string]string{
		"/opt/dsm/*/java":   "/data/opt/dsm/*/java",
		"/opt/dsm/gone/jar": "/data/opt/dsm/gone/jar",
		"/opt/**/java":      "/data/opt/**/java",
		"/srv/java":         "",
		"/nowhere/java":     "",
		"**/java":           "",
	} {
		p, err := compile(in, false)
		if err != nil {
			t.Fatal(err)
		}
		r, ok := p.resolve(follow)
		if got := strings.Join(r.parts, "/"); ok != (want != "") || ok && got != want {
			t.Errorf("%q resolves to %q (%v), want %q", in, got, ok, want)
		}
	}
}

func FuzzPattern(f *testing.F) {
	f.Add("/opt/ds_agent/**/nginx", "/opt/ds_agent/a/b/nginx")
	f.Add("/**/**/**/**/*a*/**/b", strings.Repeat("/a", 200))
	f.Add(`**\[a-z]*\?`, `C:\x\y`)
	f.Fuzz(func(t *testing.T, pat, file string) {
		for _, fold := range []bool{false, true} {
			p, err := compile(pat, fold)
			if err != nil {
				continue
			}
			p.match(file)
			if !strings.ContainsAny(pat, `*?[\`) && !p.match(pat) {
				t.Errorf("%q does not match itself", pat)
			}
			// ** at both ends finds the pattern anywhere.
			if wide := (pattern{parts: append([]string{"**"}, p.parts...), fold: fold}); p.match(file) && !wide.match(file) {
				t.Errorf("%q matches %q, but **/ before it does not", pat, file)
			}
		}
	})
}
