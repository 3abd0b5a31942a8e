package rules_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"dswatch/catalog"
	"dswatch/event"
	"dswatch/rules"
	"dswatch/setting"
)

// TestBounds takes each bound itself and nothing beyond it.
func TestBounds(t *testing.T) {
	type edge[C any] struct {
		edit func(*C)
		key  string // "" for good
	}
	flap := map[string]edge[rules.FlapSettings]{
		"off":              {func(f *rules.FlapSettings) { *f = rules.FlapSettings{} }, ""},
		"2 changes":        {func(f *rules.FlapSettings) { f.Changes = 2 }, "changes"},
		"3 changes":        {func(f *rules.FlapSettings) { f.Changes = 3 }, ""},
		"100 changes":      {func(f *rules.FlapSettings) { f.Changes = 100 }, ""},
		"101 changes":      {func(f *rules.FlapSettings) { f.Changes = 101 }, "changes"},
		"-1 changes":       {func(f *rules.FlapSettings) { f.Changes = -1 }, "changes"},
		"a window of 1m":   {func(f *rules.FlapSettings) { f.Window = time.Minute }, ""},
		"a shorter window": {func(f *rules.FlapSettings) { f.Window = time.Minute - 1 }, "window"},
		"settled in 1m":    {func(f *rules.FlapSettings) { f.Settle = time.Minute }, ""},
		"settled sooner":   {func(f *rules.FlapSettings) { f.Settle = time.Minute - 1 }, "settle"},
	}
	for name, c := range flap {
		s := rules.FlapSettings{Changes: 6, Window: 10 * time.Minute, Settle: 30 * time.Minute}
		c.edit(&s)
		edgeOf(t, "flap, "+name, s.Validate(), c.key)
	}
	storm := map[string]edge[rules.StormSettings]{
		"off":               {func(s *rules.StormSettings) { *s = rules.StormSettings{} }, ""},
		"1 alert":           {func(s *rules.StormSettings) { s.Alerts = 1 }, "alerts"},
		"2 alerts":          {func(s *rules.StormSettings) { s.Alerts = 2 }, ""},
		"10000 alerts":      {func(s *rules.StormSettings) { s.Alerts = 10_000 }, ""},
		"10001 alerts":      {func(s *rules.StormSettings) { s.Alerts = 10_001 }, "alerts"},
		"a window of 1s":    {func(s *rules.StormSettings) { s.Window = time.Second }, ""},
		"a shorter window":  {func(s *rules.StormSettings) { s.Window = time.Second - 1 }, "window"},
		"a window of 1h":    {func(s *rules.StormSettings) { s.Window, s.Settle = time.Hour, time.Hour }, ""},
		"a longer window":   {func(s *rules.StormSettings) { s.Window, s.Settle = time.Hour+1, 2*time.Hour }, "window"},
		"every 5s":          {func(s *rules.StormSettings) { s.Every = 5 * time.Second }, ""},
		"more often":        {func(s *rules.StormSettings) { s.Every = 5*time.Second - 1 }, "every"},
		"settled in time":   {func(s *rules.StormSettings) { s.Settle = s.Window }, ""},
		"settled too early": {func(s *rules.StormSettings) { s.Settle = s.Window - 1 }, "settle"},
	}
	for name, c := range storm {
		s := rules.DefaultStorm()
		s.Alerts = 20
		c.edit(&s)
		edgeOf(t, "storm, "+name, s.Validate(), c.key)
	}
	route := map[string]edge[rules.Route]{
		"nobody":                {func(r *rules.Route) { r.Sinks = nil }, "sinks"},
		"never repeated":        {func(r *rules.Route) { r.Repeat = new(time.Duration) }, ""},
		"repeated every minute": {func(r *rules.Route) { r.Repeat = minutes(1) }, ""},
		"repeated more often":   {func(r *rules.Route) { d := time.Minute - 1; r.Repeat = &d }, "repeat"},
		"repeated before":       {func(r *rules.Route) { d := -time.Minute; r.Repeat = &d }, "repeat"},
		"a severity":            {func(r *rules.Route) { r.MinSeverity = "critical" }, ""},
		"no severity":           {func(r *rules.Route) { r.MinSeverity = "fatal" }, "min_severity"},
		"escalated to another": {func(r *rules.Route) {
			r.Escalate = &rules.Escalation{After: time.Minute, Sinks: []string{"nms", "boss"}}
		}, ""},
		"escalated to who is told": {func(r *rules.Route) { r.Escalate = &rules.Escalation{After: time.Minute, Sinks: []string{"nms"}} }, "escalate"},
	}
	for name, c := range route {
		r := rules.Route{Sinks: []string{"nms"}}
		c.edit(&r)
		edgeOf(t, "route, "+name, r.Validate(), c.key)
	}
	for after, key := range map[time.Duration]string{time.Minute: "", time.Minute - 1: "after", 0: "after", -time.Hour: "after"} {
		edgeOf(t, "escalation after "+after.String(), rules.Escalation{After: after, Sinks: []string{"boss"}}.Validate(), key)
	}
	edgeOf(t, "escalation to nobody", rules.Escalation{After: time.Hour}.Validate(), "sinks")
	window := map[string]edge[rules.Window]{
		"a minute":      {func(w *rules.Window) { w.Duration = time.Minute }, ""},
		"less":          {func(w *rules.Window) { w.Duration = time.Minute - 1 }, "duration"},
		"a long name":   {func(w *rules.Window) { w.Name = strings.Repeat("x", 64) }, ""},
		"a longer name": {func(w *rules.Window) { w.Name = strings.Repeat("x", 65) }, "name"},
		"no name":       {func(w *rules.Window) { w.Name = "" }, "name"},
		"a path":        {func(w *rules.Window) { w.Name = "a/b" }, "name"},
		"a zone":        {func(w *rules.Window) { w.TimeZone = "Asia/Tokyo" }, ""},
		"no zone":       {func(w *rules.Window) { w.TimeZone = "Asia/Nowhere" }, "time_zone"},
		"zone inside":   {func(w *rules.Window) { w.Schedule = "TZ=UTC 0 2 * * SAT" }, "schedule"},
		"no beginning":  {func(w *rules.Window) { w.Schedule = "@every 1h" }, "schedule"},
		"long":          {func(w *rules.Window) { w.Schedule = "0 2 * * SAT" + strings.Repeat(" ", 256) }, "schedule"},
	}
	for name, c := range window {
		w := rules.Window{Name: "patch-night", Schedule: "0 2 * * SAT", Duration: time.Hour}
		c.edit(&w)
		edgeOf(t, "window, "+name, w.Validate(), c.key)
	}
}

