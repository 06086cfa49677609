package bondstore

import (
	"fmt"
	"strings"

	"github.com/jelling-ble/jelling/hci"
)

// Names of files and their endings.
const (
	lockName     = "lock"
	identityName = "identity.json"

	bondEnding     = ".json"
	previousEnding = ".previous"
	newEnding      = ".new"
	damagedEnding  = ".damaged-" // and a digit
)

// maxDamaged bounds the damaged files that are set aside under one name; the last is replaced.
const maxDamaged = 9

// nameOf is an address as a name that every file system takes: 00-1C-05-FF-F0-30-public.
func nameOf(a hci.Address) string {
	return strings.ReplaceAll(a.String(), ":", "-") + "-" + a.Type.String()
}

// addressOf reads what nameOf wrote, and nothing else.
func addressOf(name string) (hci.Address, bool) {
	digits, kind := name, ""
	if i := strings.LastIndexByte(name, '-'); i >= 0 {
		digits, kind = name[:i], name[i+1:]
	}
	a, _, err := hci.ParseAddress(strings.ReplaceAll(digits, "-", ":") + "/" + kind)
	return a, err == nil && nameOf(a) == name
}

// storable tells why an address can't name anything, nil if it can.
func storable(a hci.Address) error {
	if a.IsZero() || a.Type > hci.Random {
		return fmt.Errorf("%w: address %s", ErrRecord, a.Text())
	}
	return nil
}

// stem is the name of the file that an entry belongs to: its current generation, an older one, a damaged
// one, or one being written.
func stem(name string) string {
	name = strings.TrimSuffix(name, newEnding)
	name = strings.TrimSuffix(name, previousEnding)
	if i := len(name) - len(damagedEnding) - 1; i > 0 && name[i:len(name)-1] == damagedEnding {
		name = strings.TrimSuffix(name[:i], previousEnding)
	}
	return name
}

// peerOf is the peer that an entry of a local identity's folder belongs to.
func peerOf(name string) (hci.Address, bool) {
	base, ok := strings.CutSuffix(stem(name), bondEnding)
	if !ok {
		return hci.Address{}, false
	}
	return addressOf(base)
}

// gattName is a folder that lives beside the bonds: what belongs to peers as clients and servers of GATT.
const gattName = "gatt"

// ours tells whether an entry of the store's folder is the store's, or lives there with its knowledge.
func ours(e entry) bool {
	if e.mode.IsDir() {
		_, ok := addressOf(e.name)
		return ok || e.name == gattName
	}
	return e.name == lockName || stem(e.name) == identityName || stem(e.name) == waitsName
}
