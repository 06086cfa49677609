package bondstore

import (
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/smp"
)

// pair names a record.
type pair struct{ local, peer hci.Address }

// slot is what lies on disk under one name.
type slot struct {
	current bool              // the file is there and whole: it may become the previous generation
	durable bool              // its folder was fsynced since it got its name
	sum     [sha256.Size]byte // of the current file
	plain   bool              // a generation of it is to be encrypted, and is not
	alone   error             // why the file is to be left alone: it is of a newer release, say
}

// shelf is the store's folder. Whoever holds Store.disk owns it.
type shelf struct {
	dir      string
	disk     disk
	readOnly bool
	key      *StateKey // nil: files are not encrypted
	keyErr   error     // a file is encrypted otherwise: the folder is not to be used

	made     []string  // folders in which something was made that is not durable yet
	grounded bool      // the folders above were synced
	ready    bool      // locked and read
	lock     io.Closer // nil: nothing on disk may be changed
	slots    map[pair]*slot
	folders  map[hci.Address]bool // local identities whose folder is durable
	identity slot
	problems []Problem // to be told
}

func newShelf(dir string, d disk, readOnly bool) *shelf {
	return &shelf{dir: dir, disk: d, readOnly: readOnly, slots: map[pair]*slot{}, folders: map[hci.Address]bool{}}
}

// found is what was read from disk.
type found struct {
	records  map[pair]smp.Record
	identity identity
}

func (s *shelf) folder(local hci.Address) string { return filepath.Join(s.dir, nameOf(local)) }

func (s *shelf) path(p pair) string {
	return filepath.Join(s.folder(p.local), nameOf(p.peer)+bondEnding)
}

func (s *shelf) problem(path string, err error, action string) {
	s.problems = append(s.problems, Problem{path, err, action})
}

// slot is what lies on disk for a bond, made if need be.
func (s *shelf) slot(p pair) *slot {
	if s.slots[p] == nil {
		s.slots[p] = &slot{}
	}
	return s.slots[p]
}

// save makes a record's text durable. At every moment the current file or the previous one is whole, and
// the current one, where there is one, is not older.
func (s *shelf) save(p pair, text []byte) error {
	slot := s.slot(p)
	if slot.alone != nil {
		return &aloneError{s.path(p), slot.alone}
	}
	sum := sha256.Sum256(text)
	same := slot.current && slot.sum == sum
	if same && slot.durable && !slot.plain {
		return nil
	}
	if err := s.makeFolder(p.local); err != nil {
		return err
	}
	path := s.path(p)
	if err := s.stage(path, text); err != nil {
		return err
	}
	if slot.current && !same {
		// A cut behind this leaves the old bond as the previous generation, without a current one.
		if err := s.disk.rename(path, path+previousEnding); err != nil {
			return s.unstage(path, err)
		}
		slot.current = false
	}
	slot.durable = false
	if err := s.disk.rename(path+newEnding, path); err != nil {
		return s.unstage(path, err)
	}
	slot.current, slot.sum = true, sum
	if err := s.disk.syncDir(s.folder(p.local)); err != nil {
		return err
	}
	slot.durable = true
	return s.unveil(p)
}

// unveil removes the older generation of a bond that is encrypted now, where that one was not.
func (s *shelf) unveil(p pair) error {
	slot := s.slot(p)
	if !slot.plain {
		return nil
	}
	if err := s.disk.remove(s.path(p) + previousEnding); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := s.disk.syncDir(s.folder(p.local)); err != nil {
		return err
	}
	slot.plain = false
	return nil
}

// label is what an encrypted file is bound to: its place in the folder, whatever its generation.
func (s *shelf) label(path string) string {
	name := stem(filepath.Base(path))
	if folder := filepath.Dir(path); folder != filepath.Clean(s.dir) {
		name = filepath.Base(folder) + "/" + name
	}
	return name
}

// forget removes every file of a bond. The current one goes last, when the others are gone for good: were
// it the first, a cut could leave an older generation to come back.
func (s *shelf) forget(p pair) error {
	folder, path := s.folder(p.local), s.path(p)
	entries, err := s.disk.readDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		delete(s.slots, p)
		return nil
	}
	if err != nil {
		return err
	}
	slot, current := s.slot(p), false
	slot.durable = false
	for _, e := range entries {
		switch {
		case e.name == filepath.Base(path):
			current = true
		case stem(e.name) == filepath.Base(path):
			if err := s.disk.remove(filepath.Join(folder, e.name)); err != nil {
				return err
			}
		}
	}
	if err := s.disk.syncDir(folder); err != nil {
		return err
	}
	if current {
		if err := s.disk.remove(path); err != nil {
			return err
		}
		slot.current = false
		if err := s.disk.syncDir(folder); err != nil {
			return err
		}
	}
	delete(s.slots, p)
	return nil
}

// saveIdentity writes both generations alike, since nothing in the newer one makes the older one wrong.
func (s *shelf) saveIdentity(text []byte) error {
	path := filepath.Join(s.dir, identityName)
	if s.identity.alone != nil {
		return &aloneError{path, s.identity.alone}
	}
	for _, path := range []string{path, path + previousEnding} {
		if err := s.stage(path, text); err != nil {
			return err
		}
		if err := s.disk.rename(path+newEnding, path); err != nil {
			return s.unstage(path, err)
		}
		if err := s.disk.syncDir(s.dir); err != nil {
			return err
		}
	}
	return nil
}

// stage writes a file beside path, under the name of what is being written, and makes its octets durable.
func (s *shelf) stage(path string, text []byte) error {
	text, err := s.key.enclose(text, s.label(path))
	if err != nil {
		return err
	}
	f, err := s.disk.create(path + newEnding)
	if errors.Is(err, fs.ErrExist) { // left over, where Open could not remove it
		if err = s.disk.remove(path + newEnding); err == nil {
			f, err = s.disk.create(path + newEnding)
		}
	}
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return s.unstage(path, err)
	}
	return nil
}

// unstage removes what stage wrote, because of err.
func (s *shelf) unstage(path string, err error) error {
	_ = s.disk.remove(path + newEnding) // what can't be removed now is removed by the next stage or Open
	return err
}

// makeFolder makes the folder of a local identity.
func (s *shelf) makeFolder(local hci.Address) error {
	if s.folders[local] {
		return nil
	}
	if err := s.disk.mkdir(s.folder(local)); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := s.disk.syncDir(s.dir); err != nil {
		return err
	}
	s.folders[local] = true
	return nil
}
