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
