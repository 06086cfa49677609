package btcrypto

import (
	"encoding/binary"
	"slices"
)

// C1 is the confirm value of legacy pairing (Vol 3, Part H, 2.2.3). Preq and pres are the Pairing Request
// and Response as sent, codes included; iat and rat are 1 for a random address.
func C1(k, r [16]byte, preq, pres [7]byte, iat byte, ia [6]byte, rat byte, ra [6]byte) [16]byte {
	p1 := [16]byte{iat, rat}
	copy(p1[2:], preq[:])
	copy(p1[9:], pres[:])
	var p2 [16]byte
	copy(p2[:], ra[:])
	copy(p2[6:], ia[:])
	c := NewCipher(k)
	return c.E(xor(c.E(xor(r, p1)), p2))
}

// S1 is the short term key of legacy pairing (2.2.4): r1 the responder's random value, r2 the initiator's.
func S1(k, r1, r2 [16]byte) [16]byte {
	var r [16]byte
	copy(r[:8], r2[:8])
	copy(r[8:], r1[:8])
	return E(k, r)
}

// F4 is the confirm value of Secure Connections (2.2.6): u and v the X coordinates, x the random value.
func F4(u, v [32]byte, x [16]byte, z byte) [16]byte {
	m := make([]byte, 0, 65)
	m = append(m, z)
	m = append(m, v[:]...)
	m = append(m, u[:]...)
	return CMAC(x, m)
}

// F5 is the key generation of Secure Connections (2.2.7): w the DHKey, a1 and a2 the addresses of initiator
// and responder, the seventh octet their type.
func F5(w [32]byte, n1, n2 [16]byte, a1, a2 [7]byte) (macKey, ltk [16]byte) {
	salt := [16]byte{0xBE, 0x83, 0x60, 0x5A, 0xDB, 0x0B, 0x37, 0x60, 0x38, 0xA5, 0xF5, 0xAA, 0x91, 0x83, 0x88, 0x6C}
	t := NewCipher(CMAC(salt, w[:]))
	m := make([]byte, 0, 53)
	m = append(m, 0x00, 0x01) // Length, 256 bits
	m = append(m, a2[:]...)
	m = append(m, a1[:]...)
	m = append(m, n2[:]...)
	m = append(m, n1[:]...)
	m = append(m, "eltb"...) // keyID
	m = append(m, 0)         // Counter
	macKey = t.CMAC(m)
	m[len(m)-1] = 1
	return macKey, t.CMAC(m)
}

// F6 is the DHKey check value (2.2.8). IOCap is the octets of a Pairing Request or Response from the IO
// capability on: capability, OOB flag, AuthReq.
func F6(w, n1, n2, r [16]byte, ioCap [3]byte, a1, a2 [7]byte) [16]byte {
	m := make([]byte, 0, 65)
	m = append(m, a2[:]...)
	m = append(m, a1[:]...)
	m = append(m, ioCap[:]...)
	m = append(m, r[:]...)
	m = append(m, n2[:]...)
	m = append(m, n1[:]...)
	return CMAC(w, m)
}

// G2 is the value to compare (2.2.9); its last six decimal digits are what people see.
func G2(u, v [32]byte, x, y [16]byte) uint32 {
	m := make([]byte, 0, 80)
	m = append(m, y[:]...)
	m = append(m, v[:]...)
	m = append(m, u[:]...)
	out := CMAC(x, m)
	return binary.LittleEndian.Uint32(out[:])
}

// H6 is the link key conversion (2.2.10).
func H6(w [16]byte, keyID [4]byte) [16]byte { return CMAC(w, keyID[:]) }

// H7 is the link key conversion with a salt (2.2.11).
func H7(salt, w [16]byte) [16]byte { return CMAC(salt, w[:]) }

// H8 is the derivation of a group session key (Vol 6, Part E, 1.1.1).
func H8(k, s [16]byte, keyID [4]byte) [16]byte { return CMAC(CMAC(s, k[:]), keyID[:]) }

// Sign is the signature of a message, its last octet the most significant one (2.4.5): the counter, then the eight
// most significant octets of AES-CMAC over message and counter.
func Sign(csrk [16]byte, message []byte, counter uint32) (signature [12]byte) {
	binary.LittleEndian.PutUint32(signature[:], counter)
	mac := CMAC(csrk, append(slices.Clip(message), signature[:4]...))
	copy(signature[4:], mac[8:])
	return signature
}

func xor(a, b [16]byte) [16]byte {
	for i := range a {
		a[i] ^= b[i]
	}
	return a
}
