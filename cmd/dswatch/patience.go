package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"dswatch/words"
)

// patiently does what may take its time. Who waits for more than a second at a
// terminal sees that it goes on, and for how long.
func patiently(c *cobra.Command, v words.Voice, do func() error) error {
	if !term.IsTerminal(int(os.Stderr.Fd())) {
		return do()
	}
	p := progress{out: os.Stderr, every: time.Second, text: func(d time.Duration) string { return v.Say(words.StillWorking.With(c.CommandPath(), d)) }}
	return p.during(do)
}

// progress is one line that counts the time, and is gone at the end.
type progress struct {
	out   io.Writer
	every time.Duration
	text  func(time.Duration) string
}

func (p progress) during(do func() error) error {
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		start := time.Now()
		tick := time.NewTicker(p.every)
		defer tick.Stop()
		for shown := false; ; {
			select {
			case <-tick.C:
				shown = true
				fmt.Fprint(p.out, "\r"+p.text(time.Since(start).Round(p.every)))
			case <-stop:
				if shown {
					fmt.Fprint(p.out, "\r\x1b[K")
				}
				return
			}
		}
	}()
	defer func() { close(stop); <-stopped }()
	return do()
}
