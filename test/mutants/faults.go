package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// fault is one change of a few bytes.
type fault struct {
	pkg, dir string // dswatch/sinks, sinks
	path     string // of the file, absolute
	file     string // below the module
	line     int
	in       string // the function, as lane.next
	what     string // the kind of change
	was      string // the first bytes of what is changed
	nth      int    // among those with the same name
	from, to int
	now      string
}

func (f fault) name() string {
	return fmt.Sprintf("%s %s %s `%s` %d", f.dir, f.in, f.what, f.was, f.nth)
}

func (f fault) source() []byte {
	src, err := os.ReadFile(f.path)
	if err != nil {
		panic(err) // it was read a moment ago
	}
	return slices.Concat(src[:f.from], []byte(f.now), src[f.to:])
}

type pkg struct {
	ImportPath, Dir      string
	GoFiles, TestGoFiles []string
	XTestGoFiles         []string
	Module               struct{ Dir string }
}

// packages lists what is built here; what only serves tests is left out, and
// a package that does not exist (yet) too.
func packages(ctx context.Context, patterns []string) ([]pkg, error) {
	args := []string{"list", "-find", "-json"}
	for _, p := range patterns {
		if _, err := os.Stat(strings.TrimSuffix(p, "/...")); err == nil {
			args = append(args, p)
		}
	}
	out, err := command(ctx, "go", args...).Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
	}
	var pkgs []pkg
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := d.Decode(&p); err == io.EOF {
			return pkgs, nil
		} else if err != nil {
			return nil, err
		}
		if !strings.HasSuffix(p.ImportPath, "test") && len(p.TestGoFiles)+len(p.XTestGoFiles) > 0 {
			pkgs = append(pkgs, p)
		}
	}
}

// gather returns every fault that could be put in.
func gather(pkgs []pkg) ([]fault, error) {
	var all []fault
	for _, p := range pkgs {
		seen := map[string]int{}
		for _, name := range p.GoFiles {
			g := gatherer{pkg: p, path: filepath.Join(p.Dir, name), seen: seen, fset: token.NewFileSet()}
			var err error
			if g.src, err = os.ReadFile(g.path); err != nil {
				return nil, err
			}
			f, err := parser.ParseFile(g.fset, g.path, g.src, parser.SkipObjectResolution)
			if err != nil {
				return nil, err
			}
			for _, d := range f.Decls {
				g.in = "var"
				if fn, ok := d.(*ast.FuncDecl); ok {
					g.in = funcName(fn)
				}
				ast.Inspect(d, g.visit)
			}
			all = append(all, g.faults...)
		}
	}
	return all, nil
}

func funcName(fn *ast.FuncDecl) string {
	if fn.Recv == nil {
		return fn.Name.Name
	}
	t := fn.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.Ident:
			return x.Name + "." + fn.Name.Name
		default:
			return fn.Name.Name
		}
	}
}

type gatherer struct {
	pkg    pkg
	path   string
	fset   *token.FileSet
	src    []byte
	in     string
	seen   map[string]int
	faults []fault
}

func (g *gatherer) offset(p token.Pos) int { return g.fset.Position(p).Offset }

func (g *gatherer) text(n ast.Node) string {
	return string(g.src[g.offset(n.Pos()):g.offset(n.End())])
}

// add notes one fault: what stands from..to becomes now. was is what the
// fault is named after.
func (g *gatherer) add(what string, was ast.Node, from, to token.Pos, now string) {
	quote := strings.Join(strings.Fields(g.text(was)), " ")
	if len(quote) > 60 {
		quote = strings.ToValidUTF8(quote[:60], "") + "..."
	}
	rel, err := filepath.Rel(g.pkg.Module.Dir, g.path)
	if err != nil {
		rel = g.path
	}
	f := fault{
		pkg: g.pkg.ImportPath, dir: filepath.ToSlash(filepath.Dir(rel)), path: g.path, file: filepath.ToSlash(rel), line: g.fset.Position(from).Line,
		in: g.in, what: what, was: quote, from: g.offset(from), to: g.offset(to), now: now,
	}
	key := f.name()
	g.seen[key]++
	f.nth = g.seen[key]
	g.faults = append(g.faults, f)
}

var operators = map[token.Token]token.Token{
	token.LSS: token.LEQ, token.LEQ: token.LSS, token.GTR: token.GEQ, token.GEQ: token.GTR,
	token.EQL: token.NEQ, token.NEQ: token.EQL, token.LAND: token.LOR, token.LOR: token.LAND,
	token.ADD: token.SUB, token.SUB: token.ADD, token.MUL: token.QUO, token.QUO: token.MUL,
	token.AND: token.OR, token.OR: token.AND, token.SHL: token.SHR, token.SHR: token.SHL,
}

