package snmp_test

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"dswatch/sinks/snmp"
	"dswatch/test/receive"
)

var update = flag.Bool("update", false, "write the golden files")

// TestMIBIsPublished keeps the file that people load equal to what the
// program prints.
func TestMIBIsPublished(t *testing.T) {
	golden := filepath.FromSlash("../../docs/mib/DSWATCH-MIB.txt")
	got := mib(t)
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s differs from MIB(\"\"); run go test ./sinks/snmp -update", golden)
	}
}

// TestMIBLint wants not one word from smilint at level 6, for any depth of
// arc.
func TestMIBLint(t *testing.T) {
	smilint, err := exec.LookPath("smilint")
	if err != nil {
		t.Fatal("smilint is not installed: apt-get install smitools")
	}
	for name, arc := range map[string]string{
		"default": "", "own number": "1.3.6.1.4.1.99999", "below it": ".1.3.6.1.4.1.99999.7", "deepest": "1.3.6.1.4.1.99999.1.2.4294967295",
	} {
		t.Run(name, func(t *testing.T) {
			text, err := snmp.MIB(arc)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			receive.WriteMIBs(t, dir, text)
			cmd := exec.Command(smilint, "-l", "6", "-i", "namelength-32", filepath.Join(dir, "DSWATCH-MIB.txt"))
			cmd.Env = append(os.Environ(), "SMIPATH="+dir)
			if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// TestMIBNumbers asks net-snmp for the numbers of names, so that what the
// sink sends is what the MIB says.
func TestMIBNumbers(t *testing.T) {
	translate, err := exec.LookPath("snmptranslate")
	if err != nil {
		t.Fatal("snmptranslate is not installed: apt-get install snmp")
	}
	text, err := snmp.MIB("1.3.6.1.4.1.99999.7")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	receive.WriteMIBs(t, dir, text)
	for name, want := range map[string]string{
		"dswatchRaised": ".0.1", "dswatchCleared": ".0.2", "dswatchAcknowledged": ".0.3", "dswatchDigest": ".0.4",
		"dswatchFlapping": ".0.5", "dswatchHeartbeat": ".0.6", "dswatchTest": ".0.7",
		"dswatchSequence": ".1.1", "dswatchAlertReplay": ".1.29",
		"dswatchAlertAffected": ".1.31", "dswatchHeartbeatEvery": ".1.36",
	} {
		// Standard output only: where net-snmp never ran it says on standard
		// error which directory it has created.
		cmd := exec.Command(translate, "-M", dir, "-m", "DSWATCH-MIB", "-On", "DSWATCH-MIB::"+name)
		cmd.Stderr = t.Output()
		out, err := cmd.Output()
		if got := strings.TrimSpace(string(out)); err != nil || got != ".1.3.6.1.4.1.99999.7"+want {
			t.Errorf("%s is %s (%v), want %s", name, got, err, want)
		}
	}
}

func TestMIBRefuses(t *testing.T) {
	for arc, want := range map[string]string{
		"1.3.6.1.4.1":                       "not below enterprises",
		"1.3.6.1.4.1.":                      "not an object identifier",
		"1.3.6.1.2.1.1":                     "not below enterprises",
		"1.3.6.1.4.1.99999.":                "not an object identifier",
		"1.3.6.1.4.1.99999.x":               "not an object identifier",
		"1.3.6.1.4.1.99999.-1":              "not an object identifier",
		"1.3.6.1.4.1.99999.07":              "not an object identifier",
		"1.3.6.1.4.1.4294967296":            "not an object identifier",
		"1.3.6.1.4.1.6101.3":                "Trend Micro",
		"1.3.6.1.4.1.99999.1.2.3.4.5.6.7.8": "takes 11 bytes",
		"iso.3.6.1":                         "not below enterprises",
	} {
		if _, err := snmp.MIB(arc); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", arc, err, want)
		}
	}
}
