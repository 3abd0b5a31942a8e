package config

import (
	"errors"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/token"
)

const (
	adviceGeneral = "not understood; check the indentation, the colons and the quotes here and in the line above"
	adviceDeeper  = "the next line is indented deeper, but this one already has its value; correct the indentation"
	adviceTab     = "a tab in the indentation; use spaces"
	adviceLine    = "not a \"key: value\" line; check the indentation and the space after the colon, here and in the lines around"
	adviceMap     = "the { is not closed or a comma is missing; write {key: value, other: value}"
	adviceList    = "the [ is not closed or a comma is missing; write [a, b]"
	adviceQuote   = "the quote is not closed; close it, or double it inside the text"
)

// advice says what the messages of the YAML library mean to an operator. The
// library's own text is never shown: some of it quotes values.
var advice = []struct{ has, text string }{
	{"found character '\t'", adviceTab},
	{"tab character", adviceTab},
	{"could not find end character of", adviceQuote},
	{"found unexpected document separator", adviceQuote},
	{"found unknown escape character", `an unknown escape inside double quotes; use single quotes, or write \\ for a backslash`},
	{"escaped UTF", `a broken \u escape inside double quotes; use single quotes, or write \\ for a backslash`},
	{"surrogate", `a broken \u escape inside double quotes; use single quotes, or write \\ for a backslash`},
	{"is a reserved character", "text cannot begin with @ or `; put quotes around it"},
	{"invalid header option", "text cannot begin with | or >; put quotes around it"},
	{"could not find multi-line content", "the text after | or > is not indented; indent it"},
	{"block sequence entries are not allowed", "a list begins behind its key; write each \"- \" on a line of its own"},
	{"mapping value is not allowed", `a second ": " in one line; put quotes around text that holds ": "`},
	{"map key-value is pre-defined", "indented deeper than the line above, which already has its value; correct the indentation"},
	{"non-map value is specified", adviceLine},
	{"unexpected key name", adviceLine},
	{"invalid key for this map", adviceLine},
	{"value is not allowed in this context", adviceGeneral},
	{"'}'", adviceMap},
	{"flow map", adviceMap},
	{"map value", adviceMap},
	{"sequence", adviceList},
	{"']'", adviceList},
	{"anchor", "a broken anchor; write &name value, or put quotes around text that begins with &"},
	{"alias", "a broken alias; write *name, or put quotes around text that begins with *"},
}

// syntax returns where the parser stopped and what to do about it.
func syntax(err error) (at *token.Token, text string) {
	var e *yaml.SyntaxError
	if !errors.As(err, &e) {
		return nil, adviceGeneral
	}
	if next := following(e.Token); next != nil && next.Type == token.MappingValueType && next.Position.Line > e.Token.Position.Line {
		// This line and the key in the next were read as one text.
		if before := e.Token.Prev; before != nil && before.Type == token.MappingValueType && before.Position.Line == e.Token.Position.Line {
			return e.Token, adviceDeeper
		}
		return e.Token, adviceLine
	}
	for _, a := range advice {
		if strings.Contains(e.Message, a.has) {
			return e.Token, a.text
		}
	}
	return e.Token, adviceGeneral
}
