package bondstore

import (
	"io"
	"io/fs"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

const (
	folderMode fs.FileMode = 0o700
	fileMode   fs.FileMode = 0o600
)

// modesMean tells whether the system's file modes keep anybody out.
const modesMean = runtime.GOOS != "windows"

// osDisk is the disk of this machine.
type osDisk struct{}

func (osDisk) stat(path string) (entry, error) {
	info, err := os.Stat(path)
	if err != nil {
		return entry{}, err
	}
	return entry{info.Name(), info.Mode()}, nil
}

func (osDisk) readDir(path string) ([]entry, error) {
	found, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	entries := make([]entry, 0, len(found))
	for _, f := range found {
		info, err := f.Info()
		if err != nil {
			continue // gone since: a writer beside us
		}
		entries = append(entries, entry{f.Name(), info.Mode()})
	}
	return entries, nil
}

func (osDisk) read(path string, limit int) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe by that name must not hold us up
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, int64(limit)))
}

func (osDisk) mkdir(path string) error { return os.Mkdir(path, folderMode) }

func (osDisk) chmod(path string, mode fs.FileMode) error { return os.Chmod(path, mode) }

func (osDisk) create(path string) (file, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return nil, err // not a file that holds a nil *os.File
	}
	return f, nil
}

func (osDisk) rename(from, to string) error { return os.Rename(from, to) }

func (osDisk) remove(path string) error { return os.Remove(path) }

// lock writes the process's number into the lock file, for whoever finds it held. A disk that can't be
// written can still be locked when the file is there.
func (osDisk) lock(path string) (io.Closer, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, fileMode)
	if err != nil {
		var readErr error
		if f, readErr = os.Open(path); readErr != nil {
			return nil, err
		}
	}
	held, err := flock(f)
	switch {
	case err != nil:
		_ = f.Close()
		return nil, err
	case held:
		err := &LockedError{Path: path, PID: readPID(f)}
		_ = f.Close()
		return nil, err
	}
	if f.Truncate(0) == nil { // the number is a courtesy: without it the lock holds as well
		_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	return f, nil
}

// readPID is the process number in a lock file, 0 if there is none.
func readPID(f *os.File) int {
	b := make([]byte, 20)
	n, _ := f.ReadAt(b, 0)
	pid, err := strconv.Atoi(strings.TrimSpace(string(b[:n])))
	if err != nil || pid < 0 {
		return 0
	}
	return pid
}
