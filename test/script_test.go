package test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts runs the commands as a person types them and holds what they
// print against scenarios/*.txtar.
func TestScripts(t *testing.T) { scripts(t, "scenarios") }

// TestDemoScript runs the demo by itself: the scripts of one folder run at
// once, and the demo's processes are on everybody's list.
func TestDemoScript(t *testing.T) { scripts(t, "scenarios/demo") }

func scripts(t *testing.T, dir string) {
	testscript.Run(t, testscript.Params{
		Dir:           dir,
		UpdateScripts: *update,
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", filepath.Dir(dswatch)+string(os.PathListSeparator)+e.Getenv("PATH"))
			files, err := filepath.Glob(filepath.Join(e.WorkDir, "*.yaml"))
			for _, f := range files { // as an operator keeps configurations with secrets in them
				err = errors.Join(err, os.Chmod(f, 0o600))
			}
			return err
		},
	})
}

// TestComposeFile asks docker-compose whether it accepts our file.
func TestComposeFile(t *testing.T) {
	path, err := exec.LookPath("docker-compose")
	if err != nil {
		t.Fatal("docker-compose is missing; install the package docker-compose")
	}
	cmd := exec.CommandContext(t.Context(), path, "-f", "../docker-compose.yml", "config", "-q")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if _, stderr, code := output(t, "config", "check", "-c", "../deploy/compose/dswatch.yaml"); code != 0 {
		t.Fatal(stderr)
	}
}

// TestPrintedMIB holds the file for the NMS to what the program prints.
func TestPrintedMIB(t *testing.T) {
	const path = "../docs/mib/DSWATCH-MIB.txt"
	text := mib(t)
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != text {
		t.Errorf("%s differs from `dswatch mib`; write it again with: go test ./test -run PrintedMIB -update", path)
	}
}
