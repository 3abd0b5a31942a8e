package page

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"dswatch/event"
	"dswatch/spelling"
	"dswatch/web"
)

const (
	hostsPerPage = 100
	mostTroubles = 50 // that the overview shows in full
	rowsPerPage  = 200
)

// overviewView is what the overview shows.
type overviewView struct {
	Deciding bool
	Tiles    []tile // what is lost, the worst first
	Lost     []lossView
	More     int // troubles that Lost leaves out
	Hosts    []Host
	Shown    paging
	Expected int // items of all hosts
	Up       int
	Count    int // hosts
	Affected int // of them, with trouble
	Failing  []web.SinkStatus
	Sort     string
	Query    string
	State    string
}

// tile says how much of one kind is lost.
type tile struct {
	Impact event.Impact
	Losses int
	Hosts  int
	Class  string
}

// lossView is one trouble with what it means.
type lossView struct {
	Trouble
	Title, Short, Text, Next string
	Silence                  *web.Silence
	Symptoms                 int
}

// paging says which part of a list is shown.
type paging struct{ Page, Pages, From, To, All int }

func (p paging) Next() string     { return strconv.Itoa(p.Page + 1) }
func (p paging) Previous() string { return strconv.Itoa(p.Page - 1) }
func (p paging) HasNext() bool    { return p.Page < p.Pages }
func (p paging) HasPrevious() bool {
	return p.Page > 1
}

// paged returns one page of all.
func paged[T any](all []T, per int, asked string) ([]T, paging) {
	n, _ := strconv.Atoi(asked) // what is no number is the first page
	pages := max(1, (len(all)+per-1)/per)
	n = min(max(1, n), pages)
	from, to := (n-1)*per, min(n*per, len(all))
	p := paging{Page: n, Pages: pages, From: from + 1, To: to, All: len(all)}
	if len(all) == 0 {
		p.From = 0
	}
	return all[from:to], p
}

// classOf is how a thing of this impact looks.
func classOf(i event.Impact) string {
	switch i {
	case event.ProtectionLost:
		return "lost"
	case event.NoticeLost, event.Noted:
		return "note"
	case event.VisibilityLost:
		return "unknown"
	}
	return "warn"
}

// Class is classOf, for templates.
func (v *view) Class4(i event.Impact) string { return classOf(i) }

func (p *Page) overview(v *view) error {
	look, err := p.Source.Look(v.r.Context())
	if err != nil {
		return err
	}
	sinks, err := p.Source.SinkStatus(v.r.Context())
	if err != nil && p.Source.Pulse().Current {
		return err
	}
	out := overviewView{Deciding: look.Deciding, Count: len(look.Hosts), Sort: v.Query("sort"), Query: v.Query("q"), State: v.Query("state")}
	for _, s := range sinks {
		if !s.FailingSince.IsZero() || s.DeadLetters > 0 {
			out.Failing = append(out.Failing, s)
		}
	}
	for _, h := range look.Hosts {
		out.Up, out.Expected = out.Up+h.Up, out.Expected+h.Expected
		if h.Troubles > 0 {
			out.Affected++
		}
	}
	out.Tiles = tiles(look.Troubles)
	own, symptoms := apart(look.Troubles)
	for _, t := range own {
		if len(out.Lost) == mostTroubles {
			out.More = len(own) - mostTroubles
			break
		}
		if one, ok := p.loss(v, t); ok {
			one.Symptoms = symptoms[t.Key.String()]
			out.Lost = append(out.Lost, one)
		}
	}
	out.Hosts, out.Shown = paged(chosenHosts(look.Hosts, out), hostsPerPage, v.Query("page"))
	v.Name, v.Title = "overview", p.standing(v, look)
	v.Data = out
	p.render(v, http.StatusOK, "overview")
	return nil
}

