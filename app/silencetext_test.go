package app

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"dswatch/event"
	"dswatch/web"
	"dswatch/words"
)

// TestSilencesForPeople: what was done to a silence is told in the language
// of the reader and the times of the place.
func TestSilencesForPeople(t *testing.T) {
	at := time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)
	said := func(by string, what event.Said) web.Entry {
		return web.Entry{At: at, By: by, What: words.English(what), Statements: what}
	}
	both := func(s string) words.Both { return words.Both{EN: s, JA: s} }
	never := words.Both{EN: "never", JA: "なし"}
	list := []web.Silence{
		{ID: "aaaa", Match: []string{"host=web01"}, Starts: at, Author: "kim", Comment: "更新\x1b[2J", State: "active", History: []web.Entry{
			said("kim", words.SilenceAdded.With()), said("dswatch", words.SilenceFirstAlert.With()),
		}},
		{ID: "bbbb", Match: []string{"host=web02"}, Starts: at, Ends: at.Add(time.Hour), Author: "lee", State: "ended", History: []web.Entry{
			said("lee", words.SilenceMatchers.With("host=web01", "host=web02").And(words.SilenceEnd.With(both("2026-11-23T03:00:00Z"), both("2026-11-23T04:00:00Z")), words.SilenceComment.With(`"a"`, `"b, c"`))),
			said("lee", words.SilenceExpired.With()), said("dswatch", words.SilenceWell.With()),
			said("dswatch", words.SilenceNoAlert.With(at.Add(time.Hour))), said("dswatch", words.SilenceClock.With(time.Hour)),
			{At: at, By: "max", What: "what 64fc8e6 wrote"},
		}},
	}
	list = append(list, web.Silence{ID: "cccc", Match: []string{"host=web03"}, Starts: at, Ends: at.AddDate(0, 1, 0), Every: "0 2 * * SUN", Lasts: 3 * 3600, TimeZone: "Asia/Tokyo",
		Opens: at.Add(time.Hour), Closes: at.Add(4 * time.Hour), Author: "lee", State: "pending",
		History: []web.Entry{said("lee", words.SilenceTimes.With("0 3 * * * for 1h0m0s UTC", "0 2 * * SUN for 3h0m0s Asia/Tokyo").And(words.SilenceEnd.With(never, both("2026-12-23T02:00:00Z"))))}})
	write := func(language string, all bool) string {
		var b bytes.Buffer
		if err := WriteSilences(&b, list, SilencesText{Voice: words.Voice{Language: language, Zone: time.FixedZone("JST", 9*3600), Screen: true}, All: all}); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	for language, want := range map[string][]string{
		"en": {"UNTIL", "active", "2026-11-23 11:00:00", "added by kim", "everything it matches is well again by dswatch", "came until 2026-11-23 12:00:00 +09:00",
			"2026-11-23 12:00:00  2026-11-23 15:00:00  0 2 * * SUN for 3h, Asia/Tokyo; until 2026-12-23 11:00:00", "changed times"},
		"ja": {"終了", "有効", "復旧まで", "追加しました (kim)", "終了させました (lee)",
			`対象を host=web01 から host=web02 に変更しました。終了を 2026-11-23 12:00:00 +09:00 から 2026-11-23 13:00:00 +09:00 に変更しました。コメントを "a" から "b, c" に変更しました (lee)`,
			"最初のアラートが発生しました。", "0 2 * * SUN、毎回 3h、Asia/Tokyo、最終 2026-12-23 11:00:00", "終了をなしから 2026-12-23 11:00:00 +09:00 に変更しました (lee)",
			"対象がすべて復旧したため終了しました (dswatch)", "2026-11-23 12:00:00 +09:00 までに対象のアラートがなかった", "時計が1時間戻されましたが", "what 64fc8e6 wrote (max)"},
	} {
		got := write(language, true)
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("%s: %q is not in\n%s", language, w, got)
			}
		}
		if strings.Contains(got, "\x1b") {
			t.Error("a comment moves the cursor")
		}
	}
	if got := write("en", false); strings.Contains(got, "bbbb") || strings.Contains(got, "added") {
		t.Errorf("more than is in force:\n%s", got)
	}
}
