package bluez

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/smp"
)

// put writes files below a folder, by path and text.
func put(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for path, text := range files {
		path = filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

const (
	hostDir = "00:1D:85:F0:01:77"
	peerDir = hostDir + "/00:1C:05:FF:F0:30"
	irkText = "[General]\nIdentityResolvingKey=b1b2b3b4b5b6b7b8b9babbbcbdbebfc0\n"
)

func TestRead(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, map[string]string{
		hostDir + "/identity":                         irkText,
		hostDir + "/settings":                         "[General]\nDiscoverable=false\n",
		hostDir + "/cache/00:1C:05:FF:F0:30":          "[General]\nName=x\n",
		peerDir + "/info":                             secureInfo,
		hostDir + "/C6:05:04:03:02:01/info":           legacyInfo,
		hostDir + "/00:1C:05:FF:F0:31/info":           "",
		hostDir + "/00:1C:05:FF:F0:32/attributes":     "x",
		"static-C0:00:00:00:00:01/identity":           "[General]\nIdentityResolvingKey=00\n",
		"static-C0:00:00:00:00:01/c6:05:04:03:02:01/": "no folder",
		"mesh/x": "",
	})
	adapters, err := Read(dir)
	if err != nil || len(adapters) != 2 {
		t.Fatalf("%d adapters, %v", len(adapters), err)
	}
	a := adapters[0]
	if a.Local != host || a.IRK == nil || *a.IRK != run(0xB1) || a.IRKErr != nil || len(a.Devices) != 4 {
		t.Fatalf("adapter %+v", a)
	}
	for i, want := range []error{nil, ErrDamaged, fs.ErrNotExist, nil} {
		if d := a.Devices[i]; !errors.Is(d.Err, want) {
			t.Errorf("device %s: %v, want %v", d.Peer, d.Err, want)
		}
	}
	if d := a.Devices[3]; d.Peer.Type != hci.Random || d.Bond.Record.Peer != d.Peer || d.Path != filepath.Join(dir, hostDir, "C6:05:04:03:02:01", "info") {
		t.Errorf("device %+v", d)
	}
	if a = adapters[1]; a.Local.Type != hci.Random || !errors.Is(a.IRKErr, ErrDamaged) || a.IRK != nil {
		t.Errorf("adapter %+v", a)
	}
	if _, err := Read(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
}

// TestReadStaysInside gives links that lead out of the folder, and things that are no files.
func TestReadStaysInside(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // links take a privilege there
	}
	dir, outside := t.TempDir(), filepath.Join(t.TempDir(), "info")
	put(t, filepath.Dir(outside), map[string]string{"info": secureInfo})
	put(t, dir, map[string]string{peerDir + "/x": "", hostDir + "/00:1C:05:FF:F0:31/info/x": ""})
	if err := os.Symlink(outside, filepath.Join(dir, peerDir, "info")); err != nil {
		t.Fatal(err)
	}
	adapters, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range adapters[0].Devices {
		if d.Err == nil {
			t.Errorf("%s was read", d.Path)
		}
	}
}

func write(t *testing.T, dir string, irk *smp.Key, c WriteConfig, records ...smp.Record) []Step {
	t.Helper()
	steps, err := Write(dir, host, irk, records, c)
	if err != nil {
		t.Fatal(err)
	}
	return steps
}

func TestWriteAndReadBack(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "bluetooth")
	irk, r := run(0xB1), parse(t, secureInfo).Record
	for _, s := range write(t, dir, &irk, WriteConfig{DryRun: true}, r) {
		if s.Action != Create || s.Err != nil {
			t.Errorf("dry run: %+v", s)
		}
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Fatal("a dry run made the folder")
	}
	for _, want := range []Action{Create, Same} {
		steps := write(t, dir, &irk, WriteConfig{}, r)
		if len(steps) != 2 || !steps[0].Peer.IsZero() || steps[1].Peer != peer {
			t.Fatalf("steps %+v", steps)
		}
		for _, s := range steps {
			if s.Action != want || s.Err != nil {
				t.Errorf("%+v, want %s", s, want)
			}
		}
	}
	adapters, err := Read(dir)
	if err != nil || len(adapters) != 1 || *adapters[0].IRK != irk || len(adapters[0].Devices) != 1 {
		t.Fatalf("%+v, %v", adapters, err)
	}
	if got := adapters[0].Devices[0].Bond.Record; !sameKeys(got.Keys, r.Keys) || got.Peer != peer || got.Local != host {
		t.Errorf("read back %+v", got)
	}
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || runtime.GOOS == "windows" {
			return err
		}
		info, err := e.Info()
		if want := map[bool]fs.FileMode{true: folderMode, false: fileMode}[e.IsDir()]; err == nil && info.Mode().Perm() != want {
			t.Errorf("%s has mode %04o", path, info.Mode().Perm())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestWriteOverwritesNothingUnasked has files there already.
func TestWriteOverwritesNothingUnasked(t *testing.T) {
	other := strings.ReplaceAll(secureInfo, "A1A2", "FFFF")
	for _, c := range []struct {
		name, info, identity string
		want, replaced       [2]Action // of the identity, and of the bond
	}{
		{"other keys", other, strings.ReplaceAll(irkText, "b1", "ff"), [2]Action{Refuse, Refuse}, [2]Action{Replace, Replace}},
		{"damaged", "nonsense", "nonsense", [2]Action{Refuse, Refuse}, [2]Action{Replace, Replace}},
		{"blocked", strings.ReplaceAll(secureInfo, "Blocked=false", "Blocked=true"), irkText, [2]Action{Same, Refuse}, [2]Action{Same, Replace}},
		{"BR/EDR only", "[General]\nName=x\n[LinkKey]\nKey=00\n", "[General]\n", [2]Action{Update, Update}, [2]Action{Update, Update}},
		{"cut short by power", "", "", [2]Action{Create, Create}, [2]Action{Create, Create}},
		{"the same", secureInfo, irkText, [2]Action{Same, Same}, [2]Action{Same, Same}},
	} {
		t.Run(c.name, func(t *testing.T) {
			irk, r := run(0xB1), parse(t, secureInfo).Record
			for _, replace := range []bool{false, true} {
				for _, dry := range []bool{true, false} {
					dir := t.TempDir()
					put(t, dir, map[string]string{peerDir + "/info": c.info, hostDir + "/identity": c.identity})
					want := c.want
					if replace {
						want = c.replaced
					}
					steps := write(t, dir, &irk, WriteConfig{Replace: replace, DryRun: dry}, r)
					if got := [2]Action{steps[0].Action, steps[1].Action}; got != want {
						t.Errorf("replace %v, dry run %v: %v, want %v", replace, dry, got, want)
					}
					text, err := os.ReadFile(filepath.Join(dir, peerDir, "info"))
					if err != nil {
						t.Fatal(err)
					}
					if untouched := dry || want[1] == Refuse || want[1] == Same; untouched != (string(text) == c.info) {
						t.Errorf("replace %v, dry run %v: the file is now\n%s", replace, dry, text)
					}
				}
			}
		})
	}
}

func TestWriteRefuses(t *testing.T) {
	dir := t.TempDir()
	r := parse(t, secureInfo).Record
	r.Keys.KeySize = 5
	elsewhere := parse(t, secureInfo).Record
	elsewhere.Local = peer
	if steps := write(t, dir, nil, WriteConfig{}, r, elsewhere); len(steps) != 1 || steps[0].Action != Refuse || !errors.Is(steps[0].Err, ErrKeySize) {
		t.Errorf("steps %+v", steps)
	}
	if _, err := Write(dir, hci.Address{}, nil, nil, WriteConfig{}); !errors.Is(err, ErrAddress) {
		t.Errorf("no local identity: %v", err)
	}
	file := filepath.Join(dir, "file")
	put(t, dir, map[string]string{"file": "x"})
	if _, err := Write(file, host, nil, nil, WriteConfig{}); err == nil {
		t.Error("a file serves as folder")
	}
}

// TestWriteFails has a folder where the file belongs.
func TestWriteFails(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, map[string]string{peerDir + "/info/x": "", hostDir + "/identity/x": ""})
	irk := run(1)
	for _, s := range write(t, dir, &irk, WriteConfig{Replace: true}, parse(t, secureInfo).Record) {
		if s.Action != Refuse || s.Err == nil {
			t.Errorf("%+v", s)
		}
	}
}