// standing is all in one line, for the title of the window; the icon says the same.
func (p *Page) standing(v *view, look *Look) string {
	pulse := p.Source.Pulse()
	switch {
	case !pulse.Current:
		v.Mark = "stale"
		return v.T("title.stale")
	case len(look.Troubles) == 0:
		return v.T("title.ok")
	}
	v.Mark = "warn"
	own, _ := apart(look.Troubles)
	if slices.ContainsFunc(own, func(t Trouble) bool { return t.Impact == event.ProtectionLost }) {
		v.Mark = "lost"
	}
	return v.N("losses", len(own))
}

// apart are the troubles that nothing else explains, and how many others each of
// them does.
func apart(all []Trouble) (own []Trouble, symptoms map[string]int) {
	symptoms = map[string]int{}
	for _, t := range all {
		if t.Cause != "" {
			symptoms[t.Cause]++
		} else {
			own = append(own, t)
		}
	}
	return own, symptoms
}

// tiles count what is lost.
func tiles(all []Trouble) (out []tile) {
	hosts := map[event.Impact]map[string]bool{}
	losses := map[event.Impact]int{}
	for _, t := range all {
		if hosts[t.Impact] == nil {
			hosts[t.Impact] = map[string]bool{}
		}
		hosts[t.Impact][t.Key.Host] = true
		losses[t.Impact]++
	}
	for _, i := range event.Impacts() {
		if losses[i] > 0 {
			out = append(out, tile{i, losses[i], len(hosts[i]), classOf(i)})
		}
	}
	return out
}

// loss says what a trouble means.
func (p *Page) loss(v *view, t Trouble) (lossView, bool) {
	a, by, ok := p.Source.Tell(t, v.voice)
	if !ok {
		return lossView{}, false
	}
	t.Impact = cmp.Or(t.Impact, a.Impact)
	return lossView{Trouble: t, Title: a.Title, Short: a.Short, Text: a.Text, Next: a.Next, Silence: by}, true
}

// worst ranks states.
func worst(s event.State) int {
	return slices.Index([]event.State{event.Down, event.Unknown, event.Degraded, event.Up, ""}, s)
}

// chosenHosts are those that the reader wants to see, in his order.
func chosenHosts(all []Host, by overviewView) []Host {
	want := strings.ToLower(spelling.Composed(strings.TrimSpace(by.Query)))
	var out []Host
	for _, h := range all {
		if want != "" && !strings.Contains(strings.ToLower(spelling.Composed(h.Name)), want) {
			continue
		}
		switch by.State {
		case "trouble":
			if h.Troubles == 0 {
				continue
			}
		case "none":
			if h.Expected > 0 {
				continue
			}
		case "down", "degraded", "unknown", "up":
			if string(h.State) != by.State {
				continue
			}
		}
		out = append(out, h)
	}
	slices.SortStableFunc(out, func(a, b Host) int {
		switch by.Sort {
		case "name":
			return natural(a.Name, b.Name)
		case "since":
			return cmp.Or(b.Since.Compare(a.Since), natural(a.Name, b.Name))
		case "troubles":
			return cmp.Or(cmp.Compare(b.Troubles, a.Troubles), natural(a.Name, b.Name))
		}
		return cmp.Or(cmp.Compare(worst(a.State), worst(b.State)), cmp.Compare(b.Troubles, a.Troubles), natural(a.Name, b.Name))
	})
	return out
}

// natural compares names as people do: web2 stands before web10.
func natural(a, b string) int {
	for a != "" && b != "" {
		da, db := digits(a), digits(b)
		if da > 0 && db > 0 {
			na, nb := strings.TrimLeft(a[:da], "0"), strings.TrimLeft(b[:db], "0")
			if c := cmp.Or(cmp.Compare(len(na), len(nb)), cmp.Compare(na, nb)); c != 0 {
				return c
			}
			a, b = a[da:], b[db:]
			continue
		}
		if a[0] != b[0] {
			return cmp.Compare(a[0], b[0])
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Compare(len(a), len(b))
}

// digits is how many digits s begins with.
func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}

// ID names the trouble on a page.
func (l lossView) ID() string { return l.Key.Hash() + "-" + l.Rule }
