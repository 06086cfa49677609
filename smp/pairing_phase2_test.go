package smp

import (
	"bytes"
	"crypto/ecdh"
	"errors"
	"math/big"
	"slices"
	"testing"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/internal/btcrypto"
)

func flip(_ *air, pdu []byte) [][]byte {
	pdu[len(pdu)-1] ^= 0x80
	return [][]byte{pdu}
}

// noOffer holds that the peripheral's controller had no key to answer with.
func noOffer(t *testing.T, x attack) {
	t.Helper()
	var wires *air
	inner := x.becomes
	x.becomes = func(a *air, pdu []byte) [][]byte {
		wires = a
		return inner(a, pdu)
	}
	x.run(t)
	if wires == nil {
		t.Fatal("nothing happened")
	}
	if key := wires.ends[hci.Peripheral].offered; key != nil {
		t.Error("the peripheral would answer its controller with a key")
	}
}

func TestWrongValues(t *testing.T) {
	for _, x := range []attack{
		{name: "wrong confirm (legacy), as responder", victim: hci.Peripheral, want: ConfirmValueFailed, c: codePairingConfirm, becomes: flip},
		{name: "wrong random (legacy), as responder", victim: hci.Peripheral, want: ConfirmValueFailed, c: codePairingRandom, becomes: flip},
		{name: "wrong confirm (Secure Connections)", secure: true, victim: hci.Central, want: ConfirmValueFailed, c: codePairingConfirm, becomes: flip},
		{name: "wrong random (Secure Connections)", secure: true, victim: hci.Central, want: ConfirmValueFailed, c: codePairingRandom, becomes: flip},
		{name: "wrong DHKey check, as responder", secure: true, victim: hci.Peripheral, want: DHKeyCheckFailed, c: codeDHKeyCheck, becomes: flip},
		{name: "DHKey check before the confirm value", secure: true, victim: hci.Central, want: UnspecifiedReason,
			c: codePairingConfirm, becomes: becomesPDU("0d" + sixteen)},
		{name: "random before confirm", victim: hci.Peripheral, want: UnspecifiedReason, c: codePairingConfirm, becomes: becomesPDU("04" + sixteen)},
		{name: "confirm twice", victim: hci.Peripheral, want: UnspecifiedReason,
			c: codePairingConfirm, becomes: func(_ *air, pdu []byte) [][]byte { return [][]byte{pdu, pdu} }},
		{name: "public key in a legacy pairing", victim: hci.Peripheral, want: UnspecifiedReason,
			c: codePairingConfirm, becomes: becomesPDU("0c" + sixteen + sixteen + sixteen + sixteen)},
		{name: "confirm of 15 octets", victim: hci.Peripheral, want: InvalidParameters,
			c: codePairingConfirm, becomes: becomesPDU("03" + sixteen[2:])},
		{name: "Pairing Request in the middle", victim: hci.Peripheral, want: UnspecifiedReason,
			c: codePairingConfirm, becomes: becomesPDU("01030001100101")},
		{name: "keypress of three octets", victim: hci.Central, want: InvalidParameters, c: codePairingConfirm, becomes: becomesPDU("0e0000")},
		{name: "Pairing Failed without a reason", victim: hci.Central, want: InvalidParameters, c: codePairingConfirm, becomes: becomesPDU("05")},
	} {
		t.Run(x.name, func(t *testing.T) { noOffer(t, x) })
	}
	for _, x := range []attack{ // the responder's last word: it has seen the initiator's proof
		{name: "wrong confirm (legacy), as initiator", victim: hci.Central, want: ConfirmValueFailed, c: codePairingConfirm, becomes: flip},
		{name: "wrong random (legacy), as initiator", victim: hci.Central, want: ConfirmValueFailed, c: codePairingRandom, becomes: flip},
		{name: "wrong DHKey check, as initiator", secure: true, victim: hci.Central, want: DHKeyCheckFailed, c: codeDHKeyCheck, becomes: flip},
	} {
		t.Run(x.name, func(t *testing.T) { x.run(t) })
	}
}

// Both sides' confirm values of legacy pairing are made in one way, so an echo of ours would be taken.
func TestEchoOfOurConfirmValue(t *testing.T) {
	noOffer(t, attack{name: "echo", victim: hci.Central, want: ConfirmValueFailed, c: codePairingConfirm,
		becomes: func(a *air, _ []byte) [][]byte {
			sent := a.ends[hci.Central].sent
			return [][]byte{bytes.Clone(sent[len(sent)-1])}
		}})
}

