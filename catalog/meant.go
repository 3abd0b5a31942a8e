package catalog

import (
	"strings"

	"dswatch/setting"
)

// meant ends an error text: the nearest candidate if one is near, else all.
func meant(s string, candidates []string) string {
	if n := setting.Nearest(s, candidates); n != "" {
		return "did you mean " + n + "?"
	}
	return "write one of " + strings.Join(candidates, ", ")
}
