package catalog

import (
	"fmt"
)

// Tri is a truth value of Kleene's three-valued logic. The zero value is
// Unknown.
type Tri int8

// The truth values are ordered, so that And is the least and Or the greatest
// of its operands.
const (
	No      Tri = -1
	Unknown Tri = 0
	Yes     Tri = 1
)

// And returns no if either is no, yes if both are yes, else unknown.
func (t Tri) And(u Tri) Tri { return min(t, u) }

// Or returns yes if either is yes, no if both are no, else unknown.
func (t Tri) Or(u Tri) Tri { return max(t, u) }

// Not swaps yes and no.
func (t Tri) Not() Tri { return -t }

// String returns yes, no or unknown.
func (t Tri) String() string {
	switch {
	case t > Unknown:
		return "yes"
	case t < Unknown:
		return "no"
	}
	return "unknown"
}

// MarshalText writes String.
func (t Tri) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (t *Tri) UnmarshalText(b []byte) error {
	for _, v := range []Tri{Yes, No, Unknown} {
		if v.String() == string(b) {
			*t = v
			return nil
		}
	}
	return fmt.Errorf("parse truth value %.20q: want yes, no or unknown", b)
}

func triOf(b bool) Tri {
	if b {
		return Yes
	}
	return No
}
