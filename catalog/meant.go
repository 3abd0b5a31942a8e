package catalog

import (
	"dswatch/setting"
	"dswatch/words"
)

// meant ends an error text: the nearest candidate if one is near, else all.
func meant(s string, candidates []string) words.Phrase {
	if n := setting.Nearest(s, candidates); n != "" {
		return words.DidYouMean.Phrase(n)
	}
	return words.WriteOneOf.Phrase(candidates)
}
