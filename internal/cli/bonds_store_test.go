package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jelling-ble/jelling/gatt/statestore"
)

func TestStateKey(t *testing.T) {
	dir, key := t.TempDir(), filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte(strings.Repeat("5a", 32)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantResult(t, jelling(t, dir, "bonds", "import", "--from-bluez", bluezTree(t, nil), "--state-key", key), 0, "1 imported")
	wantResult(t, jelling(t, dir, "bonds", "list"), 1, "encrypted with another key", "--state-key FILE")
	wantResult(t, jelling(t, dir, "bonds", "list", "--state-key", key), 0, "bonded, encrypted")
	wantResult(t, jelling(t, dir, "bonds", "list", "--state-key", key+"x"), 1, "the state key")
	wantResult(t, jelling(t, dir, "bonds", "list", "--max-bonds=-1"), 2, "--max-bonds -1")
}

func TestMaxBonds(t *testing.T) {
	const another = "00:1C:05:FF:F0:31"
	dir, from := t.TempDir(), bluezTree(t, map[string]string{bluezHost + "/" + another + "/info": bluezInfo})
	for _, a := range []string{address, another} {
		if err := statestore.Open(filepath.Join(dir, "state", gattFolder)).Save(a+"/public", []byte("{}")); err != nil {
			t.Fatal(err)
		}
	}
	r := jelling(t, dir, "bonds", "import", "--from-bluez", from, "--max-bonds", "1", "--json")
	var gone object
	for _, o := range r.objects(t) {
		if o["event"] == "evicted" {
			gone = o
		}
	}
	if r.status != 0 || gone["address"] != address || gone["for"] != another+"/public" || gone["bonded"] != true {
		t.Errorf("exit status %d, evicted %v", r.status, gone)
	}
	if r = jelling(t, dir, "bonds", "list"); strings.Count(r.stdout, "\n") != 1 || !strings.Contains(r.stdout, another) {
		t.Errorf("there is\n%s", r.stdout)
	}
	if kept := keptByGATT(t, dir); len(kept) != 1 || !strings.Contains(kept[0], "31") {
		t.Errorf("%v is kept", kept)
	}
}

// keptByGATT is the files of what GATT keeps of peers.
func keptByGATT(t *testing.T, dir string) (names []string) {
	t.Helper()
	files, err := os.ReadDir(filepath.Join(dir, "state", gattFolder))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		names = append(names, f.Name())
	}
	return names
}
