package faults

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"dswatch/event"
)

// What follows changes the store of a stopped program: it is lost, put back from
// a copy, moved to another machine. With the journal of what is open every firing
// that a sink holds gets exactly one end; without it, every sink is told that it
// will not.

// ends of the program before its store is changed.
var endings = []struct {
	name string
	end  func(h *host)
}{
	{"stopped", (*host).stop},
	{"killed", func(h *host) { h.prog.kill() }},
}

// replaced is one trial. Change is made while the program does not run, and
// things go on meanwhile.
func replaced(t *testing.T, change func(h *host)) (*host, outcome) {
	return replacedOf(t, dswatch, change)
}

// replacedOf is one of a store that this program has made.
func replacedOf(t *testing.T, program string, change func(h *host)) (*host, outcome) {
	h := newHost(t, filepath.Join(t.TempDir(), "bus"))
	h.program = program
	h.start()
	if program == dswatch {
		h.watches()
	} else { // it does not tell when it is ready
		h.await("it watches", settling, func() bool { return strings.Contains(h.prog.log.String(), "msg=watching") })
		time.Sleep(3 * time.Second) // looks at its schedule of 1 s
	}
	h.down(h.names[:4]...)
	h.settles("before", settling)
	endings[int(hosts.Load())%2].end(h)
	change(h)
	h.up(h.names[:2]...)    // ended while nobody looked
	h.down(h.names[4:6]...) // began
	h.start()
	return h, outcome{took: h.settles("after", settling)}
}

// goesOn loses and brings back everything, which must work as ever.
func (h *host) goesOn(o outcome) outcome {
	h.up(h.names...)
	h.settles("all are back", settling)
	h.down(h.names[0])
	h.settles("one is lost again", settling)
	h.up(h.names...)
	h.settles("and back", settling)
	h.stop()
	o.count = h.weigh()
	return o
}

func (h *host) openDir() string { return h.dir + "-open" }

func (h *host) remove(names ...string) {
	h.t.Helper()
	for _, n := range names {
		if err := os.RemoveAll(n); err != nil {
			h.t.Fatal(err)
		}
	}
}

func (h *host) copyOf(from, to string) {
	h.t.Helper()
	if out, err := exec.Command("cp", "-a", from, to).CombinedOutput(); err != nil {
		h.t.Fatalf("copy %s: %v: %s", from, err, out)
	}
}

// saidOf counts, at all sinks together, what was told of the store.
func (h *host) saidOf(name string, transition event.Transition) (n int) {
	for _, d := range h.ends.hook.Received() {
		if a := d.Alert; a.Class == "store" && a.Key.Name == name && a.Transition == transition {
			n++
		}
	}
	for _, trap := range h.ends.nms.Traps() {
		if trap["dswatchAlertName.0"] == name && trap["dswatchAlertTransition.0"] == string(transition) {
			n++
		}
	}
	for _, line := range h.ends.siem.Lines(h.t) {
		if strings.Contains(line, `"name":"`+name+`"`) && strings.Contains(line, `"transition":"`+string(transition)+`"`) {
			n++
		}
	}
	return n
}

// says waits until each sink was told of the store once.
func (h *host) says(name string) {
	h.t.Helper()
	h.await("every sink is told of the store", settling, func() bool { return h.saidOf(name, event.Raised) >= 3 })
	time.Sleep(time.Second)
	if n := h.saidOf(name, event.Raised); n != 3 {
		h.t.Errorf("%d notices of %s at 3 sinks", n, name)
	}
}

// forgets lets only count what is told from now on, and of what is not ended
// from before: nobody may end that either.
func (h *host) forgets() {
	h.t.Helper()
	h.ends.past = map[string]bool{}
	for _, all := range h.ends.told(h.t) {
		for _, a := range all {
			h.ends.past[a.id] = true
		}
	}
}

// goesOnOnce is goesOn where nothing may be told twice.
func (h *host) goesOnOnce(o outcome) outcome {
	h.t.Helper()
	if o = h.goesOn(o); o.doubled > 0 {
		h.t.Errorf("%d copies", o.doubled)
	}
	return o
}

// TestFaultStoreLost removes the store.
func TestFaultStoreLost(t *testing.T) {
	repeat(t, 2, func(t *testing.T) outcome {
		h, o := replaced(t, func(h *host) { h.remove(h.dir) })
		if n := h.saidOf("began_anew", event.Raised); n > 0 {
			t.Errorf("%d notices although the journal was there", n)
		}
		return h.goesOnOnce(o)
	})
}

// TestFaultStoreAndJournalLost removes both. What was open before is told to be
// unknown, and what is open now is told anew.
func TestFaultStoreAndJournalLost(t *testing.T) {
	repeat(t, 2, func(t *testing.T) outcome {
		h, o := replaced(t, func(h *host) {
			h.forgets()
			h.remove(h.dir, h.openDir())
		})
		h.says("began_anew")
		o = h.goesOn(o)
		if n := h.ends.late; n > 0 {
			t.Errorf("%d transitions of alerts that nobody can know any more", n)
		}
		return o
	})
}

