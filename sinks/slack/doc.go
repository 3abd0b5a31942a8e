// Package slack tells a Slack channel through an incoming webhook: a header
// with severity and what happened, the text, the fields, how to confirm by
// hand, and the ids. A recovery is marked in words, by colour and by sign.
//
// It promises that nothing an alert carries can mention people, make links or
// break the message: &, < and > are escaped everywhere and automatic parsing
// is off; that every message keeps within Slack's limits, with cuts marked;
// and that `text` says the same in one line for notifications.
//
// Every transition is a message of its own; an incoming webhook cannot change
// an earlier one. An answer 200 is acceptance, unless its body is a page of
// HTML: that was a proxy or a portal, not Slack.
package slack
