// Package hangup catches SIGHUP for `dswatch run` from the first millisecond
// of the process on. It imports next to nothing, so Go makes its variables
// before those of the libraries, which take most of a start: until then, and
// before the runtime has its handlers, the signal ends the process.
package hangup

import (
	"os"
	"os/signal"
	"syscall"
)

// early are the signals of a process that runs; nil: of another command, which
// ends with its terminal.
var early = catch()

func catch() chan os.Signal {
	if len(os.Args) < 2 || os.Args[1] != "run" {
		return nil
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	return signals
}

// Listen tells of each SIGHUP since the process began, until what it returns
// is called. One that comes while another is waiting is the same wish.
func Listen() (<-chan struct{}, func()) {
	signals, again := early, make(chan struct{}, 1)
	if signals == nil {
		signals = make(chan os.Signal, 1)
		signal.Notify(signals, syscall.SIGHUP)
	}
	go func() {
		for range signals {
			select {
			case again <- struct{}{}:
			default:
			}
		}
	}()
	return again, func() { signal.Stop(signals); close(signals) }
}
