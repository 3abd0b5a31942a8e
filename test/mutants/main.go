// Mutants puts small deliberate faults into copies of the source, one at a
// time, and has the tests judge each: a fault that no test notices is a test
// that is missing. Nothing is written into the tree: `go test -overlay` swaps
// the one file.
//
// The sample is fixed: a fault is drawn by the hash of the seed and of its
// name, and its name holds no line number, so that a change elsewhere draws
// no other sample. known.txt lists faults that change nothing anyone could
// see (equivalent, not counted) and survivors with the reason why they live.
package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

//go:embed known.txt
var known string

// roots are the packages that are judged, with those below them.
const roots = "./rules ./engine ./bus ./detector/... ./sinks/... ./catalog ./web"

// limit is how long one package's tests may take; most need ten seconds.
const limit = 3 * time.Minute

type verdict string

const (
	killed     verdict = "killed"
	survived   verdict = "survived"
	equivalent verdict = "equivalent"
	broken     verdict = "does not build" // no fault at all: the next of the sample takes its place
)

func main() {
	n := flag.Int("n", 300, "how many faults")
	seed := flag.String("seed", "1", "what draws the sample")
	in := flag.String("in", roots, "packages, with spaces between")
	match := flag.String("match", "", "only faults whose name matches this regular expression; not counted with the sample")
	log := flag.String("log", "", "append each verdict to this file, and skip what it has already")
	part := flag.String("part", "1/1", "judge this part of the sample only, as 2/3; parts may run at once with one log")
	list := flag.Bool("list", false, "print the sample and judge nothing")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, options{*n, *seed, *in, *match, *log, *part, *list}); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

type options struct {
	n                          int
	seed, in, match, log, part string
	list                       bool
}

func run(ctx context.Context, o options) error {
	pkgs, err := packages(ctx, strings.Fields(o.in))
	if err != nil {
		return err
	}
	faults, err := gather(pkgs)
	if err != nil {
		return err
	}
	sample, err := draw(faults, o)
	if err != nil {
		return err
	}
	notes, err := readKnown(known)
	if err != nil {
		return err
	}
	had, err := readLog(o.log)
	if err != nil {
		return err
	}
	var mine, parts int
	if _, err := fmt.Sscanf(o.part, "%d/%d", &mine, &parts); err != nil || mine < 1 || mine > parts {
		return fmt.Errorf("-part %s: want one such as 2/3", o.part)
	}
	if parts > 1 {
		// Those that take the place of what does not build come last, in a run of the whole.
		sample = sample[:min(o.n, len(sample))]
	}
	j := judge{had: had, log: o.log, notes: notes, sound: map[string]bool{}}
	var counts = map[verdict]int{}
	var alive []fault
	for i, f := range sample {
		if i%parts != mine-1 {
			continue
		}
		if counts[killed]+counts[survived]+counts[equivalent] == o.n {
			break
		}
		if o.list {
			fmt.Println(f.name())
			counts[killed]++
			continue
		}
		v, err := j.verdict(ctx, f)
		if ctx.Err() != nil {
			break // the sample has no order, so what is judged so far is one, too
		}
		if err != nil {
			return err
		}
		counts[v]++
		if v == survived {
			alive = append(alive, f)
		}
	}
	if o.list {
		return nil
	}
	fmt.Printf("\n%d of %d faults: %d killed, %d survived, %d equivalent (not counted): %.1f %% killed\n",
		counts[killed]+counts[survived]+counts[equivalent], o.n, counts[killed], counts[survived], counts[equivalent],
		100*float64(counts[killed])/max(1, float64(counts[killed]+counts[survived])))
	for _, f := range alive {
		fmt.Printf("survived  %s\n          %s:%d  %s\n", f.name(), f.file, f.line, cmp.Or(notes[f.name()].why, "no reason is known: a test is missing"))
	}
	return nil
}

// draw returns all faults in the order of the sample.
func draw(faults []fault, o options) ([]fault, error) {
	want, err := regexp.Compile(o.match)
	if err != nil {
		return nil, err
	}
	faults = slices.DeleteFunc(slices.Clone(faults), func(f fault) bool { return !want.MatchString(f.name()) })
	key := func(f fault) [32]byte { return sha256.Sum256([]byte(o.seed + "\n" + f.name())) }
	slices.SortFunc(faults, func(a, b fault) int {
		x, y := key(a), key(b)
		return bytes.Compare(x[:], y[:])
	})
	return faults, nil
}

type note struct {
	verdict verdict
	why     string
}

// readKnown reads blocks of two lines: "equivalent NAME" or "survived NAME",
// then the reason, indented.
func readKnown(text string) (map[string]note, error) {
	notes := map[string]note{}
	var name string
	for i, line := range strings.Split(text, "\n") {
		switch {
		case strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "":
		case strings.HasPrefix(line, " "):
			n := notes[name]
			n.why = strings.TrimSpace(n.why + " " + strings.TrimSpace(line))
			notes[name] = n
		default:
			v, rest, _ := strings.Cut(line, " ")
			if verdict(v) != equivalent && verdict(v) != survived {
				return nil, fmt.Errorf("known.txt:%d: begins with neither equivalent nor survived", i+1)
			}
			name = rest
			notes[name] = note{verdict: verdict(v)}
		}
	}
	for name, n := range notes {
		if n.why == "" {
			return nil, fmt.Errorf("known.txt: no reason for %s", name)
		}
	}
	return notes, nil
}

