package facts

import (
	"os"
	"time"
)

func started() (time.Time, error) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return time.Time{}, err
	}
	return parseBoot(b)
}

// bootID is what the kernel calls this boot, made anew at each.
func bootID() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return parseBootID(b)
}
