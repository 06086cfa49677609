package smp

import (
	"crypto/aes"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/internal/btcrypto"
)

// The recording is of a host at 00:1D:85:F0:01:77 and the oximeter that pairs and then forgets.
var (
	recordedHost     = hci.Address{Octets: [6]byte{0x77, 0x01, 0xF0, 0x85, 0x1D, 0x00}}
	recordedOximeter = hci.Address{Octets: [6]byte{0x30, 0xF0, 0xFF, 0x05, 0x1C, 0x00}}
)

// recorded is what happened on the Security Manager's channel in testdata/paired.txt, and the key that the
// host gave its controller in LE Start Encryption.
func recorded(t *testing.T) (steps []step, key Key) {
	t.Helper()
	b, err := os.ReadFile("testdata/paired.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		words := strings.Fields(line) // time, direction, packet in hex
		packet := unhex(t, words[2])
		switch {
		case packet[0] == 2 && packet[7] == 6 && packet[8] == 0: // ACL data, channel 6
			steps = append(steps, step{ours: words[1] == "<", pdu: packet[9:]})
		case packet[0] == 1 && packet[1] == 0x19 && packet[2] == 0x20: // LE Start Encryption
			key = Key(packet[len(packet)-16:])
		case packet[0] == 4 && packet[1] == 0x08: // Encryption Change
			steps = append(steps, step{encrypted: true})
		}
	}
	if len(steps) != 10 {
		t.Fatalf("%d steps in the recording, want 10", len(steps))
	}
	return steps, key
}

// pdu is the one PDU of that side and code.
func pduOf(t *testing.T, steps []step, ours bool, c code) []byte {
	t.Helper()
	i := slices.IndexFunc(steps, func(s step) bool { return s.ours == ours && len(s.pdu) > 0 && code(s.pdu[0]) == c })
	if i < 0 {
		t.Fatalf("the recording has no %v", c)
	}
	return steps[i].pdu
}

// TestRecordedPairing replays the pairing of the oximeter byte for byte.
func TestRecordedPairing(t *testing.T) {
	steps, stk := recorded(t)
	if security := steps[0]; security.ours || code(security.pdu[0]) != codeSecurityRequest {
		t.Fatalf("the recording begins with %x", security.pdu)
	}
	w := &recording{t: t, steps: steps[1:], key: stk}
	got, err := pair(t.Context(), w, pairingParameters{
		role: hci.Central, local: recordedHost, peer: recordedOximeter, bonding: true, responderKeys: DistributeEnc,
		random: drawn(t, pduOf(t, steps, true, codePairingRandom)[1:]),
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(w.steps) > 0 {
		t.Errorf("%d steps are left", len(w.steps))
	}
	wantResult(t, got, pairingResult{
		agreement: agreement{bonding: true, method: JustWorks, security: Security{Encrypted: true, KeySize: 16}},
		keys: Keys{Method: JustWorks, KeySize: 16, Peer: &LTK{
			Key: keyOf(t, "080b10bacd048f5bd98e72fb1ae5527b"), EDIV: 0x5256, Rand: [8]byte(unhex(t, "e68be54bf50780a3")),
		}},
	})
}

// TestRecordedAddress recovers the address of the recorded host, which is in none of its packets: c1 can be
// computed backwards where the TK is known.
func TestRecordedAddress(t *testing.T) {
	steps, stk := recorded(t)
	request, response := pduOf(t, steps, true, codePairingRequest), pduOf(t, steps, false, codePairingResponse)
	p1 := slices.Concat([]byte{0, 0}, request, response) // both addresses public
	block, err := aes.NewCipher(make([]byte, 16))
	if err != nil {
		t.Fatal(err)
	}
	var tk Key
	for _, ours := range []bool{true, false} {
		confirm, random := pduOf(t, steps, ours, codePairingConfirm)[1:], pduOf(t, steps, ours, codePairingRandom)[1:]

		// c1 = e(TK, e(TK, r XOR p1) XOR p2)
		p2 := slices.Clone(confirm)
		slices.Reverse(p2)
		block.Decrypt(p2, p2)
		slices.Reverse(p2)
		var mixed Key
		for i := range mixed {
			mixed[i] = random[i] ^ p1[i]
		}
		for i, b := range btcrypto.E(tk, mixed) {
			p2[i] ^= b
		}

		if responder := [6]byte(p2[:6]); responder != recordedOximeter.Octets {
			t.Errorf("ours %t: responder %x", ours, responder)
		}
		host := hci.Address{Octets: [6]byte(p2[6:12])}
		if host != recordedHost || [4]byte(p2[12:]) != [4]byte{} {
			t.Errorf("ours %t: initiator %v, padding %x", ours, host, p2[12:])
		}
		got := btcrypto.C1(tk, [16]byte(random), [7]byte(request), [7]byte(response), 0, host.Octets, 0, recordedOximeter.Octets)
		if got != [16]byte(confirm) {
			t.Errorf("ours %t: c1 %x, want %x", ours, got, confirm)
		}
	}
	initiator, responder := pduOf(t, steps, true, codePairingRandom), pduOf(t, steps, false, codePairingRandom)
	if got := btcrypto.S1(tk, [16]byte(responder[1:]), [16]byte(initiator[1:])); got != stk {
		t.Errorf("STK %x, want %x", got, stk[:])
	}
}
