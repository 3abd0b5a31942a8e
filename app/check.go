package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"dswatch/catalog"
	"dswatch/detector"
	"dswatch/event"
	"dswatch/rules"
	"dswatch/table"
	"dswatch/words"
)

// Exit codes of check, those of monitoring plugins.
const (
	ExitOK       = 0
	ExitWarning  = 1
	ExitCritical = 2
	ExitUnknown  = 3
)

// CheckItem is one row of check, a contract.
type CheckItem struct {
	Host      string      `json:"host"` // the host the item is on
	Component string      `json:"component"`
	OS        string      `json:"os"`
	Kind      event.Kind  `json:"kind"`
	Name      string      `json:"name"`
	Expected  catalog.Tri `json:"expected"`
	Instances int         `json:"instances"`
	Footnotes []string    `json:"footnotes"`
	Reason    string      `json:"reason"`
	// ReasonStatements is Reason as data.
	ReasonStatements event.Said  `json:"reason_statements,omitzero"`
	State            event.State `json:"state"`
	Found            int         `json:"found"`
	Detail           string      `json:"detail"`
	// DetailStatements is Detail as data.
	DetailStatements event.Said `json:"detail_statements,omitzero"`

	severity event.Severity
	meaning  string
}

// bad reports whether the item is expected and not healthy.
func (i CheckItem) bad() bool { return i.Expected == catalog.Yes && i.State != event.Up }

// CheckHost is what is known about one host, with origin and time.
type CheckHost struct {
	Host  string      `json:"host"`
	Facts event.Facts `json:"facts"`

	managed bool // only the manager told of it
}

// CheckResult is what check found, a contract.
type CheckResult struct {
	Host  string                `json:"host"`
	Facts map[event.Name]string `json:"facts"`
	Hosts []CheckHost           `json:"hosts"` // this host first, then each that something is known about
	Items []CheckItem           `json:"items"`
	Exit  int                   `json:"exit"`
	// FactsFrom says who found the facts out: the running process, or this look.
	FactsFrom string `json:"facts_from"`
	// NotAsked are the facts of this host that only its agent tells, which was
	// not up to be asked.
	NotAsked []event.Name `json:"facts_not_asked,omitempty"`
	// Process says why the running process did not tell what it knows.
	Process string `json:"process_error,omitempty"`

	problem error // that of Process
	facts   event.Facts
	lang    string
	zone    *time.Location
	root    bool // nothing would be seen better as root
}

// The values of CheckResult.FactsFrom.
const (
	fromProcess = "process"
	fromLook    = "look"
)

// toldByAgent are the facts that this host's agent tells when it is asked.
var toldByAgent = []event.Name{event.Edition, event.AntiMalware, event.WebReputation, event.Firewall, event.IntrusionPrevention}

