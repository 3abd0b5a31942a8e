package report

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"dswatch/event"
	"dswatch/rules"
)

// Request is what a report is of.
type Request struct {
	From, To time.Time // To is not a part of it
	Now      time.Time // nothing is known of later
	Zone     *time.Location
	Match    rules.Matchers
}

// Times is how long something was so.
type Times struct {
	Up       time.Duration `json:"up_ns"`
	Degraded time.Duration `json:"degraded_ns"`
	Down     time.Duration `json:"down_ns"`
	Unknown  time.Duration `json:"unknown_ns"`
	// Apart is time in silences and maintenance, ApartLost that of it which would
	// be degraded or down.
	Apart     time.Duration `json:"silenced_ns"`
	ApartLost time.Duration `json:"silenced_lost_ns"`
}

// Base is all of it.
func (t Times) Base() time.Duration { return t.Up + t.Degraded + t.Down + t.Unknown + t.Apart }

// Share is how much of the known time outside silences and maintenance it was
// available, which is up or degraded; false: there is no such time.
func (t Times) Share() (float64, bool) {
	known := t.Up + t.Degraded + t.Down
	if known == 0 {
		return 0, false
	}
	return float64(t.Up+t.Degraded) / float64(known), true
}

// Percent writes Share with two decimals. Only what was never down is 100.00, and
// only what was never available 0.00.
func (t Times) Percent() string {
	known := t.Up + t.Degraded + t.Down
	if known == 0 {
		return "-"
	}
	good := t.Up + t.Degraded
	// In whole numbers: a month has more nanoseconds than a float has digits.
	n := int64(good/time.Microsecond) * 10_000 / max(1, int64(known/time.Microsecond))
	if good < known {
		n = min(n, 9999)
	}
	if good > 0 {
		n = max(n, 1)
	}
	return strconv.FormatInt(n/100, 10) + "." + string('0'+byte(n%100/10)) + string('0'+byte(n%10))
}

func (t Times) plus(u Times) Times {
	return Times{t.Up + u.Up, t.Degraded + u.Degraded, t.Down + u.Down, t.Unknown + u.Unknown, t.Apart + u.Apart, t.ApartLost + u.ApartLost}
}

// Row is one item.
type Row struct {
	Key event.Key `json:"key"`
	Times
	Losses int `json:"losses"` // how often it went down or degraded
}

// Host is all rows of a host together: down while one of them is, and unknown
// while one of them is and none is down.
type Host struct {
	Name string `json:"host"`
	Times
	// Lost is how long protection was lost outside silences and maintenance, and
	// LostApart within.
	Lost      time.Duration `json:"protection_lost_ns"`
	LostApart time.Duration `json:"protection_lost_silenced_ns"`
	Losses    int           `json:"protection_losses"`
	Alerts    int           `json:"alerts"`
	Rows      []Row         `json:"rows"`
}

// Group is many of the same: all hosts, or one row on all hosts.
type Group struct {
	Name  string  `json:"group"` // empty: all hosts
	Of    int     `json:"of"`    // how many have a figure
	Mean  float64 `json:"mean"`  // of the shares
	Worst string  `json:"worst"` // which is the worst
	mean  Times   // for Percent: as if all were one
	worst Times
}

// MeanPercent and WorstPercent are written as Times.Percent.
func (g Group) MeanPercent() string {
	if g.Of == 0 {
		return "-"
	}
	bad := time.Duration((1 - g.Mean) * 1e12)
	if g.mean.Down > 0 {
		bad = max(bad, 1)
	}
	return Times{Up: 1e12 - bad, Down: bad}.Percent()
}

// WorstPercent is that of the worst.
func (g Group) WorstPercent() string { return g.worst.Percent() }

// Alerts is what became of alerts.
type Alerts struct {
	Raised     int                    `json:"raised"`
	BySeverity map[event.Severity]int `json:"by_severity"`
	CarriedIn  int                    `json:"open_at_start"`
	CarriedOut int                    `json:"open_at_end"`
	// Of those that were raised in the time of the report: how long until somebody
	// looked after them, and from the first look that saw the trouble until it was over.
	Acked     Lasting `json:"acknowledged"`
	Recovered Lasting `json:"recovered"`
}

// Lasting is how long something took.
type Lasting struct {
	Count int           `json:"count"`
	Mean  time.Duration `json:"mean_ns"`
	Most  time.Duration `json:"most_ns"`
}

