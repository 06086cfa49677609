package smp

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

func TestKeyPDUsThatAreRefused(t *testing.T) {
	before := func(key string) func(*air, []byte) [][]byte { // in the clear, when encryption is about to start
		return func(a *air, pdu []byte) [][]byte { return append([][]byte{pdu}, becomesPDU(key)(a, nil)...) }
	}
	twice := func(_ *air, pdu []byte) [][]byte { return [][]byte{pdu, pdu} }
	for _, x := range []attack{
		{name: "LTK before encryption, legacy", victim: hci.Central, want: UnspecifiedReason, c: codePairingRandom, becomes: before("06" + sixteen)},
		{name: "IRK before encryption", secure: true, victim: hci.Central, want: UnspecifiedReason, c: codeDHKeyCheck, becomes: before("08" + sixteen)},
		{name: "identity address before encryption", secure: true, victim: hci.Central, want: UnspecifiedReason, c: codeDHKeyCheck, becomes: before("09010102030405c6")},
		{name: "CSRK before encryption, to a responder", secure: true, victim: hci.Peripheral, want: UnspecifiedReason, c: codeDHKeyCheck, becomes: before("0a" + sixteen)},
		{name: "LTK in place of the Pairing Response", victim: hci.Central, want: UnspecifiedReason, c: codePairingResponse, becomes: becomesPDU("06" + sixteen)},
		{name: "LTK twice", victim: hci.Central, want: UnspecifiedReason, c: codeEncryptionInformation, becomes: twice},
		{name: "EDIV and Rand twice", victim: hci.Peripheral, want: UnspecifiedReason, c: codeCentralIdentification, becomes: twice},
		{name: "IRK twice", secure: true, victim: hci.Peripheral, want: UnspecifiedReason, c: codeIdentityInformation, becomes: twice},
		{name: "identity address twice", secure: true, victim: hci.Central, want: UnspecifiedReason, c: codeIdentityAddress, becomes: twice},
		{name: "out of order: EDIV before the LTK", victim: hci.Central, want: UnspecifiedReason,
			c: codeEncryptionInformation, becomes: becomesPDU("075652e68be54bf50780a3")},
		{name: "out of order: the CSRK first", secure: true, victim: hci.Central, want: UnspecifiedReason,
			c: codeIdentityInformation, becomes: becomesPDU("0a" + sixteen)},
		{name: "not agreed: an LTK in Secure Connections", secure: true, victim: hci.Central, want: UnspecifiedReason,
			c: codeIdentityInformation, becomes: becomesPDU("06" + sixteen)},
		{name: "not agreed: a CSRK", victim: hci.Peripheral, want: UnspecifiedReason,
			sides: func(_, p *pairingParameters) { p.initiatorKeys = DistributeEnc },
			c:     codeEncryptionInformation, becomes: becomesPDU("0a" + sixteen)},
		{name: "LTK of 15 octets", victim: hci.Central, want: InvalidParameters, c: codeEncryptionInformation, becomes: becomesPDU("06" + sixteen[2:])},
		{name: "identity address of a reserved type", victim: hci.Central, want: InvalidParameters,
			c: codeIdentityAddress, becomes: octetsBecome(map[int]byte{1: 2})},
		{name: "a new Pairing Request in phase 3", victim: hci.Peripheral, want: UnspecifiedReason,
			c: codeEncryptionInformation, becomes: becomesPDU("01030001100101")},
	} {
		t.Run(x.name, func(t *testing.T) { x.run(t) })
	}
}

// Keys are distributed in the order of 3.6.1, all of the responder's before the initiator's first, and land
// with who distributed them.
func TestDistributionOrder(t *testing.T) {
	for secure, want := range map[bool][]code{
		false: {codeEncryptionInformation, codeCentralIdentification, codeIdentityInformation, codeIdentityAddress, codeSigningInformation},
		true:  {codeIdentityInformation, codeIdentityAddress, codeSigningInformation},
	} {
		c, p := attack{name: "order", secure: secure, victim: hci.Central}.run(t)
		for _, o := range []outcome{c, p} {
			var got []code
			for _, pdu := range o.sent {
				if isKey(code(pdu[0])) {
					got = append(got, code(pdu[0]))
				}
			}
			if len(got) != len(want) {
				t.Fatalf("secure %t: %v, want %v", secure, got, want)
			}
			for i := range want {
				if got[i] != want[i] {
					t.Errorf("secure %t: %v, want %v", secure, got, want)
				}
			}
		}
		if *c.keys.LocalCSRK != *p.keys.PeerCSRK || *p.keys.LocalCSRK != *c.keys.PeerCSRK || *c.keys.LocalCSRK == *p.keys.LocalCSRK {
			t.Error("signing keys are not with who distributed them")
		}
		if *c.keys.PeerIRK != airIRK[1] || *p.keys.PeerIRK != airIRK[0] || c.identity != airPeripheral || p.identity != airCentral {
			t.Error("identities are not with who distributed them")
		}
		if !secure && (*c.keys.Local != *p.keys.Peer || *p.keys.Local != *c.keys.Peer || *c.keys.Local == *p.keys.Local) {
			t.Error("LTKs are not with who distributed them")
		}
	}
}

