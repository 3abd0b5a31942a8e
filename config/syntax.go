package config

import (
	"errors"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/token"

	"dswatch/event"
	"dswatch/words"
)

// advice says what the messages of the YAML library mean to an operator. The
// library's own text is never shown: some of it quotes values.
var advice = []struct {
	has  string
	said words.Say0
}{
	{"found character '\t'", words.YAMLTab},
	{"tab character", words.YAMLTab},
	{"could not find end character of", words.YAMLQuote},
	{"found unexpected document separator", words.YAMLQuote},
	{"found unknown escape character", words.YAMLEscape},
	{"escaped UTF", words.YAMLUnicode},
	{"surrogate", words.YAMLUnicode},
	{"is a reserved character", words.YAMLAt},
	{"invalid header option", words.YAMLPipe},
	{"could not find multi-line content", words.YAMLBlock},
	{"block sequence entries are not allowed", words.YAMLDash},
	{"mapping value is not allowed", words.YAMLColon},
	{"map key-value is pre-defined", words.YAMLIndent},
	{"non-map value is specified", words.YAMLLine},
	{"unexpected key name", words.YAMLLine},
	{"invalid key for this map", words.YAMLLine},
	{"value is not allowed in this context", words.YAMLGeneral},
	{"'}'", words.YAMLMap},
	{"flow map", words.YAMLMap},
	{"map value", words.YAMLMap},
	{"sequence", words.YAMLList},
	{"']'", words.YAMLList},
	{"anchor", words.YAMLAnchor},
	{"alias", words.YAMLAlias},
}

// syntax returns where the parser stopped and what to do about it.
func syntax(err error) (at *token.Token, what event.Said) {
	var e *yaml.SyntaxError
	if !errors.As(err, &e) {
		return nil, words.YAMLGeneral.With()
	}
	if next := following(e.Token); next != nil && next.Type == token.MappingValueType && next.Position.Line > e.Token.Position.Line {
		// This line and the key in the next were read as one text.
		if before := e.Token.Prev; before != nil && before.Type == token.MappingValueType && before.Position.Line == e.Token.Position.Line {
			return e.Token, words.YAMLDeeper.With()
		}
		return e.Token, words.YAMLLine.With()
	}
	for _, a := range advice {
		if strings.Contains(e.Message, a.has) {
			return e.Token, a.said.With()
		}
	}
	return e.Token, words.YAMLGeneral.With()
}
