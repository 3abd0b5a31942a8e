package app

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"time"

	"dswatch/event"
	"dswatch/history"
	"dswatch/report"
	"dswatch/table"
	"dswatch/web"
	"dswatch/words"
)

// MonthOf is the month that somebody names, in a zone; "" is the last whole one.
func MonthOf(text string, now time.Time) (from, to time.Time, err error) {
	if text == "" {
		to = time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, now.Location())
		return to.AddDate(0, -1, 0), to, nil
	}
	if from, err = time.ParseInLocation("2006-01", text, now.Location()); err != nil {
		return from, to, words.FailWith(err, words.NotAMonth.With(words.Inner(text)))
	}
	return from, from.AddDate(0, 1, 0), nil
}

// ReportNeeds is what of the history a report of that time is made of: what was so
// before is told at the beginning of each month, and what was seen late comes after.
func ReportNeeds(from, to time.Time) web.HistorySelection {
	return web.HistorySelection{Since: from.AddDate(0, -1, -1), Until: to.AddDate(0, 1, 0), Whole: true}
}

// MakeReport makes the report of what ReportNeeds selected.
func MakeReport(all []history.Entry, from, to, now time.Time) *report.Report {
	r := report.NewReplay()
	for i := range all {
		r.Add(&all[i])
	}
	return r.Report(report.Request{From: from, To: to, Now: now, Zone: from.Location()})
}

// WriteReport writes a report for people.
func WriteReport(w io.Writer, v words.Voice, f table.Form, r *report.Report) error {
	var b strings.Builder
	say := func(s event.Said) { b.WriteString(f.Text(0, v.Say(s))) }
	say(words.ReportOf.With(r.From.Format("2006-01"), r.From, r.To))
	if o := r.Observed; o.From.IsZero() {
		say(words.ReportNothing.With())
	} else {
		say(words.ReportBase.With(o.From, o.To, o.Unknown.Round(time.Second)))
		if o.Missing > 0 {
			say(words.ReportMissing.With(o.Missing))
		}
		say(words.ReportMeans.With())
		if len(o.Looks) > 0 {
			say(words.ReportLooks.With(o.Looks))
		}
		a := r.Alerts
		say(words.ReportAlerts.With(a.Raised, a.CarriedIn, a.CarriedOut))
		if a.Acked.Count > 0 {
			say(words.ReportAcked.With(a.Acked.Count, a.Acked.Mean.Round(time.Second), a.Acked.Most.Round(time.Second)))
		}
		if a.Recovered.Count > 0 {
			say(words.ReportRecovered.With(a.Recovered.Count, a.Recovered.Mean.Round(time.Second), a.Recovered.Most.Round(time.Second)))
		}
		if len(r.Forever) > 0 {
			say(words.SilencedForever.With(r.Forever))
		}
		reportTables(&b, v, f, r)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func reportTables(b *strings.Builder, v words.Voice, f table.Form, r *report.Report) {
	hosts := []table.Row{{Cells: v.Heads(words.HeadsReportHosts)}}
	rows := []table.Row{{Cells: v.Heads(words.HeadsReportRows)}}
	groups := []table.Row{{Cells: v.Heads(words.HeadsReportGroups)}}
	for _, h := range r.Hosts {
		hosts = append(hosts, table.Row{Cells: append(timesCells(v, h.Name, h.Times), lengthCell(v, h.Lost), fmt.Sprint(h.Alerts))})
		for _, row := range h.Rows {
			rows = append(rows, table.Row{Cells: append(timesCells(v, row.Key.String(), row.Times), fmt.Sprint(row.Losses))})
		}
	}
	for _, g := range r.Groups {
		name := g.Name
		if name == "" {
			name = v.Pick(words.ReportAllHosts)
		}
		groups = append(groups, table.Row{Cells: []string{name, fmt.Sprint(g.Of), g.MeanPercent(), g.WorstPercent(), g.Worst}})
	}
	for _, t := range [][]table.Row{groups, hosts, rows} {
		b.WriteString("\n" + f.Table(t))
	}
}

func timesCells(v words.Voice, name string, t report.Times) []string {
	return []string{name, t.Percent(), lengthCell(v, t.Degraded), lengthCell(v, t.Down), lengthCell(v, t.Unknown), lengthCell(v, t.Apart)}
}

func lengthCell(v words.Voice, d time.Duration) string {
	if d == 0 {
		return "-"
	}
	return v.Length(max(d.Round(time.Second), time.Second))
}

// WriteIntervals writes the raw intervals as CSV, in the zone of the report.
func WriteIntervals(w io.Writer, r *report.Report) error {
	c := csv.NewWriter(w)
	_ = c.Write([]string{"host", "component", "kind", "name", "state", "counts_as", "from", "to", "seconds", "carried_in", "carried_out"}) // Error tells of it
	for i := range r.Intervals {
		_ = c.Write([]string{
			cell(i.Key.Host), cell(i.Key.Component), string(i.Key.Kind), cell(i.Key.Name), string(i.State), i.Counts, i.From.Format(time.RFC3339), i.To.Format(time.RFC3339),
			fmt.Sprintf("%.3f", i.To.Sub(i.From).Seconds()), fmt.Sprint(i.Carried), fmt.Sprint(i.Open),
		})
	}
	c.Flush()
	return c.Error()
}

// cell is a name that no spreadsheet takes for a formula.
func cell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}
