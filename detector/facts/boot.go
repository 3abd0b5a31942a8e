package facts

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"dswatch/event"
)

// Boot tells when the host was started. It asks once: the answer cannot
// change while the program runs, but would seem to when the clock is set.
type Boot struct{ once func() (time.Time, error) }

// NewBoot returns the source for this host.
func NewBoot() Boot { return Boot{sync.OnceValues(started)} }

// Facts tells nothing on systems where nobody knows.
func (b Boot) Facts(context.Context) (event.Facts, error) {
	at, err := b.once()
	if err != nil {
		return nil, fmt.Errorf("find out when the host was started: %w; an outage after a restart is then told like any other", err)
	}
	if at.IsZero() {
		return nil, nil
	}
	f := event.Facts{event.BootTime: {Value: at.UTC().Truncate(time.Second).Format(time.RFC3339), Origin: "kernel", At: time.Now()}}
	if id := bootID(); id != "" {
		f[event.BootID] = event.Fact{Value: id, Origin: "kernel", At: time.Now()}
	}
	return f, nil
}

// parseBootID reads /proc/sys/kernel/random/boot_id, see random(4).
func parseBootID(b []byte) string {
	id := string(bytes.TrimSpace(b))
	if len(id) != 36 || strings.Trim(id, "0123456789abcdef-") != "" {
		return ""
	}
	return id
}

// parseBoot reads the line btime of /proc/stat: seconds since 1970.
func parseBoot(stat []byte) (time.Time, error) {
	for line := range bytes.Lines(stat) {
		v, ok := bytes.CutPrefix(line, []byte("btime "))
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(string(bytes.TrimSpace(v)), 10, 64)
		if err != nil || n <= 0 || n > 1<<33 { // the year 2242
			return time.Time{}, fmt.Errorf("/proc/stat: btime is %s", quote(string(bytes.TrimSpace(v))))
		}
		return time.Unix(n, 0), nil
	}
	return time.Time{}, fmt.Errorf("/proc/stat has no line btime")
}
