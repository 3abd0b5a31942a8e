//go:build linux || windows

package guard

import (
	"context"
	"errors"
	"io"
	"os/exec"
	"runtime"
	"time"

	"dswatch/words"
)

// Program is something to run: at an absolute path, with fixed arguments, and
// without a shell or anybody's environment.
type Program struct {
	Path           string
	Args           []string
	Stdout, Stderr io.Writer
	Terminal       bool // it may ask the person who runs dswatch
}

// Run runs the program to its end or to that of ctx, and a second more for what
// holds its output open. It ends with all that it has started, also when dswatch
// is killed; on Linux then without what it has started. Others that can change
// the program are an error that wraps a Refusal.
func (p Program) Run(ctx context.Context) error {
	cmd, release, err := command(ctx, p.Path, p.Args)
	var refusal *Refusal
	if errors.As(err, &refusal) {
		return words.FailWith(err, words.NotRun.With(err))
	}
	if err != nil {
		return err
	}
	cmd.Env, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = environment(), p.Stdout, p.Stderr, time.Second
	// The kernel ends the child with the thread that started it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	end, err := start(cmd, p.Terminal)
	release()
	if err != nil {
		return err
	}
	err = cmd.Wait()
	if errors.Is(err, exec.ErrWaitDelay) || !p.Terminal {
		end() // it has gone and may have left somebody behind
	}
	return err
}
