package btcrypto

import (
	"crypto/aes"
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"testing"
)

// octets reads hex as the specification prints it, most significant octet first, into on-air order.
func octets(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		t.Fatal(err)
	}
	reverse(b)
	return b
}

func key(t testing.TB, text string) [16]byte {
	t.Helper()
	return [16]byte(octets(t, text))
}

// What the sample data share.
const (
	sampleK = "ec0234a3 57c8ad05 341010a6 0a397d9b"
	sampleX = "d5cb8454 d177733e ffffb2ec 712baeab"
	sampleY = "a6e8e7cc 25a75f6e 216583f7 ff3dc4cf"
	sampleU = "20b003d2 f297be2c 5e2c83a7 e9f9a5b9 eff49111 acf4fddb cc030148 0e359de6"
	sampleV = "55188b3d 32f6bb9a 900afcfb eed4e72a 59cb9ac2 f19d7cfb 6b4fdd49 f47fc5fd"
	sampleW = "ec0234a3 57c8ad05 341010a6 0a397d9b 99796b13 b4f866f1 868d34f3 73bfa698"
)

// FIPS 197, appendix B.
func TestE(t *testing.T) {
	got := E(key(t, "2b7e1516 28aed2a6 abf71588 09cf4f3c"), key(t, "3243f6a8 885a308d 313198a2 e0370734"))
	if want := key(t, "3925841d 02dc09fb dc118597 196a0b32"); got != want {
		t.Errorf("e = %x, want %x", got, want)
	}
}

// Vol 3, Part H, Appendix D.1.
func TestCMAC(t *testing.T) {
	c := NewCipher(key(t, "2b7e1516 28aed2a6 abf71588 09cf4f3c"))
	m := "6bc1bee2 2e409f96 e93d7e11 7393172a ae2d8a57 1e03ac9c 9eb76fac 45af8e51" +
		"30c81c46 a35ce411 e5fbc119 1a0a52ef f69f2445 df4f9b17 ad2b417b e66c3710"
	m = strings.Join(strings.Fields(m), "")
	for _, s := range []struct {
		name   string
		octets int
		want   string
	}{
		{"D.1.1 length 0", 0, "bb1d6929 e9593728 7fa37d12 9b756746"},
		{"D.1.2 length 16", 16, "070a16b4 6b4d4144 f79bdd9d d04a287c"},
		{"D.1.3 length 40", 40, "dfa66747 de9ae630 30ca3261 1497c827"},
		{"D.1.4 length 64", 64, "51f0bebf 7e3b9d92 fc497417 79363cfe"},
	} {
		t.Run(s.name, func(t *testing.T) {
			if got := c.CMAC(octets(t, m[:2*s.octets])); got != key(t, s.want) {
				t.Errorf("AES-CMAC = %x, want %x", got, key(t, s.want))
			}
		})
	}
}

// cmac is RFC 4493 in the RFC's own octet order and steps, for every length that a sample leaves out.
func cmac(k [16]byte, m []byte) [16]byte {
	block, err := aes.NewCipher(k[:])
	if err != nil {
		panic(err)
	}
	shift := func(b [16]byte) (out [16]byte) {
		for i := range 128 {
			if i > 0 {
				out[(i-1)/8] |= b[i/8] >> (7 - i%8) & 1 << (7 - (i-1)%8)
			}
		}
		if b[0]&0x80 != 0 {
			out[15] ^= 0x87
		}
		return out
	}
	var l, x [16]byte
	block.Encrypt(l[:], l[:])
	k1 := shift(l)
	k2 := shift(k1)
	for n := 0; ; n += 16 {
		var b [16]byte
		last := len(m)-n <= 16
		copied := copy(b[:], m[n:])
		sub := [16]byte{}
		if last {
			sub = k1
			if copied < 16 {
				b[copied] = 0x80
				sub = k2
			}
		}
		for i := range x {
			x[i] ^= b[i] ^ sub[i]
		}
		block.Encrypt(x[:], x[:])
		if last {
			return x
		}
	}
}

func TestCMACOfEveryLength(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 100 {
		var k [16]byte
		m := make([]byte, n)
		for i := range k {
			k[i] = byte(r.Uint32())
		}
		for i := range m {
			m[i] = byte(r.Uint32())
		}
		got := CMAC(k, m)
		reverse(k[:])
		reverse(m)
		want := cmac(k, m)
		reverse(want[:])
		if got != want {
			t.Errorf("length %d: %x, want %x", n, got, want)
		}
	}
}

// Vol 3, Part H, Appendix D.7.
func TestAH(t *testing.T) {
	irk := key(t, sampleK)
	prand := [3]byte(octets(t, "708194"))
	hash := [3]byte(octets(t, "0dfbaa"))
	if got := AH(irk, prand); got != hash {
		t.Errorf("ah = %x, want %x", got, hash)
	}
	rpa := [6]byte(octets(t, "708194 0dfbaa"))
	c := NewCipher(irk)
	if !c.Resolves(rpa) {
		t.Error("the address does not resolve")
	}
	for bit := range 48 {
		other := rpa
		other[bit/8] ^= 1 << (bit % 8)
		if c.Resolves(other) {
			t.Errorf("%x resolves, with bit %d turned", other, bit)
		}
	}
	// A static address whose hash fits is still no resolvable one.
	static := rpa
	static[5] |= 0xC0
	copied := c.AH([3]byte(static[3:]))
	copy(static[:], copied[:])
	if c.Resolves(static) {
		t.Error("a static address resolves")
	}
}

func TestCipherAllocatesNothing(t *testing.T) {
	if race {
		return
	}
	c := NewCipher(key(t, sampleK))
	rpa := [6]byte(octets(t, "708194 0dfbaa"))
	m := octets(t, sampleW)
	if n := testing.AllocsPerRun(100, func() {
		c.Resolves(rpa)
		c.CMAC(m)
	}); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func BenchmarkResolves(b *testing.B) {
	c := NewCipher(key(b, sampleK))
	rpa := [6]byte(octets(b, "708194 0dfbaa"))
	b.ReportAllocs()
	for b.Loop() {
		c.Resolves(rpa)
	}
}
