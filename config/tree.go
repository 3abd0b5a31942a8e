package config

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"dswatch/event"
	"dswatch/words"
)

// Bounds that no configuration written by a person comes near. The parser of
// the YAML library recurses once per level and per key of a map, and takes
// quadratic time on wide maps and on absent values.
const (
	maxTokens   = 300_000
	maxNesting  = 50
	maxKeys     = 5_000 // in one map
	maxAbsent   = 1_000 // keys and list entries with nothing behind them
	maxAnchors  = 1_000
	maxExpanded = 100_000 // values reached through aliases: 2,000 sinks that merge 20 keys are 80,000
)

// kind of a node.
type kind int

const (
	broken kind = iota // cannot be used, which has been told
	null
	scalar
	list
	mapping
)

// node is a value of the file with aliases and merge keys resolved.
type node struct {
	kind    kind
	text    string // scalar: as written, without quotes
	plain   bool   // scalar: written without quotes
	at      *token.Token
	src     *token.Token // differs from at where an alias stands
	pairs   []pair
	items   []*node
	aliased bool
}

type pair struct {
	key   string
	at    *token.Token
	value *node
}

// get returns the entry of a map with the key.
func (n *node) get(key string) (pair, bool) {
	if n != nil {
		for _, p := range n.pairs {
			if p.key == key {
				return p, true
			}
		}
	}
	return pair{}, false
}

// read parses data into f.root.
func (f *File) read(data []byte) error {
	text, err := f.text(data)
	if err != nil {
		return err
	}
	f.tokens = lexer.Tokenize(text)
	if at, text := screen(f.tokens); at != nil {
		f.report(at, "", text)
		return f.take()
	}
	body, err := f.parse()
	if err != nil {
		return err
	}
	if body != nil {
		b := builder{File: f, anchors: map[string]anchor{}}
		f.root = b.build(body, "")
	}
	return nil
}

// parse runs the library's parser. A panic there is a bug of the library and
// must not take the program down with it.
func (f *File) parse() (body ast.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &Error{Problems: []Problem{{File: f.name, Line: 1, Column: 1,
				Said: words.ParserGaveUp.With()}}}
		}
	}()
	file, err := parser.Parse(f.tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		at, text := syntax(err)
		f.report(at, "", text)
		return nil, f.take()
	}
	for _, doc := range file.Docs {
		if doc.Body != nil {
			return doc.Body, nil
		}
	}
	return nil, nil
}

// screen refuses what the parser would choke on and what is not supported,
// and returns where it stands and what is wrong.
func screen(tokens token.Tokens) (at *token.Token, what event.Said) {
	type level struct {
		column, keys int
		flow         token.Type // of the opening bracket, 0 in blocks
	}
	var levels []level
	var anchors, aliases, absent int
	var last *token.Token // that is not a comment
	header := false
	for i, t := range tokens {
		if i >= maxTokens {
			return t, words.YAMLLong.With(maxTokens)
		}
		if t.Type == token.InvalidType {
			return nil, what // the parser says it better
		}
		inFlow := len(levels) > 0 && levels[len(levels)-1].flow != 0
		switch t.Type {
		case token.CommentType:
			continue
		case token.TagType:
			return t, words.YAMLTag.With()
		case token.DirectiveType:
			return t, words.YAMLDirective.With()
		case token.DocumentHeaderType:
			if last != nil || header {
				return t, words.YAMLSecond.With()
			}
			header = true
			continue
		case token.AnchorType:
			if anchors++; anchors > maxAnchors {
				return t, words.YAMLAnchors.With(maxAnchors)
			}
		case token.AliasType:
			if aliases++; aliases > maxExpanded {
				return t, words.YAMLAliases.With(maxExpanded)
			}
		case token.MappingKeyType:
			return t, words.YAMLQuestion.With()
		case token.MappingStartType, token.SequenceStartType:
			levels = append(levels, level{flow: t.Type})
		case token.MappingEndType, token.SequenceEndType:
			if inFlow {
				if last.Type == token.MappingValueType {
					absent++
				}
				levels = levels[:len(levels)-1]
			}
		case token.CollectEntryType:
			if last != nil && last.Type == token.MappingValueType {
				absent++
			}
		case token.SequenceEntryType, token.MappingValueType:
			if inFlow {
				break
			}
			column := t.Position.Column
			if t.Type == token.MappingValueType && last != nil {
				column = last.Position.Column // where the key begins
			}
			for len(levels) > 0 && levels[len(levels)-1].column > column {
				levels = levels[:len(levels)-1]
			}
			if len(levels) == 0 || levels[len(levels)-1].column < column {
				levels = append(levels, level{column: column})
			}
			if t.Type == token.MappingValueType {
				top := &levels[len(levels)-1]
				if top.keys++; top.keys > maxKeys {
					return t, words.YAMLKeys.With(maxKeys)
				}
			}
			if next := following(t); next == nil || next.Position.Line != t.Position.Line && next.Position.Column <= column {
				absent++
			}
		}
		if len(levels) > maxNesting {
			return t, words.YAMLDeep.With(maxNesting)
		}
		if absent > maxAbsent {
			return t, words.YAMLAbsent.With(maxAbsent)
		}
		last = t
	}
	return nil, what
}

