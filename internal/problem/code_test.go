package problem

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestEveryProblemHasACode reads the packages whose problems manifestgen shows. Each problem
// must get its code in the expression that makes it.
func TestEveryProblemHasACode(t *testing.T) {
	for _, name := range []string{"inventory", "render", "tree"} {
		for file, syntax := range sources(t, filepath.Join("..", name)) {
			coded := map[ast.Expr]bool{} // what WithCode is called on
			ast.Inspect(syntax, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.SelectorExpr:
					if n.Sel.Name == "WithCode" {
						coded[n.X] = true
					}
				case *ast.CallExpr:
					if made := called(n.Fun); (made == "At" || made == "New" || made == "Refuse") && !coded[n] {
						t.Errorf("%s: a problem without a code", file.Position(n.Pos()))
					}
				case *ast.CompositeLit:
					if called(n.Type) == "Problem" && !hasCode(n) {
						t.Errorf("%s: a problem without a code", file.Position(n.Pos()))
					}
				}
				return true
			})
		}
	}
}

// called is the name of problem.Name, or "".
func called(e ast.Expr) string {
	if s, ok := e.(*ast.SelectorExpr); ok {
		if x, ok := s.X.(*ast.Ident); ok && x.Name == "problem" {
			return s.Sel.Name
		}
	}
	return ""
}

func hasCode(n *ast.CompositeLit) bool {
	for _, e := range n.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			if key, ok := kv.Key.(*ast.Ident); ok && key.Name == "Code" {
				return true
			}
		}
	}
	return false
}

func sources(t *testing.T, dir string) map[*token.FileSet]*ast.File {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatal("no sources", err)
	}
	parsed := map[*token.FileSet]*ast.File{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		set := token.NewFileSet()
		syntax, err := parser.ParseFile(set, file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		parsed[set] = syntax
	}
	return parsed
}

// TestEveryCodeIsExplainedAndUsed compares code.go, codes.md and the packages.
func TestEveryCodeIsExplainedAndUsed(t *testing.T) {
	text, err := os.ReadFile("code.go")
	if err != nil {
		t.Fatal(err)
	}
	var used strings.Builder
	for _, pattern := range []string{"../inventory/*.go", "../render/*.go", "../tree/*.go", "../manifest/*.go", "../validate/*.go", "../../cmd/manifestgen/*.go"} {
		files, _ := filepath.Glob(pattern)
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			used.Write(data)
		}
	}
	explained := map[Code]string{}
	last := Code("")
	for _, e := range Explanations() {
		if e.Title == "" || len(e.Text) < 60 || e.Code <= last {
			t.Errorf("%s is badly explained, or out of order: %q", e.Code, e.Text)
		}
		explained[e.Code], last = e.Title, e.Code
	}
	names := regexp.MustCompile(`(?m)^\t(\w+) +Code = "(MG\d{3})"$`).FindAllStringSubmatch(string(text), -1)
	for _, m := range names {
		if !regexp.MustCompile(`problem\.` + m[1] + `\b`).MatchString(used.String()) {
			t.Errorf("%s (%s) is never used", m[2], m[1])
		}
		if explained[Code(m[2])] == "" {
			t.Errorf("%s (%s) is not explained", m[2], m[1])
		}
		delete(explained, Code(m[2]))
	}
	for code := range explained {
		t.Errorf("%s is explained, and is no code", code)
	}
}
