// Package setting has what every part says of a configuration key: a secret
// that never shows, a size with its unit, an error that names the key, the
// word that was probably meant. It imports nothing of ours, so that every
// part may import it, also bus and config.
//
// It reads no file; config does.
package setting
