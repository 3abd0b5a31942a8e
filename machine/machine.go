// Package machine tells one machine from its copy: a virtual machine that was
// cloned with its disk has the files of the first one, our state among them.
//
// What a machine is known by never leaves it: only hashes are compared and
// kept. It does not promise to notice every copy. A clone keeps the operating
// system's id unless it was prepared as a template, and the firmware's id,
// which differs, can be read by root only on Linux.
package machine

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Identity is what a machine is known by, as hashes; empty is not known.
type Identity struct {
	System   string `json:"system,omitempty"`   // machine-id on Linux, MachineGuid on Windows
	Firmware string `json:"firmware,omitempty"` // DMI product UUID on Linux
}

// Here returns the identity of this machine.
func Here() Identity {
	system, firmware := read()
	return Identity{System: hashed(system), Firmware: hashed(firmware)}
}

// Differs reports whether i and o are surely two machines: both know
// something of the same sort, and it differs.
func (i Identity) Differs(o Identity) bool {
	return differ(i.System, o.System) || differ(i.Firmware, o.Firmware)
}

// Adopt returns i with what only o knows.
func (i Identity) Adopt(o Identity) Identity {
	if i.System == "" {
		i.System = o.System
	}
	if i.Firmware == "" {
		i.Firmware = o.Firmware
	}
	return i
}

func differ(a, b string) bool { return a != "" && b != "" && a != b }

// hashed keeps what a machine is known by to itself.
func hashed(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	if s == "" || s == "uninitialized" || strings.Trim(s, "0-") == "" || strings.Trim(s, "f-") == "" {
		return "" // not set, which many firmwares say with zeros or ones
	}
	sum := sha256.Sum256([]byte("dswatch machine " + s))
	return hex.EncodeToString(sum[:8])
}
