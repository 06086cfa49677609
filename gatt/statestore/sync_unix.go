//go:build unix

package statestore

import (
	"errors"
	"os"
	"syscall"
)

// syncDir makes a folder's names durable. File systems that can't do so say EINVAL or ENOTSUP.
func syncDir(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	err = f.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		err = nil
	}
	return errors.Join(err, f.Close())
}
