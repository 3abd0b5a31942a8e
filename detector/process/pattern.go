package process

import (
	"path"
	"slices"
	"strings"

	"dswatch/words"
)

// pattern is a path with wildcards, cut at its slashes: in each part *, ? and
// [...] as path.Match has them, and the part ** for any number of parts.
type pattern struct {
	parts []string
	fold  bool // without regard to case, as Windows has it
}

// compile reads an absolute path pattern. With fold, backslashes separate too
// and case does not matter.
func compile(s string, fold bool) (pattern, error) {
	p := pattern{fold: fold}
	p.parts = p.split(s)
	if s == "" {
		return p, words.Fail(words.PatternEmpty.With())
	}
	absolute := p.parts[0] == "" || fold && strings.HasSuffix(p.parts[0], ":")
	if !absolute && p.parts[0] != "**" {
		return p, words.Fail(words.PatternNotAbsolute.With(words.Inner(s)))
	}
	for _, part := range p.parts {
		if _, err := path.Match(part, ""); err != nil {
			return p, words.FailWith(err, words.PatternBad.With(words.Inner(s), err))
		}
	}
	return p, nil
}

func (p pattern) split(s string) []string {
	if p.fold {
		s = strings.ToLower(strings.ReplaceAll(s, `\`, "/"))
	}
	return strings.Split(s, "/")
}

// base returns the file name the pattern ends with, empty if it has wildcards.
func (p pattern) base() string {
	last := p.parts[len(p.parts)-1]
	if strings.ContainsAny(last, `*?[\`) {
		return ""
	}
	return last
}

// resolve returns p with the symbolic links followed in what exists of its
// part without wildcards, and whether that made a difference.
func (p pattern) resolve(follow func(string) (string, error)) (pattern, bool) {
	n := slices.IndexFunc(p.parts, func(part string) bool { return strings.ContainsAny(part, `*?[\`) })
	if n < 0 {
		n = len(p.parts)
	}
	for ; n > 1; n-- {
		fixed := strings.Join(p.parts[:n], "/")
		if real, err := follow(fixed); err == nil {
			return pattern{parts: append(p.split(real), p.parts[n:]...), fold: p.fold}, real != fixed
		}
	}
	return p, false
}

// match reports whether the whole of file is as the pattern says.
func (p pattern) match(file string) bool {
	return matchParts(p.parts, p.split(file))
}

// matchParts is the usual two-pointer walk: on a mismatch the last ** takes
// one part more, so that no pattern takes exponential time.
func matchParts(pat, parts []string) bool {
	i, j := 0, 0
	star, mark := -1, 0
	for j < len(parts) {
		if i < len(pat) && pat[i] == "**" {
			star, mark = i, j
			i++
			continue
		}
		if i < len(pat) {
			if ok, err := path.Match(pat[i], parts[j]); err == nil && ok {
				i++
				j++
				continue
			}
		}
		if star < 0 {
			return false
		}
		mark++
		i, j = star+1, mark
	}
	for i < len(pat) && pat[i] == "**" {
		i++
	}
	return i == len(pat)
}

// MatchPath reports whether file is as an absolute path pattern of a Target's
// Exe says, on a system that tells upper and lower case apart.
func MatchPath(s, file string) bool {
	p, err := compile(s, false)
	return err == nil && p.match(file)
}
