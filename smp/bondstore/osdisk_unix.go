//go:build unix && !solaris && !illumos && !aix

package bondstore

import (
	"errors"
	"os"
	"syscall"
)

// flock takes the lock of an open file, or says that it is held. The system gives it free when the process
// ends, however it ends.
func flock(f *os.File) (held bool, err error) {
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err != syscall.EINTR {
			break
		}
	}
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return true, nil
	}
	if err != nil {
		err = &os.PathError{Op: "flock", Path: f.Name(), Err: err}
	}
	return false, err
}

// syncDir fsyncs a folder. File systems that can't do so say EINVAL or ENOTSUP, and there is nothing more
// to be had of them.
func (osDisk) syncDir(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	err = f.Sync()
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		return nil
	}
	return err
}
