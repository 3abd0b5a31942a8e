package facts

import (
	"bytes"
	"context"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/windows"

	"dswatch/guard"
)

// installerQuery finds what Windows Installer has written of removals into the
// log Application: event 1034 of its source MsiInstaller, newest first.
const installerQuery = "*[System[Provider[@Name='MsiInstaller'] and EventID=1034]]"

var installerLog struct {
	sync.Mutex
	asked time.Time
	text  []byte
}

// installerLogAge is how long an answer is used again: a look comes every few
// seconds, and on a host without the product every one would ask.
const installerLogAge = time.Minute

// removedByInstaller asks for Windows Installer's own record of a removal, in
// the event log. Whoever wipes a product without its installer leaves none.
func removedByInstaller(name string) (at time.Time, ok bool) {
	installerLog.Lock()
	defer installerLog.Unlock()
	if installerLog.asked.IsZero() || time.Since(installerLog.asked) > installerLogAge {
		installerLog.asked, installerLog.text = time.Now(), askInstallerLog()
	}
	return removalOf(bytes.NewReader(installerLog.text), name)
}

func askInstallerLog() []byte {
	system, err := windows.GetSystemDirectory()
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var text bytes.Buffer
	err = guard.Program{Path: filepath.Join(system, "wevtutil.exe"), Args: []string{"qe", "Application", "/q:" + installerQuery, "/rd:true", "/c:50", "/f:xml"}, Stdout: &text}.Run(ctx)
	if err != nil {
		return nil // no record that can be read is no removal
	}
	return text.Bytes()
}