// Check looks once at everything on this host. Where a process of the same
// configuration runs, what that knows of the hosts counts, as in its alerts. Facts declared in over count
// more than those of the configuration. What could not be found out goes to log.
func Check(ctx context.Context, l *Loaded, over event.Facts, log *slog.Logger) (*CheckResult, error) {
	process, problem := askProcess(ctx, l)
	looked, err := look(ctx, l, process, log)
	if err != nil {
		return nil, err
	}
	seen, all := looked.seen, looked.facts
	own := event.Token(l.Config.Host)
	known := all[own].Merge(over)
	of := func(k event.Key) event.Facts { // what counts for the item
		if t := event.Token(k.Host); t != own && (detector.Reported(k) || all[t] != nil) {
			return all[t]
		}
		return known
	}
	rows := newRows(l)
	res := &CheckResult{
		Host: l.Config.Host, Facts: map[event.Name]string{}, Items: []CheckItem{},
		facts: known, lang: l.Config.Language, zone: l.Config.Location(), root: os.Geteuid() <= 0, // -1 on Windows, where root is no word
	}
	res.FactsFrom = fromLook
	if process != nil {
		res.FactsFrom = fromProcess
	}
	if problem != nil {
		res.Process, res.problem = problem.Error(), problem
	}
	for n, f := range known {
		res.Facts[n] = f.Value
	}
	for _, n := range toldByAgent {
		if _, told := known.Get(n); looked.agentDown && !told {
			res.NotAsked = append(res.NotAsked, n)
		}
	}
	res.Hosts = hostsOf(l.Config.Host, known, all, seen)
	peers := map[string][]event.Observation{}
	for _, o := range seen {
		peers[o.Key.Host] = append(peers[o.Key.Host], o)
	}
	for _, o := range seen {
		facts := of(o.Key)
		system, _ := facts.Get(event.OS)
		row, verdict := rows.Find(o.Key, facts)
		if row == nil || o.Key.Kind.Class() != "" && (verdict.Expected != catalog.Yes || o.State == event.Up) {
			continue // of what is beside the vendor's list, only trouble has a line
		}
		it := CheckItem{
			Host: o.Key.Host, Component: o.Key.Component, OS: system.Value, Kind: o.Key.Kind, Name: o.Key.Name, Expected: verdict.Expected,
			Instances: max(1, o.Want), Footnotes: verdict.Footnotes, Reason: verdict.ReasonIn(l.Config.Language), ReasonStatements: words.Spell(verdict.Reason),
			State: o.State, Found: o.Found, Detail: words.In(l.Config.Language, l.Config.Location()).Say(o.Detail), DetailStatements: words.Spell(o.Detail),
		}
		if it.Footnotes == nil {
			it.Footnotes = []string{}
		}
		it.severity, it.meaning = event.Warning, ""
		if o.State.Lost() {
			on := sight(row, facts, peers[o.Key.Host])
			it.severity = rules.SeverityOf(row.ImpactIn(on, o.State))
			if row.Explained(on, o.State) {
				it.meaning = words.In(l.Config.Language, nil).Say(row.Meaning(on, o.State))
			}
		}
		res.Items = append(res.Items, it)
	}
	res.Exit = exitOf(res.Items)
	if res.absent() || res.undecided() {
		res.Exit = ExitUnknown
	}
	return res, nil
}

// hostsOf lists this host, then each other one that items were seen of and
// something is known about, by name.
func hostsOf(own string, known event.Facts, all map[string]event.Facts, seen []event.Observation) []CheckHost {
	hosts := []CheckHost{{Host: own, Facts: known}}
	at := map[string]int{event.Token(own): 0}
	for _, o := range seen {
		token := event.Token(o.Key.Host)
		i, ok := at[token]
		switch {
		case ok && i > 0 && !detector.Reported(o.Key):
			hosts[i].managed = false
		case !ok && all[token] != nil:
			at[token] = len(hosts)
			hosts = append(hosts, CheckHost{Host: o.Key.Host, Facts: all[token], managed: detector.Reported(o.Key)})
		}
	}
	slices.SortFunc(hosts[1:], func(a, b CheckHost) int { return strings.Compare(a.Host, b.Host) })
	return hosts
}

// sight is what the meaning of a row's loss depends on, after one look at its
// host.
func sight(row *catalog.Row, known event.Facts, seen []event.Observation) catalog.Sight {
	system, _ := known.Get(event.OS)
	on := catalog.Sight{OS: system.Value, Facts: known}
	for _, id := range row.Peers() {
		for _, o := range seen {
			if o.Key.Row() == id {
				on.Peers = append(on.Peers, catalog.Peer{ID: id, State: o.State})
			}
		}
	}
	return on
}

// exitOf is the worst of all expected items. An item that cannot be seen is
// unknown, unless something is known to be lost.
func exitOf(items []CheckItem) int {
	exit, unknown := ExitOK, false
	for _, it := range items {
		switch {
		case !it.bad():
		case it.State == event.Unknown:
			unknown = true
		case it.severity == event.Critical:
			exit = ExitCritical
		case it.severity != event.Info:
			exit = max(exit, ExitWarning)
		}
	}
	if exit == ExitOK && unknown {
		return ExitUnknown
	}
	return exit
}

// absent reports whether nothing of Deep Security was declared or found, and
// the operator has no rows of his own.
func (r *CheckResult) absent() bool {
	if c, ok := r.facts.Get(event.Components); ok && c.Value != "" {
		return false
	}
	for _, it := range r.Items {
		if it.State == event.Up || it.State == event.Degraded || it.Expected == catalog.Yes {
			return false
		}
	}
	return true
}

