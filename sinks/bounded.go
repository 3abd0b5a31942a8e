package sinks

import (
	"errors"
	"fmt"
	"strings"
	"text/template"
	"text/template/parse"
	"time"

	"dswatch/words"
)

// What one rendering may take. The templates in use take microseconds.
const (
	maxRender = time.Second
	maxMade   = 1 << 20 // bytes that one function returns
	maxVerbs  = 64      // of one printf, each of which can repeat what is long
)

// bounded is a text that ends at most bytes and at a time. text/template
// cannot be interrupted, but it ends at the first Write that fails.
type bounded struct {
	strings.Builder
	most  int
	until time.Time
	full  bool
	late  bool
}

var errBound = errors.New("bound reached")

func (b *bounded) Write(p []byte) (int, error) {
	switch {
	case time.Now().After(b.until):
		b.late = true
		return 0, errBound
	case b.Len()+len(p) > b.most:
		b.full = true
		return 0, errBound
	}
	return b.Builder.Write(p)
}

// watch puts an empty text at the start of whatever t can do again and again,
// so that a loop or a recursion without output meets the bound as well.
func watch(t *template.Template) {
	for _, one := range t.Templates() {
		if one.Tree != nil && one.Root != nil {
			watchList(one.Root, true)
		}
	}
}

func watchList(l *parse.ListNode, again bool) {
	if l == nil {
		return
	}
	for _, n := range l.Nodes {
		switch n := n.(type) {
		case *parse.IfNode:
			watchBranch(&n.BranchNode, false)
		case *parse.WithNode:
			watchBranch(&n.BranchNode, false)
		case *parse.RangeNode:
			watchBranch(&n.BranchNode, true)
		}
	}
	if again {
		l.Nodes = append([]parse.Node{&parse.TextNode{NodeType: parse.NodeText, Pos: l.Pos}}, l.Nodes...)
	}
}

func watchBranch(b *parse.BranchNode, again bool) {
	watchList(b.List, again)
	watchList(b.ElseList, false)
}

// made returns make with a bound for what comes out: what doubles in a loop
// would take all memory long before it takes much time.
func made(make func(...any) string) func(...any) (string, error) {
	return func(args ...any) (string, error) { return atMost(make(args...)) }
}

func atMost(s string) (string, error) {
	if len(s) > maxMade {
		return "", fmt.Errorf("makes more than %d bytes", maxMade)
	}
	return s, nil
}

func printf(format string, args ...any) (string, error) {
	if n := strings.Count(format, "%"); n > maxVerbs {
		return "", words.Fail(words.TemplateVerbs.With(n, maxVerbs))
	}
	return atMost(fmt.Sprintf(format, args...))
}
