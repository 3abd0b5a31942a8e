package setting

import "strings"

// Clip keeps what came from outside short inside an error text: its first
// 80 bytes, cut at a character.
func Clip(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}
