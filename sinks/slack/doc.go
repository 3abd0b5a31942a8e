// Package slack tells a Slack channel: a header with severity and what
// happened, the text, the fields, how to confirm by hand, and the ids. A
// recovery is marked in words, by colour and by sign.
//
// It promises that nothing an alert carries can mention people, make links or
// break the message: &, < and > are escaped everywhere and automatic parsing
// is off; that every message keeps within Slack's limits, with cuts marked;
// and that `text` says the same in one line for notifications.
//
// Through an incoming webhook every transition is a message of its own: a
// webhook cannot change an earlier one. An answer 200 is acceptance, unless
// its body is a page of HTML: that was a proxy or a portal, not Slack.
//
// As a bot there is one message for each alert. The end of the alert changes
// it (a heartbeat and a replay do, too), what happens in between goes to its
// thread. A rise in severity is shown in the channel as well and changes the
// message: whoever reads the channel only sees how bad it is. Which message is which survives restarts in the state directory;
// when that is lost, or the message is deleted, what follows becomes a
// message of its own. Where messages cannot be edited any more, the end is
// told in the thread and in the channel. client_msg_id asks Slack to drop a
// second copy when an answer was lost, also that of a replay; it does not
// promise that Slack does, whose reference only names the errors that belong
// to it. To look the message up instead would need the scope channels:history,
// with which the bot could read all that people write there.
package slack
