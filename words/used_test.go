package words

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// TestUsed walks the syntax tree of the whole program: every sentence is said
// somewhere outside of this package and its tests. That a sentence which is said exists, with
// arguments of the right number and kind, is for the compiler to see. And
// nobody makes a statement past the table.
func TestUsed(t *testing.T) {
	set := token.NewFileSet()
	names := map[string]bool{} // of the sentences; true: used
	parse := func(file string) *ast.File {
		f, err := parser.ParseFile(set, file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	own, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	codes := 0
	for _, file := range own {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		ast.Inspect(parse(file), func(n ast.Node) bool {
			v, ok := n.(*ast.ValueSpec)
			if !ok || len(v.Names) != 1 || len(v.Values) != 1 {
				return true
			}
			if call, ok := v.Values[0].(*ast.CallExpr); ok && strings.HasPrefix(function(call.Fun), "say") {
				names[v.Names[0].Name] = false
				codes++
			}
			return true
		})
	}
	if codes != len(table) || codes < 100 {
		t.Errorf("%d sentences in the source, %d in the table", codes, len(table))
	}
	files := 0
	err = filepath.WalkDir("..", func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "words" || d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && d.Name() != ".."):
			return fs.SkipDir
		case !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go"):
			return nil
		}
		files++
		ast.Inspect(parse(file), func(n ast.Node) bool {
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			switch x, _ := s.X.(*ast.Ident); {
			case x == nil:
			case x.Name == "words":
				if _, is := names[s.Sel.Name]; is {
					names[s.Sel.Name] = true
				}
			case x.Name == "event" && s.Sel.Name == "Statement":
				t.Errorf("%s: a statement is made past package words; add a sentence to it", set.Position(n.Pos()))
			}
			return true
		})
		return nil
	})
	if err != nil || files < 100 {
		t.Fatalf("%d files, %v", files, err)
	}
	for name, used := range names {
		if !used && name != "Quoted" && name != "_" { // which Of says; which is only stored
			t.Errorf("nobody says %s; remove it", name)
		}
	}
}

// function is the name of a called function, generic or not.
func function(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.IndexExpr:
		return function(e.X)
	case *ast.IndexListExpr:
		return function(e.X)
	}
	return ""
}
