package bondstore

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/jelling-ble/jelling/smp"
)

func stateKey(t *testing.T, first byte) *StateKey {
	t.Helper()
	k, err := NewStateKey(bytes.Repeat([]byte{first}, secretSize))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func openWith(t *testing.T, dir string, k *StateKey) *Store {
	t.Helper()
	s, err := Open(dir, Config{Key: k, Report: func(p Problem) { t.Errorf("%v", p) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// secretBond is a bond whose key is found in any text.
func secretBond(first byte) smp.Record {
	r := bond(peerA, 1)
	r.Keys.Peer.Key = secretKey(first)
	return r
}

// holds tells which files below a folder hold a key of secretBond in the clear.
func holds(t *testing.T, dir string, k smp.Key) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if leaks(string(text), k) != "" {
			files = append(files, e.Name())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestEncryption(t *testing.T) {
	dir, key := filepath.Join(t.TempDir(), "state"), stateKey(t, 1)
	s := openWith(t, dir, key)
	irk, err := s.LocalIRK(host)
	if err := errors.Join(err, s.Save(secretBond(0x81)), s.Save(secretBond(0x92)), s.Save(secretBond(0x92)), s.Close()); err != nil {
		t.Fatal(err)
	}
	for _, k := range []smp.Key{irk, secretKey(0x81), secretKey(0x92)} {
		if in := holds(t, dir, k); len(in) != 0 {
			t.Errorf("a key is in the clear in %v", in)
		}
	}
	for _, other := range []*StateKey{nil, stateKey(t, 2)} {
		for _, open := range []func(string, Config) (*Store, error){Open, OpenReadOnly} {
			if _, err := open(dir, Config{Key: other}); !errors.Is(err, ErrKey) {
				t.Errorf("with %v: %v, want ErrKey", other, err)
			}
		}
	}
	s = openWith(t, dir, key)
	if r, ok := s.Load(host, peerA); !ok || !r.Keys.Equal(secretBond(0x92).Keys) {
		t.Error("the bond is lost")
	}
	if again, err := s.LocalIRK(host); err != nil || again != irk {
		t.Errorf("another identity, %v", err)
	}
	reader, err := OpenReadOnly(dir, Config{Key: key})
	if err != nil || len(reader.List(host)) != 1 {
		t.Errorf("beside the writer: %v", err)
	}
	if err := errors.Join(s.Delete(host, peerA), s.Close()); err != nil {
		t.Fatal(err)
	}
	if s = openWith(t, dir, key); len(s.List(host)) != 0 {
		t.Error("what was deleted is there")
	}
}

// TestEncryptionOfWhatIsThere gives a key to a folder that had none.
func TestEncryptionOfWhatIsThere(t *testing.T) {
	for _, onlyPrevious := range []bool{false, true} {
		dir := filepath.Join(t.TempDir(), "state")
		s := openWith(t, dir, nil)
		irk, err := s.LocalIRK(host)
		if err := errors.Join(err, s.Save(secretBond(0x81)), s.Save(secretBond(0x92)), s.Close()); err != nil {
			t.Fatal(err)
		}
		path := s.shelf.path(pair{host, peerA})
		last := secretKey(0x92)
		if onlyPrevious { // as a power cut leaves it
			last = secretKey(0x81)
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			s = openWith(t, dir, stateKey(t, 1))
			for _, k := range []smp.Key{irk, secretKey(0x81), secretKey(0x92)} {
				if in := holds(t, dir, k); len(in) != 0 {
					t.Errorf("only previous %v: a key is in the clear in %v", onlyPrevious, in)
				}
			}
			if r, ok := s.Load(host, peerA); !ok || r.Keys.Peer.Key != last {
				t.Errorf("only previous %v: another bond", onlyPrevious)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestEncryptedFilesAreBoundToTheirNames damages files and puts one in place of another.
func TestEncryptedFilesAreBoundToTheirNames(t *testing.T) {
	key := stateKey(t, 1)
	text, err := marshalBond(bond(peerA, 1))
	if err != nil {
		t.Fatal(err)
	}
	wrapped, err := key.enclose(text, "a")
	if err != nil {
		t.Fatal(err)
	}
	if out, plain, err := key.disclose(wrapped, "a"); err != nil || plain || !bytes.Equal(out, text) {
		t.Errorf("%v, plain %v", err, plain)
	}
	if _, _, err := key.disclose(wrapped, "b"); !errors.Is(err, ErrDamaged) {
		t.Errorf("under another name: %v", err)
	}
	if again, _ := key.enclose(text, "a"); bytes.Equal(again, wrapped) {
		t.Error("a nonce was used twice")
	}
	body := wrapped[:len(wrapped)-sealLength]
	for _, c := range []struct {
		name     string
		old, new string
		want     error
	}{
		{"cipher", cipherName, "AES-512", ErrNewer},
		{"key", `"key": "`, `"key": "0`, ErrKey},
		{"nonce", `"nonce": "`, `"nonce": "AAAA`, ErrDamaged},
		{"no base64", `"text": "`, `"text": "!`, ErrDamaged},
		{"octets", `"text": "`, `"text": "AAAA`, ErrDamaged},
	} {
		changed := sealed([]byte(strings.Replace(string(body), c.old, c.new, 1)))
		if _, _, err := key.disclose(changed, "a"); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	for n := range wrapped {
		if out, plain, _ := key.disclose(wrapped[:n], "a"); !plain || len(out) != n {
			t.Fatalf("%d octets of it pass for whole", n)
		}
	}
}

func TestReadStateKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	put := func(text string, mode fs.FileMode) {
		if err := errors.Join(os.WriteFile(path, []byte(text), mode), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
	}
	raw := strings.Repeat("\x01", secretSize)
	for _, good := range []string{raw, strings.Repeat("01", secretSize), strings.Repeat("01", secretSize) + "\r\n"} {
		put(good, 0o600)
		if k, err := ReadStateKey(path); err != nil || k.id != stateKey(t, 1).id {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{"", raw[1:], raw + raw, strings.Repeat("0g", secretSize), strings.Repeat("0", 999)} {
		put(bad, 0o600)
		if _, err := ReadStateKey(path); !errors.Is(err, ErrSecret) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	put(raw, 0o644)
	var open *FolderError
	if _, err := ReadStateKey(path); runtime.GOOS != "windows" && !errors.As(err, &open) {
		t.Errorf("a key for everybody: %v", err)
	}
	if _, err := ReadStateKey(path + "x"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if _, err := ReadStateKey("keyring:jelling-test-that-is-not-there"); err == nil {
		t.Error("no such key in the keyring")
	}
	if said := fmt.Sprintf("%v %+v %#v", stateKey(t, 1), stateKey(t, 1), Config{Key: stateKey(t, 1)}.Key); strings.Count(said, "(state key)") != 3 {
		t.Errorf("it prints as %s", said)
	}
}

func FuzzDisclose(f *testing.F) {
	k, err := NewStateKey(make([]byte, secretSize))
	if err != nil {
		f.Fatal(err)
	}
	wrapped, err := k.enclose([]byte("text"), "a")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(wrapped[:len(wrapped)-sealLength])
	f.Fuzz(func(t *testing.T, text []byte) {
		_, _, _ = k.disclose(text, "a")
		_, _, _ = k.disclose(sealed(text), "a")
	})
}

// TestClockBackwards has the older generation look newer: times are not asked.
func TestClockBackwards(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	s := openWith(t, dir, nil)
	if err := errors.Join(s.Save(secretBond(0x81)), s.Save(secretBond(0x92)), s.Close()); err != nil {
		t.Fatal(err)
	}
	path := s.shelf.path(pair{host, peerA})
	early, late := time.Unix(0, 0), time.Now().Add(50*365*24*time.Hour)
	if err := errors.Join(os.Chtimes(path, early, early), os.Chtimes(path+previousEnding, late, late)); err != nil {
		t.Fatal(err)
	}
	s = openWith(t, dir, nil)
	if r, ok := s.Load(host, peerA); !ok || r.Keys.Peer.Key != secretKey(0x92) {
		t.Error("the older generation was taken")
	}
}
