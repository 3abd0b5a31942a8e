package words

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
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
		if !used && name != "Quoted" && name != "AtKey" && name != "_" { // which Of says; which is only stored
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

// TestLabels: the labels of screens and messages are used, and their gaps are
// the same in both languages.
func TestLabels(t *testing.T) {
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, "labels.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	labels := map[string]bool{}
	gaps := func(e ast.Expr) string {
		text, err := strconv.Unquote(e.(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(regexp.MustCompile("%[a-z]|[|]").FindAllString(text, -1), "")
	}
	ast.Inspect(f, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok || len(v.Values) != 1 {
			return true
		}
		both, ok := v.Values[0].(*ast.CompositeLit)
		if !ok {
			return true
		}
		labels[v.Names[0].Name] = false
		if en, ja := gaps(both.Elts[0]), gaps(both.Elts[1]); en != ja {
			t.Errorf("%s has the gaps %q in English and %q in Japanese", v.Names[0].Name, en, ja)
		}
		return true
	})
	elsewhere(t, func(_ string, f *ast.File) {
		ast.Inspect(f, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := s.X.(*ast.Ident); ok && x.Name == "words" {
					if _, is := labels[s.Sel.Name]; is {
						labels[s.Sel.Name] = true
					}
				}
			}
			return true
		})
	})
	if len(labels) < 100 {
		t.Errorf("only %d labels were found", len(labels))
	}
	for name, used := range labels {
		if !used {
			t.Errorf("nobody shows %s; remove it", name)
		}
	}
}

// inJapanese are the files outside of this package that may hold Japanese, and why.
var inJapanese = map[string]string{
	"../app/init.go": "the comments of a configuration are one template in each language",
	"../app/wrap.go": "where a Japanese line may be broken",
}

// TestOneDictionary: all Japanese that dswatch says is in this package, and no
// regular expression reads what it says.
func TestOneDictionary(t *testing.T) {
	japanese := func(s string) bool {
		return strings.ContainsFunc(s, func(r rune) bool { return unicode.In(r, unicode.Hiragana, unicode.Katakana, unicode.Han) })
	}
	expressions := 0
	elsewhere(t, func(file string, f *ast.File) {
		ast.Inspect(f, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && len(call.Args) == 1 {
				if s, ok := call.Fun.(*ast.SelectorExpr); ok && strings.HasPrefix(s.Sel.Name, "MustCompile") {
					expressions++
					if lit, ok := call.Args[0].(*ast.BasicLit); ok && len(regexp.MustCompile("[a-z]{3,} [a-z]{3,}").FindString(lit.Value)) > 0 {
						t.Errorf("%s: the expression %s reads prose; carry it as data", file, lit.Value)
					}
				}
			}
			lit, ok := n.(*ast.BasicLit)
			if ok && (lit.Kind == token.STRING || lit.Kind == token.CHAR) && japanese(lit.Value) && inJapanese[file] == "" {
				t.Errorf("%s has %.60s; it belongs into package words", file, lit.Value)
			}
			return true
		})
	})
	if expressions < 10 {
		t.Errorf("only %d regular expressions were looked at", expressions)
	}
}

// elsewhere shows every file of the program but those of this package, of tests
// and of what only tests use.
func elsewhere(t *testing.T, look func(file string, f *ast.File)) {
	t.Helper()
	files := 0
	err := filepath.WalkDir("..", func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (slices.Contains([]string{"words", "testdata", "test", "tools", "sinktest", "bustest"}, d.Name()) || strings.HasPrefix(d.Name(), ".") && d.Name() != ".."):
			return fs.SkipDir
		case !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go"):
			return nil
		}
		files++
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			return err
		}
		look(filepath.ToSlash(file), f)
		return nil
	})
	if err != nil || files < 100 {
		t.Fatalf("%d files, %v", files, err)
	}
}
