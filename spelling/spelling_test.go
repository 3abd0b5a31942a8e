package spelling_test

import (
	"testing"

	"dswatch/spelling"
)

// TestAlike: names that people take for one, and paths that they name.
func TestAlike(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"web01", "WEB01", true}, {"web01", "web02", false}, {"caf\u00e9", "cafe\u0301", true}, {"CAFE\u0301", "caf\u00e9", true},
		{"caf\u00e9", "cafe", false}, {"\u30ac", "\u30ab\u3099", true}, {"\u30ac", "\u30ab", false}, {"\uff37eb", "web", false}, {"", "", true},
	} {
		if spelling.Alike(c.a, c.b) != c.want || spelling.Alike(c.b, c.a) != c.want {
			t.Errorf("%+q and %+q: want %v", c.a, c.b, c.want)
		}
	}
	const path = "cafe\u0301/manager/process//opt/dsm/jre/bin/java"
	for name, want := range map[string]bool{
		"caf\u00e9/manager/process//opt/dsm/jre/bin/java": true, "process//opt/DSM/jre/bin/java": true, "java": true, "bin/java": true,
		"ava": false, "": false, "caf\u00e9": false, "web01/manager/process//opt/dsm/jre/bin/java": false,
	} {
		if spelling.Ends(path, name) != want {
			t.Errorf("%+q: want %v", name, want)
		}
	}
}
