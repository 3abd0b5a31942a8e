//go:build unix

package bus_test

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

func usage() unix.Rusage {
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
		panic(err)
	}
	return r
}

// cpuTime is the processor time this process has used.
func cpuTime() time.Duration {
	r := usage()
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// peakMiB is the most memory this process ever had.
func peakMiB() float64 {
	if runtime.GOOS == "darwin" {
		return float64(usage().Maxrss) / (1 << 20)
	}
	return float64(usage().Maxrss) / 1024
}
