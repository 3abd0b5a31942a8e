package snmp

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"dswatch/guard"
	"dswatch/machine"
	"dswatch/setting"
	"dswatch/words"
)

// clock tells how long the sink has been running. A host that slept or was
// paused has a monotonic clock that stood still and a wall clock that did
// not; a receiver refuses times that lag by 150 seconds (RFC 3414 section
// 2.2.3) but follows times that run ahead, so the larger of both counts, and
// it never goes back.
type clock struct {
	start time.Time
	mu    sync.Mutex
	last  time.Duration
}

func newClock() *clock { return &clock{start: time.Now()} }

func (c *clock) elapsed() time.Duration {
	now := time.Now()
	d := max(now.Sub(c.start), now.Round(0).Sub(c.start.Round(0)))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = max(c.last, d)
	return c.last
}

// ticks is sysUpTime: hundredths of a second, modulo 2^32.
func (c *clock) ticks() uint32 { return uint32(c.elapsed() / (10 * time.Millisecond)) }

// seconds is snmpEngineTime.
func (c *clock) seconds() uint32 { return uint32(c.elapsed() / time.Second) }

// engine is this sink as an SNMP engine: the authority for the traps it sends.
type engine struct {
	id    string // as on the wire
	boots uint32
}

// engineFile is kept in the sink's state directory.
const engineFile = "engine.json"

type engineState struct {
	ID    string `json:"engine_id"` // hexadecimal
	Boots uint32 `json:"boots"`     // of the last start

	Machine machine.Identity `json:"machine"` // that it was made on
}

// maxBoots is where RFC 3414 ends the counting; the engine id must change.
const maxBoots = 1<<31 - 2

// bootsEpoch is where boots that follow the clock begin to count seconds.
var bootsEpoch = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)

// nextBoots is the number of this start. RFC 3414 asks that it grows with
// every start, and a receiver that has seen a higher one drops every trap
// without a word. Counting alone would go back when the state directory is
// lost or restored from a copy, so the seconds since bootsEpoch are the least
// it can be.
func nextBoots(last uint32, now time.Time) uint32 {
	next := last + 1
	if s := now.Sub(bootsEpoch) / time.Second; s > time.Duration(next) && s < maxBoots {
		return uint32(s)
	}
	return next
}

// openEngine reads the engine from dir, or makes one when there is none yet,
// and writes the new boots to the disk before it returns. configured is the
// operator's own engine id, or "".
//
// A state directory that came from another machine, as a clone's does, keeps
// the engine of that one: two senders with one id, of which a receiver hears
// the one with the higher boots only. So here is a new id.
func openEngine(dir, configured string, here machine.Identity, now time.Time, log *slog.Logger) (engine, error) {
	path := filepath.Join(dir, engineFile)
	state, err := readEngine(path)
	if err != nil {
		return engine{}, err
	}
	if state.Machine.Differs(here) {
		if configured == "" {
			log.Warn("the state directory was made on another machine, so this one is a copy; it takes an snmp engine id of its own, which receivers of v3 traps need to learn",
				"engine_id_before", "0x"+state.ID)
			state = engineState{}
		} else {
			log.Warn("the state directory was made on another machine; both send v3 traps with the configured v3.engine_id, and a receiver hears only one of them: give each its own")
			state.Machine = machine.Identity{}
		}
	}
	made := state.ID == ""
	state.Machine = state.Machine.Adopt(here)
	switch {
	case configured != "" && configured != state.ID:
		state = engineState{ID: configured, Machine: state.Machine}
	case made:
		if state.ID, err = newEngineID(); err != nil {
			return engine{}, err
		}
	}
	if state.Boots >= maxBoots {
		return engine{}, fmt.Errorf("raise engine boots of %s: the highest number is reached; remove the file and tell the receivers the new engine id", path)
	}
	if ahead := time.Duration(state.Boots)*time.Second - now.Sub(bootsEpoch); ahead > time.Hour {
		log.Warn("engine boots are ahead of the clock; receivers will refuse traps if the state directory is restored from a copy now; check the clock of this host",
			"boots", state.Boots, "ahead", ahead.Round(time.Second))
	}
	state.Boots = nextBoots(state.Boots, now)
	if err := writeEngine(path, state); err != nil {
		return engine{}, err
	}
	if made {
		log.Info("snmp engine made; receivers of v3 traps need its id", "engine_id", "0x"+state.ID)
	}
	id, err := hex.DecodeString(state.ID)
	if err != nil {
		return engine{}, fmt.Errorf("read engine id: %w", err)
	}
	return engine{id: string(id), boots: state.Boots}, nil
}

func readEngine(path string) (engineState, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return engineState{}, nil
	}
	if err != nil {
		return engineState{}, fmt.Errorf("read snmp engine: %w", err)
	}
	var s engineState
	if err := json.Unmarshal(b, &s); err != nil {
		return engineState{}, fmt.Errorf("read snmp engine: %s is damaged (%w); restore it, or remove it and tell the receivers the new engine id", path, err)
	}
	if _, err := parseEngineID(s.ID); err != nil {
		return engineState{}, fmt.Errorf("read snmp engine: %s is damaged (%w); restore it, or remove it and tell the receivers the new engine id", path, err)
	}
	return s, nil
}

// writeEngine replaces the file so that after a power loss there is the old
// one or the new one, and the new one once it has returned.
func writeEngine(path string, s engineState) error {
	b, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("write snmp engine: %w", err)
	}
	if err := guard.Replace(path, append(b, '\n')); err != nil {
		return fmt.Errorf("write snmp engine: %w; v3 traps need a state directory that can be written", err)
	}
	return nil
}

// newEngineID makes an id as RFC 3411 (SnmpEngineID) describes: the number
// of an enterprise with the highest bit set, the format "octets", and here
// twelve random ones. The enterprise is net-snmp's, whose playpen our default
// arc is; it only keeps apart the ways to make ids.
func newEngineID() (string, error) {
	id := []byte{0x80, 0x00, 0x1f, 0x88, 0x05, 16: 0}
	if _, err := rand.Read(id[5:]); err != nil {
		return "", fmt.Errorf("make snmp engine id: %w", err)
	}
	return hex.EncodeToString(id), nil
}

// parseEngineID reads an engine id in hexadecimal, with or without 0x.
func parseEngineID(s string) (string, error) {
	if len(s) >= 2 && (s[:2] == "0x" || s[:2] == "0X") {
		s = s[2:]
	}
	b, err := hex.DecodeString(s)
	if err != nil || len(b) < 5 || len(b) > 32 {
		return "", words.Fail(words.NotAnEngineID.With(words.Inner(setting.Clip(s))))
	}
	return hex.EncodeToString(b), nil
}
