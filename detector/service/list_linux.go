package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	systemd "github.com/coreos/go-systemd/v22/dbus"
	"github.com/godbus/dbus/v5"

	"dswatch/event"
	"dswatch/words"
)

// units asks systemd. It is used by one goroutine at a time.
type units struct {
	root   string // of the file system
	dial   func(context.Context) (*systemd.Conn, error)
	conn   *systemd.Conn      // nil: none yet, or it broke
	first  int                // which name the next look begins with: behind the one at which the last look ended
	cancel context.CancelFunc // frees conn's context
}

func newTable() *units { return &units{root: "/", dial: dial} }

// dial connects to the system bus; root may fall back on systemd's own socket,
// which works while the bus is down.
func dial(ctx context.Context) (*systemd.Conn, error) {
	conn, err := systemd.NewSystemConnectionContext(ctx)
	if err == nil || os.Geteuid() != 0 {
		return conn, err
	}
	direct, derr := systemd.NewSystemdConnectionContext(ctx)
	if derr != nil {
		return nil, fmt.Errorf("%w; directly: %w", err, derr)
	}
	return direct, nil
}

// suffixes are the unit types of systemd.unit(5).
var suffixes = []string{".service", ".socket", ".target", ".device", ".mount", ".automount", ".timer", ".swap", ".path", ".slice", ".scope"}

// unitName adds ".service" to a name without a type, as systemctl does.
func unitName(name string) string {
	if slices.ContainsFunc(suffixes, func(s string) bool { return strings.HasSuffix(name, s) }) {
		return name
	}
	return name + ".service"
}

// check accepts what systemd accepts as a unit name, see systemd.unit(5).
func check(name string) error {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.\\@"
	foreign := func(r rune) bool { return !strings.ContainsRune(letters, r) }
	if name == "" || len(unitName(name)) > 255 || strings.ContainsFunc(name, foreign) {
		return fmt.Errorf("%.300q is not the name of a unit; write it as systemctl shows it", name)
	}
	return nil
}

func (u *units) read(ctx context.Context, names []string) (map[string]status, error) {
	if err := u.connect(ctx); err != nil {
		return nil, err
	}
	answers, err := u.ask(ctx, names)
	if broken(err) { // or silent: the next look tries a new one
		u.close()
	}
	return answers, advise(err)
}

// broken reports whether err came from the connection and not from the other end.
func broken(err error) bool {
	var answer dbus.Error
	return err != nil && !errors.As(err, &answer)
}

// connect makes a connection if there is none. The connection outlives ctx,
// which only bounds the making of it.
func (u *units) connect(ctx context.Context) error {
	if u.conn != nil && u.conn.Connected() {
		return nil
	}
	u.close()
	alive, cancel := context.WithCancel(context.WithoutCancel(ctx))
	giveUp := context.AfterFunc(ctx, cancel)
	conn, err := u.dial(alive)
	if !giveUp() && err == nil {
		conn.Close()
		err = ctx.Err()
	}
	if err != nil {
		cancel()
		return words.FailWith(err, words.NoDBus.With(err))
	}
	u.conn, u.cancel = conn, cancel
	return nil
}

func (u *units) close() {
	if u.conn != nil {
		u.conn.Close()
		u.cancel()
		u.conn = nil
	}
}

func (u *units) starts(ctx context.Context, names []string) (map[string]string, error) {
	if err := u.connect(ctx); err != nil {
		return nil, err
	}
	out := make(map[string]string, len(names))
	var refused error
	for _, n := range names {
		props, err := u.conn.GetUnitPropertiesContext(ctx, unitName(n))
		code, ofUnit := unitError(err)
		load, _ := props["LoadState"].(string)
		state, _ := props["UnitFileState"].(string)
		switch {
		case code == "org.freedesktop.systemd1.NoSuchUnit", err == nil && load == "not-found":
			out[n] = Gone
		case err == nil && state == generated && !u.linked(n):
			out[n] = "disabled"
		case err == nil && state != "":
			out[n] = state
		case err == nil && load == "masked":
			out[n] = load
		case broken(err):
			u.close()
			return nil, advise(err)
		case err != nil && !ofUnit: // the others tell, perhaps
			refused = cmp.Or(refused, err)
		}
	}
	if len(out) == 0 {
		return nil, advise(refused)
	}
	return out, nil
}