// Every choice of keys on both sides comes to what both want.
func TestEveryKeyDistribution(t *testing.T) {
	for _, secure := range []bool{false, true} {
		for asked := range KeyDistribution(64) {
			for allowed := range KeyDistribution(64) {
				a := newAir(nil)
				central, peripheral := bondingSides(secure)
				central.initiatorKeys, central.responderKeys = asked&7, asked>>3
				peripheral.initiatorKeys, peripheral.responderKeys = allowed&7, allowed>>3
				c, p := a.run(t.Context(), central, peripheral)
				if c.err != nil || p.err != nil {
					t.Fatalf("asked %06b, allowed %06b: %v, %v", asked, allowed, c.err, p.err)
				}
				both := asked & allowed
				wantDistributed(t, both>>3, secure, c.keys)
				wantDistributed(t, both&7, secure, p.keys)
			}
			if secure && asked > 8 {
				break // the key agreement takes its time, and the rest is as in legacy pairing
			}
		}
	}
}

// wantDistributed holds what a side has of its peer against what was agreed.
func wantDistributed(t *testing.T, agreed KeyDistribution, secure bool, k Keys) {
	t.Helper()
	if (k.Peer != nil) != (agreed&DistributeEnc != 0 && !secure) || (k.PeerIRK != nil) != (agreed&DistributeID != 0) ||
		(k.PeerCSRK != nil) != (agreed&DistributeSign != 0) {
		t.Errorf("agreed %03b, secure %t: LTK %t, IRK %t, CSRK %t", agreed, secure, k.Peer != nil, k.PeerIRK != nil, k.PeerCSRK != nil)
	}
}

// EDIV = 0 and Rand = 0 do not make a key one of Secure Connections: legacy peers with zeros exist.
func TestLegacyKeyNamedByZeros(t *testing.T) {
	c, _ := attack{name: "zeros", victim: hci.Central, sides: func(_, p *pairingParameters) {
		p.random = func(b []byte) {
			if len(b) == 16 {
				_, _ = rand.Read(b)
			}
		}
	}}.run(t)
	if c.err != nil || c.keys.SC != nil || c.keys.SecureConnections || c.keys.Peer == nil || c.keys.Peer.EDIV != 0 || c.keys.Peer.Rand != [8]byte{} {
		t.Errorf("%v, an SC key %t", c.err, c.keys.SC != nil)
	}
}

// A peer that sends its LTK whole, with a shorter key agreed on, encrypts with the short one.
func TestReceivedLTKIsMasked(t *testing.T) {
	c, p := attack{name: "whole LTK", victim: hci.Central,
		sides: func(c, _ *pairingParameters) { c.maxKeySize = 7 },
		c:     codeEncryptionInformation, becomes: func(_ *air, pdu []byte) [][]byte {
			if !bytes.Equal(pdu[8:], make([]byte, 9)) {
				t.Errorf("our own LTK is not masked: %x", pdu)
			}
			copy(pdu[8:], bytes.Repeat([]byte{0xFF}, 9))
			return [][]byte{pdu}
		}}.run(t)
	if *c.keys.Peer != *p.keys.Local {
		t.Error("the LTK is not masked")
	}
}

