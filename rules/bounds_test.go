package rules_test

import (
	"errors"
	"strings"
	"testing"
	"time"

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
