// Package page is what people look at in a browser: what is lost now and what
// that means, hosts, alerts with all that was decided about them, sinks and
// silences.
//
// It promises that every page is made on the server, so that it can be read
// without a script; that a page loads nothing from another host and holds no
// script or style of its own (its Content-Security-Policy refuses them); that
// whatever comes from a watched host is text; that nobody sees anything without
// logging in; that a link changes nothing, and a form only with the secret of
// its session; and that a page which has not heard from the server for a while
// says so by the browser's own clock, and shows no green.
//
// A session is signed and not kept, so it lasts through a restart, and ends
// when the token that it was opened with changes.
//
// One stream of events tells all tabs of a browser that something has changed;
// they ask for the page again and change what is different. The stream holds
// nothing that is not in its last event, so nothing has to be made up for.
//
// It decides nothing: what it shows is given to it by the app.
package page
