//go:build !unix

package statestore

// syncDir does nothing here: the system has no way to make a folder's names durable.
func syncDir(string) error { return nil }
