package config

import (
	"encoding"
	"errors"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"dswatch/event"
	"dswatch/setting"
	"dswatch/words"
)

// decoder fills Go values from nodes and reports what does not fit.
type decoder struct {
	*File
	tainted []string // paths of values that were not set as written
	via     *node    // the outermost alias that the current node lies below
	cut     bool     // aliases expanded too far; told once
}

// fail reports a problem that leaves the value at path unset.
func (d *decoder) fail(n *node, path string, s event.Said) {
	d.tainted = append(d.tainted, path)
	d.report(n.at, path, s)
}

// value sets v to what n says.
func (d *decoder) value(n *node, v reflect.Value, path string) {
	if n.aliased && d.via == nil {
		d.via = n
		defer func() { d.via = nil }()
	}
	if d.via != nil {
		if d.expanded++; d.expanded > maxExpanded {
			if !d.cut {
				d.cut = true
				d.fail(d.via, path, words.AliasesExpand.With(maxExpanded))
			}
			return
		}
	}
	t := v.Type()
	switch {
	case n.kind == broken:
		d.tainted = append(d.tainted, path)
	case t == sectionType:
		switch n.kind {
		case mapping:
			v.Set(reflect.ValueOf(&Section{file: d.File, node: n, path: path}))
		case scalar, list:
			d.misfit(n, t, path, words.MapWanted.Phrase())
		}
	case t.Kind() == reflect.Pointer:
		if n.kind == null {
			return
		}
		fresh := reflect.New(t.Elem())
		if !v.IsNil() {
			fresh.Elem().Set(v.Elem())
		}
		d.value(n, fresh.Elem(), path)
		v.Set(fresh)
	case isSecret(t):
		d.secret(n, v, path)
	case isText(t) && (n.kind == scalar || !composite(t)):
		if d.scalar(n, t, path) {
			if err := v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(n.text)); err != nil {
				veil := ""
				if d.via != nil {
					veil = n.text
				}
				d.tainted = append(d.tainted, path)
				d.veiled(n.at, path, unread(err), veil)
			}
		}
	case t.Kind() == reflect.Struct:
		d.structs(n, []reflect.Value{v}, path)
	case t.Kind() == reflect.Slice:
		d.slice(n, v, path)
	case t.Kind() == reflect.Map:
		d.table(n, v, path)
	default:
		if d.scalar(n, t, path) {
			said := n.text
			if d.via != nil {
				said = redacted
			}
			if problem := set(n, v, said); !problem.Empty() {
				d.fail(n, path, problem)
			}
		}
	}
}

// scalar reports whether n is one, and complains when it is not.
func (d *decoder) scalar(n *node, t reflect.Type, path string) bool {
	switch n.kind {
	case scalar:
		d.open(n)
		return true
	case null:
		d.fail(n, path, words.HasNoValue.With())
	default:
		d.misfit(n, t, path, words.SingleWanted.Phrase())
	}
	return false
}

// open lets the value of a known key that is no secret be shown. An alias
// may stand for the value of a secret elsewhere, so it shows nothing.
func (d *decoder) open(n *node) {
	if n.kind == scalar && d.via == nil {
		d.mark(n.src, known)
	}
}

// misfit reports a node of the wrong kind. A list of words where no secret
// can stand is no secret; a map might be one that is indented too deep.
func (d *decoder) misfit(n *node, t reflect.Type, path string, wanted words.Phrase) {
	if !d.types.holdsSecret(t) {
		for _, e := range append(n.items, n) {
			d.open(e)
		}
	}
	d.fail(n, path, words.WrongShape.With(n.found(), wanted))
}

// found is what a node is called in messages.
func (n *node) found() words.Phrase {
	switch n.kind {
	case scalar:
		return words.FoundSingle.Phrase()
	case list:
		return words.FoundList.Phrase()
	case mapping:
		return words.FoundMap.Phrase()
	}
	return words.FoundNothing.Phrase()
}

// unread is what a type says of a text that it does not take.
func unread(err error) event.Said {
	if n, ok := errors.AsType[setting.NotSize](err); ok {
		return words.NotASize.With(words.Inner(string(n)))
	}
	if strings.Contains(err.Error(), "; ") { // it says what to write
		return words.Of(err)
	}
	return words.NotReadAsType.With(err)
}

// structs reads a map into the structs that targets hold. Every key belongs
// to at least one of them.
func (d *decoder) structs(n *node, targets []reflect.Value, path string) {
	switch n.kind {
	case null:
		return
	case scalar, list:
		d.misfit(n, targets[0].Type(), path, words.MapWanted.Phrase())
		return
	}
	for _, p := range n.pairs {
		below, found := join(path, p.key), false
		for _, v := range targets {
			f, ok := d.types.of(v.Type()).field(p.key)
			if !ok {
				continue
			}
			found = true
			d.mark(p.at, known)
			d.value(p.value, v.FieldByIndex(f.index), below)
		}
		base, twin := strings.CutSuffix(p.key, fileSuffix)
		for _, v := range targets {
			f, ok := d.types.of(v.Type()).field(base)
			if !twin || !ok || !f.secret {
				continue
			}
			found = true
			d.mark(p.at, known)
			if other, both := n.get(base); both {
				d.fail(&node{at: p.at}, below, words.StandsAsWell.With(base, other.at.Position.Line))
				continue
			}
			d.secretFile(p.value, v.FieldByIndex(f.index), below)
		}
		if !found {
			d.unknown(n, p, targets, path)
		}
	}
}

