package smp

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/jelling-ble/jelling/hci"
)

// attack is a pairing in which one PDU is not what it should be, or one side wants what cannot be had.
type attack struct {
	name    string
	secure  bool
	victim  hci.Role // who has to notice
	want    Reason   // what it tells the peer; 0 for a pairing that succeeds all the same
	sides   func(central, peripheral *pairingParameters)
	c       code                                     // the PDU to the victim that changes
	becomes func(a *air, pdu []byte) (pdus [][]byte) // what arrives in its place
}

// run holds both sides to what the attack should come to.
func (x attack) run(t *testing.T) (c, p outcome) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var a *air
		hit := x.becomes == nil
		a = newAir(func(_ int, from hci.Role, pdu []byte) [][]byte {
			if from == x.victim || code(pdu[0]) != x.c || x.becomes == nil {
				return [][]byte{pdu}
			}
			hit = true
			return x.becomes(a, pdu)
		})
		central, peripheral := bondingSides(x.secure)
		if x.sides != nil {
			x.sides(&central, &peripheral)
		}
		c, p = a.run(t.Context(), central, peripheral)
		checkOutcomes(t, x.name, c, p)
		victim := [2]outcome{c, p}[x.victim]
		switch failed, _ := errors.AsType[*PairingError](victim.err); {
		case !hit:
			t.Error("there was no such PDU")
		case x.want == 0 && (c.err != nil || p.err != nil):
			t.Errorf("central: %v; peripheral: %v", c.err, p.err)
		case x.want != 0 && (failed == nil || failed.Reason != x.want || failed.ByPeer || victim.failed() != x.want):
			t.Errorf("%v: %v, told %v, want %v", x.victim, victim.err, victim.failed(), x.want)
		}
	})
	return c, p
}

// becomes changes single octets.
func octetsBecome(change map[int]byte) func(*air, []byte) [][]byte {
	return func(_ *air, pdu []byte) [][]byte {
		for i, b := range change {
			pdu[i] = b
		}
		return [][]byte{pdu}
	}
}

// becomesPDU puts others in place of a PDU.
func becomesPDU(pdus ...string) func(*air, []byte) [][]byte {
	return func(*air, []byte) [][]byte {
		var out [][]byte
		for _, p := range pdus {
			var b []byte
			if _, err := fmt.Sscanf(p, "%x", &b); err != nil {
				return nil
			}
			out = append(out, b)
		}
		return out
	}
}

