package machine

import "testing"

func TestDiffers(t *testing.T) {
	a := Identity{System: "1", Firmware: "2"}
	for name, c := range map[string]struct {
		other Identity
		want  bool
	}{
		"the same":                      {a, false},
		"nothing is known":              {Identity{}, false},
		"cloned with its machine-id":    {Identity{System: "1", Firmware: "3"}, true},
		"firmware that only root reads": {Identity{System: "1"}, false},
		"prepared as a template":        {Identity{System: "4"}, true},
	} {
		if got := a.Differs(c.other); got != c.want || c.other.Differs(a) != c.want {
			t.Errorf("%s: %v, want %v both ways", name, got, c.want)
		}
	}
	if got := (Identity{System: "1"}).Adopt(Identity{System: "9", Firmware: "2"}); got != a {
		t.Errorf("adopted %v, want %v", got, a)
	}
}

func TestHashed(t *testing.T) {
	for _, unset := range []string{"", "\n", "uninitialized\n", "00000000-0000-0000-0000-000000000000", "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF"} {
		if got := hashed(unset); got != "" {
			t.Errorf("%q names a machine: %s", unset, got)
		}
	}
	if a, b := hashed("4C4C4544-0042\n"), hashed("4c4c4544-0042"); a == "" || a != b {
		t.Errorf("%s and %s, want the same", a, b)
	}
}
