package statestore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestStore(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state", "gatt")
	s := Open(dir)
	const name = "00:1C:05:FF:F0:30/public"
	if text, err := s.Load(name); err != nil || text != nil {
		t.Errorf("before: %q, %v", text, err)
	}
	if err := s.Forget(name); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder for nothing: %v", err)
	}
	for _, text := range []string{"first", "second", ""} {
		if err := s.Save(name, []byte(text)); err != nil {
			t.Fatal(err)
		}
		// Another process, later.
		if got, err := Open(dir).Load(name); err != nil || string(got) != text {
			t.Errorf("%q, %v", got, err)
		}
	}
	if err := s.Save("other", []byte("x")); err != nil {
		t.Fatal(err)
	}
	for path, mode := range map[string]fs.FileMode{dir: 0o700, filepath.Join(dir, "00%3A1C%3A05%3AFF%3AF0%3A30%2Fpublic.json"): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", path, info, err)
		}
	}
	if err := s.Forget(name); err != nil {
		t.Error(err)
	}
	if text, err := s.Load(name); err != nil || text != nil {
		t.Errorf("after: %q, %v", text, err)
	}
	if text, _ := s.Load("other"); string(text) != "x" {
		t.Errorf("the other has %q", text)
	}
}

// A write that was cut leaves what was there, and does not disturb the next.
func TestACutWrite(t *testing.T) {
	s := Open(t.TempDir())
	if err := s.Save("a", []byte("old")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.path("a")+newEnding, []byte("half of the new, and longer than that"), 0o600); err != nil {
		t.Fatal(err)
	}
	if text, err := s.Load("a"); err != nil || string(text) != "old" {
		t.Errorf("%q, %v", text, err)
	}
	if err := s.Save("a", []byte("new")); err != nil {
		t.Fatal(err)
	}
	if text, err := s.Load("a"); err != nil || string(text) != "new" {
		t.Errorf("%q, %v", text, err)
	}
}

// Names of any kind stay within the folder and apart from each other.
func TestNames(t *testing.T) {
	s := Open(t.TempDir())
	names := []string{"", ".", "..", "../x", "/etc/passwd", "a b", "a%20b", "ä", "\x00", "A", "a", "a.json", "a.json.new", "database of a"}
	for i, name := range names {
		if err := s.Save(name, fmt.Append(nil, i)); err != nil {
			t.Fatalf("%q: %v", name, err)
		}
	}
	for i, name := range names {
		if text, err := s.Load(name); err != nil || string(text) != fmt.Sprint(i) {
			t.Errorf("%q: %q, %v", name, text, err)
		}
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil || len(entries) != len(names) {
		t.Errorf("%d files, %v", len(entries), err)
	}
}

func TestBounds(t *testing.T) {
	s := Open(t.TempDir())
	if s.peers != MaxPeers {
		t.Errorf("room for %d peers", s.peers)
	}
	s.peers = 40 // so many files as there may be take seconds to make
	if err := s.Save("a", make([]byte, MaxState+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("error %v", err)
	}
	if err := s.Save("a", make([]byte, MaxState)); err != nil {
		t.Error(err)
	}
	for i := range s.peers - 1 {
		if err := os.WriteFile(s.path(fmt.Sprint("peer", i)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Save("one more", nil); !errors.Is(err, ErrFull) {
		t.Errorf("error %v", err)
	}
	if err := s.Save("a", []byte("known")); err != nil {
		t.Errorf("a known one: %v", err)
	}
}

// Every way a disk can be in the way is an error that names the package, and nothing panics.
func TestDiskInTheWay(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := Open(filepath.Join(file, "gatt"))
	for name, err := range map[string]error{"save": s.Save("a", nil), "load": second(s.Load("a")), "forget": s.Forget("a")} {
		if err == nil || !strings.HasPrefix(err.Error(), "statestore: ") {
			t.Errorf("%s under a file: %v", name, err)
		}
	}
	s = Open(dir)
	for _, taken := range []string{s.path("b"), s.path("c") + newEnding} {
		if err := os.MkdirAll(filepath.Join(taken, "full"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for name, err := range map[string]error{
		"save over a folder": s.Save("b", nil), "load a folder": second(s.Load("b")), "forget a folder": s.Forget("b"),
		"write over a folder": s.Save("c", nil),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func second(_ []byte, err error) error { return err }

func TestManyAtOnce(t *testing.T) {
	s := Open(t.TempDir())
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			name := fmt.Sprint("peer", i%2)
			for range 20 {
				if err := s.Save(name, []byte(name)); err != nil {
					t.Error(err)
				}
				if text, err := s.Load(name); err != nil || string(text) != name {
					t.Errorf("%q, %v", text, err)
				}
			}
		})
	}
	all.Wait()
}