// readLog returns the verdicts that an earlier part of the run left.
func readLog(file string) (map[string]verdict, error) {
	had := map[string]verdict{}
	if file == "" {
		return had, nil
	}
	data, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	for line := range strings.Lines(string(data)) {
		if f := strings.Split(line, "\t"); len(f) > 1 {
			had[strings.TrimSpace(f[1])] = verdict(f[0])
		}
	}
	return had, nil
}

type judge struct {
	notes map[string]note
	had   map[string]verdict
	log   string
	sound map[string]bool // packages whose tests pass without a fault
}

func (j judge) verdict(ctx context.Context, f fault) (verdict, error) {
	if j.notes[f.name()].verdict == equivalent {
		return equivalent, nil
	}
	v, ok := j.had[f.name()]
	if ok {
		return v, nil
	}
	if !j.sound[f.dir] && !j.stood(f.dir) {
		if v, by, err := j.try(ctx, f.dir, f.path, f.path); err != nil || v != survived {
			return "", cmp.Or(err, fmt.Errorf("without a fault the tests of %s fail: %s %s", f.dir, v, by))
		}
		j.sound[f.dir] = true
	}
	start := time.Now()
	dir, err := os.MkdirTemp("", "mutant")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	changed := filepath.Join(dir, "fault.go")
	if err := os.WriteFile(changed, f.source(), 0o644); err != nil {
		return "", err
	}
	v, by, err := j.try(ctx, f.dir, f.path, changed)
	if err != nil {
		return "", err
	}
	fmt.Printf("%-14s %4.0fs  %s  (%s:%d)  %s\n", v, time.Since(start).Seconds(), f.name(), f.file, f.line, by)
	if j.log == "" {
		return v, nil
	}
	w, err := os.OpenFile(j.log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return "", err
	}
	defer w.Close()
	_, err = fmt.Fprintf(w, "%s\t%s\t%s\n", v, f.name(), by)
	return v, err
}

// stood reports whether an earlier part of the run found that the tests of a
// package can pass.
func (j judge) stood(dir string) bool {
	for name, v := range j.had {
		if v == survived && strings.HasPrefix(name, dir+" ") {
			return true
		}
	}
	return false
}

// try has the tests judge the package in dir with changed in place of the
// file path, and returns which test noticed.
func (j judge) try(ctx context.Context, dir, path, changed string) (verdict, string, error) {
	tmp, err := os.MkdirTemp("", "mutant")
	if err != nil {
		return "", "", err
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	overlay := filepath.Join(tmp, "overlay.json")
	data, err := json.Marshal(map[string]map[string]string{"Replace": {path: changed}})
	if err != nil {
		return "", "", err
	}
	if err := os.WriteFile(overlay, data, 0o644); err != nil {
		return "", "", err
	}
	for i, t := range judges(dir) {
		binary := filepath.Join(tmp, fmt.Sprintf("%d.test", i))
		build := command(ctx, "go", "test", "-c", "-overlay", overlay, "-vet=off", "-ldflags=-w", "-o", binary, "./"+t.dir)
		if err := build.Run(); ctx.Err() != nil {
			return "", "", ctx.Err()
		} else if err != nil {
			return broken, "", nil
		}
		if by := t.notices(ctx, binary); ctx.Err() != nil {
			return "", "", ctx.Err()
		} else if by != "" {
			return killed, by, nil
		}
	}
	return survived, "", nil
}

// suite is a package whose tests judge, or some of its tests.
type suite struct {
	dir  string
	args []string
}

// notices returns the test that fails, twice: what failed once only did so
// because the machine was busy, and all are asked again.
func (t suite) notices(ctx context.Context, binary string) string {
	for range 2 {
		by := t.run(ctx, binary, t.args...)
		if by == "" || by == outOfTime {
			return by
		}
		only := t.args
		if by != ended {
			only = append(slices.Clone(t.args), "-test.run=^"+by+"$")
		}
		if t.run(ctx, binary, only...) != "" {
			return by
		}
	}
	return ""
}

const (
	outOfTime = "(out of time)"
	ended     = "(ended)" // by a panic, or because memory was out
)

var (
	failure  = regexp.MustCompile(`(?m)^--- FAIL: (\w+)`)
	panicked = regexp.MustCompile(`(?m)^panic: test timed out`)
)

func (t suite) run(ctx context.Context, binary string, args ...string) string {
	args = append([]string{binary, "-test.failfast", "-test.timeout=" + limit.String()}, args...)
	if prlimit, err := exec.LookPath("prlimit"); err == nil {
		args = append([]string{prlimit, "--data=3000000000"}, args...) // a loop that eats memory ends by itself
	}
	c := command(ctx, args[0], args[1:]...)
	c.Dir = t.dir
	out, err := c.CombinedOutput()
	switch m := failure.FindSubmatch(out); {
	case err == nil || ctx.Err() != nil:
		return ""
	case panicked.Match(out):
		return outOfTime
	case m != nil:
		return string(m[1])
	}
	return ended
}

// judges are the tests that a fault in a package must not pass: the package's
// own; of the rules also those of the engine around them, which tell the rules
// of storms and causes; of both the stories.
func judges(dir string) []suite {
	all := []suite{{dir: dir}}
	if dir == "rules" {
		all = append(all, suite{dir: "engine"})
	}
	if dir == "rules" || dir == "engine" {
		all = append(all, suite{dir: "test", args: []string{"-test.short", "-test.run=^TestStoryScripts$"}})
	}
	return all
}

// command ends with all that it started.
func command(ctx context.Context, name string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, name, args...)
	c.WaitDelay = 5 * time.Second
	group(c)
	return c
}