// All-zero IRK; identity address that is resolvable, non-resolvable or zero: ignore the IRK.
func TestIdentitiesThatAreNone(t *testing.T) {
	type change = map[int]byte
	zeroIRK := change{}
	for i := 1; i <= 16; i++ {
		zeroIRK[i] = 0
	}
	for _, x := range []struct {
		name   string
		c      code
		change change
		asked  bool // whether the caller is asked about the address
	}{
		{"all-zero IRK", codeIdentityInformation, zeroIRK, true},
		{"resolvable", codeIdentityAddress, change{1: 1, 7: 0x46}, false},
		{"non-resolvable", codeIdentityAddress, change{1: 1, 7: 0x06}, false},
		{"zero", codeIdentityAddress, change{1: 0, 2: 0, 3: 0, 4: 0, 5: 0, 6: 0, 7: 0}, false},
		{"static, of zeros", codeIdentityAddress, change{1: 1, 2: 0, 3: 0, 4: 0, 5: 0, 6: 0, 7: 0xC0}, false},
		{"static, of ones", codeIdentityAddress, change{1: 1, 2: 255, 3: 255, 4: 255, 5: 255, 6: 255, 7: 0xFF}, false},
	} {
		t.Run(x.name, func(t *testing.T) {
			asked := false
			c, p := attack{name: x.name, secure: true, victim: hci.Central,
				sides: func(c, _ *pairingParameters) {
					c.identityKnown = func(hci.Address) error { asked = true; return nil }
				},
				c: x.c, becomes: octetsBecome(x.change)}.run(t)
			if c.keys.PeerIRK != nil || !c.identity.IsZero() || asked != x.asked {
				t.Errorf("identity %v with an IRK %t, asked %t", c.identity, c.keys.PeerIRK != nil, asked)
			}
			if p.identity != airCentral || c.keys.PeerCSRK == nil {
				t.Error("the rest was not distributed")
			}
		})
	}
}

// A stranger pairs Just Works, then sends the identity address of an existing bond: Key Rejected.
func TestIdentityOfSomebodyElse(t *testing.T) {
	stolen := errors.New("this is somebody else's")
	for _, role := range []hci.Role{hci.Central, hci.Peripheral} {
		for _, zero := range []bool{false, true} { // without an IRK it is a claim all the same
			var claimed hci.Address
			x := attack{name: "theft", secure: true, victim: role, want: KeyRejected, sides: func(c, p *pairingParameters) {
				[2]*pairingParameters{c, p}[role].identityKnown = func(a hci.Address) error { claimed = a; return stolen }
			}, c: codeIdentityInformation, becomes: func(_ *air, pdu []byte) [][]byte {
				if zero {
					clear(pdu[1:])
				}
				return [][]byte{pdu}
			}}
			c, p := x.run(t)
			if claimed != [2]hci.Address{airPeripheral, airCentral}[role] {
				t.Errorf("asked about %v", claimed.Text())
			}
			if victim := [2]outcome{c, p}[role]; !errors.Is(victim.err, stolen) {
				t.Errorf("%v", victim.err)
			}
		}
	}
	c, _ := attack{name: "with a Reason of the caller's", victim: hci.Central, want: Busy, sides: func(c, _ *pairingParameters) {
		c.identityKnown = func(hci.Address) error { return Busy }
	}}.run(t)
	if !errors.Is(c.err, Busy) {
		t.Errorf("%v", c.err)
	}
}

// Without an IRK of ours there is no identity to distribute: a zero one would resolve anybody.
func TestNoIRKNoIdentity(t *testing.T) {
	c, p := attack{name: "no IRK", victim: hci.Central, sides: func(c, p *pairingParameters) { c.irk, p.irk = Key{}, Key{} }}.run(t)
	for _, o := range []outcome{c, p} {
		if o.keys.PeerIRK != nil || !o.identity.IsZero() || o.keys.PeerCSRK == nil || o.keys.Peer == nil {
			t.Error("distributed an identity, or not the rest")
		}
		for _, pdu := range o.sent {
			if c := code(pdu[0]); c == codeIdentityInformation || c == codeIdentityAddress {
				t.Errorf("sent %v", c)
			}
		}
	}
}

// The outcome of encryption is the pairing's only when it has started it.
func TestEncryptionEvents(t *testing.T) {
	event := func(to hci.Role) func(*air, []byte) [][]byte {
		return func(a *air, pdu []byte) [][]byte {
			a.ends[to].hear(wireEvent{encryption: true, status: hci.Success})
			return [][]byte{pdu}
		}
	}
	for _, x := range []attack{
		{name: "before the Pairing Response", victim: hci.Central, c: codePairingResponse, becomes: event(hci.Central)},
		{name: "before the confirm value", secure: true, victim: hci.Central, c: codePairingConfirm, becomes: event(hci.Central)},
		{name: "before the DHKey check", secure: true, victim: hci.Peripheral, c: codeDHKeyCheck, becomes: event(hci.Peripheral)},
	} {
		t.Run(x.name, func(t *testing.T) { x.run(t) })
	}
}

