package btcrypto

import (
	"crypto/aes"
	"crypto/cipher"
)

// Cipher is AES-128 under one key, set up once and used often: an identity resolving key against every
// address that is heard. It allocates nothing after NewCipher. It is not safe for concurrent use.
type Cipher struct {
	block   cipher.Block
	in, out [16]byte // most significant octet first; here because what Block is given escapes
}

// NewCipher sets up a cipher.
func NewCipher(key [16]byte) *Cipher {
	reverse(key[:])
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil // a key of 16 octets has no error
	}
	return &Cipher{block: block}
}

// E is the security function e, AES-128 of one block (Vol 3, Part H, 2.2.1).
func (c *Cipher) E(plaintext [16]byte) [16]byte {
	c.in = plaintext
	reverse(c.in[:])
	c.block.Encrypt(c.out[:], c.in[:])
	out := c.out
	reverse(out[:])
	return out
}

// AH is the random address hash (2.2.2): a resolvable private address is AH(prand) in its three octets on
// the least significant side and prand in the other three. The cipher's key is the identity resolving key.
func (c *Cipher) AH(prand [3]byte) [3]byte {
	out := c.E([16]byte{prand[0], prand[1], prand[2]})
	return [3]byte(out[:3])
}

// Resolves tells whether a resolvable private address was made with the cipher's key.
func (c *Cipher) Resolves(address [6]byte) bool {
	return address[5]>>6 == 0b01 && c.AH([3]byte(address[3:])) == [3]byte(address[:3])
}

// CMAC is AES-CMAC of a message whose last octet is its most significant (2.2.5, RFC 4493).
func (c *Cipher) CMAC(message []byte) [16]byte {
	c.in = [16]byte{}
	c.block.Encrypt(c.out[:], c.in[:])
	subkey := double(c.out) // K1, for a last block that is whole
	mac := &c.out
	*mac = [16]byte{}
	for len(message) > 16 {
		c.mix(message[len(message)-16:])
		message = message[:len(message)-16]
	}
	if len(message) < 16 {
		subkey = double(subkey) // K2, for a last block that is padded by a one and zeros
		mac[len(message)] ^= 0x80
	}
	for i, k := range subkey {
		mac[i] ^= k
	}
	c.mix(message)
	out := *mac
	reverse(out[:])
	return out
}

// mix takes up to one block of the message into the running value.
func (c *Cipher) mix(block []byte) {
	c.in = c.out
	for i, b := range block {
		c.in[len(block)-1-i] ^= b
	}
	c.block.Encrypt(c.out[:], c.in[:])
}

// E is the security function e under a key that is used once.
func E(key, plaintext [16]byte) [16]byte { return NewCipher(key).E(plaintext) }

// AH is the random address hash under a key that is used once.
func AH(irk [16]byte, prand [3]byte) [3]byte { return NewCipher(irk).AH(prand) }

// CMAC is AES-CMAC under a key that is used once.
func CMAC(key [16]byte, message []byte) [16]byte { return NewCipher(key).CMAC(message) }

// double multiplies by x in the field of AES-CMAC (RFC 4493, 2.3), most significant octet first.
func double(b [16]byte) [16]byte {
	var out [16]byte
	carry := byte(0)
	for i := 15; i >= 0; i-- {
		out[i] = b[i]<<1 | carry
		carry = b[i] >> 7
	}
	out[15] ^= 0x87 & -carry
	return out
}

func reverse(b []byte) {
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
}
