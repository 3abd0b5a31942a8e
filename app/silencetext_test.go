package app

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"dswatch/web"
)

// TestSilencesForPeople: what was done to a silence is told in the language
// of the reader and the times of the place.
func TestSilencesForPeople(t *testing.T) {
	at := time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)
	list := []web.Silence{
		{ID: "aaaa", Match: []string{"host=web01"}, Starts: at, Author: "kim", Comment: "更新\x1b[2J", State: "active", History: []web.Entry{
			{At: at, By: "kim", What: "added"}, {At: at, By: "dswatch", What: "its first alert has come; it ends when all that it matches is well again"},
		}},
		{ID: "bbbb", Match: []string{"host=web02"}, Starts: at, Ends: at.Add(time.Hour), Author: "lee", State: "ended", History: []web.Entry{
			{At: at, By: "lee", What: `changed matchers host=web01 to host=web02, end 2026-11-23T03:00:00Z to 2026-11-23T04:00:00Z, comment "a" to "b, c"`},
			{At: at, By: "lee", What: `changed comment "a" to "b to c"`}, {At: at, By: "lee", What: "expired"}, {At: at, By: "dswatch", What: "ended: everything it matches is well again"},
			{At: at, By: "dswatch", What: "ended: no alert that it matches came until 2026-11-23T03:00:00Z"},
			{At: at, By: "dswatch", What: "the clock was set back by 1h0m0s; it stays in force"},
		}},
	}
	list = append(list, web.Silence{ID: "cccc", Match: []string{"host=web03"}, Starts: at, Ends: at.AddDate(0, 1, 0), Every: "0 2 * * SUN", Lasts: 3 * 3600, TimeZone: "Asia/Tokyo",
		Opens: at.Add(time.Hour), Closes: at.Add(4 * time.Hour), Author: "lee", State: "pending", History: []web.Entry{{At: at, By: "lee", What: `changed times 0 3 * * * for 1h0m0s UTC to 0 2 * * SUN for 3h0m0s Asia/Tokyo, end never to 2026-12-23T02:00:00Z`}}})
	write := func(language string, all bool) string {
		var b bytes.Buffer
		if err := WriteSilences(&b, list, SilencesText{Language: language, Zone: time.FixedZone("JST", 9*3600), All: all}); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	for language, want := range map[string][]string{
		"en": {"UNTIL", "active", "2026-11-23T11:00:00+09:00", "added by kim", "everything it matches is well again by dswatch", "came until 2026-11-23T12:00:00+09:00",
			"2026-11-23T12:00:00+09:00  2026-11-23T15:00:00+09:00  0 2 * * SUN for 3h, Asia/Tokyo; until 2026-12-23T11:00:00+09:00", "changed times"},
		"ja": {"終了", "有効", "復旧まで", "追加 (kim)", "終了を指示 (lee)", `変更: 対象 host=web01 → host=web02、終了 2026-11-23T12:00:00+09:00 → 2026-11-23T13:00:00+09:00、コメント "a" → "b, c" (lee)`,
			`変更: コメント "a" → "b to c" (lee)`, "最初のアラートが発生。", "0 2 * * SUN、毎回 3h、Asia/Tokyo、最終 2026-12-23T11:00:00+09:00",
			`変更: 繰り返し 0 3 * * *、毎回 1h0m0s UTC → 0 2 * * SUN、毎回 3h0m0s Asia/Tokyo、終了 なし → 2026-12-23T11:00:00+09:00 (lee)`, "終了: 対象がすべて復旧 (dswatch)", "終了: 2026-11-23T12:00:00+09:00 までに対象のアラートなし", "時計が 1h0m0s 戻されたが引き続き有効"},
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
