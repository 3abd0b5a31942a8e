package remote

import (
	"bytes"
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"dswatch/event"
	"dswatch/words"
)

// portList is what the commands told of listening TCP sockets: by port, the
// local addresses as they are shown.
type portList struct {
	at    map[int][]string
	doubt event.Said
}

// listeners asks the first of the commands that there is.
func listeners(commands ...string) ask {
	return func(run runner, s system) (sight, error) {
		var errs []error
		for _, c := range commands {
			out, err := run(c)
			if err != nil {
				if errs = append(errs, err); !wasAnswer(err) {
					break // the connection is gone, and with it the other commands
				}
				continue
			}
			l, err := parseNetstat(out, s.sep)
			if err != nil {
				return nil, misread(c, err)
			}
			return l, nil
		}
		return nil, errors.Join(errs...)
	}
}

// solarisListeners asks for both families. A host without IPv6 answers the
// second with nothing.
func solarisListeners(run runner, s system) (sight, error) {
	four, err := run(solarisPorts)
	if err != nil {
		return nil, err
	}
	l, err := parseNetstat(four, s.sep)
	if err != nil {
		return nil, misread(solarisPorts, err)
	}
	six, err := run(solarisPorts6)
	switch {
	case err != nil:
		l.doubt = words.Of(err)
	case len(bytes.TrimSpace(six)) > 0:
		more, err := parseNetstat(six, s.sep)
		if err != nil {
			l.doubt = words.Of(misread(solarisPorts6, err))
		}
		for port, at := range more.at {
			l.at[port] = append(l.at[port], at...)
		}
		if l.doubt.Empty() {
			l.doubt = more.doubt
		}
	}
	return l, nil
}

// parseNetstat reads the listening TCP sockets from what netstat prints on
// Solaris (-an -f inet), AIX (-an) and Linux (-ltn), and ss on Linux (-ltn).
// Solaris has the local address first; AIX and Linux put protocol or state and
// the queues before it. Sep stands between address and port.
func parseNetstat(b []byte, sep byte) (portList, error) {
	l := portList{at: map[int][]string{}}
	begun := false
	for raw := range bytes.Lines(b) {
		line := string(raw)
		f := strings.Fields(line)
		begun = begun || strings.Contains(line, "Local Address")
		i := slices.Index(f, "LISTEN")
		switch {
		case !begun || i < 0 || strings.HasPrefix(f[0], "sctp"):
			continue
		case i == 0 || strings.HasPrefix(f[0], "tcp"):
			i = 3
		default:
			i = 0
		}
		if i >= len(f) {
			l.doubt = words.LineUnreadable.With("the socket table", clean(line))
			continue
		}
		at := strings.LastIndexByte(f[i], sep)
		port, err := strconv.ParseUint(f[i][at+1:], 10, 16)
		if at < 0 || err != nil {
			l.doubt = words.AddressUnreadable.With(clean(f[i]))
			continue
		}
		if at := f[i][:at]; !slices.Contains(l.at[int(port)], at) {
			l.at[int(port)] = append(l.at[int(port)], at)
		}
	}
	if !begun {
		return l, errors.New("there is no heading with Local Address")
	}
	return l, nil
}

func (l portList) judge(it Item, _ system) verdict {
	v := verdict{want: 1, state: event.Down, detail: words.PortNothing.With(it.Port)}
	if at := l.at[it.Port]; len(at) > 0 {
		var where []string
		for _, a := range at[:min(len(at), 8)] {
			where = append(where, clean(a))
		}
		if !it.Loopback && !slices.ContainsFunc(at, func(a string) bool { return !loopback(a) }) {
			v.detail = words.PortLoopback.With(it.Port, where)
		} else {
			return verdict{want: 1, found: 1, state: event.Up, detail: words.PortListens.With(it.Port, where)}
		}
	}
	if !l.doubt.Empty() {
		v.state = event.Unknown
		v.detail = v.detail.And(l.doubt)
	}
	return v
}

// loopback reports whether an address as netstat shows it is one of this host
// alone.
func loopback(shown string) bool {
	shown = strings.Trim(shown, "[]")
	shown, _, _ = strings.Cut(shown, "%")
	a, err := netip.ParseAddr(strings.Trim(shown, "[]"))
	return err == nil && a.Unmap().IsLoopback()
}
