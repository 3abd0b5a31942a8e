package port

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// maxHeld bounds how many sockets are remembered.
const maxHeld = 1024

// holders returns the processes that hold the socket: those that may be seen.
// Every process's open files are read for it, so it is done once for each
// socket, and again when those that held it are gone.
func (d *Detector) holders(o owner) []int {
	if o.inode == 0 {
		return nil
	}
	if pids, ok := d.held[o.inode]; ok && (len(pids) == 0 || holds(pids[0], o.inode)) {
		return pids
	}
	if d.held == nil || len(d.held) >= maxHeld {
		d.held = map[uint64][]int{}
	}
	want := "socket:[" + strconv.FormatUint(o.inode, 10) + "]"
	var pids []int
	dirs, _ := filepath.Glob("/proc/[0-9]*/fd") // it fails for a bad pattern only
	for _, dir := range dirs {
		files, err := os.ReadDir(dir)
		if err != nil {
			continue // it has ended, or nobody may look
		}
		for _, f := range files {
			if to, err := os.Readlink(dir + "/" + f.Name()); err == nil && to == want {
				pid, _ := strconv.Atoi(strings.Split(dir, "/")[2])
				pids = append(pids, pid)
				break
			}
		}
	}
	d.held[o.inode] = pids
	return pids
}

// holds reports whether the process still has the socket open.
func holds(pid int, inode uint64) bool {
	dir := "/proc/" + strconv.Itoa(pid) + "/fd"
	files, err := os.ReadDir(dir)
	if err != nil {
		return false
	}
	want := "socket:[" + strconv.FormatUint(inode, 10) + "]"
	for _, f := range files {
		if to, err := os.Readlink(dir + "/" + f.Name()); err == nil && to == want {
			return true
		}
	}
	return false
}
