package btcrypto

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"math/big"
	"testing"
)

// private reads a private key as the specification prints it.
func private(t testing.TB, text string) *ecdh.PrivateKey {
	t.Helper()
	b := octets(t, text)
	reverse(b)
	k, err := ecdh.P256().NewPrivateKey(b)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func public(t testing.TB, k *ecdh.PrivateKey) PublicKey {
	t.Helper()
	p, err := PublicKeyOf(k)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Vol 2, Part G, 7.1.2.
func TestP256SampleData(t *testing.T) {
	for _, s := range []struct {
		name, a, b, ax, ay, bx, by, dhKey string
	}{
		{
			"7.1.2.1",
			"3f49f6d4 a3c55f38 74c9b3e3 d2103f50 4aff607b eb40b799 5899b8a6 cd3c1abd",
			sampleV,
			sampleU,
			"dc809c49 652aeb6d 63329abf 5a52155c 766345c2 8fed3024 741c8ed0 1589d28b",
			"1ea1f0f0 1faf1d96 09592284 f19e4c00 47b58afd 8615a69f 559077b2 2faaa190",
			"4c55f33e 429dad37 7356703a 9ab85160 472d1130 e28e3676 5f89aff9 15b1214a",
			sampleW,
		},
		{
			"7.1.2.2",
			"06a51669 3c9aa31a 6084545d 0c5db641 b48572b9 7203ddff b7ac73f7 d0457663",
			"529aa067 0d72cd64 97502ed4 73502b03 7e8803b5 c60829a5 a3caa219 505530ba",
			"2c31a47b 5779809e f44cb5ea af5c3e43 d5f8faad 4a8794cb 987e9b03 745c78dd",
			"91951218 3898dfbe cd52e240 8e43871f d0211091 17bd3ed4 eaf84377 43715d4f",
			"f465e43f f23d3f1b 9dc7dfc0 4da87581 84dbc966 204796ec cf0d6cf5 e16500cc",
			"0201d048 bcbbd899 eeefc424 164e33c2 01c2b010 ca6b4d43 a8a155ca d8ecb279",
			"ab85843a 2f6d883f 62e5684b 38e30733 5fe6e194 5ecd1960 4105c6f2 3221eb69",
		},
	} {
		t.Run(s.name, func(t *testing.T) {
			a, b := private(t, s.a), private(t, s.b)
			pa, pb := public(t, a), public(t, b)
			if want := append(octets(t, s.ax), octets(t, s.ay)...); !bytes.Equal(pa[:], want) {
				t.Errorf("public key A = %x, want %x", pa, want)
			}
			if want := append(octets(t, s.bx), octets(t, s.by)...); !bytes.Equal(pb[:], want) {
				t.Errorf("public key B = %x, want %x", pb, want)
			}
			want := [32]byte(octets(t, s.dhKey))
			if got, err := DHKey(a, pb); err != nil || got != want {
				t.Errorf("DHKey of A = %x, %v, want %x", got, err, want)
			}
			if got, err := DHKey(b, pa); err != nil || got != want {
				t.Errorf("DHKey of B = %x, %v, want %x", got, err, want)
			}
		})
	}
}

// negative is (X, -Y).
func negative(k PublicKey) PublicKey {
	p, _ := new(big.Int).SetString("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff", 16)
	y := bytes.Clone(k[32:])
	reverse(y)
	n := p.Sub(p, new(big.Int).SetBytes(y)).FillBytes(make([]byte, 32))
	reverse(n)
	copy(k[32:], n)
	return k
}

// CVE-2018-5383 and CVE-2020-26558.
func TestPublicKeysThatAreRefused(t *testing.T) {
	own := DebugKey()
	good := public(t, own)
	prime := octets(t, "ffffffff 00000001 00000000 00000000 00000000 ffffffff ffffffff ffffffff")
	flipped := good
	flipped[40] ^= 1
	for _, s := range []struct {
		name string
		key  PublicKey
	}{
		{"(0, 0)", PublicKey{}},
		{"(X, 0)", PublicKey(append(octets(t, sampleU), make([]byte, 32)...))},
		{"(0, Y)", PublicKey(append(make([]byte, 32), good[32:]...))},
		{"off the curve by a bit", flipped},
		{"X and Y exchanged", PublicKey(append(bytes.Clone(good[32:]), good[:32]...))},
		{"coordinates of the prime", PublicKey(append(bytes.Clone(prime), prime...))},
		{"coordinates above the prime", PublicKey(bytes.Repeat([]byte{0xFF}, 64))},
	} {
		t.Run(s.name, func(t *testing.T) {
			if _, err := DHKey(own, s.key); err == nil {
				t.Error("taken")
			}
		})
	}
}

// The negative of a key is a point, gives the same DHKey and must be seen as the same key.
func TestNegativeIsTheSameKey(t *testing.T) {
	a, b := private(t, sampleV), DebugKey()
	k := public(t, a)
	n := negative(k)
	if n == k || n.X() != k.X() {
		t.Fatalf("%x is not the negative of %x", n, k)
	}
	one, err1 := DHKey(b, k)
	two, err2 := DHKey(b, n)
	if err1 != nil || err2 != nil || one != two {
		t.Errorf("DHKeys %x and %x, %v, %v", one, two, err1, err2)
	}
}

func TestIsDebug(t *testing.T) {
	debug := public(t, DebugKey())
	if !debug.IsDebug() || !negative(debug).IsDebug() {
		t.Error("the debug key is not known")
	}
	if public(t, private(t, sampleV)).IsDebug() {
		t.Error("another key is taken for the debug key")
	}
}

func TestKeysOfOtherCurves(t *testing.T) {
	other, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, k := range map[string]*ecdh.PrivateKey{"X25519": other, "none": nil} {
		if _, err := PublicKeyOf(k); err == nil {
			t.Errorf("%s has a public key", name)
		}
		if _, err := DHKey(k, public(t, DebugKey())); err == nil {
			t.Errorf("%s has a DHKey", name)
		}
	}
}

// FuzzDHKey wants of any 64 octets either a refusal or the secret that the key's negative gives as well.
func FuzzDHKey(f *testing.F) {
	good := public(f, DebugKey())
	f.Add(good[:])
	f.Add(make([]byte, 64))
	f.Add(bytes.Repeat([]byte{0xFF}, 64))
	own := private(f, sampleV)
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) != 64 {
			return
		}
		k := PublicKey(b)
		secret, err := DHKey(own, k)
		if err != nil {
			if secret != [32]byte{} {
				t.Error("a refusal with a secret")
			}
			return
		}
		again, err := DHKey(own, negative(k))
		if err != nil || again != secret {
			t.Errorf("the negative gives %x, %v", again, err)
		}
	})
}
