package layering

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// TestAnEdgeFails adds edges to a small tree, one at a time, and wants each to be found or let pass.
func TestAnEdgeFails(t *testing.T) {
	const m = module + "/"
	for _, c := range []struct {
		name, file, imports string
		want                string // part of the finding; empty when the edge is allowed
	}{
		{"down", "gatt/client.go", m + "att", ""},
		{"up", "att/client.go", m + "gatt", "att may not import gatt"},
		{"past its neighbour", "gatt/client.go", m + "l2cap", "gatt may not import l2cap"},
		{"sideways", "smp/pair.go", m + "l2cap", "smp may not import l2cap"},
		{"to the root", "smp/pair.go", module, "smp may not import "},
		{"the codec stays alone", "hci/event.go", m + "transport", "hci may not import transport"},
		{"cryptography is for anyone", "att/signed.go", m + "internal/btcrypto", ""},
		{"a kit outside a test", "l2cap/mux.go", m + "internal/hcitest", "l2cap may not import internal/hcitest"},
		{"a kit in a test", "l2cap/mux_test.go", m + "internal/hcitest", ""},
		{"leak check in a test", "att/client_test.go", m + "internal/leaktest", ""},
		{"a test up", "att/client_test.go", m + "gap", "att may not import gap"},
		{"an external test imports its package", "smp/example_test.go", m + "smp", ""},
		{"behind a build constraint", "l2cap/l2cap_windows.go", m + "hci/driver", "l2cap may not import hci/driver"},
		{"a package without a row", "util/util.go", "fmt", "package util has no row"},
		{"a new command", "cmd/other/main.go", m + "internal/cli", "package cmd/other has no row"},
		{"the root has no row", "jelling.go", "fmt", "package . has no row"},
		{"the standard library", "hci/event.go", "encoding/binary", ""},
		{"a logger", "gap/host.go", "github.com/sirupsen/logrus", ""},
		{"a logger in the codec", "hci/event.go", "github.com/sirupsen/logrus", "hci may not import github.com/sirupsen/logrus"},
		{"commands are for the command line", "gap/host.go", "github.com/spf13/cobra", "gap may not import github.com/spf13/cobra"},
		{"a package of a module", "transport/user_linux.go", "golang.org/x/sys/unix", ""},
		{"a module with a longer name", "transport/user.go", "golang.org/x/system", "module of golang.org/x/system"},
		{"a module not in the table", "gap/host.go", "example.com/x", "module of example.com/x"},
		{"a module not in the table, in a test", "gap/host_test.go", "example.com/x", "module of example.com/x"},
		{"a package for one's tests", "l2cap/conn_test.go", "golang.org/x/net/nettest", ""},
		{"a package for one's tests, in no test", "l2cap/conn.go", "golang.org/x/net/nettest", "module of golang.org/x/net/nettest"},
		{"a package for another's tests", "att/conn_test.go", "golang.org/x/net/nettest", "module of golang.org/x/net/nettest"},
	} {
		t.Run(c.name, func(t *testing.T) {
			edges, err := read(fstest.MapFS{
				"transport/transport.go": {Data: []byte("package transport\n")},
				c.file:                   {Data: []byte("//go:build never\n\npackage p\n\nimport _ \"" + c.imports + "\"\n")},
			})
			if err != nil {
				t.Fatal(err)
			}
			bad := check(edges)
			if c.want == "" && len(bad) > 0 {
				t.Errorf("refused: %q", bad)
			}
			if c.want != "" && (len(bad) != 1 || !strings.Contains(bad[0], c.want) || !strings.HasPrefix(bad[0], c.file+": ")) {
				t.Errorf("found %q, want one line of %s about %q", bad, c.file, c.want)
			}
		})
	}
}

func TestReadLeavesOut(t *testing.T) {
	src := &fstest.MapFile{Data: []byte("package p\n")}
	edges, err := read(fstest.MapFS{
		"hci/a.go": src, "hci/testdata/b.go": src, ".cache/c.go": src, "_old/d.go": src, "hci/README": src,
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(edges) != 1 || edges[0].file != "hci/a.go" {
		t.Errorf("read %+v, want hci/a.go alone", edges)
	}
}

func TestReadReportsWhatItCannotParse(t *testing.T) {
	if _, err := read(fstest.MapFS{"hci/a.go": {Data: []byte("import")}}); err == nil {
		t.Error("a file that is not Go was read without an error")
	}
}

// TestTablesAgree catches a slip of the pen in the tables themselves.
func TestTablesAgree(t *testing.T) {
	named := slices.Concat(anyone, testKits, quiet)
	for _, rows := range []map[string][]string{table, testTable, thirdParty, testThirdParty} {
		for _, row := range rows {
			named = append(named, row...)
		}
	}
	named = slices.AppendSeq(named, maps.Keys(testTable))
	for _, p := range named {
		if _, ok := table[p]; !ok {
			t.Errorf("%s is named but has no row", p)
		}
	}
	for from, row := range table {
		if slices.Contains(row, from) {
			t.Errorf("%s names itself", from)
		}
		for _, to := range row {
			if slices.Contains(table[to], from) {
				t.Errorf("%s and %s import each other", from, to)
			}
		}
	}
}
