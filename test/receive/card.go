package receive

import (
	"fmt"
	"slices"
	"strings"
)

// The published JSON schema of Adaptive Cards 1.4 is in no package that a
// registry hands out, so what follows is its part for cards that only show
// something, written down from the reference (adaptivecards.io/explorer, up
// to version 1.4). It is as strict as the schema: a property that an element
// does not have is an error. Inputs, images, media and actions other than Action.OpenUrl
// are left out and are errors here.

// property says what a property's value may be: "string", "bool", "number",
// "[Name]" for a list of objects, "a|b|c" for one of these words.
type property string

// object is one type of the reference.
type object struct {
	required   []string
	properties map[string]property
}

const (
	spacing    property = "default|none|small|medium|large|extraLarge|padding"
	horizontal property = "left|center|right"
	vertical   property = "top|center|bottom"
	styles     property = "default|emphasis|good|attention|warning|accent"
	colors     property = "default|dark|light|accent|good|warning|attention"
	sizes      property = "default|small|medium|large|extraLarge"
	weights    property = "default|lighter|bolder"
	fonts      property = "default|monospace"
	heights    property = "auto|stretch"
)

// common are the properties that every element of a body has.
var common = map[string]property{"id": "string", "isVisible": "bool", "separator": "bool", "spacing": spacing, "height": heights}

// reference holds the types by name.
var reference = map[string]object{
	"AdaptiveCard": {[]string{"type", "version"}, map[string]property{
		"$schema": "string", "version": "string", "lang": "string", "fallbackText": "string", "speak": "string",
		"minHeight": "string", "verticalContentAlignment": vertical, "body": "[Element]", "actions": "[Action]",
	}},
	"Action.OpenUrl": {[]string{"type", "url"}, map[string]property{"title": "string", "url": "string", "id": "string", "style": "default|positive|destructive"}},
	"TextBlock": {[]string{"type", "text"}, with(common, map[string]property{
		"text": "string", "color": colors, "fontType": fonts, "horizontalAlignment": horizontal, "isSubtle": "bool",
		"maxLines": "number", "size": sizes, "weight": weights, "wrap": "bool",
	})},
	"RichTextBlock": {[]string{"type", "inlines"}, with(common, map[string]property{"inlines": "[Inline]", "horizontalAlignment": horizontal})},
	"TextRun": {[]string{"type", "text"}, map[string]property{
		"text": "string", "color": colors, "fontType": fonts, "highlight": "bool", "isSubtle": "bool", "italic": "bool",
		"size": sizes, "strikethrough": "bool", "underline": "bool", "weight": weights,
	}},
	"Container": {[]string{"type", "items"}, with(common, map[string]property{
		"items": "[Element]", "style": styles, "verticalContentAlignment": vertical, "bleed": "bool", "minHeight": "string",
	})},
	"ColumnSet": {[]string{"type"}, with(common, map[string]property{
		"columns": "[Column]", "style": styles, "bleed": "bool", "minHeight": "string", "horizontalAlignment": horizontal,
	})},
	"Column": {nil, map[string]property{
		"items": "[Element]", "bleed": "bool", "minHeight": "string", "separator": "bool", "spacing": spacing, "style": styles,
		"verticalContentAlignment": vertical, "width": "string", "id": "string", "isVisible": "bool",
	}},
	"FactSet": {[]string{"type", "facts"}, with(common, map[string]property{"facts": "[Fact]"})},
	"Fact":    {[]string{"title", "value"}, map[string]property{"title": "string", "value": "string"}},
}

// members says which types may stand in a list.
var members = map[property][]string{
	"[Element]": {"TextBlock", "RichTextBlock", "Container", "ColumnSet", "FactSet"},
	"[Inline]":  {"TextRun"},
	"[Column]":  {"Column"},
	"[Fact]":    {"Fact"},
	"[Action]":  {"Action.OpenUrl"},
}

func with(a, b map[string]property) map[string]property {
	all := make(map[string]property, len(a)+len(b))
	for _, m := range []map[string]property{a, b} {
		for k, v := range m {
			all[k] = v
		}
	}
	return all
}

// checkObject holds v to the type that the reference calls name.
func checkObject(at, name string, v any) error {
	o, ok := v.(map[string]any)
	if !ok {
		return fmt.Errorf("%s: is no object", at)
	}
	if t, ok := o["type"]; ok && t != name {
		return fmt.Errorf("%s: type %v, want %s", at, t, name)
	}
	for _, r := range reference[name].required {
		if _, ok := o[r]; !ok {
			return fmt.Errorf("%s: %s has no %s", at, name, r)
		}
	}
	for key, value := range o {
		p, known := reference[name].properties[key]
		switch {
		case key == "type":
		case !known:
			return fmt.Errorf("%s: %s has the unknown property %s", at, name, key)
		default:
			if err := checkValue(at+"."+key, p, value); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkValue(at string, p property, v any) error {
	ok := false
	switch p {
	case "string":
		var s string
		s, ok = v.(string)
		ok = ok && s != "" // an empty text shows as a hole, an empty id is none
	case "bool":
		_, ok = v.(bool)
	case "number":
		_, ok = v.(float64)
	default:
		if types, isList := members[p]; isList {
			return checkList(at, types, v)
		}
		s, _ := v.(string)
		// The schema takes the words in any case.
		ok = slices.ContainsFunc(strings.Split(string(p), "|"), func(w string) bool { return strings.EqualFold(w, s) })
	}
	if !ok {
		return fmt.Errorf("%s: is %.60v, want %s", at, v, p)
	}
	return nil
}

func checkList(at string, types []string, v any) error {
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		return fmt.Errorf("%s: is no list, or an empty one", at)
	}
	for i, v := range list {
		at := fmt.Sprintf("%s[%d]", at, i)
		name := types[0]
		if len(types) > 1 || name == "TextRun" || name == "Action.OpenUrl" {
			o, _ := v.(map[string]any)
			if name, _ = o["type"].(string); !slices.Contains(types, name) {
				return fmt.Errorf("%s: type %q, want one of %v", at, name, types)
			}
		}
		if err := checkObject(at, name, v); err != nil {
			return err
		}
	}
	return nil
}