var units = map[string]string{
	"Nanosecond": "Microsecond", "Microsecond": "Millisecond", "Millisecond": "Second",
	"Second": "Minute", "Minute": "Second", "Hour": "Minute",
}

func (g *gatherer) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.CallExpr:
		// What is logged, and how large a buffer is made at first, is not
		// what a test should hold.
		return !g.logs(n) && !isIdent(n.Fun, "make")
	case *ast.ArrayType:
		return false
	case *ast.ImportSpec, *ast.StructType:
		return false
	case *ast.BinaryExpr:
		if now, ok := operators[n.Op]; ok && !(n.Op == token.ADD && (isText(n.X) || isText(n.Y))) {
			g.add(n.Op.String()+" is "+now.String(), n, n.OpPos, n.OpPos+token.Pos(len(n.Op.String())), now.String())
		}
	case *ast.IfStmt:
		g.add("if never", n.Cond, n.Cond.Pos(), n.Cond.End(), "false && ("+g.text(n.Cond)+")")
		g.add("if always", n.Cond, n.Cond.Pos(), n.Cond.End(), "true || ("+g.text(n.Cond)+")")
	case *ast.CaseClause:
		for _, e := range n.List {
			if b, ok := e.(*ast.BinaryExpr); ok { // of a switch without a tag, most likely
				g.add("case never", e, e.Pos(), e.End(), "false && ("+g.text(b)+")")
			}
		}
	case *ast.BasicLit:
		if v, err := strconv.ParseInt(n.Value, 0, 64); n.Kind == token.INT && err == nil {
			g.add("one more", n, n.Pos(), n.End(), strconv.FormatInt(v+1, 10))
		}
	case *ast.Ident:
		switch n.Name {
		case "true":
			g.add("true is false", n, n.Pos(), n.End(), "false")
		case "false":
			g.add("false is true", n, n.Pos(), n.End(), "true")
		}
	case *ast.SelectorExpr:
		if u := units[n.Sel.Name]; u != "" && isIdent(n.X, "time") {
			g.add("wrong unit", n, n.Sel.Pos(), n.Sel.End(), u)
		}
	case *ast.ReturnStmt:
		if len(n.Results) == 0 {
			break
		}
		last := n.Results[len(n.Results)-1]
		if isIdent(last, "err") || isErrorf(last) {
			g.add("no error", n, last.Pos(), last.End(), "nil")
		}
	case *ast.BlockStmt:
		for _, s := range n.List {
			g.drop(s)
		}
	case *ast.BranchStmt:
		if n.Tok == token.CONTINUE || n.Tok == token.BREAK {
			now := map[token.Token]string{token.CONTINUE: "break", token.BREAK: "continue"}[n.Tok]
			g.add(n.Tok.String()+" is "+now, n, n.Pos(), n.Pos()+token.Pos(len(n.Tok.String())), now)
		}
	}
	return true
}

// drop leaves a statement out.
func (g *gatherer) drop(s ast.Stmt) {
	switch s := s.(type) {
	case *ast.ExprStmt:
		if c, ok := s.X.(*ast.CallExpr); ok && (g.logs(c) || isIdent(c.Fun, "panic")) {
			return
		}
	case *ast.AssignStmt:
		if s.Tok == token.DEFINE || isIdent(s.Lhs[0], "_") {
			return
		}
	case *ast.IncDecStmt, *ast.SendStmt, *ast.DeferStmt, *ast.GoStmt:
	default:
		return
	}
	g.add("left out", s, s.Pos(), s.End(), "if false { "+g.text(s)+" }")
}

// logs tells a call of a logger by its method and its receiver's name.
func (g *gatherer) logs(c *ast.CallExpr) bool {
	sel, ok := c.Fun.(*ast.SelectorExpr)
	if !ok || !slices.Contains([]string{"Debug", "Info", "Warn", "Error", "Log"}, sel.Sel.Name) || len(c.Args) == 0 {
		return false
	}
	return strings.Contains(strings.ToLower(g.text(sel.X)), "log")
}

func isIdent(e ast.Expr, name string) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == name
}

func isText(e ast.Expr) bool {
	if b, ok := e.(*ast.BinaryExpr); ok {
		return isText(b.X) || isText(b.Y)
	}
	lit, ok := e.(*ast.BasicLit)
	return ok && lit.Kind == token.STRING
}

func isErrorf(e ast.Expr) bool {
	c, ok := e.(*ast.CallExpr)
	if !ok {
		return false
	}
	sel, ok := c.Fun.(*ast.SelectorExpr)
	return ok && (sel.Sel.Name == "Errorf" || sel.Sel.Name == "New") && (isIdent(sel.X, "fmt") || isIdent(sel.X, "errors"))
}