// Interval is a time in which an item was in one state, and how it counts: as that
// state, unknown, or silenced.
type Interval struct {
	Key     event.Key
	State   event.State
	Counts  string
	From    time.Time
	To      time.Time
	Carried bool // it was so before the report
	Open    bool // it is so after it
}

// How an Interval counts, where not as its state.
const (
	CountsUnknown = "unknown"
	CountsApart   = "silenced"
)

// Report is what there is to say of a time.
type Report struct {
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	Observed Observed  `json:"observed"`
	Hosts    []Host    `json:"hosts"`
	Groups   []Group   `json:"groups"`
	Alerts   Alerts    `json:"alerts"`
	Hours    string    `json:"service_hours,omitempty"`
	// Forever are the ids of the silences without an end that were in force at the
	// end of the report.
	Forever []string `json:"silenced_forever,omitempty"`

	intervals func(yield func(Interval) bool)
}

// Observed is what the figures are based on.
type Observed struct {
	From    time.Time     `json:"from"` // the first and the last moment of which something is known
	To      time.Time     `json:"to"`
	Unknown time.Duration `json:"unknown_ns"` // between them, of dswatch as a whole
	Deaf    int           `json:"times_deaf"`
	Stops   int           `json:"times_stopped"`
	Missing int           `json:"entries_missing"`
	Looks   []string      `json:"looks"` // the detectors with their schedules: no change is seen before the next look
}

// Intervals yields the raw intervals, by item and time.
func (r *Report) Intervals(yield func(Interval) bool) { r.intervals(yield) }

// part is a piece of an item's time.
type part struct {
	span
	state  event.State
	impact event.Impact
	open   bool
	before bool
}

// Report returns what was read.
func (r *Replay) Report(q Request) *Report {
	w := span{q.From.UnixNano(), min(q.To.UnixNano(), q.Now.UnixNano())}
	out := &Report{From: q.From, To: q.To, Alerts: Alerts{BySeverity: map[event.Severity]int{}}}
	all := join(append(slices.Clone(r.blind), r.open(w)...))
	if r.first != 0 {
		known := spans{{max(w.from, r.first), w.to}}
		if known[0].from < known[0].to {
			out.Observed.From, out.Observed.To = time.Unix(0, known[0].from).In(q.Zone), time.Unix(0, w.to).In(q.Zone)
			out.Observed.Unknown = all.and(known).length()
		}
	}
	out.Observed.Deaf, out.Observed.Stops, out.Observed.Missing = r.deafs, r.stops, r.missing
	for _, s := range r.setups {
		for _, look := range s.looks {
			if !slices.Contains(out.Observed.Looks, look) {
				out.Observed.Looks = append(out.Observed.Looks, look)
			}
		}
	}
	t := teller{r: r, q: q, w: w, blind: all, hushes: r.hushes(w, q.Zone)}
	hosts := map[string][]event.Key{}
	for k := range r.items {
		if q.Match.Admit(k) {
			hosts[k.Host] = append(hosts[k.Host], k)
		}
	}
	for name, keys := range hosts {
		slices.SortFunc(keys, func(a, b event.Key) int { return strings.Compare(a.String(), b.String()) })
		if h, ok := t.host(name, keys); ok {
			out.Hosts = append(out.Hosts, h)
		}
	}
	slices.SortFunc(out.Hosts, func(a, b Host) int { return strings.Compare(a.Name, b.Name) })
	out.groups()
	r.alerts(out, w, q)
	out.Forever = r.forever(w.to - 1)
	out.intervals = t.intervals(out.Hosts)
	return out
}

