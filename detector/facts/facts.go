package facts

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"dswatch/event"
)

// Source is one way of finding facts out.
type Source interface {
	// Facts returns what the source knows now, each fact with origin and
	// time. With an error come the facts that were found nevertheless.
	Facts(ctx context.Context) (event.Facts, error)
}

// Sources returns every source of this host that needs nothing but the host.
// A Presence goes before, a Learned and a Query after them; these live as long
// as the program.
func Sources() []Source {
	return []Source{Kernel{}, NewBoot(), Dpkg{Root: "/"}, RPM{Root: "/"}, Registry{}, Sessions{}}
}

// Discover asks the sources one after the other; where two know the same
// fact, the later one counts, but the components of all are put together. The
// facts are good whatever the error says: it is about the sources that failed.
// Those that are Patient are not waited for without end.
func Discover(ctx context.Context, sources ...Source) (event.Facts, error) {
	all := event.Facts{}
	var failed []error
	end := time.Now().Add(patience)
	for _, s := range sources {
		found, err := ask(ctx, s, end)
		if err != nil {
			failed = append(failed, err)
		}
		before, had := all.Get(event.Components)
		all = all.Merge(found)
		if now, ok := found.Get(event.Components); ok && had {
			now.Value = strings.Join(union(before.Value, now.Value), ",")
			if before.Origin != now.Origin {
				now.Origin = before.Origin + ", " + now.Origin
			}
			all[event.Components] = now
		}
	}
	if tls, ok := all.Get(event.TLSInspection); ok && outlived(tls, all[event.IntrusionPrevention]) {
		delete(all, event.TLSInspection)
	}
	return all, errors.Join(failed...)
}

// Contradictions returns a sentence for each declared fact that the host
// denies, in the order of event.Names. A declared version that is only less
// exact is no contradiction, nor is an appliance, which no host can see from
// inside.
func Contradictions(declared, discovered event.Facts) []string {
	var out []string
	for _, n := range event.Names() {
		d, ok := declared.Get(n)
		f, known := discovered.Get(n)
		if !ok || !known || agree(n, d.Value, f.Value) {
			continue
		}
		out = append(out, fmt.Sprintf("%s is declared as %s, but is %s according to the host (%s); the declared value is used: correct or remove %s in watch.facts",
			n, d.Value, f.Value, f.Origin, n))
	}
	return out
}

func agree(n event.Name, declared, found string) bool {
	switch n {
	case event.Components:
		return slices.Equal(seen(declared), seen(found))
	case event.AgentVersion, event.ApplianceVersion, event.KernelVersion:
		d, f := numbers(declared), numbers(found)
		return len(d) > 0 && len(d) <= len(f) && slices.Equal(d, f[:len(d)])
	}
	return declared == found
}

// seen returns the components that a host can tell of itself.
func seen(components string) []string {
	return slices.DeleteFunc(union(components, ""), func(c string) bool { return c == event.Appliance })
}

// union returns the components of both lists in order.
func union(a, b string) []string {
	all := slices.DeleteFunc(strings.Split(a+","+b, ","), func(c string) bool { return c == "" })
	slices.Sort(all)
	return slices.Compact(all)
}

// numbers returns the numbers that a version begins with: 20.0.2-1390.el8 has
// four. What follows the first part without a number does not count.
func numbers(version string) []uint64 {
	var out []uint64
	for _, part := range strings.FieldsFunc(version, func(r rune) bool { return r == '.' || r == '-' }) {
		digits := part[:len(part)-len(strings.TrimLeft(part, "0123456789"))]
		n, err := strconv.ParseUint(digits, 10, 64)
		if err != nil {
			break
		}
		if out = append(out, n); digits != part { // 0-rc1 and 1390+b1 end here
			break
		}
	}
	return out
}
