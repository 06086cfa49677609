package gatt

import (
	"slices"

	"github.com/jelling-ble/jelling/internal/btcrypto"
)

// hashLen is how long a Database Hash is, in octets.
const hashLen = 16

// computeHash is the Database Hash, least significant octet first: AES-CMAC, under a key of zeros, of the declarations whole and of the
// profile's own descriptors without their values (Vol 3, Part G, 7.3.1).
func (db *database) computeHash() [hashLen]byte {
	var m []byte
	for _, a := range db.attributes {
		switch a.typ {
		case PrimaryService, SecondaryService, Include, CharacteristicDeclaration, CharacteristicExtendedProperties:
			m = a.typ.AppendTo(le.AppendUint16(m, a.handle))
			m = append(m, a.value...)
		case CharacteristicUserDescription, ClientCharacteristicConfiguration, ServerCharacteristicConfiguration,
			CharacteristicPresentationFormat, CharacteristicAggregateFormat:
			m = a.typ.AppendTo(le.AppendUint16(m, a.handle))
		}
	}
	slices.Reverse(m) // the first octet is the most significant
	return btcrypto.CMAC([hashLen]byte{}, m)
}
