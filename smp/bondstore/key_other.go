//go:build !linux

package bondstore

func readKeyring(string) ([]byte, error) { return nil, ErrNoKeyring }
