package hci

import (
	"fmt"
	"io"
)

// PublicKey is a point on P-256: X and Y, each least significant octet first.
type PublicKey struct{ X, Y [32]byte }

func (k PublicKey) AppendTo(b []byte) []byte { return append(append(b, k.X[:]...), k.Y[:]...) }

func publicKeyAt(b []byte) PublicKey { return PublicKey{[32]byte(b), [32]byte(b[32:])} }

// LEGenerateDHKey has the controller make a key of its own private key and the peer's public key (Vol 4,
// Part E, 7.8.37).
type LEGenerateDHKey struct{ Peer PublicKey }

func (LEGenerateDHKey) Opcode() Opcode             { return OpLEGenerateDHKey }
func (c LEGenerateDHKey) AppendTo(b []byte) []byte { return c.Peer.AppendTo(b) }

// ParseLEGenerateDHKey reads the parameters of LEGenerateDHKey.
func ParseLEGenerateDHKey(b []byte) (LEGenerateDHKey, error) {
	if err := shorter("LE Generate DHKey", b, []field{{"Key_X_Coordinate", 32}, {"Key_Y_Coordinate", 64}}); err != nil {
		return LEGenerateDHKey{}, err
	}
	return LEGenerateDHKey{publicKeyAt(b)}, nil
}

// LEGenerateDHKeyV2 also chooses the private key: Debug the specification's own, which everyone knows.
type LEGenerateDHKeyV2 struct {
	LEGenerateDHKey
	Debug bool
}

func (LEGenerateDHKeyV2) Opcode() Opcode { return OpLEGenerateDHKeyV2 }
func (c LEGenerateDHKeyV2) AppendTo(b []byte) []byte {
	return append(c.LEGenerateDHKey.AppendTo(b), octet(c.Debug))
}

// ParseLEGenerateDHKeyV2 reads the parameters of LEGenerateDHKeyV2.
func ParseLEGenerateDHKeyV2(b []byte) (LEGenerateDHKeyV2, error) {
	if err := shorter(OpLEGenerateDHKeyV2.String(), b, []field{{"Key_X_Coordinate", 32}, {"Key_Y_Coordinate", 64}, {"Key_Type", 65}}); err != nil {
		return LEGenerateDHKeyV2{}, err
	}
	return LEGenerateDHKeyV2{LEGenerateDHKey{publicKeyAt(b)}, b[64] != 0}, nil
}

// LEReadLocalP256PublicKeyComplete is the controller's public key (Vol 4, Part E, 7.7.65.8).
type LEReadLocalP256PublicKeyComplete struct {
	Status Status
	Local  PublicKey
}

func (LEReadLocalP256PublicKeyComplete) Code() EventCode { return EvLEMeta }
func (e LEReadLocalP256PublicKeyComplete) AppendTo(b []byte) []byte {
	return e.Local.AppendTo(append(b, byte(EvLEReadLocalP256PublicKeyComplete), byte(e.Status)))
}

// ParseLEReadLocalP256PublicKeyComplete reads what follows the subevent code.
func ParseLEReadLocalP256PublicKeyComplete(b []byte) (e LEReadLocalP256PublicKeyComplete, err error) {
	if err := shorter(EvLEReadLocalP256PublicKeyComplete.String(), b, []field{{"Status", 1}, {"Key_X_Coordinate", 33}, {"Key_Y_Coordinate", 65}}); err != nil {
		return e, err
	}
	return LEReadLocalP256PublicKeyComplete{Status(b[0]), publicKeyAt(b[1:])}, nil
}

// LEGenerateDHKeyComplete is the key that was made (Vol 4, Part E, 7.7.65.9). It prints without it.
type LEGenerateDHKeyComplete struct {
	Status Status
	Key    [32]byte
}

func (LEGenerateDHKeyComplete) Code() EventCode { return EvLEMeta }
func (e LEGenerateDHKeyComplete) AppendTo(b []byte) []byte {
	return append(append(b, byte(EvLEGenerateDHKeyComplete), byte(e.Status)), e.Key[:]...)
}

// String hides the key.
func (LEGenerateDHKeyComplete) String() string { return EvLEGenerateDHKeyComplete.String() }

// Format implements fmt.Formatter and hides the key.
func (e LEGenerateDHKeyComplete) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, e.String()) }

// ParseLEGenerateDHKeyComplete reads what follows the subevent code.
func ParseLEGenerateDHKeyComplete(b []byte) (e LEGenerateDHKeyComplete, err error) {
	if err := shorter(EvLEGenerateDHKeyComplete.String(), b, []field{{"Status", 1}, {"DH_Key", 33}}); err != nil {
		return e, err
	}
	return LEGenerateDHKeyComplete{Status(b[0]), [32]byte(b[1:])}, nil
}
