package scm

import (
	"errors"
	"os"
	"os/exec"
	"sync"
	"testing"

	"dswatch/event"
	"dswatch/words"
)

// TestMain lets the test binary be the process that asks.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "ask" {
		os.Exit(ask())
	}
	os.Exit(m.Run())
}

// ask has several askers begin at once, as the first thing of the process.
func ask() (exit int) {
	var asking sync.WaitGroup
	faults := make(chan error, 100)
	for range 4 {
		asking.Go(func() {
			m, err := Open()
			if err != nil {
				faults <- err
				return
			}
			defer m.Close()
			for range 10 {
				if _, err := m.Ask("dswatch-no-such-service"); !errors.Is(err, ErrAbsent) {
					faults <- err
				}
				if e, err := m.Ask("PlugPlay"); err != nil || e.Name != "PlugPlay" {
					faults <- err
				}
			}
		})
	}
	asking.Wait()
	close(faults)
	for err := range faults {
		println(err.Error())
		exit = 1
	}
	return exit
}

func TestAskersAtOnce(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if out, err := exec.CommandContext(t.Context(), self, "ask").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
}

// TestSystemService asks for one that every Windows has.
func TestSystemService(t *testing.T) {
	m, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	e, err := m.Ask("plugplay")
	if state, say := Judge(event.Service, "x", e, err); err != nil || state != event.Up || !e.Known || e.PID == 0 {
		t.Errorf("%+v, %v: %s, %q; want up", e, err, state, words.English(say))
	}
}