// TestFaultStorePutBack puts a copy of the store in its place that was made
// before most of what it knows.
func TestFaultStorePutBack(t *testing.T) {
	repeat(t, 2, func(t *testing.T) outcome {
		h := newHost(t, filepath.Join(t.TempDir(), "bus"))
		h.start()
		h.watches()
		h.down(h.names[:3]...)
		h.settles("before the copy", settling)
		h.stop()
		h.copyOf(h.dir, h.dir+".copy")
		h.start()
		h.watches()
		h.up(h.names[0])
		h.down(h.names[3:5]...)
		h.settles("after the copy", settling)
		endings[int(hosts.Load())%2].end(h)
		h.remove(h.dir)
		h.copyOf(h.dir+".copy", h.dir)
		h.up(h.names[1])
		h.down(h.names[5])
		h.start()
		o := outcome{took: h.settles("after the copy was put back", settling)}
		h.says("went_back")
		return h.goesOnOnce(o)
	})
}

// otherMachine has the next program see another machine id.
func (h *host) otherMachine() {
	h.t.Helper()
	id := filepath.Join(h.t.TempDir(), "machine-id")
	if err := os.WriteFile(id, []byte("0123456789abcdef0123456789abcdef\n"), 0o644); err != nil {
		h.t.Fatal(err)
	}
	h.within = []string{"unshare", "-m", "sh", "-c", `mount --bind "$0" /etc/machine-id && exec "$@"`, id}
}

// TestFaultStoreMoved moves store and journal to another machine, which goes on
// by the store.
func TestFaultStoreMoved(t *testing.T) {
	repeat(t, 2, func(t *testing.T) outcome {
		h, o := replaced(t, (*host).otherMachine)
		if n := h.saidOf("began_anew", event.Raised) + h.saidOf("went_back", event.Raised); n > 0 {
			t.Errorf("%d notices of a store that is whole", n)
		}
		return h.goesOnOnce(o)
	})
}

// TestFaultUpgrade goes on with the store of a program of long ago, which kept no
// journal: every firing that a sink holds gets its end, and nothing is told twice.
func TestFaultUpgrade(t *testing.T) {
	if !long() {
		t.Skip("it compiles a version of the history: make faults")
	}
	old := filepath.Join(t.TempDir(), "dswatch")
	build := exec.Command("sh", "-ec", `mkdir "$1.src"; git -C ../.. archive 64fc8e6 | tar x -C "$1.src"; cd "$1.src"; go build -o "$1" ./cmd/dswatch`, "sh", old)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the version of before: %v: %s", err, out)
	}
	repeat(t, 2, func(t *testing.T) outcome {
		h, o := replacedOf(t, old, func(h *host) { h.program = dswatch })
		if n := h.saidOf("began_anew", event.Raised) + h.saidOf("went_back", event.Raised); n > 0 {
			t.Errorf("%d notices of a store that is whole", n)
		}
		return h.goesOnOnce(o)
	})
}

// TestFaultJournalOfAnother starts a clone whose store was removed: the journal
// is of another machine and ends nothing there.
func TestFaultJournalOfAnother(t *testing.T) {
	repeat(t, 2, func(t *testing.T) outcome {
		h, o := replaced(t, func(h *host) {
			h.forgets()
			h.remove(h.dir)
			h.otherMachine()
		})
		o = h.goesOn(o)
		if n := h.ends.late; n > 0 {
			t.Errorf("%d transitions of alerts of another machine", n)
		}
		return o
	})
}

// TestFaultStoreExported moves the store to another machine by a file.
func TestFaultStoreExported(t *testing.T) {
	repeat(t, 2, func(t *testing.T) outcome {
		h, o := replaced(t, func(h *host) {
			file := filepath.Join(t.TempDir(), "store.json")
			h.command("store", "export", file)
			h.dir = filepath.Join(t.TempDir(), "bus")
			h.bus = fmt.Sprintf("{dir: %q}", h.dir)
			h.otherMachine()
			if err := os.WriteFile(h.path, []byte(h.config()), 0o600); err != nil {
				t.Fatal(err)
			}
			h.command("store", "import", file)
		})
		if n := h.saidOf("began_anew", event.Raised) + h.saidOf("went_back", event.Raised); n > 0 {
			t.Errorf("%d notices of a store that is whole", n)
		}
		return h.goesOnOnce(o)
	})
}

// command runs a command of the program with the host's configuration.
func (h *host) command(args ...string) {
	h.t.Helper()
	line := slices.Concat(h.within, []string{h.program}, args, []string{"-c", h.path})
	if out, err := exec.Command(line[0], line[1:]...).CombinedOutput(); err != nil {
		h.t.Fatalf("%v: %v: %s", args, err, out)
	}
}