// TestSettingsBounds likewise for the keys below `rules:` themselves.
func TestSettingsBounds(t *testing.T) {
	edgeOf(t, "the defaults", rules.Defaults().Validate(), "")
	edgeOf(t, "nothing", rules.Settings{}.Validate(), "")
	for name, c := range map[string]struct {
		s   rules.Settings
		key string
	}{
		"hold":              {rules.Settings{Hold: -1}, "hold"},
		"patience":          {rules.Settings{Patience: -1}, "patience"},
		"hold_up":           {rules.Settings{HoldUp: -1}, "hold_up"},
		"transition":        {rules.Settings{Transition: -1}, "transition"},
		"silent":            {rules.Settings{Silent: 6*time.Minute - 1}, "silent"},
		"silent, the least": {rules.Settings{Silent: 6 * time.Minute}, ""},
		"silent, negative":  {rules.Settings{Silent: -time.Hour}, "silent"},
		"repeat":            {rules.Settings{Repeat: time.Minute - 1}, "repeat"},
		"repeat, the least": {rules.Settings{Repeat: time.Minute}, ""},
		"repeat, negative":  {rules.Settings{Repeat: -time.Hour}, "repeat"},
	} {
		edgeOf(t, name, c.s.Validate(), c.key)
	}
}

// TestSilenceBounds: what silences everything by accident, names nobody or
// never begins is refused, and what only looks like it is not.
func TestSilenceBounds(t *testing.T) {
	long := matchers(t, strings.Split(strings.Repeat(`host=~"`+strings.Repeat("x", 1000)+`"`+"\n", 5), "\n")[:5]...)
	for name, c := range map[string]struct {
		edit func(*rules.Silence)
		says string // "" for good
	}{
		"as it is":              {func(s *rules.Silence) {}, ""},
		"no matchers":           {func(s *rules.Silence) { s.Match = nil }, "would silence everything"},
		"impossible":            {func(s *rules.Silence) { s.Match = matchers(t, "host=a", "host=b") }, "no alert has such a combination"},
		"long matchers":         {func(s *rules.Silence) { s.Match = long }, "4096 bytes"},
		"no author":             {func(s *rules.Silence) { s.Author = " " }, "author and a comment"},
		"no comment":            {func(s *rules.Silence) { s.Comment = "" }, "author and a comment"},
		"longest words":         {func(s *rules.Silence) { s.Author, s.Comment = strings.Repeat("x", 1024), strings.Repeat("x", 1024) }, ""},
		"longer author":         {func(s *rules.Silence) { s.Author = strings.Repeat("x", 1025) }, "1024 bytes"},
		"longer comment":        {func(s *rules.Silence) { s.Comment = strings.Repeat("x", 1025) }, "1024 bytes"},
		"ends as it starts":     {func(s *rules.Silence) { s.Ends = s.Starts }, "not after its start"},
		"ends a moment late":    {func(s *rules.Silence) { s.Ends = s.Starts.Add(1) }, ""},
		"never ends":            {func(s *rules.Silence) { s.Ends = time.Time{} }, ""},
		"waits and ends":        {func(s *rules.Silence) { s.Waits = s.Ends }, "waits for nothing"},
		"waits":                 {func(s *rules.Silence) { s.Ends, s.Waits = time.Time{}, s.Starts.Add(1) }, ""},
		"waits until it starts": {func(s *rules.Silence) { s.Ends, s.Waits = time.Time{}, s.Starts }, "not after its start"},
		"lasts, once":           {func(s *rules.Silence) { s.Lasts = time.Hour }, "again and again"},
		"a zone, once":          {func(s *rules.Silence) { s.TimeZone = "UTC" }, "again and again"},
		"again and again":       {func(s *rules.Silence) { s.Every, s.Lasts, s.TimeZone = "0 2 * * SAT", time.Hour, "UTC" }, ""},
		"again, no length":      {func(s *rules.Silence) { s.Every = "0 2 * * SAT" }, "too short"},
		"again, and waits": {func(s *rules.Silence) {
			s.Every, s.Lasts, s.Ends, s.Waits = "0 2 * * SAT", time.Hour, time.Time{}, s.Starts.Add(1)
		}, "does not wait"},
		"again, and began": {func(s *rules.Silence) { s.Every, s.Lasts, s.Began = "0 2 * * SAT", time.Hour, s.Starts }, "does not wait"},
	} {
		s := rules.Silence{Match: matchers(t, "host=web01"), Author: "kim", Comment: "disk", Starts: t0, Ends: t0.Add(time.Hour)}
		c.edit(&s)
		err := s.Validate()
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}

// TestStoredThatCannotBeActedOn: what another version or a torn disk left is
// refused rather than half believed.
func TestStoredThatCannotBeActedOn(t *testing.T) {
	storm := event.Key{Host: "fleet", Component: "dswatch", Kind: event.Host, Name: "loss to nms"}
	digest := func(edit func(*rules.Digest)) []byte {
		d := rules.Digest{Key: storm, Rule: rules.Loss, Slot: rules.Slot{Phase: rules.Firing, ID: "x", Seq: 1, Turn: 1}}
		edit(&d)
		b, err := d.Encode()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	status := func(edit func(*rules.Status)) []byte {
		set := &rules.Set{Language: "en"}
		st, _ := set.Decide(t0, rules.Status{}, rules.Snapshot{Row: row(t, key), Verdict: catalog.Verdict{Expected: catalog.Yes}, Facts: linux(), Sinks: []string{"nms"}}, look(event.Down, 0))
		edit(&st)
		b, err := st.Encode()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	slot := func(edit func(*rules.Slot)) func(*rules.Status) {
		return func(st *rules.Status) {
			s := *st.Slot(rules.Loss)
			edit(&s)
			st.Loss = &s
		}
	}
	for name, c := range map[string]struct {
		data   []byte
		digest bool
		says   string
	}{
		"a digest":                {digest(func(*rules.Digest) {}), true, ""},
		"a held digest":           {digest(func(d *rules.Digest) { d.Slot.Phase, d.Slot.Seq = rules.Held, 0 }), true, ""},
		"a digest, torn":          {[]byte("{"), true, "decode digest"},
		"a digest without a key":  {digest(func(d *rules.Digest) { d.Key = event.Key{} }), true, "decode digest"},
		"a digest of a new phase": {digest(func(d *rules.Digest) { d.Slot.Phase = "paused" }), true, "none of ours"},
		"a digest without an id":  {digest(func(d *rules.Digest) { d.Slot.ID = "" }), true, "no id"},
		"a digest never told":     {digest(func(d *rules.Digest) { d.Slot.Seq = 0 }), true, "without an alert"},
		"a digest over, not told": {digest(func(d *rules.Digest) { d.Slot.Phase, d.Slot.Seq = rules.Settled, 0 }), true, "without an alert"},
		"a digest of no rule":     {digest(func(d *rules.Digest) { d.Rule = "" }), true, "no rule"},
		"a status":                {status(func(*rules.Status) {}), false, ""},
		"a status, torn":          {[]byte("{"), false, "decode status"},
		"a status without a key":  {status(func(st *rules.Status) { st.Key = event.Key{} }), false, "decode status"},
		"a status, a new phase":   {status(slot(func(s *rules.Slot) { s.Phase = "paused" })), false, "none of ours"},
		"a status without an id":  {status(slot(func(s *rules.Slot) { s.ID = "" })), false, "without an alert"},
		"a status never told":     {status(slot(func(s *rules.Slot) { s.Seq = 0 })), false, "without an alert"},
		"a status over, no id":    {status(slot(func(s *rules.Slot) { s.Phase, s.ID = rules.Settled, "" })), false, "without an alert"},
		"100 changes":             {status(func(st *rules.Status) { st.Flap = &rules.Flap{Flips: make([]time.Time, 100)} }), false, ""},
		"101 changes":             {status(func(st *rules.Status) { st.Flap = &rules.Flap{Flips: make([]time.Time, 101)} }), false, "at most 100"},
	} {
		var err error
		if c.digest {
			_, err = rules.DecodeDigest(c.data)
		} else {
			_, err = rules.DecodeStatus(c.data)
		}
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}

// edgeOf wants no error, or one that names the key.
func edgeOf(t *testing.T, name string, err error, key string) {
	t.Helper()
	if key == "" {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		return
	}
	if e, ok := errors.AsType[*setting.Error](err); !ok || e.Key != key {
		t.Errorf("%s: %v, want one of %s", name, err, key)
	}
}
