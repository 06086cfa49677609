package habits

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

const checkout = "/srv/checkout"

func TestInspect(t *testing.T) {
	long := strings.Repeat("x\n", maxLines)
	for _, c := range []struct {
		name, file, src string
		want            string // the one finding; empty for none
	}{
		{"a sleep", "a_test.go", "package a\nimport \"time\"\nfunc f() {\n\ttime.Sleep(1)\n}\n", "a_test.go:4: a test sleeps"},
		{"a sleep in a file with bubbles", "a_test.go", "package a\nimport (\n\"testing/synctest\"\n\"time\"\n)\nvar _ = synctest.Test\nfunc f() { time.Sleep(1) }\n", ""},
		{"a sleep outside tests", "a.go", "package a\nimport \"time\"\nfunc f() { time.Sleep(1) }\n", ""},
		{"a sleep in a comment", "a_test.go", "package a\n// time.Sleep(1)\n", ""},
		{"a skip", "a_test.go", "package a\nimport \"testing\"\nfunc TestX(t *testing.T) {\n\tt.Sk" + "ip()\n}\n", "a_test.go:4: a test skips"},
		{"a reasoned skip", "a_test.go", "package a\nimport \"testing\"\nfunc TestX(b *testing.B) {\n\tb.Skipf(\"no\")\n}\n", "a_test.go:4: a test skips"},
		{"SkipNow", "a_test.go", "package a\nimport \"testing\"\nfunc TestX(t *testing.T) {\n\tt.Sk" + "ipNow()\n}\n", "a_test.go:4: a test skips"},
		{"fs.SkipDir is no skip", "a_test.go", "package a\nimport \"io/fs\"\nvar x = fs.SkipDir\n", ""},
		{"a panic", "a.go", "package a\nfunc f() {\n\tpanic(1)\n}\n", "a.go:3: panics"},
		{"a function that says so", "a.go", "package a\nfunc MustParse() { panic(1) }\n", ""},
		{"the function after it", "a.go", "package a\nfunc MustParse() {}\nfunc g() { panic(1) }\n", "a.go:3: panics"},
		{"a panic in a test", "a_test.go", "package a\nfunc f() { panic(1) }\n", ""},
		{"left for later", "a.go", "package a\n\n// TO" + "DO: more\n", "a.go:3: says \"TO" + "DO\""},
		{"left for later in a script", "run", "# FIX" + "ME\n", "run:1: says"},
		{"a stub", "a.go", "package a\n\nvar e = \"Not imple" + "mented\"\n", "a.go:3: says \"Not imple"},
		{"a word that only looks like it", "a.md", "MASTO" + "DON, implemented\n", ""},
		{"the checkout's path", "doc.md", "see " + checkout + "/notes\n", "doc.md:1: names this checkout"},
		{"as long as may be", "a.py", long, ""},
		{"too long", "a.py", long + "x\n", "a.py:801: 801 lines"},
		{"prose may be long", "a.md", long + "x\n", ""},
		{"not Go", "a.go", "package", "a.go:1:"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bad := inspect(c.file, []byte(c.src), checkout)
			if c.want == "" && len(bad) > 0 {
				t.Errorf("found %q, want nothing", bad)
			}
			if c.want != "" && (len(bad) != 1 || !strings.HasPrefix(bad[0], c.want)) {
				t.Errorf("found %q, want one line that begins %q", bad, c.want)
			}
		})
	}
}

func TestTreeLeavesOut(t *testing.T) {
	sin := &fstest.MapFile{Data: []byte("TO" + "DO\n")}
	bad, read, err := tree(fstest.MapFS{
		"bin/a": sin, "dist/a": sin, ".git/a": sin, "x/testdata/a": sin, "x/y.test": sin,
		"x/binary":   {Data: []byte("TO" + "DO\x00")},
		"x/latin1":   {Data: []byte("TO" + "DO \xe9")},
		".ci/run":    sin,
		"x/bin/a":    sin,
		".gitignore": sin,
	}, "")
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, b := range bad {
		file, _, _ := strings.Cut(b, ":")
		files = append(files, file)
	}
	slices.Sort(files)
	if want := []string{".ci/run", ".gitignore", "x/bin/a"}; !slices.Equal(files, want) || read != 3 {
		t.Errorf("found %q in %d files, want %q in 3", files, read, want)
	}
}
