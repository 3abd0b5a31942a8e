package sinks_test

import (
	"strings"
	"testing"
	"time"

	"dswatch/event"
	"dswatch/sinks"
	"dswatch/sinks/sinktest"
)

func TestAffectedList(t *testing.T) {
	a := sinktest.Others("en")["digest"]
	for most, want := range map[int]string{0: "", 3: "", 20: "and 2500 more", 600: "and 2498 more", 1 << 20: "and 2400 more"} {
		got := sinks.In("en").AffectedList(a, most)
		if len(got) > most || !strings.HasSuffix(got, want) {
			t.Errorf("in %d bytes: %d bytes that end with %.40q, want %q", most, len(got), got[max(0, len(got)-40):], want)
		}
		keys := sinks.AffectedKeys(a, most)
		if len(keys) > most || !strings.HasSuffix(keys, want) || strings.Contains(keys, "\n") {
			t.Errorf("keys in %d bytes: %.100q", most, keys)
		}
	}
	few := event.Alert{AffectedCount: 1, Affected: []event.Affected{{
		Key: event.Key{Host: "web01", Component: "agent", Kind: event.Port, Name: "4118/tcp"}, State: event.Down, Since: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
	}}}
	if got, want := sinks.In("ja").AffectedList(few, 1000), "web01 ポート 4118/tcp: 停止 (発生日時 2026-01-02 03:04:05 +00:00)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := sinks.AffectedKeys(few, 1000), "web01/agent/port/4118/tcp=down"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := sinks.In("en").AffectedList(event.Alert{}, 1000); got != "" {
		t.Errorf("an alert that speaks for itself lists %q", got)
	}
}

// FuzzAffectedList keeps the bound and the one line of each item.
func FuzzAffectedList(f *testing.F) {
	f.Add("web01", "ds_agent", 3, 3, 100)
	f.Add("a\nb", "x; y", 2, 9, 30)
	f.Fuzz(func(t *testing.T, host, name string, listed, count, most int) {
		a := event.Alert{AffectedCount: count % 10000}
		for range min(max(listed, 0), 200) {
			a.Affected = append(a.Affected, event.Affected{Key: event.Key{Host: host, Name: name}, State: event.Down})
		}
		most = min(max(most, 0), 1<<16)
		list := sinks.In("en").AffectedList(a, most)
		if len(list) > most || strings.Count(list, "\n") > len(a.Affected) || sinks.Lines(list, most) != list {
			t.Errorf("%q", list)
		}
		if keys := sinks.AffectedKeys(a, most); len(keys) > most || sinks.Line(keys, most) != keys {
			t.Errorf("%q", keys)
		}
	})
}

func TestFieldsOfOthers(t *testing.T) {
	text := func(name, language string) string {
		a := sinktest.Others(language)[name]
		var lines []string
		for _, f := range sinks.In(language).Fields(a) {
			lines = append(lines, f.Label+": "+f.Value)
		}
		return sinks.In(language).Headline(a, 200) + "\n" + strings.Join(lines, "\n")
	}
	if got, want := text("heartbeat", "en"), "[ALIVE] dswatch on web53 is alive\nHost: web53\nOpen alerts: 7031\nWaiting for this sink: 8042\nNext within: 5 min"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got, want := text("heartbeat", "ja"), "[ハートビート] web53 の dswatch は稼働中です\nホスト: web53\n未復旧のアラート: 7031\n送信待ち: 8042\n次の通知まで: 5分"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got, want := text("unacknowledged", "ja"), "\n確認を取り消した担当者: lee (end of shift), 2026-11-22 07:04:05 +00:00\n"; !strings.Contains(got, want) {
		t.Errorf("got\n%s\nwithout\n%s", got, want)
	}
	if got, want := text("acknowledged", "en"), "\nAcknowledged by: kim.park (ticket 4711), 2026-11-22 07:04:05 +00:00\n"; !strings.Contains(got, want) {
		t.Errorf("got\n%s\nwithout\n%s", got, want)
	}
}
