package vendor

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func TestCandidates(t *testing.T) {
	for _, tt := range []struct {
		name, chip, board, folder string
		want                      []string
	}{
		{"nothing known", "", "", "", []string{
			"lib/firmware/brcm/BCM.hcd", "usr/lib/firmware/brcm/BCM.hcd",
		}},
		{"a chip", "BCM4345C0", "", "", []string{
			"lib/firmware/brcm/BCM4345C0.hcd", "usr/lib/firmware/brcm/BCM4345C0.hcd",
			"lib/firmware/synaptics/SYN4345C0.hcd", "usr/lib/firmware/synaptics/SYN4345C0.hcd",
			"lib/firmware/brcm/BCM.hcd", "usr/lib/firmware/brcm/BCM.hcd",
		}},
		{"a chip on a board", "BCM43430A1", "raspberrypi,model-zero-2-w", "", []string{
			"lib/firmware/brcm/BCM43430A1.raspberrypi,model-zero-2-w.hcd", "usr/lib/firmware/brcm/BCM43430A1.raspberrypi,model-zero-2-w.hcd",
			"lib/firmware/synaptics/SYN43430A1.raspberrypi,model-zero-2-w.hcd", "usr/lib/firmware/synaptics/SYN43430A1.raspberrypi,model-zero-2-w.hcd",
			"lib/firmware/brcm/BCM43430A1.hcd", "usr/lib/firmware/brcm/BCM43430A1.hcd",
			"lib/firmware/synaptics/SYN43430A1.hcd", "usr/lib/firmware/synaptics/SYN43430A1.hcd",
			"lib/firmware/brcm/BCM.raspberrypi,model-zero-2-w.hcd", "usr/lib/firmware/brcm/BCM.raspberrypi,model-zero-2-w.hcd",
			"lib/firmware/brcm/BCM.hcd", "usr/lib/firmware/brcm/BCM.hcd",
		}},
		{"a folder", "CYW55560A1", "b", "/opt/../opt/fw/", []string{
			"opt/fw/CYW55560A1.b.hcd", "opt/fw/CYW55560A1.hcd", "opt/fw/SYN55560A1.b.hcd", "opt/fw/SYN55560A1.hcd", "opt/fw/BCM.b.hcd", "opt/fw/BCM.hcd",
			"lib/firmware/brcm/CYW55560A1.b.hcd", "usr/lib/firmware/brcm/CYW55560A1.b.hcd",
			"lib/firmware/synaptics/SYN55560A1.b.hcd", "usr/lib/firmware/synaptics/SYN55560A1.b.hcd",
			"lib/firmware/brcm/CYW55560A1.hcd", "usr/lib/firmware/brcm/CYW55560A1.hcd",
			"lib/firmware/synaptics/SYN55560A1.hcd", "usr/lib/firmware/synaptics/SYN55560A1.hcd",
			"lib/firmware/brcm/BCM.b.hcd", "usr/lib/firmware/brcm/BCM.b.hcd",
			"lib/firmware/brcm/BCM.hcd", "usr/lib/firmware/brcm/BCM.hcd",
		}},
		{"Synaptics' own name, in a folder above the root", "SYN43756E0", "", "../..", []string{
			"SYN43756E0.hcd", "BCM.hcd",
			"lib/firmware/brcm/SYN43756E0.hcd", "usr/lib/firmware/brcm/SYN43756E0.hcd",
			"lib/firmware/synaptics/SYN43756E0.hcd", "usr/lib/firmware/synaptics/SYN43756E0.hcd",
			"lib/firmware/brcm/BCM.hcd", "usr/lib/firmware/brcm/BCM.hcd",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := candidates(tt.chip, tt.board, tt.folder)
			if !slices.Equal(got, tt.want) {
				t.Errorf("%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
			for _, p := range got {
				if !fs.ValidPath(p) {
					t.Errorf("%q is no path for fs.FS", p)
				}
			}
		})
	}
}

// search looks for the firmware of a chip on a board of that name.
func search(files fs.FS, folder string) (string, []Record, error) {
	s := &session{cfg: Config{Files: files, Firmware: folder}, info: Info{Chip: romName}}
	return s.firmware()
}

// The better file wins: take away the one that was found, and the next is found.
func TestFirmwareOrder(t *testing.T) {
	good := &fstest.MapFile{Data: hcd(romName, patchedName)}
	files := fstest.MapFS{compatibleFile: {Data: []byte("some/board\x00some,chip\x00")}}
	paths := candidates(romName, "some-board", "/fw")
	for _, p := range paths {
		files[p] = good
	}
	for _, p := range paths {
		got, records, err := search(files, "/fw")
		if err != nil || got != "/"+p || len(records) != 5 {
			t.Errorf("found %q, %v, want %q", got, err, p)
		}
		delete(files, p)
	}
	_, _, err := search(files, "/fw")
	var missing *MissingError
	if !errors.As(err, &missing) || len(missing.Tried) != len(paths) {
		t.Fatal(err)
	}
	for _, p := range paths {
		if !strings.Contains(err.Error(), " /"+p) {
			t.Errorf("%s is not in the error", p)
		}
	}
	if text := (&MissingError{}).Error(); !strings.HasPrefix(text, "no firmware for the chip;") {
		t.Error(text)
	}
}

// broken is a file system in which one file can't be opened, or not be read.
type broken struct {
	fs.FS
	path string
	open error
	read error
}

func (b broken) Open(name string) (fs.File, error) {
	if name != b.path {
		return b.FS.Open(name)
	}
	if b.open != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: b.open}
	}
	return brokenFile{b.read}, nil
}