// generated is the state of a unit that systemd made of a script in
// /etc/init.d, whether or not a runlevel starts it.
const generated = "generated"

// linked reports whether a runlevel starts the script of the name.
func (u *units) linked(name string) bool {
	links, err := filepath.Glob(filepath.Join(u.root, "etc/rc[2345].d/S[0-9][0-9]"+strings.TrimSuffix(name, ".service")))
	return err != nil || len(links) > 0
}

// ask fetches each unit by itself: this works with every version of systemd,
// answers for units that do not exist, and follows aliases. Beside an error are
// the answers of the other units: one that a security module keeps to itself, or
// at which systemd hangs, does not hide them.
func (u *units) ask(ctx context.Context, names []string) (answers map[string]status, refused error) {
	answers = make(map[string]status, len(names))
	for i := range names {
		at := (u.first + i) % len(names)
		n := names[at]
		props, err := u.conn.GetUnitPropertiesContext(ctx, unitName(n))
		var s status
		switch code, ofUnit := unitError(err); {
		case err == nil:
			s = u.judge(ctx, n, props)
		case code == "org.freedesktop.systemd1.NoSuchUnit":
			s = status{event.Down, words.UnitNotKnown.With(n)}
		case ofUnit:
			s = status{event.Unknown, words.UnitNotTold.With(n, err)}
		case !broken(err):
			refused = cmp.Or(refused, err)
			continue
		default:
			u.first = at + 1
			return answers, err
		}
		answers[n] = s
	}
	return answers, refused
}

// unitError returns the name of a D-Bus error, and whether it is about the
// unit that was asked for rather than about asking at all.
func unitError(err error) (code string, ofUnit bool) {
	var answer dbus.Error
	if !errors.As(err, &answer) {
		return "", false
	}
	switch answer.Name {
	case "org.freedesktop.DBus.Error.InvalidArgs", "org.freedesktop.DBus.Error.UnknownObject", "org.freedesktop.DBus.Error.UnknownInterface":
		return answer.Name, true
	}
	return answer.Name, strings.HasPrefix(answer.Name, "org.freedesktop.systemd1.")
}

// judge turns the properties of a unit into a status.
func (u *units) judge(ctx context.Context, name string, props map[string]any) status {
	text := func(property string) string { s, _ := props[property].(string); return s }
	active, sub, load := text("ActiveState"), text("SubState"), text("LoadState")
	say := words.UnitIs.With(name, active, sub)
	switch active {
	case "active", "reloading", "refreshing":
		return status{event.Up, say}
	case "inactive", "failed", "activating", "deactivating", "maintenance":
	default:
		return status{event.Unknown, words.StateNotKnown.With(name, active)}
	}
	switch load {
	case "loaded":
		// Only services have a result, and it is no news when all went well.
		if result, err := u.conn.GetServicePropertyContext(ctx, unitName(name), "Result"); err == nil {
			if r, ok := result.Value.Value().(string); ok && r != "success" {
				say = words.UnitResult.With(name, active, sub, r)
			}
		}
	case "not-found":
		say = words.UnitNotFound.With(name)
	default:
		say = words.UnitFile.With(name, active, sub, load)
	}
	return status{event.Down, say}
}

// advise adds what to do to an error of asking.
func advise(err error) error {
	code, _ := unitError(err)
	switch {
	case err == nil:
		return nil
	case code == "org.freedesktop.DBus.Error.AccessDenied":
		return words.FailWith(err, words.AskSystemdDenied.With(err))
	case code != "":
		return words.FailWith(err, words.AskSystemdRefused.With(err))
	}
	return words.FailWith(err, words.AskSystemd.With(err))
}