// Encryption with the new key fails for want of it: the pairing has failed, and no key is left of it.
func TestEncryptionFails(t *testing.T) {
	steps, stk := recorded(t)
	random := pduOf(t, steps, true, codePairingRandom)[1:]
	for i := range steps {
		if steps[i].encrypted {
			steps = append(steps[:i:i], step{encrypted: true, status: hci.PINOrKeyMissing}, step{ours: true, pdu: []byte{0x05, 0x08}})
			break
		}
	}
	got, err := pair(t.Context(), &recording{t: t, steps: steps[1:], key: stk}, pairingParameters{
		role: hci.Central, local: recordedHost, peer: recordedOximeter, bonding: true, responderKeys: DistributeEnc, random: drawn(t, random),
	})
	if !errors.Is(err, hci.PINOrKeyMissing) || !errors.Is(err, UnspecifiedReason) || got != (pairingResult{}) {
		t.Errorf("%v", err)
	}
}

// TestKeysThatOvertakeEncryption are held on a controller on USB, for a moment; elsewhere, and before encryption was
// started, they are plaintext that somebody has injected.
func TestKeysThatOvertakeEncryption(t *testing.T) {
	for _, x := range []struct {
		name       string
		hold, late time.Duration
		secure     SecureConnections
		ok         bool
	}{
		{"on USB", 100 * time.Millisecond, 99 * time.Millisecond, SecureConnectionsAllowed, true},
		{"on USB, legacy", 100 * time.Millisecond, 99 * time.Millisecond, SecureConnectionsOff, true},
		{"on USB, for too long", 100 * time.Millisecond, 101 * time.Millisecond, SecureConnectionsAllowed, false},
		{"elsewhere", 0, time.Millisecond, SecureConnectionsAllowed, false},
		{"elsewhere, legacy", 0, time.Millisecond, SecureConnectionsOff, false},
	} {
		t.Run(x.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				policy := Policy{SecureConnections: x.secure}
				central := newManager(t, Config{Policy: policy, HoldKeys: x.hold, InitiatorKeys: everyKey, ResponderKeys: everyKey})
				a := join(t, central, hostText, newManager(t, Config{
					Policy: policy, Identity: addressOf(t, oximeterText), InitiatorKeys: everyKey, ResponderKeys: everyKey,
				}), oximeterText)
				a.late = x.late
				err := secured(t, a.central, LevelEncrypted)
				time.Sleep(time.Second)
				r, stored := central.load(addressOf(t, oximeterText))
				if (err == nil) != x.ok || stored != x.ok || !x.ok && !errors.Is(err, UnspecifiedReason) || x.ok && r.Keys.PeerCSRK == nil {
					t.Errorf("%v, stored %v", err, stored)
				}
				a.drop()
			})
		})
	}
	for _, hold := range []time.Duration{0, time.Second} {
		for name, c := range map[string]code{"in phase 2": codePairingRandom, "in place of what ends phase 2": codeDHKeyCheck} {
			attack{name: name, secure: true, victim: hci.Peripheral, want: UnspecifiedReason, c: c, becomes: becomesPDU("08" + sixteen),
				sides: func(_, p *pairingParameters) { p.holdKeys = hold }}.run(t)
		}
	}
}

// TestHeldKeysAreBounded: no more is held than a side can have to distribute, and nothing but keys.
func TestHeldKeysAreBounded(t *testing.T) {
	for name, pdus := range map[string][]string{
		"too many": {"06" + sixteen, "08" + sixteen, "0a" + sixteen, "06" + sixteen, "08" + sixteen, "0a" + sixteen},
		"no key":   {"04" + sixteen},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := &awaiting{}
			for _, pdu := range pdus {
				w.events = append(w.events, wireEvent{pdu: unhex(t, pdu), starting: true})
			}
			w.events = append(w.events, wireEvent{encryption: true})
			s := newPairing(t.Context(), w, pairingParameters{holdKeys: time.Second})
			if _, tell, err := s.encryption(); tell != UnspecifiedReason || err == nil {
				t.Errorf("%s: %v, %v", name, tell, err)
			}
		})
	}
}

// awaiting is a wire with its events in order, and nothing after them.
type awaiting struct{ events []wireEvent }

func (*awaiting) send([]byte) error { return nil }
func (*awaiting) encrypt(Key) error { return nil }
func (*awaiting) offer(Key)         {}
func (a *awaiting) next(ctx context.Context) (wireEvent, error) {
	if len(a.events) == 0 {
		<-ctx.Done()
		return wireEvent{}, ctx.Err()
	}
	ev := a.events[0]
	a.events = a.events[1:]
	return ev, nil
}