// forever are the silences without an end that were in force at that moment.
func (r *Replay) forever(at int64) (ids []string) {
	for id, s := range r.silences {
		if s.Forever && s.Active(time.Unix(0, at)) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// open is what is not known yet because its end was not noted.
func (r *Replay) open(w span) (out []span) {
	for _, from := range []int64{r.deaf, r.stopped} {
		if from != 0 && from < w.to {
			out = append(out, span{from, w.to})
		}
	}
	return out
}

// teller counts for one report.
type teller struct {
	r      *Replay
	q      Request
	w      span
	blind  spans
	hushes []hush
}

// parts are the pieces of an item's time within the report in which it must be
// there, without those in which nobody looked.
func (t *teller) parts(it *item) (out []part) {
	for i, p := range it.points {
		one := part{span: span{max(p.at, t.w.from), t.w.to}, state: p.state, impact: p.impact, before: p.at < t.w.from, open: true}
		if i+1 < len(it.points) {
			if next := it.points[i+1].at; next <= t.w.to {
				one.to, one.open = next, next == t.w.to
			}
		}
		if one.from >= one.to || p.gone || p.expected != "yes" {
			continue
		}
		out = append(out, t.veiled(it, p, one)...)
	}
	return out
}

// veiled cuts what was hidden out of a part: it is unknown.
func (t *teller) veiled(it *item, p point, one part) (out []part) {
	if it.watch == "" || it.veils == it.watch {
		return []part{one}
	}
	var hidden []span
	for _, v := range t.r.veils[it.watch] {
		if v.to == 0 {
			v.to = t.w.to
		}
		if p.order < v.order {
			hidden = append(hidden, v.span)
		}
	}
	all := join(hidden)
	if len(all) == 0 {
		return []part{one}
	}
	whole := spans{one.span}
	for _, s := range whole.not(all) {
		piece := one
		piece.span = s
		out = append(out, piece)
	}
	for _, s := range whole.and(all) {
		out = append(out, part{span: s, state: event.Unknown})
	}
	slices.SortFunc(out, func(a, b part) int { return cmp.Compare(a.from, b.from) })
	return out
}

// counted is an item's time by how it counts.
type counted struct {
	up, degraded, down, unknown spans
	apart, apartLost            spans
	lost, lostApart             spans // protection
	losses                      int
}

func (t *teller) count(k event.Key, it *item) (c counted) {
	for _, p := range t.parts(it) {
		base := spans{p.span}
		unknown := base.and(t.blind)
		if p.state == event.Unknown {
			unknown = base
		}
		known := base.not(unknown)
		apart := known.and(t.quiet(k, p))
		known = known.not(apart)
		c.unknown, c.apart = append(c.unknown, unknown...), append(c.apart, apart...)
		switch p.state {
		case event.Up:
			c.up = append(c.up, known...)
			continue
		case event.Degraded:
			c.degraded = append(c.degraded, known...)
		case event.Down:
			c.down = append(c.down, known...)
		default:
			continue
		}
		if c.losses++; p.before {
			c.losses--
		}
		c.apartLost = append(c.apartLost, apart...)
		if p.impact == event.ProtectionLost {
			c.lost, c.lostApart = append(c.lost, known...), append(c.lostApart, apart...)
		}
	}
	return c
}

// quiet is when silences and windows are in force for the item as it is.
func (t *teller) quiet(k event.Key, p part) (out spans) {
	for _, h := range t.hushes {
		if !h.match.Admit(k) {
			continue
		}
		if p.state.Lost() && !h.match.Match(&rules.Subject{Key: k, Rule: rules.Loss, Severity: rules.SeverityOf(p.impact)}) {
			continue
		}
		out = out.or(h.when)
	}
	return out
}

func (c counted) times() Times {
	return Times{Up: c.up.length(), Degraded: c.degraded.length(), Down: c.down.length(), Unknown: c.unknown.length(), Apart: c.apart.length(), ApartLost: c.apartLost.length()}
}

// host counts the rows of one; false: none of them had to be there.
func (t *teller) host(name string, keys []event.Key) (h Host, ok bool) {
	h.Name = name
	var all counted
	for _, k := range keys {
		c := t.count(k, t.r.items[k])
		row := Row{Key: k, Times: c.times(), Losses: c.losses}
		if row.Base() == 0 {
			continue
		}
		h.Rows = append(h.Rows, row)
		all.up, all.degraded, all.down, all.unknown = append(all.up, c.up...), append(all.degraded, c.degraded...), append(all.down, c.down...), append(all.unknown, c.unknown...)
		all.apart, all.apartLost = append(all.apart, c.apart...), append(all.apartLost, c.apartLost...)
		all.lost, all.lostApart = append(all.lost, c.lost...), append(all.lostApart, c.lostApart...)
	}
	if len(h.Rows) == 0 {
		return h, false
	}
	// The worst of the rows at each moment counts; what is silenced comes after.
	down := join(all.down)
	unknown := join(all.unknown).not(down)
	degraded := join(all.degraded).not(down).not(unknown)
	apartLost := join(all.apartLost).not(down).not(unknown).not(degraded)
	worse := down.or(unknown).or(degraded).or(apartLost)
	up := join(all.up).not(worse)
	apart := join(all.apart).not(worse).not(up).or(apartLost)
	h.Times = Times{Up: up.length(), Degraded: degraded.length(), Down: down.length(), Unknown: unknown.length(), Apart: apart.length(), ApartLost: apartLost.length()}
	lost := join(all.lost)
	h.Lost, h.LostApart, h.Losses = lost.length(), join(all.lostApart).not(lost).length(), len(lost)
	return h, true
}

// intervals yields those of the rows of the hosts.
func (t *teller) intervals(hosts []Host) func(func(Interval) bool) {
	return func(yield func(Interval) bool) {
		for _, h := range hosts {
			for _, row := range h.Rows {
				for _, p := range t.parts(t.r.items[row.Key]) {
					if !t.cut(row.Key, p, yield) {
						return
					}
				}
			}
		}
	}
}

// cut yields the pieces of a part by how they count.
func (t *teller) cut(k event.Key, p part, yield func(Interval) bool) bool {
	type piece struct {
		span
		counts string
	}
	var all []piece
	add := func(s spans, counts string) {
		for _, one := range s {
			all = append(all, piece{one, counts})
		}
	}
	base := spans{p.span}
	unknown := base.and(t.blind)
	if p.state == event.Unknown {
		unknown = base
	}
	known := base.not(unknown)
	apart := known.and(t.quiet(k, p))
	add(unknown, CountsUnknown)
	add(apart, CountsApart)
	add(known.not(apart), string(p.state))
	slices.SortFunc(all, func(a, b piece) int { return cmp.Compare(a.from, b.from) })
	for _, one := range all {
		i := Interval{
			Key: k, State: p.state, Counts: one.counts, From: time.Unix(0, one.from).In(t.q.Zone), To: time.Unix(0, one.to).In(t.q.Zone),
			Carried: p.before && one.from == p.from, Open: p.open && one.to == p.to,
		}
		if !yield(i) {
			return false
		}
	}
	return true
}

// groups are all hosts, and each row on all hosts.
func (r *Report) groups() {
	var all Group
	rows := map[string]*Group{}
	for _, h := range r.Hosts {
		all.take(h.Name, h.Times)
		for _, row := range h.Rows {
			name := row.Key.Component + "/" + row.Key.Row()
			if rows[name] == nil {
				rows[name] = &Group{Name: name}
			}
			rows[name].take(h.Name, row.Times)
		}
	}
	r.Groups = []Group{all}
	for _, g := range rows {
		r.Groups = append(r.Groups, *g)
	}
	slices.SortFunc(r.Groups, func(a, b Group) int { return strings.Compare(a.Name, b.Name) })
	for i := range r.Groups {
		if g := &r.Groups[i]; g.Of > 0 {
			g.Mean /= float64(g.Of)
		}
	}
}

// take adds a figure; Mean is their sum until all are there.
func (g *Group) take(name string, t Times) {
	share, ok := t.Share()
	if !ok {
		return
	}
	if worst, _ := g.worst.Share(); g.Of == 0 || share < worst {
		g.Worst, g.worst = name, t
	}
	g.Of++
	g.Mean += share
	g.mean = g.mean.plus(t)
}

// alerts counts what was raised, acknowledged and over.
func (r *Replay) alerts(out *Report, w span, q Request) {
	hosts := map[string]*Host{}
	for i := range out.Hosts {
		hosts[out.Hosts[i].Name] = &out.Hosts[i]
	}
	a := &out.Alerts
	for _, t := range r.tales {
		if len(q.Match) > 0 && (t.key == (event.Key{}) || !q.Match.Admit(t.key)) || t.raised == 0 || t.raised >= w.to {
			continue
		}
		over := t.cleared != 0 && t.cleared >= t.raised
		if t.raised < w.from && (!over || t.cleared >= w.from) {
			a.CarriedIn++
		}
		if !over || t.cleared >= w.to {
			a.CarriedOut++
		}
		if t.raised < w.from {
			continue
		}
		a.Raised++
		a.BySeverity[t.severity]++
		if h := hosts[t.key.Host]; h != nil {
			h.Alerts++
		}
		if t.acked != 0 && t.acked >= t.raised && t.acked < w.to {
			a.Acked.add(time.Duration(t.acked - t.raised))
		}
		if over && t.cleared < w.to {
			from := t.raised
			if t.began != 0 {
				from = min(from, t.began)
			}
			a.Recovered.add(time.Duration(t.cleared - from))
		}
	}
	a.Acked.mean()
	a.Recovered.mean()
}

// add sums up; mean divides at the end.
func (l *Lasting) add(d time.Duration) {
	l.Count++
	l.Mean += d
	l.Most = max(l.Most, d)
}

func (l *Lasting) mean() {
	if l.Count > 0 {
		l.Mean /= time.Duration(l.Count)
	}
}
