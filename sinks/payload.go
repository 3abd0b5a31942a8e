package sinks

import (
	"fmt"
	"slices"
	"time"

	"dswatch/event"
	"dswatch/wire"
	"dswatch/words"
)

// Payload is how an alert is told in JSON, by every sink that speaks JSON of
// our own. docs/webhook.schema.json describes it; version "1" gets more
// fields, never other names or meanings.
type Payload struct {
	Version    string      `json:"version"`        // "1"
	DeliveryID string      `json:"delivery_id"`    // the same for every attempt: drop what you have seen
	Link       string      `json:"link,omitempty"` // to the page of the alert, if there is one
	Alert      event.Alert `json:"alert"`          // as Tidy returns it
}

// NewPayload returns the Payload of a, whose page is at link, if anywhere.
func NewPayload(a event.Alert, link string) Payload {
	a = Tidy(a) // ids too: they become headers
	return Payload{Version: "1", DeliveryID: a.DeliveryID(), Link: link, Alert: a}
}

var payloadForm = wire.Of[Payload]()

// Encode returns p as JSON, with its times in UTC.
func (p Payload) Encode() ([]byte, error) {
	p.Alert = At(p.Alert, time.UTC)
	b, err := payloadForm.Encode(&p)
	if err != nil {
		return nil, fmt.Errorf("encode payload: %w", err)
	}
	return b, nil
}

// Bounds in bytes of the texts of a tidied alert. Ours stay far below them.
const (
	MaxTitle = 1 << 10
	MaxText  = 8 << 10
)

// tidyAck returns k with its comment in at most most bytes.
func tidyAck(k *event.Ack, most int) *event.Ack {
	if k == nil {
		return nil
	}
	return &event.Ack{Author: Line(k.Author, MaxTitle), Comment: Lines(k.Comment, most), At: k.At}
}

// Tidy returns a with every text clean and bounded: Title, Short, Next and the names by
// Line and MaxTitle; Text, Reason, Detail and Confirm by Lines and MaxText. Statements get their
// English text.
func Tidy(a event.Alert) event.Alert {
	for _, s := range []*string{
		&a.ID, &a.Rule, &a.Key.Host, &a.Key.Component, &a.Key.Name, &a.Title, &a.Short, &a.Next, &a.OS, &a.AgentVersion, &a.HostID, &a.Observer, &a.Language,
	} {
		*s = Line(*s, MaxTitle)
	}
	for _, s := range []*string{&a.Text, &a.Reason, &a.Detail, &a.Confirm} {
		*s = Lines(*s, MaxText)
	}
	for _, s := range []*event.Said{&a.ReasonStatements, &a.DetailStatements} {
		*s = words.Spell(s.Clip(MaxText))
	}
	a.Ack, a.Withdrawn = tidyAck(a.Ack, MaxText), tidyAck(a.Withdrawn, MaxTitle)
	if len(a.Affected) > 0 {
		a.Affected = slices.Clone(a.Affected[:min(len(a.Affected), event.MaxAffected)])
		for i := range a.Affected {
			x := &a.Affected[i]
			for _, s := range []*string{&x.Key.Host, &x.Key.Component, &x.Key.Name, &x.AlertID} {
				*s = Line(*s, event.MaxName)
			}
		}
	}
	return a
}
