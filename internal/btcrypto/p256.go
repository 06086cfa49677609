package btcrypto

import (
	"crypto/ecdh"
	"errors"
	"slices"
)

var (
	errPublicKey  = errors.New("public key is not a point of P-256")
	errPrivateKey = errors.New("private key is not one of P-256")
)

// PublicKey is a public key as SMP and HCI carry it: the X coordinate, then Y.
type PublicKey [64]byte

// PublicKeyOf is a key's public half. Keys of other curves have none here.
func PublicKeyOf(private *ecdh.PrivateKey) (PublicKey, error) {
	if private == nil || private.Curve() != ecdh.P256() {
		return PublicKey{}, errPrivateKey
	}
	var k PublicKey
	copy(k[:], private.PublicKey().Bytes()[1:]) // 0x04, then both coordinates
	reverse(k[:32])
	reverse(k[32:])
	return k, nil
}

// X is the X coordinate. It names the key: (X, Y) and (X, -Y) share a DHKey but for nothing, so two keys
// are compared by it alone.
func (k PublicKey) X() [32]byte { return [32]byte(k[:32]) }

// debugX is the X coordinate of the debug key's public half.
var debugX = [32]byte{
	0xe6, 0x9d, 0x35, 0x0e, 0x48, 0x01, 0x03, 0xcc, 0xdb, 0xfd, 0xf4, 0xac, 0x11, 0x91, 0xf4, 0xef,
	0xb9, 0xa5, 0xf9, 0xe9, 0xa7, 0x83, 0x2c, 0x5e, 0x2c, 0xbe, 0x97, 0xf2, 0xd2, 0x03, 0xb0, 0x20,
}

// IsDebug tells the debug key, whose private half everybody knows (Vol 3, Part H, 2.3.5.6.1), and its
// negative.
func (k PublicKey) IsDebug() bool { return k.X() == debugX }

// point refuses everything but points of the curve: coordinates out of range, (0, 0), any other.
func (k PublicKey) point() (*ecdh.PublicKey, error) {
	octets := slices.Concat([]byte{4}, k[:])
	reverse(octets[1:33])
	reverse(octets[33:])
	point, err := ecdh.P256().NewPublicKey(octets)
	if err != nil {
		return nil, errPublicKey
	}
	return point, nil
}

// DHKey is the shared secret of Secure Connections, the function P256 of the specification (Vol 3, Part H,
// 2.3.5.6.1). It refuses a public key that is not a point of the curve.
func DHKey(private *ecdh.PrivateKey, public PublicKey) ([32]byte, error) {
	if private == nil {
		return [32]byte{}, errPrivateKey
	}
	point, err := public.point()
	if err != nil {
		return [32]byte{}, err
	}
	secret, err := private.ECDH(point)
	if err != nil {
		return [32]byte{}, errPrivateKey // of another curve
	}
	reverse(secret)
	return [32]byte(secret), nil
}

// DebugKey is the debug key of the specification: a sniffer that sees it reads everything.
func DebugKey() *ecdh.PrivateKey {
	key, err := ecdh.P256().NewPrivateKey([]byte{
		0x3f, 0x49, 0xf6, 0xd4, 0xa3, 0xc5, 0x5f, 0x38, 0x74, 0xc9, 0xb3, 0xe3, 0xd2, 0x10, 0x3f, 0x50,
		0x4a, 0xff, 0x60, 0x7b, 0xeb, 0x40, 0xb7, 0x99, 0x58, 0x99, 0xb8, 0xa6, 0xcd, 0x3c, 0x1a, 0xbd,
	})
	if err != nil {
		return nil // it is a good one
	}
	return key
}
