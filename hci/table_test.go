package hci

import (
	"go/ast"
	goparser "go/parser"
	"go/token"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"testing"
)

// A row is a line of the table in the package's documentation.
type row struct{ status, name string }

// table reads the table: commands have numbers of four digits, events of two, and subevents begin with LE.
func table(t *testing.T) map[string]row {
	t.Helper()
	f, err := goparser.ParseFile(token.NewFileSet(), "doc.go", nil, goparser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]row{}
	for line := range strings.Lines(f.Doc.Text()) {
		words := strings.Fields(line)
		if len(words) < 3 || !strings.HasPrefix(words[0], "0x") {
			continue
		}
		name := strings.Join(words[2:], " ")
		key := words[0]
		if len(key) == 4 && strings.HasPrefix(name, "LE ") && name != "LE Meta" {
			key = "LE " + key
		}
		if _, twice := rows[key]; twice {
			t.Errorf("%s is there twice", key)
		}
		rows[key] = row{words[1], name}
	}
	return rows
}

// used are the names of opcodes, events and subevents that the code uses beside where they are declared.
func used(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	skip := map[string]bool{"opcode.go": true, "supported_commands.go": true}
	files, err := fs.Glob(os.DirFS("."), "*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if skip[name] || strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := goparser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if g, ok := d.(*ast.GenDecl); ok && (g.Tok == token.CONST || g.Tok == token.VAR && name != "command.go") {
				continue
			}
			ast.Inspect(d, func(n ast.Node) bool {
				if id, ok := n.(*ast.Ident); ok {
					names[id.Name] = true
				}
				return true
			})
		}
	}
	return names
}

// identifier is a specification's name as Go has it here.
func identifier(name string) string {
	return strings.NewReplacer("[v2]", "V2", "_", "", "-", "", " ", "").Replace(name)
}

// The table says of each command and event what the code has of it, and leaves out none that has a name.
func TestTableIsTrue(t *testing.T) {
	rows, names := table(t), used(t)
	named := map[string]string{}
	for op, name := range opcodeNames {
		if op != OpNone {
			named["0x"+strings.ToUpper(strconv.FormatUint(0x10000|uint64(op), 16)[1:])] = name
		}
	}
	for code, name := range eventNames {
		named["0x"+strings.ToUpper(strconv.FormatUint(0x100|uint64(code), 16)[1:])] = name
	}
	for code, name := range subeventNames {
		named["LE 0x"+strings.ToUpper(strconv.FormatUint(0x100|uint64(code), 16)[1:])] = name
	}
	for key, name := range named {
		if rows[key].name != name {
			t.Errorf("%s: the table has %q, the code %q", key, rows[key].name, name)
		}
	}
	for key, r := range rows {
		prefix := "Op"
		if len(key) != len("0x0000") {
			prefix = "Ev"
		}
		_, known := named[key]
		typed := names[prefix+identifier(r.name)] || key == "0x3E" && names["ParseLEMeta"]
		want := map[string][2]bool{"supported": {true, true}, "raw": {true, false}, "absent": {false, false}}
		if state, ok := want[r.status]; !ok || state != [2]bool{known, typed} {
			t.Errorf("%s %s is %q: has a name %v, has a type %v", key, r.name, r.status, known, typed)
		}
	}
	if len(rows) < 180 {
		t.Errorf("%d rows", len(rows))
	}
}
