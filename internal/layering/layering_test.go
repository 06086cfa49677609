package layering

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/jelling-ble/jelling"

// table is the rule. A package may import itself (its external tests do), the packages that its row names,
// and nothing else of this module. The consumer declares the interface, in the words of its own chapter,
// and gap asserts that the provider fits: that is why att needs nobody and smp does not know l2cap.
// internal/btcrypto may be imported by anyone and so appears in no row.
var table = map[string][]string{
	"transport":         {},
	"transport/virtual": {"transport", "hci"},
	"hci":               {},
	"hci/driver":        {"transport", "hci"},
	"hci/vendor":        {"hci"},
	"l2cap":             {"hci"},
	"smp":               {"hci"},
	"smp/bondstore":     {"smp", "hci"},
	"smp/bluez":         {"smp", "hci"},
	"att":               {},
	"att/atttest":       {"att"},
	"gatt":              {"att"},
	"gatt/assigned":     {"att"},
	"gatt/profile":      {"gatt", "gatt/assigned", "att"},
	"gatt/statestore":   {"gatt"},
	"gatt/value":        {"att"},
	"gap": {
		"transport", "transport/virtual", "hci", "hci/driver", "hci/vendor", "l2cap", "smp", "smp/bondstore", "att", "gatt",
	},
	// The commands print addresses and statuses, find characteristics by UUID, and serve an oximeter: the words of
	// hci, l2cap, att and gatt are theirs too. They reach no controller but through gap.
	"internal/cli": {
		"gap", "transport", "transport/virtual", "smp", "smp/bluez", "smp/bondstore", "hci", "hci/vendor", "l2cap", "att", "gatt", "gatt/assigned", "gatt/profile", "gatt/statestore", "gatt/value",
	},
	"cmd/jelling": {"internal/cli"},

	"internal/btcrypto":   {},
	"internal/hcitest":    {"transport", "hci"},
	"internal/leaktest":   {},
	"internal/secrettest": {},
	"internal/layering":   {},
	"internal/habits":     {},
	"test/lab":            {},
}

// anyone lists what every package may import.
var anyone = []string{"internal/btcrypto"}

// testKits lists what every test may import beyond its package's row: the packet pipe and its words, the
// two fake controllers that speak them, the leak check and the search for keys.
var testKits = []string{"transport", "hci", "transport/virtual", "internal/hcitest", "internal/leaktest", "internal/secrettest"}

// testTable lists what the tests of single packages may import beyond that.
var testTable = map[string][]string{
	"att":          {"att/atttest"},
	"gatt":         {"att/atttest"},
	"gatt/profile": {"att/atttest"},
	"gap":          {"gatt/statestore"},
	"internal/cli": {"att/atttest"},
	// A peripheral of ours, where BlueZ's cannot be had: behind the virtual controllers' sockets.
	"test/lab": {"gap", "gatt", "att", "smp", "l2cap", "hci/driver"},
}

// thirdParty says who may import which module; nil is every package. The codecs and the cryptography need
// none, so a logger is not for everyone either: see quiet.
var thirdParty = map[string][]string{
	"github.com/sirupsen/logrus": nil,
	"github.com/spf13/cobra":     {"internal/cli"},
	"github.com/tarm/serial":     {"transport"},
	"golang.org/x/sys":           {"transport", "test/lab", "smp/bondstore"}, // smp/bondstore: the kernel keyring
	// Firmware as distributions pack it.
	"github.com/klauspost/compress": {"hci/vendor"},
	"github.com/ulikunitz/xz":       {"hci/vendor"},
}

// testThirdParty says whose tests may import which package of a module beyond that.
var testThirdParty = map[string][]string{
	"golang.org/x/net/nettest": {"l2cap"}, // what every net.Conn has to keep
}

// quiet lists the packages that import the standard library only.
var quiet = []string{"hci", "internal/btcrypto", "internal/leaktest", "internal/layering", "internal/habits"}

// An edge is one import of one file.
type edge struct {
	file string // path from the module's root
	from string // the importing package's folder
	to   string // the import path
	test bool
}

// check returns a line for every edge, and every package, that the tables do not allow.
func check(edges []edge) []string {
	var bad []string
	for _, e := range edges {
		if why := judge(e); why != "" {
			bad = append(bad, fmt.Sprintf("%s: %s", e.file, why))
		}
	}
	return bad
}

// judge returns why an edge is not allowed, or nothing.
func judge(e edge) string {
	row, known := table[e.from]
	if !known {
		return fmt.Sprintf("package %s has no row in the import table", e.from)
	}
	if e.to == module || strings.HasPrefix(e.to, module+"/") {
		to := strings.TrimPrefix(strings.TrimPrefix(e.to, module), "/")
		allowed := slices.Concat(row, anyone, []string{e.from})
		if e.test {
			allowed = slices.Concat(allowed, testKits, testTable[e.from])
		}
		if !slices.Contains(allowed, to) {
			return fmt.Sprintf("%s may not import %s", e.from, to)
		}
		return ""
	}
	if first, _, _ := strings.Cut(e.to, "/"); !strings.Contains(first, ".") {
		return "" // the standard library
	}
	return judgeThirdParty(e)
}

func judgeThirdParty(e edge) string {
	if e.test && slices.Contains(testThirdParty[e.to], e.from) {
		return ""
	}
	for mod, who := range thirdParty {
		if e.to != mod && !strings.HasPrefix(e.to, mod+"/") {
			continue
		}
		if slices.Contains(quiet, e.from) || who != nil && !slices.Contains(who, e.from) {
			return fmt.Sprintf("%s may not import %s", e.from, e.to)
		}
		return ""
	}
	return fmt.Sprintf("module of %s is not in the table", e.to)
}

// read returns the imports of every .go file below the root, build constraints or not. A file that imports
// nothing still gives one edge, to the standard library, so that its package is seen.
func read(root fs.FS) ([]edge, error) {
	var edges []edge
	err := fs.WalkDir(root, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if n := d.Name(); n != "." && (n[0] == '.' || n[0] == '_' || n == "testdata") {
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(p) != ".go" {
			return nil
		}
		src, err := fs.ReadFile(root, p)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), p, src, parser.ImportsOnly)
		if err != nil {
			return err
		}
		e := edge{file: p, from: path.Dir(p), test: strings.HasSuffix(p, "_test.go")}
		if len(f.Imports) == 0 {
			e.to = "unsafe"
			edges = append(edges, e)
		}
		for _, i := range f.Imports {
			if e.to, err = strconv.Unquote(i.Path.Value); err != nil {
				return fmt.Errorf("%s: %w", p, err)
			}
			edges = append(edges, e)
		}
		return nil
	})
	return edges, err
}

func TestImportsGoDownOnly(t *testing.T) {
	edges, err := read(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, e := range edges {
		seen[e.from] = true
	}
	if !seen["transport"] || !seen["internal/layering"] {
		t.Fatalf("the tree was not read: packages %v", seen)
	}
	for _, bad := range check(edges) {
		t.Error(bad)
	}
}