// unknown reports a key that no target has.
func (d *decoder) unknown(n *node, p pair, targets []reflect.Value, path string) {
	d.deny(p.value)
	var valid []string
	for _, v := range targets {
		for _, key := range d.types.of(v.Type()).keys() {
			if !slices.Contains(valid, key) {
				valid = append(valid, key)
			}
		}
	}
	short := shortKey(p.key)
	next := words.SeeReference.Phrase()
	if near := setting.Nearest(p.key, valid); near != "" {
		next = words.DidYouMeanText.Phrase(near)
		if _, written := n.get(near); !written {
			d.tainted = append(d.tainted, path) // what is missing was told here
		}
	} else if len(valid) <= 10 {
		slices.Sort(valid)
		next = words.WriteOneOf.Phrase(valid)
	}
	d.report(p.at, join(path, short), words.UnknownKey.With(next))
}

func (d *decoder) slice(n *node, v reflect.Value, path string) {
	switch n.kind {
	case null:
		return
	case scalar, mapping:
		d.misfit(n, v.Type(), path, words.ListWanted.Phrase())
		return
	}
	out := reflect.MakeSlice(v.Type(), len(n.items), len(n.items))
	for i, e := range n.items {
		if e.kind == null {
			d.fail(e, item(path, i), words.EmptyEntry.With())
			continue
		}
		d.value(e, out.Index(i), item(path, i))
	}
	if v.Type().Elem() == sectionType { // a program would trip over what is no section
		out = reflect.ValueOf(slices.DeleteFunc(out.Interface().([]*Section), func(s *Section) bool { return s == nil }))
	}
	v.Set(out)
}

func (d *decoder) table(n *node, v reflect.Value, path string) {
	switch n.kind {
	case null:
		return
	case scalar, list:
		d.misfit(n, v.Type(), path, words.MapWanted.Phrase())
		return
	}
	t := v.Type()
	out := reflect.MakeMapWithSize(t, len(n.pairs))
	for _, p := range n.pairs {
		below := join(path, p.key)
		key, value := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
		if r, ok := key.Addr().Interface().(encoding.TextUnmarshaler); ok {
			if err := r.UnmarshalText([]byte(p.key)); err != nil {
				d.deny(p.value)
				d.fail(&node{at: p.at}, join(path, shortKey(p.key)), words.Of(err))
				continue
			}
		} else {
			key.SetString(p.key)
		}
		d.mark(p.at, known)
		if p.value.kind == null {
			d.fail(&node{at: p.at}, below, words.HasNoValue.With())
			continue
		}
		d.value(p.value, value, below)
		if t.Elem() == sectionType && value.IsNil() {
			continue
		}
		out.SetMapIndex(key, value)
	}
	v.Set(out)
}

// decimal is a whole number as JSON and every YAML version read it. 010 is
// not: some readers take it for eight.
var decimal = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)

// set writes a scalar into v and returns what is wrong with it, if anything.
// said is the value as a message may quote it.
func set(n *node, v reflect.Value, said string) (problem event.Said) {
	said = clip(printable(hideUserinfo(said)), maxValue)
	if v.Type() == durationType {
		d, problem := duration(n.text, said)
		v.SetInt(int64(d))
		return problem
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(n.text)
	case reflect.Bool:
		if !n.plain || n.text != "true" && n.text != "false" {
			switch strings.ToLower(n.text) {
			case "true", "yes", "on", "y", "1":
				return words.NotABool.With(said, "true")
			case "false", "no", "off", "n", "0":
				return words.NotABool.With(said, "false")
			}
			return words.TrueOrFalse.With(said)
		}
		v.SetBool(n.text == "true")
	case reflect.Float32, reflect.Float64:
		x, err := strconv.ParseFloat(n.text, 64)
		if err != nil || !n.plain || math.IsInf(x, 0) || math.IsNaN(x) || strings.ContainsAny(n.text, "xXpP_") {
			return words.NotANumber.With(said)
		}
		v.SetFloat(x)
	default:
		return whole(n, v, said)
	}
	return problem
}

// whole writes a whole number into v.
func whole(n *node, v reflect.Value, said string) (problem event.Said) {
	if !n.plain || !decimal.MatchString(n.text) {
		return words.NotWhole.With(said)
	}
	bits := v.Type().Bits()
	if v.CanInt() {
		x, err := strconv.ParseInt(n.text, 10, bits)
		if err != nil {
			return words.NotInRange.With(said, strconv.FormatInt(int64(-1)<<(bits-1), 10), strconv.FormatInt(int64(1)<<(bits-1)-1, 10))
		}
		v.SetInt(x)
		return problem
	}
	x, err := strconv.ParseUint(n.text, 10, bits)
	if err != nil {
		return words.NotInRange.With(said, "0", strconv.FormatUint(uint64(math.MaxUint64)>>(64-bits), 10))
	}
	v.SetUint(x)
	return problem
}

// duration reads a time with units. A bare number is refused: nobody can tell
// which unit was meant.
func duration(text, said string) (d time.Duration, problem event.Said) {
	d, err := time.ParseDuration(text)
	mayQuote := strings.Contains(said, text)
	if _, bare := strconv.ParseFloat(text, 64); bare == nil {
		if !mayQuote || len(text) > 10 {
			text = "20"
		}
		return 0, words.NoUnit.With(said, text)
	}
	if err == nil {
		return d, problem
	}
	if days, ok := strings.CutSuffix(text, "d"); ok && mayQuote {
		if x, err := strconv.ParseUint(days, 10, 16); err == nil {
			return 0, words.DaysNoUnit.With(said, int(x*24))
		}
	}
	return 0, words.NotADuration.With(said)
}
