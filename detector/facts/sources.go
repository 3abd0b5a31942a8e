package facts

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"dswatch/event"
)

// Kernel tells the operating system and, on Linux, the kernel's release.
type Kernel struct{}

// Facts never fails where dswatch runs at all.
func (Kernel) Facts(context.Context) (event.Facts, error) {
	now := time.Now()
	f := event.Facts{}
	if slices.Contains(event.OS.Allowed(), runtime.GOOS) {
		f[event.OS] = event.Fact{Value: runtime.GOOS, Origin: "kernel", At: now}
	}
	rel, err := release()
	if err != nil {
		return f, fmt.Errorf("ask the kernel for its release: %w; declare kernel_version in watch.facts", err)
	}
	if rel != "" {
		f[event.KernelVersion] = event.Fact{Value: rel, Origin: "kernel", At: now}
	}
	return f, nil
}

// Installed tells the components whose folders are on this host.
type Installed struct {
	Root string // "/", or where the host's root is seen
}

// folders are where the vendor's Linux packages install.
var folders = []struct{ component, path string }{
	{event.Agent, "/opt/ds_agent"},
	{event.Manager, "/opt/dsm"},
}

// Facts tells nothing on systems other than Linux, and nothing where no
// folder is found.
func (s Installed) Facts(context.Context) (event.Facts, error) {
	f := event.Facts{}
	if runtime.GOOS != event.Linux {
		return f, nil
	}
	var found, paths []string
	var failed []error
	for _, d := range folders {
		info, err := os.Stat(filepath.Join(s.Root, d.path))
		switch {
		case err == nil && info.IsDir():
			found, paths = append(found, d.component), append(paths, d.path)
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			failed = append(failed, fmt.Errorf("look for the %s: %w; declare components in watch.facts", d.component, err))
		}
	}
	if found != nil {
		f[event.Components] = event.Fact{
			Value:  strings.Join(found, ","), // folders is in alphabetical order of components
			Origin: "installed (" + strings.Join(paths, ", ") + ")",
			At:     time.Now(),
		}
	}
	return f, errors.Join(failed...)
}
