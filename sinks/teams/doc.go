// Package teams tells a Teams channel or chat through a webhook of the
// Workflows app (Power Automate): one Adaptive Card 1.4 for each transition,
// with a band in the colour of the severity, the text, the facts, what was
// seen, how to confirm it by hand, and the ids. A recovery is marked in
// words, by colour and by sign.
//
// It promises that nothing an alert carries can mention people, make a
// Markdown link or break the card: what Teams reads as Markdown is escaped,
// long texts stand in elements that know no Markdown, no `<at>` and no other
// tag survives, and the card lists no entities to mention. A client that
// makes links of bare addresses by itself still does so. Every message keeps
// within max_size, with cuts marked and a line that counts what was left out
// (of the title and the fields, what lies beyond the first kilobyte of each
// is not counted).
//
// An answer 2xx (Workflows says 202) is acceptance, unless its body is a page
// of HTML: that was a proxy or a portal. A 202 means that the flow was
// started, not that the card was posted: a flow that fails later (its owner
// left, the channel is gone, the card is too large for its action) drops the
// message, and nobody is told but the flow's run history. Teams' answer does
// not reach this side, so this cannot be noticed here; watch the flow's
// failures in Power Automate.
//
// Every transition is a card of its own; a workflow webhook cannot change an
// earlier one.
package teams
