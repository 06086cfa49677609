package bondstore

import (
	"io"
	"io/fs"
)

// disk is what the store needs of a file system. Tests have one that forgets, tears and fails.
type disk interface {
	stat(path string) (entry, error)
	readDir(path string) ([]entry, error)
	// read is the content of a file, or of its first limit octets.
	read(path string, limit int) ([]byte, error)
	// mkdir makes one folder of mode 0700.
	mkdir(path string) error
	chmod(path string, mode fs.FileMode) error
	// create makes a file of mode 0600, which must not be there.
	create(path string) (file, error)
	// rename replaces what is at the new path.
	rename(from, to string) error
	remove(path string) error
	// syncDir makes a folder's names durable: what was made, renamed and removed in it.
	syncDir(path string) error
	// lock takes the lock file, making it if need be. A *LockedError says that somebody has it.
	lock(path string) (io.Closer, error)
}

// file is a file being written.
type file interface {
	io.WriteCloser
	Sync() error
}

// entry is one name in a folder.
type entry struct {
	name string
	mode fs.FileMode
}

// open tells whether anybody but the owner may do anything with a file or folder.
func (e entry) open() bool {
	return modesMean && (e.mode.IsRegular() || e.mode.IsDir()) && e.mode.Perm()&0o077 != 0
}