// undecided reports whether nothing can be judged: something runs here, but of
// no row is it known whether it is expected.
func (r *CheckResult) undecided() bool {
	return !slices.ContainsFunc(r.Items, func(i CheckItem) bool { return i.Expected == catalog.Yes }) &&
		slices.ContainsFunc(r.Items, func(i CheckItem) bool { return i.Expected == catalog.Unknown && i.Found > 0 })
}

// WriteJSON writes the contract.
func (r *CheckResult) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(r)
}

// nagiosNames is how many items the line of a plugin names: monitoring systems
// cut it, some after 1 KB.
const nagiosNames = 10

// WriteNagios writes one line with performance data.
func (r *CheckResult) WriteNagios(w io.Writer) error {
	label := [...]string{"OK", "WARNING", "CRITICAL", "UNKNOWN"}[r.Exit]
	if r.absent() {
		_, err := fmt.Fprintf(w, "DSWATCH %s - %s\n", label, r.absentSentence())
		return err
	}
	counts, v := r.counts(), words.In(r.lang, r.zone)
	var names []string
	more := 0
	for _, it := range r.ordered() {
		switch {
		case it.bad() && len(names) < nagiosNames:
			names = append(names, plain(v.Say(words.BadItem.With(it.Kind, it.label(r.Host), it.State))))
		case it.bad():
			more++
		}
	}
	if more > 0 {
		names = append(names, v.Say(words.AndMore.With(more)))
	}
	summary := v.Say(words.UpOfExpected.With(counts["up"], counts["expected"]))
	if r.undecided() {
		summary = v.Say(words.Undecided.With())
	}
	if len(names) > 0 {
		summary = strings.Join(names, v.Pick(words.Comma)) + v.Pick(words.Semicolon) + summary
	}
	_, err := fmt.Fprintf(w, "DSWATCH %s - %s | expected=%d up=%d degraded=%d down=%d unknown=%d\n", label, summary,
		counts["expected"], counts["up"], counts["degraded"], counts["down"], counts["unknown"])
	return err
}

// plain keeps what would end the text of a plugin's line out of it.
func plain(s string) string { return strings.NewReplacer("|", "/", "\n", " ", "\r", " ").Replace(s) }

func (r *CheckResult) counts() map[string]int {
	c := map[string]int{}
	for _, it := range r.Items {
		if it.Expected == catalog.Yes {
			c["expected"]++
			c[string(it.State)]++
		}
	}
	return c
}

func (r *CheckResult) absentSentence() string {
	if r.root {
		return words.In(r.lang, nil).Say(words.NothingForRoot.With(r.Host))
	}
	return words.In(r.lang, nil).Say(words.NothingHere.With(r.Host))
}

