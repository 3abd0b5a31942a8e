package setting

import "strings"

// Nearest returns the word of valid that was most likely meant by word, or
// "" where none is near: at most a third of the letters wrong, missing, too
// many or swapped. Case, '-' and '_' make no difference.
func Nearest(word string, valid []string) string {
	fold := func(s string) []rune { return []rune(strings.ReplaceAll(strings.ToLower(s), "-", "_")) }
	w := fold(word)
	if len(w) > 64 {
		return ""
	}
	best, least := "", len(w)/3+1
	for _, v := range valid {
		if d := distance(w, fold(v)); d < least {
			best, least = v, d
		}
	}
	return best
}

// distance counts the single-letter changes and swaps of neighbours that
// turn a into b (optimal string alignment).
func distance(a, b []rune) int {
	if len(b) > 2*len(a)+2 {
		return len(b)
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
