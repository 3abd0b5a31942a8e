package app

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"dswatch/catalog"
	"dswatch/config"
	"dswatch/engine/story"
	"dswatch/event"
	"dswatch/sinks"
	"dswatch/words"
)

// StoryQuery is what `dswatch rules test` was asked.
type StoryQuery struct {
	Files  []string
	Write  bool // what was told becomes what is wanted
	Faults bool // also with restarts, kills and power losses
}

// ErrStory says that a story came out otherwise than wanted.
var ErrStory = words.Fail(words.StoryDiffers.With())

// mostFaults bounds the restarts, kills and power losses of one story.
const mostFaults = 300

// TestStories tells every file's story to the rules and writes what came of
// it. l is the configuration of the stories that have none of their own.
func TestStories(ctx context.Context, l *Loaded, w io.Writer, q StoryQuery) error {
	o := story.Options{Voice: l.Config.voice()}
	if q.Faults {
		o.Faults = mostFaults
	}
	failed := false
	for _, file := range q.Files {
		began := time.Now()
		v, err := judge(ctx, l, file, q.Write, o)
		if err != nil {
			return err
		}
		if v.Complaint != "" {
			failed = true
			fmt.Fprintf(w, "%s  %s: %s\n%s", o.Voice.Pick(words.StoryFails), file, v.Tale.Title, v.Complaint)
			continue
		}
		fmt.Fprintf(w, "%s  %s: %s (%s)\n", o.Voice.Pick(words.StoryPasses), file, v.Tale.Title, tally(v, time.Since(began), o.Voice))
	}
	if failed {
		return ErrStory
	}
	return nil
}

func tally(v story.Verdict, took time.Duration, voice words.Voice) string {
	text := ""
	for _, language := range v.Tale.Languages() {
		text += fmt.Sprintf("%s: %d, ", language, len(v.Told[language]))
	}
	if v.Faults > 0 {
		text += fmt.Sprintf("%s: %d, ", voice.Pick(words.StoryFaults), v.Faults)
	}
	return text + voice.Length(took.Round(time.Millisecond))
}

// judge tells one story.
func judge(ctx context.Context, l *Loaded, file string, write bool, o story.Options) (v story.Verdict, err error) {
	f, err := os.Open(file)
	if err != nil {
		return v, words.FailWith(err, words.StoryGone.With(err))
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, story.MaxFile+1))
	if err != nil {
		return v, words.FailWith(err, words.StoryUnreadable.With(file, err))
	}
	s, err := story.Parse(file, data)
	if err != nil {
		return v, err
	}
	t, err := story.Load(s, storyReader{l})
	if err != nil {
		return v, err
	}
	if write {
		return rewrite(ctx, t)
	}
	if !t.Wants() {
		return v, words.Fail(words.StoryNothingWanted.With(file, t.Languages()[0]))
	}
	return story.Judge(ctx, t, o)
}

// rewrite puts what was told where what is wanted stands.
func rewrite(ctx context.Context, t *story.Tale) (v story.Verdict, err error) {
	v = story.Verdict{Tale: t, Told: map[string][]story.Arrival{}}
	for _, language := range t.Languages() {
		r, err := t.Play(ctx, language, story.Fault{})
		if err != nil {
			return v, err
		}
		v.Told[language] = r.Told
	}
	if err := os.WriteFile(t.File, t.Write(v.Told), 0o644); err != nil {
		return v, words.FailWith(err, words.StoryNotWritten.With(err))
	}
	return v, nil
}

// storyReader reads the configurations and facts of a story.
type storyReader struct{ own *Loaded }

// StoryReader reads stories as `dswatch rules test` does, with l as the
// configuration of those that have none.
func StoryReader(l *Loaded) story.Reader { return storyReader{l} }

// namedOnly is a sink of a story: nothing is sent, so a name is enough.
type namedOnly struct {
	sinks.Settings `yaml:",inline"`
}

// Program implements story.Reader.
func (r storyReader) Program(file string, text []byte) (*story.Program, error) {
	l := r.own
	if text != nil {
		kinds := AllKinds()
		kinds.Sinks = append(kinds.Sinks, sinks.Kind{Settings: func() any { return &namedOnly{sinks.Defaults(1)} }})
		c := Defaults()
		c.Host = "hub"
		r := kinds.root(c)
		parsed, err := config.Parse(file, text, r.pointer())
		if l, err = kinds.finish(parsed, r, err); err != nil {
			return nil, err
		}
	}
	names := l.sinkNames()
	if len(names) == 0 {
		names = []string{standardOutput().common.Name}
	}
	rows := newRows(l)
	rows.fleet = true // the story says itself what a manager reports
	return &story.Program{Set: l.set, Rows: rows, List: l.Catalog, Sinks: names, Location: l.Config.Location()}, nil
}

// Facts implements story.Reader.
func (storyReader) Facts(file string, text []byte) (event.Facts, error) {
	var f catalog.FactsFile
	if _, err := config.Parse(file, text, &f); err != nil {
		return nil, err
	}
	return f.Facts("declared", time.Time{}), nil
}
