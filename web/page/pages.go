package page

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"dswatch/event"
	"dswatch/web"
)

// hostView is one host.
type hostView struct {
	HostView
	Watched []rowView // what must be there, or may have to be
	Rest    []rowView // what need not
	Lost    []lossView
}

type rowView struct {
	Row
	Loss *lossView
}

func (p *Page) host(v *view) error {
	hv, ok := p.Source.HostView(v.r.PathValue("name"), v.voice)
	if !ok {
		return errNotFound
	}
	out := hostView{HostView: hv}
	for _, r := range hv.Rows {
		one := rowView{Row: r}
		if r.Trouble != nil {
			if l, ok := p.loss(v, *r.Trouble); ok {
				one.Loss = &l
				out.Lost = append(out.Lost, l)
			}
		}
		if r.Expected == "no" && one.Loss == nil {
			out.Rest = append(out.Rest, one)
		} else {
			out.Watched = append(out.Watched, one)
		}
	}
	slices.SortStableFunc(out.Watched, func(a, b rowView) int { return worst(a.State) - worst(b.State) })
	v.Name, v.Title, v.Data = "host", hv.Host.Name, out
	v.Mark = markOf(out.Lost)
	p.render(v, http.StatusOK, "host")
	return nil
}

// markOf is the icon of a page that shows these.
func markOf(all []lossView) string {
	mark := "ok"
	for _, l := range all {
		if l.Impact == event.ProtectionLost {
			return "lost"
		}
		mark = "warn"
	}
	return mark
}

// alertsView is the list of alerts.
type alertsView struct {
	Alerts []alertRow
	Shown  paging
}

type alertRow struct {
	web.Alert
	Title string
}

func (p *Page) alerts(v *view) error {
	all, err := p.Source.Alerts(v.r.Context())
	if err != nil {
		return err
	}
	slices.SortStableFunc(all, func(a, b web.Alert) int {
		if a.Severity != b.Severity {
			return b.Severity.Rank() - a.Severity.Rank()
		}
		return b.Since.Compare(a.Since)
	})
	shown, which := paged(all, rowsPerPage, v.Query("page"))
	out := alertsView{Shown: which}
	for _, a := range shown {
		one := alertRow{Alert: a}
		if told, _, ok := p.Source.Tell(Trouble{Key: a.Key, Rule: a.Rule}, v.voice); ok {
			one.Title = told.Title
		}
		out.Alerts = append(out.Alerts, one)
	}
	v.Name, v.Title, v.Data = "alerts", v.T("nav.alerts"), out
	p.render(v, http.StatusOK, "alerts")
	return nil
}

// whyView is all that is known of one item, or of one alert.
type whyView struct {
	web.Why
	Losses []lossView
	Alert  string    // that was asked for
	Ack    *web.Ack  // of it
	Open   bool      // it is
	Many   []web.Why // where more than one item has to do with it
}

func (p *Page) alert(v *view) error { return p.why(v, v.r.PathValue("id")) }

func (p *Page) item(v *view) error { return p.why(v, v.Query("key")) }

// why explains an item or an alert.
func (p *Page) why(v *view, of string) error {
	all, err := p.Source.Why(v.r.Context(), of, v.Language())
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return errNotFound
	}
	w := whyView{Why: all[0]}
	if len(all) > 1 {
		w.Many = all
	}
	for _, r := range w.Rules {
		if r.Phase != "firing" && r.Phase != "held" {
			continue
		}
		open := r.Phase == "firing" && r.Alert != ""
		if open && (w.Alert == "" || strings.HasPrefix(r.Alert, of)) {
			w.Alert, w.Ack, w.Open = r.Alert, r.Ack, true
		}
		if l, ok := p.loss(v, Trouble{Key: w.Key, Rule: r.Rule, State: w.State, Severity: r.Severity, Since: r.Since, Alert: r.Alert, Due: r.Due, Cause: r.Cause, Digest: r.Digest}); ok {
			w.Losses = append(w.Losses, l)
		}
	}
	slices.Reverse(w.Trail) // the newest first
	reason := v.Say(w.ReasonStatements, w.Reason)
	w.Footnotes = slices.DeleteFunc(w.Footnotes, func(n web.Footnote) bool { // what the reason cites
		return strings.Contains(reason, strings.TrimRight(n.Text, ".。"))
	})
	v.Name, v.Title, v.Data = "alerts", w.Key.String(), w
	v.Mark = markOf(w.Losses)
	p.render(v, http.StatusOK, "why")
	return nil
}

// sinksView is the sinks, and what they have refused.
type sinksView struct {
	Sinks   []web.SinkStatus
	Letters []web.Letter
	Shown   paging
	Slip    string
	Done    string
}

func (p *Page) sinks(v *view) error { return p.sinksPage(v, http.StatusOK, sinksView{}) }

func (p *Page) sinksPage(v *view, code int, out sinksView) error {
	ctx := v.r.Context()
	var err error
	if out.Sinks, err = p.Source.SinkStatus(ctx); err != nil {
		return err
	}
	all, err := p.Source.Letters(ctx, web.Selection{All: true})
	if err != nil {
		return err
	}
	slices.SortStableFunc(all, func(a, b web.Letter) int { return b.At.Compare(a.At) })
	out.Letters, out.Shown = paged(all, rowsPerPage, v.Query("page"))
	v.Name, v.Title, v.Data = "sinks", v.T("nav.sinks"), out
	for _, s := range out.Sinks {
		if !s.FailingSince.IsZero() {
			v.Mark = "warn"
		}
	}
	p.render(v, code, "sinks")
	return nil
}

// silencesView is the silences, those in force first.
type silencesView struct {
	Silences []web.Silence // in force, or to come
	Ended    []web.Silence
	Form     silenceForm
	Preview  *web.Silence // of Form; nil: nobody has asked
	Items    int          // that it matches
	AllLost  int          // of them
	Lost     []lossView   // the first ones
	Slip     string
}

// silenceForm is what somebody has written.
type silenceForm struct{ Match, Lasts, Comment, Author string }

func (p *Page) silences(v *view) error {
	return p.silencesPage(v, http.StatusOK, silencesView{Form: silenceForm{Match: v.Query("match"), Lasts: "2h"}})
}

func (p *Page) silencesPage(v *view, code int, out silencesView) error {
	all, err := p.Source.Silences(v.r.Context())
	if err != nil {
		return err
	}
	for _, s := range all {
		if s.State == "ended" {
			out.Ended = append(out.Ended, s)
		} else {
			out.Silences = append(out.Silences, s)
		}
	}
	slices.SortStableFunc(out.Silences, func(a, b web.Silence) int { return next(a).Compare(next(b)) })
	slices.SortStableFunc(out.Ended, func(a, b web.Silence) int { return b.Ends.Compare(a.Ends) })
	v.Name, v.Title, v.Data = "silences", v.T("nav.silences"), out
	p.render(v, code, "silences")
	return nil
}

// next is when a silence is in force next.
func next(s web.Silence) time.Time {
	if !s.Opens.IsZero() {
		return s.Opens
	}
	return s.Starts
}
