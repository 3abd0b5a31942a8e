package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"dswatch/event"
	"dswatch/table"
	"dswatch/web"
	"dswatch/words"
)

// TestJapaneseColumns: the columns of status and deadletter stand under each
// other where a cell before them is Japanese, and nobody's text moves a cursor.
func TestJapaneseColumns(t *testing.T) {
	at := time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)
	key := event.Key{Host: "受付\x1b[2J", Component: "agent", Kind: event.Process, Name: "ds_agent"}
	var st web.Status
	if err := json.Unmarshal([]byte(`{"items":[{"state":"down","expected":"yes","detail":"because"}],"sinks":[
		{"name":"監視","type":"snmp","circuit":"closed","last_error":"時間切れ"},{"name":"siem","type":"syslog","circuit":"open"}]}`), &st); err != nil {
		t.Fatal(err)
	}
	st.Items[0].Key = key
	letters := []web.Letter{
		{ID: "1", Sink: "監視", DeliveryID: "d", AlertID: "a1", At: at, Class: "refused", Transition: "firing", Key: key, Reason: "拒否"},
		{ID: "2", Sink: "siem", DeliveryID: "d", AlertID: "a2", At: at, Class: "refused", Transition: "firing", Key: event.Key{Host: "w"}, Reason: "refused"},
	}
	for name, c := range map[string]struct {
		text  string
		words []string // that stand in one column
	}{
		"status":     {statusText(st, words.Voice{}, table.Form{}, false), []string{"CIRCUIT", "closed", "open"}},
		"why":        {statusText(st, words.Voice{}, table.Form{}, false), []string{"WHY", "because"}},
		"deadletter": {table.Form{}.Table(letterRows(letters, words.Voice{})), []string{"REASON", "拒否", "refused\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			column := -1
			for _, word := range c.words {
				before, _, found := strings.Cut(c.text, word)
				at := table.Width(before[strings.LastIndex(before, "\n")+1:])
				if column < 0 {
					column = at
				}
				if !found || at != column {
					t.Errorf("%q in column %d, want %d:\n%s", word, at, column, c.text)
				}
			}
			if strings.Contains(c.text, "\x1b") {
				t.Errorf("an escape reached the terminal: %q", c.text)
			}
		})
	}
}

// TestTimesInZone: status, alerts and deadletter show times in the configured
// zone, not in that of whoever looks, and say which that is.
func TestTimesInZone(t *testing.T) {
	v := words.Voice{Language: "en", Zone: time.FixedZone("JST", 9*3600), Screen: true}
	at, want := time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC), "2026-11-23 12:00:00"
	var st web.Status
	if err := json.Unmarshal([]byte(`{"host":"web01","started":"2026-11-23T03:00:00Z","sinks":[{"name":"nms","failing_since":"2026-11-23T03:00:00Z"}]}`), &st); err != nil {
		t.Fatal(err)
	}
	status, letters := statusText(st, v, table.Form{}, false), table.Form{}.Table(letterRows([]web.Letter{{ID: "1", At: at}}, v))
	if !strings.Contains(status, want+" +09:00") || strings.Count(status, want) != 2 || !strings.Contains(status, "FAILING SINCE (+09:00)") {
		t.Errorf("status shows %s not since when it runs and since when the sink fails:\n%s", want, status)
	}
	if !strings.Contains(letters, want) || !strings.Contains(letters, "(+09:00)") {
		t.Errorf("dead letters:\n%s", letters)
	}
	if got := remarks(web.Alert{Silenced: &web.Silence{ID: "s", Starts: at, Ends: at}}, v); !strings.Contains(got, want) {
		t.Errorf("the remarks of a silenced alert are %q", got)
	}
}
