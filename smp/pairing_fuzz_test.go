package smp

import (
	"crypto/ecdh"
	"errors"
	"math/rand/v2"
	"testing"
	"testing/synctest"

	"github.com/jelling-ble/jelling/hci"
)

// tampering is what becomes of the PDUs of a pairing: an octet for each, with more octets behind it where it puts
// something else in the PDU's place.
type tampering struct {
	rest   []byte
	forged bool // something was made up that the keys do not protect
}

// literal is a PDU of the script: its length, then its octets.
func (s *tampering) literal() []byte {
	if len(s.rest) == 0 {
		return []byte{}
	}
	n := min(int(s.rest[0])%70, len(s.rest)-1)
	pdu := append([]byte{}, s.rest[1:1+n]...)
	s.rest = s.rest[1+n:]
	s.forged = s.forged || n > 0 && isKey(code(pdu[0]))
	return pdu
}

func (s *tampering) apply(a *air, from hci.Role, pdu []byte) [][]byte {
	if len(s.rest) == 0 {
		return [][]byte{pdu}
	}
	op, to := s.rest[0], a.ends[1-from]
	s.rest = s.rest[1:]
	switch op % 10 {
	case 1:
		return [][]byte{}
	case 2:
		return [][]byte{pdu, append([]byte{}, pdu...)}
	case 3:
		return [][]byte{s.literal()}
	case 4:
		return [][]byte{s.literal(), pdu}
	case 5:
		return [][]byte{pdu, s.literal()}
	case 6:
		to.hear(wireEvent{encryption: true, status: hci.Status(op / 10)})
	case 7:
		return [][]byte{pdu[:int(op/10)%len(pdu)]}
	case 8:
		pdu[int(op/10)%len(pdu)] ^= op
		s.forged = s.forged || isKey(code(pdu[0]))
	case 9:
		return nil
	}
	return [][]byte{pdu}
}

// FuzzPairing sets two sides of any kind against each other, with a script between them. Each ends within its
// time, with a result or an error that it has told; and if both have a result, they have the same key.
func FuzzPairing(f *testing.F) {
	f.Add(byte(0), []byte{})
	f.Add(byte(1), []byte{0, 0, 1})
	f.Add(byte(2), []byte{3, 2, 1, 0xFF})
	f.Add(byte(3), []byte{0, 0, 0, 5, 17, 6, 1, 2, 3})
	f.Add(byte(7), []byte{4, 2, 0x0B, 0, 6, 2, 7, 8})
	f.Add(byte(4), []byte{0, 0, 0, 0, 0, 6, 0, 9})
	f.Add(byte(1), append([]byte{3, 7}, 1, 4, 0, 9, 16, 7, 7))
	f.Fuzz(func(t *testing.T, kind byte, octets []byte) {
		synctest.Test(t, func(t *testing.T) {
			central, peripheral := fuzzSides(kind)
			s := &tampering{rest: octets}
			var a *air
			a = newAir(func(_ int, from hci.Role, pdu []byte) [][]byte { return s.apply(a, from, pdu) })
			c, p := a.run(t.Context(), central, peripheral)
			for _, o := range []outcome{c, p} {
				failed, ok := errors.AsType[*PairingError](o.err)
				switch {
				case o.err != nil && o.pairingResult != pairingResult{}:
					t.Errorf("both a result and %v", o.err)
				case o.err != nil && !ok && !errors.Is(o.err, errGone):
					t.Errorf("%v is no PairingError", o.err)
				case ok && !failed.ByPeer && o.failed() != failed.Reason:
					t.Errorf("told %v: %v", o.failed(), o.err)
				}
				for _, pdu := range o.sent {
					if _, err := reparse(pdu); err != nil {
						t.Errorf("sent %x: %v", pdu, err)
					}
				}
			}
			if c.err == nil && p.err == nil && (!s.forged || c.keys.SC != nil) {
				if s.forged {
					c.keys.Local, c.keys.Peer, p.keys.Local, p.keys.Peer = nil, nil, nil, nil
				}
				wantSameKeys(t, c, p)
			}
		})
	})
}

// fuzzSides is both sides with every random value known.
func fuzzSides(kind byte) (central, peripheral pairingParameters) {
	if kind&2 == 0 {
		central, peripheral = bondingSides(kind&1 != 0)
	} else {
		central, peripheral = bondingSides(kind&1 != 0, yes{IOCapability(kind >> 2 % 5), 5}, yes{IOCapability(kind >> 5 % 5), 5})
		central.mitm = false
		central.flags = authMITM
	}
	for i, p := range []*pairingParameters{&central, &peripheral} {
		r := rand.New(rand.NewPCG(uint64(i), 1))
		p.random = func(b []byte) {
			for i := range b {
				b[i] = byte(r.Uint32())
			}
		}
		p.privateKey = func() (*ecdh.PrivateKey, error) {
			return ecdh.P256().NewPrivateKey(append(make([]byte, 31), byte(42+i)))
		}
	}
	return central, peripheral
}
