package btcrypto

import (
	"bytes"
	"encoding/hex"
	"testing"
)

// Vol 3, Part H, 2.2.3.
func TestC1(t *testing.T) {
	got := C1([16]byte{}, key(t, "5783D52156AD6F0E6388274EC6702EE0"),
		[7]byte(octets(t, "07071000000101")), [7]byte(octets(t, "05000800000302")),
		1, [6]byte(octets(t, "A1A2A3A4A5A6")), 0, [6]byte(octets(t, "B1B2B3B4B5B6")))
	if want := key(t, "1e1e3fef878988ead2a74dc5bef13b86"); got != want {
		t.Errorf("c1 = %x, want %x", got, want)
	}
}

// Vol 3, Part H, 2.2.4.
func TestS1(t *testing.T) {
	got := S1([16]byte{}, key(t, "000F0E0D0C0B0A091122334455667788"), key(t, "010203040506070899AABBCCDDEEFF00"))
	if want := key(t, "9a1fe1f0e8b0f49b5b4216ae796da062"); got != want {
		t.Errorf("s1 = %x, want %x", got, want)
	}
}

// Vol 3, Part H, Appendix D.2.
func TestF4(t *testing.T) {
	got := F4([32]byte(octets(t, sampleU)), [32]byte(octets(t, sampleV)), key(t, sampleX), 0)
	if want := key(t, "f2c916f1 07a9bd1c f1eda1be a974872d"); got != want {
		t.Errorf("f4 = %x, want %x", got, want)
	}
}

// Vol 3, Part H, Appendix D.3.
func TestF5(t *testing.T) {
	macKey, ltk := F5([32]byte(octets(t, sampleW)), key(t, sampleX), key(t, sampleY),
		[7]byte(octets(t, "00561237 37bfce")), [7]byte(octets(t, "00a71370 2dcfc1")))
	if want := key(t, "2965f176 a1084a02 fd3f6a20 ce636e20"); macKey != want {
		t.Errorf("MacKey = %x, want %x", macKey, want)
	}
	if want := key(t, "69867911 69d7cd23 980522b5 94750a38"); ltk != want {
		t.Errorf("LTK = %x, want %x", ltk, want)
	}
}

// Vol 3, Part H, Appendix D.4.
func TestF6(t *testing.T) {
	got := F6(key(t, "2965f176 a1084a02 fd3f6a20 ce636e20"), key(t, sampleX), key(t, sampleY),
		key(t, "12a3343b b453bb54 08da42d2 0c2d0fc8"), [3]byte(octets(t, "010102")),
		[7]byte(octets(t, "00561237 37bfce")), [7]byte(octets(t, "00a71370 2dcfc1")))
	if want := key(t, "e3c47398 9cd0e8c5 d26c0b09 da958f61"); got != want {
		t.Errorf("f6 = %x, want %x", got, want)
	}
}

// Vol 3, Part H, Appendix D.5.
func TestG2(t *testing.T) {
	got := G2([32]byte(octets(t, sampleU)), [32]byte(octets(t, sampleV)), key(t, sampleX), key(t, sampleY))
	if got != 0x2f9ed5ba {
		t.Errorf("g2 = %#x, want 0x2f9ed5ba", got)
	}
}

// Vol 3, Part H, Appendix D.6.
func TestH6(t *testing.T) {
	got := H6(key(t, sampleK), [4]byte(octets(t, "6c656272")))
	if want := key(t, "2d9ae102 e76dc91c e8d3a9e2 80b16399"); got != want {
		t.Errorf("h6 = %x, want %x", got, want)
	}
}

// Vol 3, Part H, Appendix D.8.
func TestH7(t *testing.T) {
	got := H7(key(t, "00000000 00000000 00000000 746D7031"), key(t, sampleK))
	if want := key(t, "fb173597 c6a3c0ec d2998c2a 75a57011"); got != want {
		t.Errorf("h7 = %x, want %x", got, want)
	}
}

// Vol 6, Part E, 1.1.1, with the numbers of its sample data.
func TestH8(t *testing.T) {
	got := H8(key(t, sampleK), key(t, "1536d18d e3d20df9 9b7044c1 2f9ed5ba"), [4]byte(octets(t, "cc030148")))
	if want := key(t, "e5e5beba ae7228e7 22a38904 ed350f6d"); got != want {
		t.Errorf("h8 = %x, want %x", got, want)
	}
}

// Vol 3, Part H, Appendix D.9 to D.11: an LTK becomes a BR/EDR link key.
func TestLinkKeyFromLTK(t *testing.T) {
	ltk := key(t, "368df9bc e3264b58 bd066c33 334fbf64")
	lebr := [4]byte(octets(t, "6c656272"))
	if got, want := H6(H7([16]byte(octets(t, "00000000 00000000 00000000 746D7031")), ltk), lebr),
		key(t, "287ad379 dca40253 0a39f1f4 3047b835"); got != want {
		t.Errorf("with CT2: %x, want %x", got, want)
	}
	if got, want := H6(H6(ltk, [4]byte(octets(t, "746D7031"))), lebr),
		key(t, "bc1ca4ef 633fc1bd 0d8230af ee388fb0"); got != want {
		t.Errorf("without CT2: %x, want %x", got, want)
	}
}

// Vol 3, Part C, Appendix: the signing algorithm's sample data, which take the messages of RFC 4493 as they go over
// the air. The counter is zero.
func TestSign(t *testing.T) {
	csrk := key(t, "2b7e1516 28aed2a6 abf71588 09cf4f3c")
	message := make([]byte, 64)
	if _, err := hex.Decode(message, []byte("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"+
		"30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710")); err != nil {
		t.Fatal(err)
	}
	for length, want := range map[int]string{
		0: "00000000b3a8594127ebc2c0", 16: "00000000273974f4392a232a", 40: "00000000b7ca94ab87c78218", 64: "0000000044e1e6ce1df51368",
	} {
		before := bytes.Clone(message)
		got := Sign(csrk, message[:length], 0)
		if hex.EncodeToString(got[:]) != want {
			t.Errorf("%d octets: %x, want %s", length, got, want)
		}
		if !bytes.Equal(message, before) {
			t.Errorf("%d octets: the message has changed", length)
		}
	}
	a, b := Sign(csrk, message, 1), Sign(csrk, message, 0x01000000)
	if [4]byte(a[:]) != [4]byte{1} || [4]byte(b[:]) != [4]byte{3: 1} || [8]byte(a[4:]) == [8]byte(b[4:]) {
		t.Errorf("counters: %x and %x", a, b)
	}
}