func TestFeaturesThatAreRefused(t *testing.T) {
	for _, x := range []attack{
		{name: "Pairing Request with maximum key size 0", victim: hci.Peripheral, want: EncryptionKeySize,
			c: codePairingRequest, becomes: octetsBecome(map[int]byte{4: 0})},
		{name: "Pairing Request with maximum key size 6", victim: hci.Peripheral, want: EncryptionKeySize,
			c: codePairingRequest, becomes: octetsBecome(map[int]byte{4: 6})},
		{name: "Pairing Response with maximum key size 6", victim: hci.Central, want: EncryptionKeySize,
			c: codePairingResponse, becomes: octetsBecome(map[int]byte{4: 6})},
		{name: "Pairing Request with maximum key size 17", victim: hci.Peripheral, want: InvalidParameters,
			c: codePairingRequest, becomes: octetsBecome(map[int]byte{4: 17})},
		{name: "Pairing Response with maximum key size 255", victim: hci.Central, want: InvalidParameters,
			c: codePairingResponse, becomes: octetsBecome(map[int]byte{4: 255})},
		{name: "our minimum is above the initiator's maximum", victim: hci.Peripheral, want: EncryptionKeySize,
			sides: func(c, p *pairingParameters) { c.maxKeySize, p.minKeySize = 15, 16 }},
		{name: "our minimum is above the responder's maximum", victim: hci.Central, want: EncryptionKeySize,
			sides: func(c, p *pairingParameters) { c.minKeySize, p.maxKeySize = 16, 7 }},
		{name: "Pairing Request cut to 01ff", victim: hci.Peripheral, want: InvalidParameters,
			c: codePairingRequest, becomes: becomesPDU("01ff")},
		{name: "Pairing Response cut to one octet", victim: hci.Central, want: InvalidParameters,
			c: codePairingResponse, becomes: becomesPDU("02")},
		{name: "Pairing Request with IO capability 5", victim: hci.Peripheral, want: InvalidParameters,
			c: codePairingRequest, becomes: octetsBecome(map[int]byte{1: 5})},
		{name: "Pairing Response with OOB flag 2", victim: hci.Central, want: InvalidParameters,
			c: codePairingResponse, becomes: octetsBecome(map[int]byte{2: 2})},
		{name: "Pairing Response distributes more than was asked for, of the initiator's", victim: hci.Central, want: InvalidParameters,
			sides: func(c, _ *pairingParameters) { c.initiatorKeys = 0 },
			c:     codePairingResponse, becomes: octetsBecome(map[int]byte{5: 1})},
		{name: "Pairing Response distributes more than was asked for, of the responder's", victim: hci.Central, want: InvalidParameters,
			sides: func(c, _ *pairingParameters) { c.responderKeys = DistributeEnc },
			c:     codePairingResponse, becomes: octetsBecome(map[int]byte{6: 3})},
		{name: "SC-only mode, SC bit clear, as responder", victim: hci.Peripheral, want: AuthenticationRequirements,
			sides: func(_, p *pairingParameters) { p.secure, p.secureOnly = true, true }},
		{name: "SC-only mode, SC bit clear, as initiator", victim: hci.Central, want: AuthenticationRequirements,
			sides: func(c, _ *pairingParameters) { c.secure, c.secureOnly = true, true }},
		{name: "our authentication requirements can't be met, as responder", victim: hci.Peripheral, want: AuthenticationRequirements,
			sides: func(_, p *pairingParameters) { p.mitm = true }},
		{name: "our authentication requirements can't be met, as initiator", secure: true, victim: hci.Central, want: AuthenticationRequirements,
			sides: func(c, _ *pairingParameters) { c.mitm, c.delegate = true, yes{io: KeyboardDisplay} }},
		{name: "Pairing Request to a central", victim: hci.Central, want: CommandNotSupported,
			c: codePairingResponse, becomes: becomesPDU("01030001100101")},
		{name: "Security Request to a peripheral", victim: hci.Peripheral, want: CommandNotSupported,
			c: codePairingConfirm, becomes: becomesPDU("0b00")},
		{name: "out of band data that we never gave", secure: true, victim: hci.Peripheral, want: OOBNotAvailable,
			c: codePairingRequest, becomes: octetsBecome(map[int]byte{2: 1})},
		{name: "out of band data of a Secure Connections kind, for a peer that has none of it", victim: hci.Central, want: OOBNotAvailable,
			sides: func(c, p *pairingParameters) {
				c.secure, c.outOfBand = true, &outOfBandData{peer: &outOfBandPeer{}}
				p.outOfBand = &outOfBandData{tk: &Key{1}}
			}},
	} {
		t.Run(x.name, func(t *testing.T) { x.run(t) })
	}
}

func TestFeaturesThatArePeculiar(t *testing.T) {
	for _, x := range []attack{
		{name: "the peer's MITM bit with nobody to ask falls to Just Works", victim: hci.Peripheral,
			sides: func(c, _ *pairingParameters) { c.flags = authMITM }},
		{name: "reserved AuthReq bits", victim: hci.Peripheral, sides: func(c, p *pairingParameters) { c.flags, p.flags = 0x40, 0xC0 }},
		{name: "keypress and CT2 bits", secure: true, victim: hci.Peripheral,
			sides: func(c, p *pairingParameters) { c.flags, p.flags = authKeypress|authCT2, authCT2 }},
		{name: "Link key bit in the request", secure: true, victim: hci.Peripheral,
			c: codePairingRequest, becomes: octetsBecome(map[int]byte{5: 0x0F, 6: 0x0F})},
		{name: "Link key bit in the response", secure: true, victim: hci.Central,
			c: codePairingResponse, becomes: octetsBecome(map[int]byte{5: 0x0F, 6: 0xFF})},
		{name: "Security Request while our Pairing Request is unanswered", victim: hci.Central,
			c: codePairingResponse, becomes: func(_ *air, pdu []byte) [][]byte { return [][]byte{{0x0B, 0x00}, {0x0B}, pdu} }},
		{name: "Security Request before our random value is answered", secure: true, victim: hci.Central,
			c: codePairingRandom, becomes: func(_ *air, pdu []byte) [][]byte { return [][]byte{{0x0B, 0x09}, pdu} }},
		{name: "Security Request while encryption is pending", secure: true, victim: hci.Central,
			c: codeDHKeyCheck, becomes: func(_ *air, pdu []byte) [][]byte { return [][]byte{pdu, {0x0B, 0x00}, {0x0B, 0x09}} }},
		{name: "code 0x00, and 0x0F to 0xFF", victim: hci.Central,
			c: codePairingConfirm, becomes: func(_ *air, pdu []byte) [][]byte {
				all := [][]byte{{0}, {}}
				for c := 0x0F; c <= 0xFF; c++ {
					all = append(all, []byte{byte(c)}, []byte{byte(c), 1, 2, 3})
				}
				return append(all, pdu)
			}},
	} {
		t.Run(x.name, func(t *testing.T) {
			c, p := x.run(t)
			for _, o := range []outcome{c, p} {
				if o.method != JustWorks || o.agreement.security.Authenticated || o.keys.Authenticated {
					t.Errorf("came to %+v", o.agreement)
				}
				f, err := parseFeatures(o.sent[0], code(o.sent[0][0]))
				if err != nil || (f.initiator|f.responder)&^distributable != 0 {
					t.Errorf("features %x, %v", o.sent[0], err)
				}
			}
		})
	}
}