// negative is (X, -Y) of a public key PDU.
func negative(pdu []byte) []byte {
	p, _ := new(big.Int).SetString("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff", 16)
	y := bytes.Clone(pdu[33:])
	slices.Reverse(y)
	n := p.Sub(p, new(big.Int).SetBytes(y)).FillBytes(make([]byte, 32))
	slices.Reverse(n)
	return append(bytes.Clone(pdu[:33]), n...)
}

// CVE-2018-5383, CVE-2020-26558.
func TestPublicKeysThatAreRefused(t *testing.T) {
	debug, err := btcrypto.PublicKeyOf(btcrypto.DebugKey())
	if err != nil {
		t.Fatal(err)
	}
	debugPDU := publicKey{debug}.appendTo(nil)
	// The initiator's key has been sent when the responder's arrives; the responder's is made to be known.
	own := func(a *air, victim hci.Role) []byte {
		for _, pdu := range a.ends[victim].sent {
			if code(pdu[0]) == codePublicKey {
				return bytes.Clone(pdu)
			}
		}
		return bytes.Clone(fixedPDU)
	}
	for name, key := range map[string]func(a *air, victim hci.Role, theirs []byte) []byte{
		"(0,0)":             func(*air, hci.Role, []byte) []byte { return append([]byte{byte(codePublicKey)}, make([]byte, 64)...) },
		"off the curve":     func(_ *air, _ hci.Role, theirs []byte) []byte { theirs[1] ^= 1; return theirs },
		"Y is zero":         func(_ *air, _ hci.Role, theirs []byte) []byte { clear(theirs[33:]); return theirs },
		"our own":           func(a *air, victim hci.Role, _ []byte) []byte { return own(a, victim) },
		"our own, (X, -Y)":  func(a *air, victim hci.Role, _ []byte) []byte { return negative(own(a, victim)) },
		"debug key":         func(*air, hci.Role, []byte) []byte { return bytes.Clone(debugPDU) },
		"debug key, (X,-Y)": func(*air, hci.Role, []byte) []byte { return negative(debugPDU) },
	} {
		for _, victim := range []hci.Role{hci.Central, hci.Peripheral} {
			t.Run(name+", to a "+victim.String(), func(t *testing.T) {
				noOffer(t, attack{name: name, secure: true, victim: victim, want: DHKeyCheckFailed, c: codePublicKey,
					sides:   func(_, p *pairingParameters) { p.privateKey = fixedKey },
					becomes: func(a *air, pdu []byte) [][]byte { return [][]byte{key(a, victim, pdu)} }})
			})
		}
	}
}

// fixedKey is a key pair of which the test knows the public half before it is sent.
func fixedKey() (*ecdh.PrivateKey, error) {
	return ecdh.P256().NewPrivateKey(append(make([]byte, 31), 42))
}

var fixedPDU = func() []byte {
	private, _ := fixedKey()
	public, _ := btcrypto.PublicKeyOf(private)
	return publicKey{public}.appendTo(nil)
}()

// One key pair for each pairing: the caller is asked for a fresh one every time, and an error ends the pairing.
func TestPrivateKeys(t *testing.T) {
	asked := 0
	sides := func(c, _ *pairingParameters) {
		c.privateKey = func() (*ecdh.PrivateKey, error) {
			asked++
			return fixedKey()
		}
	}
	for range 3 {
		attack{name: "a key each time", secure: true, victim: hci.Central, sides: sides}.run(t)
	}
	if asked != 3 {
		t.Errorf("asked %d times in three pairings", asked)
	}
	broken := errors.New("no entropy")
	c, _ := attack{name: "no key", secure: true, victim: hci.Central, want: UnspecifiedReason, sides: func(c, _ *pairingParameters) {
		c.privateKey = func() (*ecdh.PrivateKey, error) { return nil, broken }
	}}.run(t)
	if !errors.Is(c.err, broken) {
		t.Errorf("%v", c.err)
	}
	attack{name: "key of another curve", secure: true, victim: hci.Peripheral, want: UnspecifiedReason, sides: func(_, p *pairingParameters) {
		p.privateKey = func() (*ecdh.PrivateKey, error) { return ecdh.P384().NewPrivateKey(append(make([]byte, 47), 42)) }
	}}.run(t)
	one, two := pairTwice(t)
	if one == two {
		t.Error("two pairings made the same key")
	}
}

// pairTwice is the keys of two pairings with nothing injected.
func pairTwice(t *testing.T) (one, two Key) {
	t.Helper()
	a, _ := attack{name: "first", secure: true, victim: hci.Central}.run(t)
	b, _ := attack{name: "second", secure: true, victim: hci.Central}.run(t)
	return a.keys.SC.Key, b.keys.SC.Key
}
