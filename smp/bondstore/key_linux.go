package bondstore

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// readKeyring reads a key of type user by its description.
func readKeyring(name string) ([]byte, error) {
	var found error
	for _, ring := range []int{unix.KEY_SPEC_SESSION_KEYRING, unix.KEY_SPEC_USER_KEYRING} {
		id, err := unix.KeyctlSearch(ring, "user", name, 0)
		if err == nil {
			secret := make([]byte, 4*secretSize)
			n, err := unix.KeyctlBuffer(unix.KEYCTL_READ, id, secret, 0)
			if err != nil {
				return nil, fmt.Errorf("%s%s: %w", keyringPrefix, name, err)
			}
			return secret[:min(n, len(secret))], nil
		}
		if found == nil || !errors.Is(err, unix.ENOKEY) {
			found = err
		}
	}
	if errors.Is(found, unix.ENOSYS) {
		return nil, ErrNoKeyring
	}
	if errors.Is(found, unix.ENOKEY) {
		return nil, fmt.Errorf("%s%s: neither the session's keyring nor the user's has a user key of that name ('keyctl show' lists them): %w", keyringPrefix, name, found)
	}
	return nil, fmt.Errorf("%s%s: %w", keyringPrefix, name, found)
}