type brokenFile struct{ err error }

func (b brokenFile) Stat() (fs.FileInfo, error) { return nil, b.err }
func (b brokenFile) Read([]byte) (int, error)   { return 0, b.err }
func (b brokenFile) Close() error               { return nil }

// A file that is there and can't be used is an error, even if another could: it was put there on purpose.
func TestFirmwareUnusable(t *testing.T) {
	const first = "lib/firmware/brcm/BCM43430A1.hcd"
	second := fstest.MapFS{"usr/lib/firmware/brcm/BCM43430A1.hcd": {Data: hcd(romName, patchedName)}}
	with := func(name string, f *fstest.MapFile) fs.FS {
		files := fstest.MapFS{name: f}
		maps.Copy(files, second)
		return files
	}
	for _, tt := range []struct {
		name  string
		files fs.FS
		path  string
		want  error
	}{
		{"may not be opened", broken{FS: second, path: first, open: fs.ErrPermission}, first, fs.ErrPermission},
		{"can't be read", broken{FS: second, path: first, read: io.ErrUnexpectedEOF}, first, io.ErrUnexpectedEOF},
		{"a folder", with(first, &fstest.MapFile{Mode: fs.ModeDir}), first, fs.ErrInvalid},
		{"too long", with(first, &fstest.MapFile{Data: make([]byte, maxFirmware+1)}), first, errTooLong},
		{"empty", with(first, &fstest.MapFile{}), first, nil},
		{"an empty packed one", with(first+".zst", &fstest.MapFile{}), first + ".zst", nil},
		{"a packed one that is not", with(first+".xz", &fstest.MapFile{Data: hcd(romName, patchedName)}), first + ".xz", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, records, err := search(tt.files, "")
			var file *FileError
			if !errors.As(err, &file) || file.Path != "/"+tt.path || records != nil || !strings.Contains(err.Error(), tt.path) {
				t.Fatal(err)
			}
			if tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
		})
	}
}

func TestFirmwareLinkToNowhere(t *testing.T) {
	files := broken{path: "lib/firmware/brcm/BCM43430A1.some-board.hcd", open: fs.ErrNotExist, FS: fstest.MapFS{
		compatibleFile:                     {Data: []byte("some/board\x00")},
		"lib/firmware/brcm/BCM43430A1.hcd": {Data: hcd(romName, patchedName)},
	}}
	if path, _, err := search(files, ""); err != nil || path != "/lib/firmware/brcm/BCM43430A1.hcd" {
		t.Errorf("%q, %v", path, err)
	}
}

// The zero Config looks on the machine itself.
func TestConfigDefaults(t *testing.T) {
	cfg := Config{}.withDefaults()
	if cfg.Family != Auto || cfg.CommandTimeout != defaultCommandTimeout {
		t.Errorf("%+v", cfg)
	}
	if list, err := fs.ReadDir(cfg.Files, "."); err != nil || len(list) == 0 {
		t.Errorf("%v, %v", list, err)
	}
}
