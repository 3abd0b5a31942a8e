package event

import (
	"testing"
	"time"
)

func TestReceiptCovers(t *testing.T) {
	at := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	told := Receipt{AlertID: "second", Turn: 2, Seq: 2, At: at, Position: 70, Reached: true}
	unturned := told
	unturned.Turn = 0
	refused := told
	refused.Reached = false
	for name, c := range map[string]struct {
		r    Receipt
		q    Queued
		want bool
	}{
		"the same":                             {told, Queued{AlertID: "second", Turn: 2, Seq: 2, At: at, Position: 70}, true},
		"the same at a later place":            {told, Queued{AlertID: "second", Turn: 2, Seq: 2, At: at, Position: 90}, true},
		"what came before":                     {told, Queued{AlertID: "second", Turn: 2, Seq: 1, At: at, Position: 60}, true},
		"what comes":                           {told, Queued{AlertID: "second", Turn: 2, Seq: 3, At: at, Position: 90}, false},
		"left of an earlier firing":            {told, Queued{AlertID: "first", Turn: 1, Seq: 2, At: at.Add(-time.Hour), Position: 60}, true},
		"left, before the clock was set back":  {told, Queued{AlertID: "first", Turn: 1, Seq: 2, At: at.Add(time.Hour), Position: 60}, true},
		"the end of an earlier firing is late": {told, Queued{AlertID: "first", Turn: 1, Seq: 2, At: at, Position: 90}, false},
		"a later firing":                       {told, Queued{AlertID: "third", Turn: 3, Seq: 1, At: at, Position: 90}, false},
		"a later firing in a new outbox":       {told, Queued{AlertID: "third", Turn: 3, Seq: 1, At: at, Position: 1}, false},
		"left, of before firings were counted": {unturned, Queued{AlertID: "first", Seq: 2, At: at, Position: 60}, true},
		"later, of before they were counted":   {unturned, Queued{AlertID: "third", Turn: 1, Seq: 1, At: at.Add(1), Position: 60}, false},
		"told again on request":                {told, Queued{AlertID: "second", Turn: 2, Seq: 2, At: at, Replay: true, Position: 90}, false},
		"told again, and that was settled":     {told, Queued{AlertID: "second", Turn: 2, Seq: 2, At: at, Replay: true, Position: 70}, true},
		"told again, and a later one reached":  {told, Queued{AlertID: "second", Turn: 2, Seq: 1, At: at, Replay: true, Position: 90}, true},
		"told again, and nothing reached":      {refused, Queued{AlertID: "second", Turn: 2, Seq: 1, At: at, Replay: true, Position: 90}, false},
	} {
		if got := c.r.Covers(c.q); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
