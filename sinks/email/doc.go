// Package email writes a mail for each transition, in the alert's language:
// through one mail server (SMTP) with STARTTLS, TLS or neither, with or
// without a login, as plain text and as HTML.
//
// It promises:
//
//   - One thread for each alert: the raise has a Message-ID made of the alert's
//     id, every other mail answers it (In-Reply-To, References). Both are made
//     of the alert alone, so that the end joins its raise after a restart, from
//     another host, and under another name of the sink.
//   - A delivery that is sent twice, because the answer to the first was lost,
//     has the same Message-ID, by which mail servers and clients drop copies. A
//     replay has one of its own.
//   - Success means that the mail server has answered 250 after the message.
//     4xx is tried again, 5xx goes to the dead letters.
//   - One recipient that the server refuses does not keep the mail from the
//     others. Who was refused for a time (4xx) gets it later, the others do not
//     get it twice; after half an hour they no longer wait for him.
//   - No answer to it is made by machines (Auto-Submitted, RFC 3834), and
//     nothing that an alert carries becomes a header, a tag or a link: the only link is that to web.url.
//
// A 250 is the mail server's, not that of the last one on the way: what bounces
// later goes to the address in from, and nobody here hears of it. What a
// restart forgets is which recipients were refused for a time.
package email