// builder turns the library's tree into nodes.
type builder struct {
	*File
	anchors map[string]anchor
}

type anchor struct {
	name  *token.Token
	value *node
}

func (b *builder) build(n ast.Node, path string) *node {
	switch n := n.(type) {
	case *ast.MappingNode:
		return b.mapping(n.Start, n.Values, path)
	case *ast.MappingValueNode:
		return b.mapping(n.Start, []*ast.MappingValueNode{n}, path)
	case *ast.SequenceNode:
		out := &node{kind: list, at: n.Start, src: n.Start, items: make([]*node, len(n.Values))}
		for i, v := range n.Values {
			out.items[i] = b.build(v, item(path, i))
			if dash := n.Entries[i].Start; dash != nil && !n.IsFlowStyle {
				out.items[i].placeAt(dash)
			}
		}
		return out
	case *ast.AnchorNode:
		out := b.build(n.Value, path)
		if n.Name != nil {
			t := n.Name.GetToken()
			b.anchors[t.Value] = anchor{name: t, value: out}
		}
		return out
	case *ast.AliasNode:
		return b.alias(n, path)
	case *ast.LiteralNode:
		out := &node{kind: scalar, at: n.Start, src: n.Start}
		if n.Value != nil {
			out.text = n.Value.Value
		}
		return out
	case *ast.StringNode:
		return &node{kind: scalar, text: n.Value, plain: n.Token.Type == token.StringType, at: n.Token, src: n.Token}
	case *ast.NullNode:
		return &node{kind: null, at: n.Token, src: n.Token}
	case ast.ScalarNode: // numbers, booleans, << as a value: the text as it is written
		t := n.GetToken()
		return &node{kind: scalar, text: t.Value, plain: true, at: t, src: t}
	}
	b.report(n.GetToken(), path, words.YAMLGeneral.With())
	return &node{at: n.GetToken(), src: n.GetToken()}
}

// placeAt gives a value that is not written, or that begins in a later line,
// the place of its key or dash.
func (n *node) placeAt(t *token.Token) {
	if n.at.Type == token.ImplicitNullType || n.at.Position.Line != t.Position.Line {
		n.at = t
	}
}

func (b *builder) alias(n *ast.AliasNode, path string) *node {
	if n.Value != nil {
		t := n.Value.GetToken()
		if a, ok := b.anchors[t.Value]; ok {
			b.mark(t, known)
			b.mark(a.name, known)
			out := *a.value
			out.at, out.aliased = n.Start, true
			return &out
		}
	}
	b.report(n.Start, path, words.YAMLNoAnchor.With())
	return &node{at: n.Start, src: n.Start}
}

