package page

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"dswatch/web"
	"dswatch/words"
)

// done lets somebody who may do it do something, with a form that was made for
// him. What was wrong with it is shown where he came from.
func (p *Page) done(action web.Action, do func(*view) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := p.viewOf(w, r)
		switch {
		case !v.known:
			p.fail(v, http.StatusForbidden, words.PageLoginFirst.With())
		case !v.visitor.genuine(r):
			p.fail(v, http.StatusForbidden, words.PageForeign.With())
		case !v.May(action):
			p.Log.Warn("a role does not allow what was asked for", "who", v.visitor.Who.Name, "action", action)
			p.fail(v, http.StatusForbidden, words.PageMayNot.With())
		default:
			if err := do(v); errors.Is(err, errNotFound) {
				p.fail(v, http.StatusNotFound, words.PageNotFound.With())
			} else if err != nil {
				p.fail(v, http.StatusBadRequest, words.Of(err))
			}
		}
	}
}

// author is who does something: who has the token, or who says that he is it where
// the token says nothing.
func (v *view) author() string {
	if v.Anonymous() {
		return cmp.Or(strings.TrimSpace(v.r.PostFormValue("author")), v.visitor.Who.Name)
	}
	return v.visitor.Who.Name
}

// outcomes are what a page says after something was done, by the word in its
// address.
var outcomes = map[string]words.Say0{
	"ack": words.PageLooksAfter, "withdraw": words.PageGivenBack, "silence": words.PageSilenced, "expire": words.PageExpired,
	"replay": words.PageReplayed, "drop": words.PageDropped,
}

// Done is what was done before this page was shown; empty: nothing.
func (v *view) Done() string {
	if s, ok := outcomes[v.Query("done")]; ok && v.r.Method == http.MethodGet {
		return v.voice.Say(s.With())
	}
	return ""
}

// to shows a page that says what was done. Loading it again does nothing again.
func (v *view) to(path, done string) error {
	http.Redirect(v.w, v.r, path+"?"+url.Values{"done": {done}}.Encode(), http.StatusSeeOther)
	return nil
}

func (p *Page) ack(v *view) error {
	id := v.r.PathValue("id")
	err := p.Source.Ack(v.r.Context(), id, web.Ack{Author: v.author(), Comment: strings.TrimSpace(v.r.PostFormValue("comment"))})
	if err != nil {
		return err
	}
	return v.to(v.AlertLink(id), "ack")
}

func (p *Page) withdraw(v *view) error {
	id := v.r.PathValue("id")
	if err := p.Source.Withdraw(v.r.Context(), id, web.Ack{Author: v.author(), Comment: strings.TrimSpace(v.r.PostFormValue("comment"))}); err != nil {
		return err
	}
	return v.to(v.AlertLink(id), "withdraw")
}

// untilCleared is the choice of a silence that ends when all is well again.
const untilCleared = "cleared"

// Lasts are the choices of how long a silence lasts.
func (v *view) Lasts() []string { return []string{"30m", "1h", "2h", "4h", "8h", "24h", "72h"} }

// Length writes one of them.
func (v *view) Length(s string) string {
	d, err := time.ParseDuration(s)
	if err != nil {
		return s
	}
	return v.short(d)
}

// asked is the silence of the form.
func (v *view) asked() (silenceForm, web.Silence, error) {
	f := silenceForm{Match: v.r.PostFormValue("match"), Lasts: v.r.PostFormValue("lasts"), Comment: strings.TrimSpace(v.r.PostFormValue("comment")), Author: v.author()}
	s := web.Silence{Author: f.Author, Comment: f.Comment}
	for line := range strings.Lines(f.Match) {
		if line = strings.TrimSpace(line); line != "" {
			s.Match = append(s.Match, line)
		}
	}
	if f.Lasts == untilCleared {
		return f, s, nil
	}
	d, err := time.ParseDuration(f.Lasts)
	if err != nil {
		return f, s, err
	}
	s.Ends = v.page.Now().Add(d).UTC()
	return f, s, nil
}

// previewSilence shows what a silence would match, before it is saved.
func (p *Page) previewSilence(v *view) error {
	f, s, err := v.asked()
	out := silencesView{Form: f}
	var lost []Trouble
	if err == nil {
		out.Items, lost, out.AllLost, err = p.Source.Matching(v.r.Context(), s)
	}
	if err != nil {
		out.Slip = v.voice.Error(err)
		return p.silencesPage(v, http.StatusBadRequest, out)
	}
	for _, t := range lost {
		if l, ok := p.loss(v, t); ok {
			out.Lost = append(out.Lost, l)
		}
	}
	out.Preview = &s
	return p.silencesPage(v, http.StatusOK, out)
}

func (p *Page) addSilence(v *view) error {
	f, s, err := v.asked()
	if err == nil {
		_, err = p.Source.AddSilence(v.r.Context(), s)
	}
	if err != nil {
		return p.silencesPage(v, http.StatusBadRequest, silencesView{Form: f, Slip: v.voice.Error(err)})
	}
	return v.to("/silences", "silence")
}

func (p *Page) expireSilence(v *view) error {
	if err := p.Source.ExpireSilence(v.r.Context(), v.r.PathValue("id"), v.author()); err != nil {
		return err
	}
	return v.to("/silences", "expire")
}

// testSink waits until the sink has confirmed a marked test, or not.
func (p *Page) testSink(v *view) error {
	results, err := p.Source.TestSinks(v.r.Context(), []string{v.r.PathValue("name")})
	if err != nil {
		return err
	}
	out := sinksView{}
	for _, r := range results {
		if r.Confirmed {
			out.Done = v.T("do.confirmed", r.Sink, r.Took)
		} else {
			out.Slip = v.T("do.failed", r.Sink, v.Say(r.ErrorStatements, r.Error))
		}
	}
	return p.sinksPage(v, http.StatusOK, out)
}

// replay puts one dead letter into the outbox again.
func (p *Page) replay(v *view) error {
	done, err := p.Source.Replay(v.r.Context(), web.Selection{IDs: []string{v.r.PathValue("id")}})
	if err != nil {
		return err
	}
	for _, k := range done.Kept {
		return words.Fail(words.Or(k.WhyStatements, k.Why))
	}
	return v.to("/sinks", "replay")
}

func (p *Page) drop(v *view) error {
	n, err := p.Source.Drop(v.r.Context(), web.Selection{IDs: []string{v.r.PathValue("id")}})
	if err == nil && n == 0 {
		err = errNotFound
	}
	if err != nil {
		return err
	}
	return v.to("/sinks", "drop")
}

// Matches says what a silence matches now.
func (v *view) Matches(s silencesView) string {
	return v.voice.Say(words.PageMatches.With(s.Items, s.AllLost))
}

// AtItsEnd says what will be told when a silence ends.
func (v *view) AtItsEnd() string { return v.voice.Say(words.PageAtItsEnd.With()) }
