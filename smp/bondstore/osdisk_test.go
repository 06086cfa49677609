//go:build unix

package bondstore

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/smp"
)

// openDir opens a store on the real disk and closes it when the test ends.
func openDir(t *testing.T, dir string) (*Store, *problems) {
	t.Helper()
	told := &problems{}
	s, err := Open(dir, told.config())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, told
}

func mustSave(t *testing.T, s *Store, r smp.Record) {
	t.Helper()
	if err := s.Save(r); err != nil {
		t.Fatal(err)
	}
}

// bondPath is where the bond with peerA lies.
func bondPath(dir string) string {
	return filepath.Join(dir, "00-1D-85-F0-01-77-public", "00-1C-05-FF-F0-30-public.json")
}

// modes is every file and folder below dir with its mode.
func modes(t *testing.T, dir string) map[string]fs.FileMode {
	t.Helper()
	all := map[string]fs.FileMode{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		all[rel] = info.Mode()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestLayoutAndModes(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0))
	dir := filepath.Join(t.TempDir(), "state", "bonds")
	s, told := openDir(t, dir)
	mustSave(t, s, bond(peerA, 1))
	mustSave(t, s, bond(peerA, 2))
	if _, err := s.LocalIRK(host); err != nil {
		t.Fatal(err)
	}
	want := map[string]fs.FileMode{
		".": fs.ModeDir | 0o700, "lock": 0o600, "identity.json": 0o600, "identity.json.previous": 0o600,
		"00-1D-85-F0-01-77-public":                                        fs.ModeDir | 0o700,
		"00-1D-85-F0-01-77-public/00-1C-05-FF-F0-30-public.json":          0o600,
		"00-1D-85-F0-01-77-public/00-1C-05-FF-F0-30-public.json.previous": 0o600,
	}
	if got := modes(t, dir); !reflect.DeepEqual(got, want) {
		t.Errorf("files %v, want %v", got, want)
	}
	if got := modes(t, filepath.Dir(dir))["."]; got != fs.ModeDir|0o700 {
		t.Errorf("the folder above has mode %v", got)
	}
	if err := s.Delete(host, peerA); err != nil {
		t.Fatal(err)
	}
	if got := modes(t, s.shelf.folder(host)); len(got) != 1 {
		t.Errorf("after Delete there is %v", got)
	}
	if len(*told) != 0 {
		t.Errorf("told %v", *told)
	}
}

// TestDamagedFile damages the current file on disk: it is told of, set aside, and the previous one used.
func TestDamagedFile(t *testing.T) {
	for _, c := range []struct {
		name   string
		damage func(text []byte) []byte
		says   string
	}{
		{"empty", func([]byte) []byte { return nil }, "damaged: empty"},
		{"cut", func(text []byte) []byte { return text[:len(text)/2] }, "damaged"},
		{"zeros", func(text []byte) []byte { return make([]byte, len(text)) }, "do not end with a checksum"},
		{"garbage", func([]byte) []byte { return bytes.Repeat([]byte{0xA5, 0x5A}, 700) }, "do not end with a checksum"},
		{"one octet", func(text []byte) []byte { text[200] ^= 1; return text }, "the checksum is wrong"},
		{"longer than any", func(text []byte) []byte { return bytes.Repeat(text, 100) }, "longer than 65536 octets"},
		{"another peer's", func([]byte) []byte { text, _ := marshalBond(bond(peerB, 1)); return text }, "it is the bond of"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			s, _ := openDir(t, dir)
			for generation := range 3 {
				mustSave(t, s, bond(peerA, byte(generation+1)))
			}
			mustSave(t, s, bond(peerB, 1))
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(bondPath(dir))
			if err != nil {
				t.Fatal(err)
			}
			damaged := c.damage(text)
			if err := os.WriteFile(bondPath(dir), damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			s, told := openDir(t, dir)
			if got := stateOf(s); !oneOf(got, state{peerA: bond(peerA, 2), peerB: bond(peerB, 1)}) {
				t.Errorf("read %v, want the previous generation", got)
			}
			if len(*told) != 1 {
				t.Fatalf("told %v", *told)
			}
			p := (*told)[0]
			if p.Path != bondPath(dir) || !errors.Is(p.Err, ErrDamaged) || !strings.Contains(p.Err.Error(), c.says) || !strings.Contains(p.Action, "damaged-1; the previous generation is used") {
				t.Errorf("told %v", p)
			}
			if aside, err := os.ReadFile(bondPath(dir) + ".damaged-1"); err != nil || !bytes.Equal(aside, damaged) {
				t.Errorf("set aside: %d octets, %v, want %d", len(aside), err, len(damaged))
			}
			mustSave(t, s, bond(peerA, 4))
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if again, told := openDir(t, dir); !oneOf(stateOf(again), state{peerA: bond(peerA, 4), peerB: bond(peerB, 1)}) || len(*told) != 0 {
				t.Errorf("opened again: %v, told %v", stateOf(again), *told)
			}
		})
	}
}

