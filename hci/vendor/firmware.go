package vendor

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
)

// Where systems keep firmware, as paths from the root.
var (
	broadcomFolders  = []string{"lib/firmware/brcm", "usr/lib/firmware/brcm"}
	synapticsFolders = []string{"lib/firmware/synaptics", "usr/lib/firmware/synaptics"}
)

// candidates lists where a chip's firmware may be, best first: in the folder that was given, then where systems
// keep it; for this board, for this chip, and what somebody put there for whatever chip there is. Synaptics calls
// the same chips SYN, in a folder of its own.
func candidates(chip, board, folder string) (paths []string) {
	specific := func(prefix string) (names []string) {
		if chip == "" {
			return nil
		}
		name := prefix + chip[len(prefix):]
		if board != "" {
			names = append(names, name+"."+board+".hcd")
		}
		return append(names, name+".hcd")
	}
	var general []string
	if board != "" {
		general = append(general, "BCM."+board+".hcd")
	}
	general = append(general, "BCM.hcd")
	own, synaptics := specific(chip[:min(3, len(chip))]), specific("SYN")

	add := func(folders []string, names ...string) {
		for _, name := range names {
			for _, f := range folders {
				if p := path.Join(f, name); !slices.Contains(paths, p) {
					paths = append(paths, p)
				}
			}
		}
	}
	if folder != "" {
		// Rooted, so that .. goes nowhere, and then without the slash, as fs.FS wants it.
		folders := []string{path.Clean("/" + folder)[1:]}
		add(folders, own...)
		add(folders, synaptics...)
		add(folders, general...)
	}
	for i := range own {
		add(broadcomFolders, own[i])
		add(synapticsFolders, synaptics[i])
	}
	add(broadcomFolders, general...)
	return paths
}

// firmware finds and reads the chip's firmware. The first file there is decides: one that is damaged is an error,
// and no reason to take a lesser one. The error is a *MissingError or a *FileError.
func (s *session) firmware() (string, []Record, error) {
	files := s.cfg.Files
	missing := &MissingError{Chip: s.info.Chip}
	for _, p := range candidates(s.info.Chip, boardName(files), s.cfg.Firmware) {
		missing.Tried = append(missing.Tried, "/"+p)
		for _, c := range compressions {
			b, err := readFirmware(files, p+c.suffix, c.expand)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			var records []Record
			if err == nil {
				records, err = ParseHCD(b)
			}
			if err != nil {
				return "", nil, &FileError{"/" + p + c.suffix, err}
			}
			return "/" + p + c.suffix, records, nil
		}
	}
	return "", nil, missing
}

// readFirmware reads a file and expands it.
func readFirmware(files fs.FS, name string, expand func([]byte) ([]byte, error)) ([]byte, error) {
	b, err := readFile(files, name, maxFirmware)
	if err != nil {
		return nil, err
	}
	return expand(b)
}

// errTooLong is a file, packed or not, that is longer than anything of its kind.
var errTooLong = errors.New("too long")

// readFile reads a file of at most limit octets.
func readFile(files fs.FS, name string, limit int64) ([]byte, error) {
	f, err := files.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(f, limit)
}

func readAll(r io.Reader, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("%w: more than %d octets", errTooLong, limit)
	}
	return b, err
}
