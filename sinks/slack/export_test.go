package slack

// Escape is open to its fuzz test.
var Escape = escape
