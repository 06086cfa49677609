//go:build !unix || solaris || illumos || aix

package bondstore

import "os"

// flock does nothing here: two writers are not kept apart on this system.
func flock(*os.File) (held bool, err error) { return false, nil }

// syncDir does nothing here: the system has no way to make a folder's names durable.
func (osDisk) syncDir(string) error { return nil }
