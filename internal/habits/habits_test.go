package habits

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// maxLines is where a file has to be split by procedure. Prose is free to be longer.
const maxLines = 800

// later matches what says that a thing is not done. It is spelt so that it does not match itself.
var later = regexp.MustCompile(`\b(TO[D]O|FIX[M]E|X[X]X|HA[C]K)\b|(?i:not (yet )?implemente[d])`)

// inspect returns a line for every habit that one file should lose. The root is where the tree lies on this
// machine: a path that means nothing to anybody else.
func inspect(name string, src []byte, root string) []string {
	var bad []string
	say := func(line int, format string, a ...any) {
		bad = append(bad, fmt.Sprintf("%s:%d: %s", name, line, fmt.Sprintf(format, a...)))
	}
	lines := strings.Split(strings.TrimSuffix(string(src), "\n"), "\n")
	for i, line := range lines {
		if w := later.FindString(line); w != "" {
			say(i+1, "says %q: do it, or open an issue and take it out", w)
		}
		if root != "" && strings.Contains(line, root) {
			say(i+1, "names this checkout's own path")
		}
	}
	if ext := path.Ext(name); len(lines) > maxLines && ext != ".md" && ext != ".sum" {
		say(maxLines+1, "%d lines, more than %d: split it", len(lines), maxLines)
	}
	if path.Ext(name) != ".go" {
		return bad
	}
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, name, src, 0)
	if err != nil {
		return append(bad, err.Error())
	}
	test := strings.HasSuffix(name, "_test.go")
	bubble := slices.ContainsFunc(f.Imports, func(i *ast.ImportSpec) bool { return i.Path.Value == `"testing/synctest"` })
	must := false // inside a function whose name says that it panics
	for n := range ast.Preorder(f) {
		if decl, ok := n.(*ast.FuncDecl); ok {
			must = strings.HasPrefix(decl.Name.Name, "Must")
		}
		call, ok := n.(*ast.CallExpr)
		if !ok {
			continue
		}
		line := fset.Position(call.Pos()).Line
		switch what := callee(call); {
		case test && !bubble && what == "time.Sleep":
			say(line, "a test sleeps: use testing/synctest, or wait for the thing itself")
		case test && (strings.HasSuffix(what, ".Skip") || strings.HasSuffix(what, ".Skipf") || strings.HasSuffix(what, ".SkipNow")):
			say(line, "a test skips: a build constraint says it before it runs")
		case !test && !must && what == "panic":
			say(line, "panics: return an error")
		}
	}
	return bad
}

// callee returns the name a call is made by: "panic", "time.Sleep".
func callee(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		if x, ok := f.X.(*ast.Ident); ok {
			return x.Name + "." + f.Sel.Name
		}
	}
	return ""
}

// left says which folders and files are not read: what is built, what is data, what belongs to tools.
func left(name string, d fs.DirEntry) bool {
	switch name {
	case "bin", "dist":
		return true
	}
	base := path.Base(name)
	hidden := base[0] == '.' && name != "." && name != ".ci" && name != ".github"
	return d.IsDir() && (hidden || base == "testdata") || path.Ext(base) == ".test"
}

// tree inspects every text file below the root.
func tree(files fs.FS, root string) (bad []string, read int, err error) {
	err = fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if left(name, d) {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() {
			return nil
		}
		src, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		if bytes.IndexByte(src, 0) >= 0 || !utf8.Valid(src) {
			return nil
		}
		read++
		bad = append(bad, inspect(name, src, root)...)
		return nil
	})
	return bad, read, err
}

func TestTheTreeKeepsItsHabits(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	bad, read, err := tree(os.DirFS(root), root)
	if err != nil {
		t.Fatal(err)
	}
	if read < 10 {
		t.Fatalf("only %d files were read", read)
	}
	for _, line := range bad {
		t.Error(line)
	}
}