func (b *builder) mapping(at *token.Token, values []*ast.MappingValueNode, path string) *node {
	if at.Type != token.MappingStartType && len(values) > 0 {
		at = values[0].Key.GetToken() // the library gives a map in lines the place of its first colon
	}
	out := &node{kind: mapping, at: at, src: at, pairs: make([]pair, 0, len(values))}
	first := make(map[string]*token.Token, len(values))
	var merged []*node
	for _, v := range values {
		t := v.Key.GetToken()
		if v.Key.IsMergeKey() {
			merged = append(merged, b.merge(v, path)...)
			continue
		}
		if v.Start == t { // {a: b, c}: most likely a value that holds a comma
			b.report(t, path, words.YAMLNoValue.With())
			continue
		}
		switch v.Key.(type) {
		case *ast.AliasNode, *ast.AnchorNode:
			b.report(t, path, words.YAMLKeyAnchor.With())
			continue
		}
		key := t.Value
		if s, ok := v.Key.(*ast.StringNode); ok {
			key = s.Value
		}
		value := b.build(v.Value, join(path, key))
		value.placeAt(t)
		if before, ok := first[key]; ok {
			b.report(t, join(path, shortKey(key)), words.YAMLTwice.With(before.Position.Line))
			continue
		}
		first[key] = t
		out.pairs = append(out.pairs, pair{key: key, at: t, value: value})
	}
	for _, m := range merged {
		for _, p := range m.pairs {
			if _, ok := first[p.key]; ok {
				continue // what is written here, or merged earlier, wins
			}
			if b.expanded++; b.expanded > maxExpanded {
				if b.expanded == maxExpanded+1 { // told once
					b.report(at, path, words.YAMLMerges.With(maxExpanded))
				}
				return out
			}
			first[p.key] = p.at
			value := *p.value
			value.aliased = true
			out.pairs = append(out.pairs, pair{key: p.key, at: p.at, value: &value})
		}
	}
	return out
}

// merge returns the maps behind a << key.
func (b *builder) merge(v *ast.MappingValueNode, path string) []*node {
	n := b.build(v.Value, path)
	var maps []*node
	switch n.kind {
	case mapping:
		return []*node{n}
	case list:
		maps = n.items
	case broken:
		return nil
	}
	if len(maps) == 0 {
		b.report(v.Key.GetToken(), path, words.YAMLMergeMaps.With())
		return nil
	}
	for _, m := range maps {
		if m.kind == broken {
			return nil
		}
		if m.kind != mapping {
			b.report(m.at, path, words.YAMLMergeMaps.With())
			return nil
		}
	}
	return maps
}

// join and item make the paths that stand in messages: sinks[2].tls.cert, and
// labels["a.b"] where a key is not a simple word.
func join(path, key string) string {
	switch {
	case !simple(key):
		return path + "[" + strconv.Quote(key) + "]"
	case path == "":
		return key
	}
	return path + "." + key
}

func item(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

func simple(key string) bool {
	for _, r := range key {
		if !(r == '_' || r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z') {
			return false
		}
	}
	return key != ""
}

// under reports whether path is base or lies below it.
func under(path, base string) bool {
	rest, ok := strings.CutPrefix(path, base)
	return ok && (rest == "" || base == "" || rest[0] == '.' || rest[0] == '[')
}

// shortKey is an unknown key as it may be shown: only its beginning where it
// is no word, because what follows may be a value that lost its colon.
func shortKey(key string) string {
	for i, r := range key {
		if i >= maxValue || r != '_' && r != '-' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return key[:i] + "..."
		}
	}
	return key
}

// find returns the token at path, or at the nearest key above it.
func (f *File) find(path string) *token.Token {
	n := f.root
	if n == nil {
		return nil
	}
	at := n.at
	for path != "" && n != nil {
		var key string
		switch {
		case strings.HasPrefix(path, `["`):
			q, err := strconv.QuotedPrefix(path[1:])
			if err != nil {
				return at
			}
			key, _ = strconv.Unquote(q)
			path = strings.TrimPrefix(path[1+len(q):], "]")
		case path[0] == '[':
			num, rest, _ := strings.Cut(path[1:], "]")
			i, err := strconv.Atoi(num)
			if err != nil || i < 0 || i >= len(n.items) {
				return at
			}
			path, n = rest, n.items[i]
			at = n.at
			continue
		default:
			path = strings.TrimPrefix(path, ".")
			end := strings.IndexAny(path, ".[")
			if end < 0 {
				end = len(path)
			}
			key, path = path[:end], path[end:]
		}
		p, ok := n.get(key)
		if !ok {
			if p, ok = n.get(key + fileSuffix); !ok {
				return at
			}
		}
		at, n = p.value.at, p.value
	}
	return at
}
