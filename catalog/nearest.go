package catalog

import "strings"

// nearest returns the candidate with the fewest edits from s, or "" when
// none is near enough to be what the writer meant.
func nearest(s string, candidates []string) string {
	const longest = 200 // the table below grows with the product of lengths
	if len(s) > longest {
		return ""
	}
	best, least := "", len(s)/3+2
	for _, c := range candidates {
		if len(c) > longest {
			continue
		}
		if d := distance(strings.ToLower(s), strings.ToLower(c)); d < least {
			best, least = c, d
		}
	}
	return best
}

// distance is the number of bytes to insert, delete or replace to turn a
// into b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			d := diagonal
			if a[i] != b[j] {
				d = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], d
		}
	}
	return row[len(b)]
}

// meant ends an error text: the nearest candidate if one is near, else all.
func meant(s string, candidates []string) string {
	if n := nearest(s, candidates); n != "" {
		return "did you mean " + n + "?"
	}
	return "write one of " + strings.Join(candidates, ", ")
}