// WriteTable writes what a person reads at a glance. Of the manager's computers
// only what is bad has a line, and what is not expected only with all.
func (r *CheckResult) WriteTable(w io.Writer, f table.Form, all bool) error {
	if r.absent() {
		_, err := io.WriteString(w, f.Text(0, r.absentSentence()))
		return err
	}
	var b strings.Builder
	v := words.In(r.lang, r.zone)
	items, left, not := r.shown(all)
	for _, h := range r.Hosts {
		if h.managed && !slices.ContainsFunc(items, func(i CheckItem) bool { return i.Host == h.Host }) {
			continue
		}
		fmt.Fprintf(&b, "%s\n", oneLine(h.Host))
		writeFacts(&b, h.Facts, v, f)
		if h.Host == r.Host && r.FactsFrom == fromProcess {
			b.WriteString(f.Text(2, v.Say(words.FactsOfProcess.With())))
		}
		b.WriteByte('\n')
	}
	rows := []table.Row{{Cells: append(v.Heads(words.HeadsCheck), v.Pick(words.HeadWhy))}}
	for _, it := range items {
		rows = append(rows, table.Row{Tint: tintOf(it), Cells: []string{shownState(it, v), v.Kind(it.Kind), it.label(r.Host), fmt.Sprintf("%d/%d", it.Found, it.Instances), v.Expected(it.Expected.String()), why(it)}})
	}
	b.WriteString(f.Table(rows))
	c := r.counts()
	fmt.Fprintf(&b, "\n%s%s\n", v.Say(words.UpOfExpected.With(c["up"], c["expected"])), v.Either(".", ""))
	for _, s := range r.remarks(left, not) {
		b.WriteString(f.Text(0, v.Say(s)))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// remarks are what a person must know of the table, which leaves out so many
// items of other computers and so many that are not expected.
func (r *CheckResult) remarks(left, not int) []event.Said {
	var all []event.Said
	if r.undecided() {
		all = append(all, words.Undecided.With())
	}
	if len(r.NotAsked) > 0 {
		var names []string
		for _, n := range r.NotAsked {
			names = append(names, string(n))
		}
		all = append(all, words.AgentNotAsked.With(names))
	}
	if r.problem != nil {
		all = append(all, words.ProcessNotAsked.With(r.problem))
	}
	if left > 0 {
		all = append(all, words.LeftOut.With(left))
	}
	if not > 0 {
		all = append(all, words.RowsLeftOut.With(not))
	}
	return all
}

// writeFacts writes one line for each fact, with where and when it was found
// out. What is declared has no time.
func writeFacts(b *strings.Builder, facts event.Facts, v words.Voice, form table.Form) {
	const indent = 33
	for _, n := range event.Names() {
		f, ok := facts.Get(n)
		if !ok {
			continue
		}
		from := oneLine(v.Origin(f.Origin))
		if !f.At.IsZero() {
			from += ", " + f.At.In(v.Location()).Format(time.DateTime)
		}
		b.WriteString(form.After("  "+string(n), indent, oneLine(f.Value)+"  ["+from+"]"))
	}
}

// shown returns the items with a line of their own in order, and how many have
// none: what is not bad of other computers, which the manager told of, and
// unless all what is not expected.
func (r *CheckResult) shown(all bool) (items []CheckItem, left, not int) {
	for _, it := range r.ordered() {
		switch {
		case it.Host != r.Host && it.Component == event.Agent && (it.Kind == event.Heartbeat || it.Kind == event.Module) && !it.bad():
			left++
		case !all && it.Expected == catalog.No && !it.bad():
			not++
		default:
			items = append(items, it)
		}
	}
	return items, left, not
}

// ordered puts what is bad first, then what runs, then what is not expected.
func (r *CheckResult) ordered() []CheckItem {
	rank := func(i CheckItem) int {
		switch {
		case i.bad() && i.State != event.Unknown:
			return 0
		case i.bad():
			return 1
		case i.Expected == catalog.Yes:
			return 2
		case i.Expected == catalog.Unknown:
			return 3
		}
		return 4
	}
	items := slices.Clone(r.Items)
	slices.SortStableFunc(items, func(a, b CheckItem) int { return rank(a) - rank(b) })
	return items
}

func (i CheckItem) label(host string) string {
	if i.Host != host {
		return i.Host + " " + oneLine(i.Name)
	}
	return oneLine(i.Name)
}

// why is what a person needs to know about the item in one line: what it
// means, and what was seen.
func why(i CheckItem) string {
	seen := i.Detail
	switch {
	case i.bad() && i.meaning != "" && seen != "":
		return oneLine(i.meaning + " (" + seen + ")")
	case i.bad():
		return oneLine(i.meaning + seen)
	}
	return oneLine(i.Reason)
}

func tintOf(i CheckItem) table.Tint {
	switch {
	case i.bad() && (i.State == event.Unknown || i.severity != event.Critical):
		return table.Yellow
	case i.bad():
		return table.Red
	case i.Expected == catalog.Yes:
		return table.Green
	}
	return table.Grey
}

// shownState is the state of an item; one that is not expected and not there
// has a dash: nothing is wrong with it.
func shownState(i CheckItem, v words.Voice) string {
	switch s := v.State(i.State); {
	case i.Expected != catalog.Yes && i.State == event.Down:
		return "-"
	case i.State != event.Up:
		return strings.ToUpper(s) // no difference in Japanese
	default:
		return s
	}
}
