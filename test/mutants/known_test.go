package main

import (
	"strings"
	"testing"
)

// TestKnownFaultsAreThere: what known.txt says is about a fault that could still be
// put in. Another form of the same line may well be noticed.
func TestKnownFaultsAreThere(t *testing.T) {
	t.Chdir("../..")
	notes, err := readKnown(known)
	if err != nil {
		t.Fatal(err)
	}
	pkgs, err := packages(t.Context(), strings.Fields(roots))
	if err != nil {
		t.Fatal(err)
	}
	faults, err := gather(pkgs)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range faults {
		delete(notes, f.name())
	}
	for name := range notes {
		t.Errorf("known.txt: there is no fault %s", name)
	}
}