// The agreed key size is the smaller maximum, and masks what is made of it.
func TestKeySizes(t *testing.T) {
	for _, secure := range []bool{false, true} {
		for size := leastKeySize; size <= mostKeySize; size++ {
			c, p := attack{name: "key size", secure: secure, victim: hci.Central, sides: func(c, p *pairingParameters) {
				if c.maxKeySize = size; size%2 == 0 {
					c.maxKeySize, p.maxKeySize = 0, size
				}
			}}.run(t)
			for _, o := range []outcome{c, p} {
				if o.agreement.security.KeySize != size || o.keys.KeySize != size {
					t.Errorf("%+v, want %d octets", o.agreement, size)
				}
				for _, ltk := range []*LTK{o.keys.SC, o.keys.Local, o.keys.Peer} {
					if ltk != nil && ([16]byte(ltk.Key) == [16]byte{} || Key(append(ltk.Key[:size:size], make([]byte, 16-size)...)) != ltk.Key) {
						t.Errorf("secure %t: an LTK of %d octets is not masked", secure, size)
					}
				}
			}
		}
	}
}

// What the caller finds too weak is refused before anything but the request was sent.
func TestCallerRefuses(t *testing.T) {
	for _, c := range []struct {
		err  error
		want Reason
	}{
		{errors.New("would be weaker"), AuthenticationRequirements},
		{fmt.Errorf("would be weaker: %w", EncryptionKeySize), EncryptionKeySize},
		{PairingNotSupported, PairingNotSupported},
	} {
		for _, role := range []hci.Role{hci.Central, hci.Peripheral} {
			calls := 0
			refuse := func(agreed agreement) error {
				if calls++; agreed.method != JustWorks || !agreed.bonding || !agreed.security.Encrypted || agreed.security.KeySize != 16 {
					t.Errorf("asked about %+v", agreed)
				}
				return c.err
			}
			central, peripheral := attack{name: "the caller refuses", victim: role, want: c.want, sides: func(c, p *pairingParameters) {
				[2]*pairingParameters{c, p}[role].features = refuse
			}}.run(t)
			victim, sent := [2]outcome{central, peripheral}[role], [2]int{2, 1}[role]
			if len(victim.sent) != sent || calls != 1 || !errors.Is(victim.err, c.err) {
				t.Errorf("%v: %v after %d PDUs and %d calls", role, victim.err, len(victim.sent), calls)
			}
			if other := [2]outcome{central, peripheral}[1-role]; !errors.Is(other.err, c.want) {
				t.Errorf("the other side has %v", other.err)
			}
		}
	}
}

// Bonding takes both sides, and without it no keys are asked for unless the parameters say so.
func TestBondingTakesBoth(t *testing.T) {
	for _, bonding := range [][2]bool{{false, false}, {false, true}, {true, false}, {true, true}} {
		c, p := attack{name: "bonding", victim: hci.Central, sides: func(c, p *pairingParameters) {
			c.bonding, p.bonding = bonding[0], bonding[1]
			if !c.bonding {
				c.initiatorKeys, c.responderKeys = 0, 0
			}
		}}.run(t)
		if want := bonding[0] && bonding[1]; c.bonding != want || p.bonding != want {
			t.Errorf("%v: %t, %t", bonding, c.bonding, p.bonding)
		}
		if (c.keys.Peer != nil) != bonding[0] {
			t.Errorf("%v: distributed %v", bonding, c.keys.Peer != nil)
		}
	}
}
