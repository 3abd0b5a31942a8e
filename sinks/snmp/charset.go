package snmp

import (
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/japanese"

	"dswatch/sinks"
)

// charset is how texts are written: UTF-8, or Shift_JIS for a receiver that
// knows no other. The zero value is UTF-8.
type charset struct{ other encoding.Encoding }

// charsets are those that a configuration can name.
var charsets = map[string]charset{"utf-8": {}, "shift_jis": {japanese.ShiftJIS}}

// encode returns s, with a question mark for each character that the charset
// does not have.
func (c charset) encode(s string) string {
	if c.other == nil || sinks.ASCII(s) {
		return s
	}
	enc := c.other.NewEncoder()
	if out, err := enc.String(s); err == nil {
		return out
	}
	var b []byte
	for _, r := range s {
		one, err := enc.Bytes([]byte(string(r)))
		if err != nil {
			one = []byte("?")
		}
		b = append(b, one...)
	}
	return string(b)
}

// cut is sinks.CutSentence of an encoded text.
func (c charset) cut(s string, most int) string {
	if len(s) <= most || c.other == nil || sinks.ASCII(s) {
		return sinks.CutSentence(s, most)
	}
	text, err := c.other.NewDecoder().String(s)
	if err != nil {
		return "" // encode made it, so this does not happen
	}
	for bytes := len(text); ; {
		out := c.encode(sinks.CutSentence(text, bytes))
		over := len(out) - most
		if over <= 0 || bytes == 0 {
			return out
		}
		bytes = max(0, min(bytes, len(text))-over)
	}
}
