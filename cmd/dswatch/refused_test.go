package main

import (
	"strings"
	"testing"
	"time"

	"dswatch/table"
	"dswatch/web"
	"dswatch/words"
)

// TestStatusOfRefused: status says once that messages of the bus were refused
// for want of room, how many and why.
func TestStatusOfRefused(t *testing.T) {
	st := web.Status{Refused: &web.Refused{Messages: 17, Last: time.Unix(0, 0), Error: "beyond the limit of 9 hosts"}}
	got := strings.Join(strings.Fields(statusText(st, words.In("en", time.UTC), table.Form{Width: 200}, false)), " ")
	if !strings.Contains(got, "17 since the start") || !strings.Contains(got, "beyond the limit of 9 hosts") {
		t.Error(got)
	}
}
