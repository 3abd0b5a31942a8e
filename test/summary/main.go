// Command summary reads the output of `go test -v` and prints what a person
// wants of it: every package with its result, every failure whole, what was
// skipped, which packages failed or ran out of time in which tests, and the
// counts, after the words it is called with.
package main

import (
	"bufio"
	"fmt"
	"os"
	"regexp"
	"strings"
)

var (
	result  = regexp.MustCompile(`^(\s*)--- (PASS|FAIL|SKIP): (\S+)`)
	started = regexp.MustCompile(`^=== (RUN|PAUSE|CONT|NAME)\s`)
)

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(make([]byte, 1<<20), 16<<20)
	counts := map[string]int{}
	var top, held []string // top-level tests of the package, and its lines not yet known to matter
	var broken []string    // packages that failed, and the tests in which they ran out of time
	late := false          // among the lines that name those
	flush := func() {
		held = held[:0]
		top = top[:0]
	}
	for in.Scan() {
		line := in.Text()
		if m := result.FindStringSubmatch(line); m != nil {
			counts[m[2]]++
			if m[1] == "" {
				top = append(top, m[3])
			}
			held = append(held, line)
			continue
		}
		if late = late && line != ""; late && !strings.Contains(line, "running tests:") {
			broken = append(broken, "out of time in "+strings.TrimSpace(line))
		}
		switch {
		case started.MatchString(line):
		case strings.HasPrefix(line, "ok ") || strings.HasPrefix(line, "ok\t"):
			fmt.Println(line)
			fmt.Println("      " + strings.Join(top, " "))
			for _, l := range held {
				if strings.Contains(l, "--- SKIP") {
					fmt.Println("     " + l)
				}
			}
			flush()
		case strings.HasPrefix(line, "FAIL\t"), strings.HasPrefix(line, "panic:"), strings.Contains(line, "[build failed]"):
			if late = strings.HasPrefix(line, "panic: test timed out"); !strings.HasPrefix(line, "panic:") {
				broken = append(broken, line)
			}
			for _, l := range held {
				fmt.Println(l)
			}
			fmt.Println(line)
			flush()
		case strings.Contains(line, "no test files"):
		default:
			held = append(held, line)
		}
	}
	for _, l := range held {
		fmt.Println(l)
	}
	if err := in.Err(); err != nil {
		fmt.Fprintln(os.Stderr, "read test output:", err)
		os.Exit(1)
	}
	for _, b := range broken {
		fmt.Println(b)
	}
	fmt.Print(strings.Join(append(os.Args[1:], ""), " "))
	fmt.Printf("%d passed, %d failed, %d skipped\n", counts["PASS"], counts["FAIL"], counts["SKIP"])
	if len(broken) > 0 || counts["FAIL"] > 0 || counts["PASS"] == 0 {
		os.Exit(1)
	}
}