// TestBothGenerationsDamaged loses a bond, and says so; what is set aside is bounded, and goes with Delete.
func TestBothGenerationsDamaged(t *testing.T) {
	dir := t.TempDir()
	for round := range maxDamaged + 3 {
		s, told := openDir(t, dir)
		if round > 0 && (len(*told) != 2 || !strings.Contains((*told)[1].Action, "the bond is lost") || len(s.List(host)) != 0) {
			t.Fatalf("round %d: told %v", round, *told)
		}
		for generation := range 2 {
			mustSave(t, s, bond(peerA, byte(generation+1)))
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{bondPath(dir), bondPath(dir) + previousEnding} {
			if err := os.WriteFile(path, fmt.Append(nil, "damaged in round ", round), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	s, _ := openDir(t, dir)
	if got := len(modes(t, filepath.Dir(bondPath(dir)))); got != 2*maxDamaged+1 {
		t.Errorf("%d files, want %d", got-1, 2*maxDamaged)
	}
	if err := s.Delete(host, peerA); err != nil {
		t.Fatal(err)
	}
	if got := modes(t, filepath.Dir(bondPath(dir))); len(got) != 1 {
		t.Errorf("after Delete there is %v", got)
	}
}

func TestNewerFile(t *testing.T) {
	dir := t.TempDir()
	s, _ := openDir(t, dir)
	mustSave(t, s, bond(peerA, 1))
	mustSave(t, s, bond(peerA, 2))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	newer := document("2", ",\n  \"anything\": true")
	if err := os.WriteFile(bondPath(dir), newer, 0o600); err != nil {
		t.Fatal(err)
	}
	s, told := openDir(t, dir)
	if len(*told) != 1 || !errors.Is((*told)[0].Err, ErrNewer) || (*told)[0].Action != "left alone; the bond is not loaded" {
		t.Errorf("told %v", *told)
	}
	if _, ok := s.Load(host, peerA); ok {
		t.Error("the older generation was used")
	}
	if err := s.Save(bond(peerA, 3)); !errors.Is(err, ErrNewer) || !strings.Contains(err.Error(), bondPath(dir)+" is left alone: written by a newer release: version 2") {
		t.Errorf("Save: %v", err)
	}
	mustSave(t, s, bond(peerB, 1)) // which the one that is pending does not hold up
	if text, err := os.ReadFile(bondPath(dir)); err != nil || !bytes.Equal(text, newer) {
		t.Errorf("the file is now %q, %v", text, err)
	}
	if err := s.Delete(host, peerA); err != nil || s.Err() != nil {
		t.Errorf("Delete: %v, Err: %v", err, s.Err())
	}
	mustSave(t, s, bond(peerA, 4))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if again, told := openDir(t, dir); len(*told) != 0 || len(again.List(host)) != 2 {
		t.Errorf("opened again: %v, told %v", stateOf(again), *told)
	}
}

// TestLeftovers has what killed writers and people leave in the folders.
func TestLeftovers(t *testing.T) {
	dir := t.TempDir()
	s, _ := openDir(t, dir)
	mustSave(t, s, bond(peerA, 1))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Dir(bondPath(dir))
	for name, stays := range map[string]bool{
		bondPath(dir) + newEnding:                           false,
		filepath.Join(dir, identityName+newEnding):          false,
		filepath.Join(dir, identityName+".previous.new"):    false,
		filepath.Join(folder, "notes.txt"):                  true,
		filepath.Join(folder, "notes.txt.new"):              true,
		filepath.Join(dir, "README"):                        true,
		bondPath(dir) + ".damaged-1":                        true,
		filepath.Join(folder, nameOf(peerB)+".json~"):       true,
		filepath.Join(folder, nameOf(peerB)+".json.new"):    false,
		filepath.Join(folder, nameOf(peerB)+".json.damage"): true,
	} {
		if err := os.WriteFile(name, []byte("left"), 0o600); err != nil {
			t.Fatal(err)
		}
		defer func() {
			if _, err := os.Stat(name); stays != (err == nil) {
				t.Errorf("%s: %v, is to stay: %v", name, err, stays)
			}
		}()
	}
	s, told := openDir(t, dir)
	if got := stateOf(s); !oneOf(got, state{peerA: bond(peerA, 1)}) || len(*told) != 0 {
		t.Errorf("read %v, told %v", got, *told)
	}
}

// TestOddFiles has folders, pipes and links where files belong: none of them holds Open up.
func TestOddFiles(t *testing.T) {
	dir := t.TempDir()
	s, _ := openDir(t, dir)
	mustSave(t, s, bond(peerA, 1))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Dir(bondPath(dir))
	name := func(n byte) string {
		return filepath.Join(folder, nameOf(hci.Address{Octets: [6]byte{n}})+bondEnding)
	}
	for _, err := range []error{
		os.Mkdir(name(1), 0o700),
		syscall.Mkfifo(name(2), 0o600),
		os.Symlink(bondPath(dir), name(3)),
		os.Symlink("nowhere", name(4)),
		os.WriteFile(filepath.Join(dir, nameOf(peerB)), nil, 0o600),
		os.Mkdir(filepath.Join(dir, identityName), 0o700),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	s, told := openDir(t, dir)
	if got := stateOf(s); !oneOf(got, state{peerA: bond(peerA, 1)}) || len(*told) != 4 {
		t.Errorf("read %v, told %v", got, *told)
	}
	if _, err := s.StaticAddress(); err == nil {
		t.Error("a folder was replaced by a file")
	}
	mustSave(t, s, bond(peerB, 2))
}

func TestOpenModes(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(dir string) error
		says    []string
	}{
		{"an empty folder", func(dir string) error { return os.Chmod(dir, 0o755) }, []string{"mode 0755: tightened to 0700"}},
		{"a folder with a store in it", func(dir string) error {
			return errors.Join(os.Chmod(dir, 0o770), os.Chmod(filepath.Dir(bondPath(dir)), 0o750), os.Chmod(bondPath(dir), 0o644))
		}, []string{"mode 0770: tightened to 0700", "mode 0750: tightened to 0700", "mode 0644: tightened to 0600; whoever could read it may know the keys"}},
		{"an identity", func(dir string) error { return os.Chmod(filepath.Join(dir, identityName), 0o604) }, []string{"mode 0604: tightened to 0600"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if !strings.HasPrefix(c.name, "an empty") {
				s, _ := openDir(t, dir)
				mustSave(t, s, bond(peerA, 1))
				if _, err := s.LocalIRK(host); err != nil {
					t.Fatal(err)
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
			}
			if err := c.prepare(dir); err != nil {
				t.Fatal(err)
			}
			var before problems
			if _, err := OpenReadOnly(dir, before.config()); err != nil || len(before) != len(c.says) || !strings.Contains(before.String(), "left as it is") {
				t.Errorf("for reading: %v, told %v", err, before)
			}
			_, told := openDir(t, dir)
			if len(*told) != len(c.says) {
				t.Errorf("told %v, want %q", *told, c.says)
			}
			for _, want := range c.says {
				if !strings.Contains(told.String(), want) {
					t.Errorf("told %v, want %q", *told, want)
				}
			}
			for path, mode := range modes(t, dir) {
				if mode.Perm()&0o077 != 0 {
					t.Errorf("%s has mode %v", path, mode)
				}
			}
		})
	}
}

// TestUnfitFolder gives folders that must not be touched.
func TestUnfitFolder(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "thesis.txt"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	var folder *FolderError
	if _, err := Open(dir, Config{}); !errors.As(err, &folder) || !strings.Contains(err.Error(), `mode 0755, and it holds "thesis.txt"`) {
		t.Errorf("somebody's folder: %v", err)
	}
	if got := modes(t, dir); got["."].Perm() != 0o755 || len(got) != 2 {
		t.Errorf("it is now %v", got)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	openDir(t, dir) // closed to others, it may hold what it likes
	if _, err := Open(filepath.Join(dir, "thesis.txt"), Config{}); !errors.As(err, &folder) || !strings.Contains(err.Error(), "is no folder") {
		t.Errorf("a file: %v", err)
	}
	if _, err := Open(filepath.Join(dir, "thesis.txt", "bonds"), Config{}); err == nil || !strings.HasPrefix(err.Error(), "bondstore: ") {
		t.Errorf("below a file: %v", err)
	}
}

// TestFolderOfAnotherUser can't be told to the real disk by a test that runs as root.
func TestFolderOfAnotherUser(t *testing.T) {
	for _, c := range []struct {
		err   error
		fatal bool
	}{{syscall.EPERM, true}, {syscall.EROFS, false}} {
		m := newModel()
		run(t, m, []operation{save(peerA, 1)})
		n, err := m.find(modelDir)
		if err != nil {
			t.Fatal(err)
		}
		n.mode |= 0o055
		m.fail = func(_ int, operation string) error {
			if operation == "chmod" {
				return c.err
			}
			return nil
		}
		var told problems
		_, err = open(modelDir, told.config(), m, false)
		var folder *FolderError
		if c.fatal != errors.As(err, &folder) || !c.fatal && (err != nil || len(told) != 1 || !strings.Contains(told[0].Action, "could not be tightened")) {
			t.Errorf("%v: %v, told %v", c.err, err, told)
		}
	}
}

func TestLockFile(t *testing.T) {
	dir := t.TempDir()
	s, _ := openDir(t, dir)
	_, err := Open(dir, Config{})
	var locked *LockedError
	if !errors.As(err, &locked) || locked.PID != os.Getpid() || locked.Path != filepath.Join(dir, lockName) {
		t.Fatalf("a second writer: %v", err)
	}
	if want := fmt.Sprintf("bondstore: %s is held by process %d", locked.Path, os.Getpid()); err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
	mustSave(t, s, bond(peerA, 1))
	reader, err := OpenReadOnly(dir, Config{})
	if err != nil || len(reader.List(host)) != 1 {
		t.Errorf("a reader beside it: %v", err)
	}
	if err := os.WriteFile(locked.Path, []byte("nobody\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Config{}); err == nil || err.Error() != "bondstore: "+locked.Path+" is held by another process" {
		t.Errorf("a lock without a number: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	openDir(t, dir)
}

func TestThousandBonds(t *testing.T) {
	m := newModel() // a real disk takes seconds for what is to be durable a thousand times
	s, err := open(modelDir, Config{}, m, false)
	if err != nil {
		t.Fatal(err)
	}
	peer := func(n int) hci.Address {
		return hci.Address{Type: hci.Random, Octets: [6]byte{byte(n), byte(n >> 8), 0, 0, 0, 0xC0}}
	}
	want := state{}
	for n := range 1000 {
		r := bond(peer(n), byte(n))
		mustSave(t, s, r)
		want[r.Peer] = r
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	told := &problems{}
	again, err := open(modelDir, told.config(), m, false)
	if err != nil {
		t.Fatal(err)
	}
	if got := stateOf(again); !oneOf(got, want) || len(*told) != 0 {
		t.Errorf("%d bonds, want %d; told %v", len(got), len(want), *told)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

// TestConcurrency lets many goroutines at one store, and wants memory and disk to agree in the end.
func TestConcurrency(t *testing.T) {
	dir := t.TempDir()
	s, _ := openDir(t, dir)
	peers := []hci.Address{peerA, peerB, {Octets: [6]byte{1}}}
	var workers sync.WaitGroup
	for worker := range 8 {
		workers.Go(func() {
			for i := range 12 {
				peer := peers[(worker+i)%len(peers)]
				var err error
				switch (worker + i) % 5 {
				case 0:
					err = s.Delete(host, peer)
				case 1:
					_, err = s.LocalIRK(peer)
				case 2:
					_, err = s.StaticAddress()
				default:
					err = s.Save(bond(peer, byte(worker*12+i)))
				}
				if err != nil {
					t.Error(err)
				}
				if r, ok := s.Load(host, peer); ok && r.Keys.Peer.Key[15] != byte(r.Keys.Peer.EDIV) {
					t.Errorf("a mixed record %v", r)
				}
				s.List(host)
			}
		})
	}
	workers.Wait()
	want := stateOf(s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if again, told := openDir(t, dir); !oneOf(stateOf(again), want) || len(*told) != 0 {
		t.Errorf("disk has %v, memory had %v; told %v", stateOf(again), want, *told)
	}
}

// TestRelativeFolder opens a store below the working folder.
func TestRelativeFolder(t *testing.T) {
	t.Chdir(t.TempDir())
	s, _ := openDir(t, filepath.Join("a", "b"))
	mustSave(t, s, bond(peerA, 1))
	if _, err := os.Stat(bondPath(filepath.Join("a", "b"))); err != nil {
		t.Error(err)
	}
}
