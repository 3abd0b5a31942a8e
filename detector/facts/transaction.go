package facts

import (
	"context"
	"path/filepath"
	"time"

	"dswatch/event"
)

// rpmLock is the file in the folder of rpm's database that rpm keeps locked
// while it installs, upgrades or erases.
const rpmLock = ".rpm.lock"

// Transaction tells that rpm is changing the agent. rpm notes nowhere which
// package it is at, so the agent counts as changed while rpm works and the
// agent's main process is gone: an upgrade stops it first, and has the new
// version in its database only after the files.
type Transaction struct {
	Root  string // "/", or where the host's root is seen
	Agent Agent
}

// Facts never fails: a lock that cannot be looked at is none.
func (s Transaction) Facts(context.Context) (event.Facts, error) {
	if s.Agent.Up() {
		return nil, nil
	}
	for _, dir := range rpmFolders {
		if locked(filepath.Join(s.Root, dir, rpmLock)) {
			return event.Facts{event.Installing: {Value: "rpm", Origin: "package (rpm lock)", At: time.Now()}}, nil
		}
	}
	return nil, nil
}
