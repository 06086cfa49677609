package smp

import (
	"encoding/binary"
	"fmt"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/internal/btcrypto"
)

// centralIdentification is a Central Identification: what names a legacy LTK (Vol 3, Part H, 3.6.3).
type centralIdentification struct {
	ediv uint16
	rand [8]byte
}

func (p centralIdentification) appendTo(b []byte) []byte {
	b = binary.LittleEndian.AppendUint16(append(b, byte(codeCentralIdentification)), p.ediv)
	return append(b, p.rand[:]...)
}

func parseCentralIdentification(b []byte) (centralIdentification, error) {
	if err := check(b, codeCentralIdentification); err != nil {
		return centralIdentification{}, err
	}
	return centralIdentification{binary.LittleEndian.Uint16(b[1:]), [8]byte(b[3:])}, nil
}

// identityAddress is an Identity Address Information (3.6.5). It may hold an address that is no identity.
type identityAddress struct{ address hci.Address }

func (p identityAddress) appendTo(b []byte) []byte {
	return p.address.AppendTo(append(b, byte(codeIdentityAddress)))
}

func parseIdentityAddress(b []byte) (identityAddress, error) {
	if err := check(b, codeIdentityAddress); err != nil {
		return identityAddress{}, err
	}
	if b[1] > byte(hci.Random) {
		return identityAddress{}, fmt.Errorf("%v: address type 0x%02X is reserved", codeIdentityAddress, b[1])
	}
	return identityAddress{hci.Address{Type: hci.AddressType(b[1]), Octets: [6]byte(b[2:])}}, nil
}

// publicKey is a Pairing Public Key (3.5.6). It may hold what is no point of the curve.
type publicKey struct{ key btcrypto.PublicKey }

func (p publicKey) appendTo(b []byte) []byte {
	return append(append(b, byte(codePublicKey)), p.key[:]...)
}

func parsePublicKey(b []byte) (publicKey, error) {
	if err := check(b, codePublicKey); err != nil {
		return publicKey{}, err
	}
	return publicKey{btcrypto.PublicKey(b[1:])}, nil
}
