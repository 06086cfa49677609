package smp

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// yes is a person with everything to show and to ask with, who finds all numbers the same.
type yes struct {
	io      IOCapability
	passkey uint32
}

func (y yes) capabilities() Capabilities                                       { return Capabilities{IO: y.io} }
func (y yes) display(context.Context, uint32, <-chan Keypress) (uint32, error) { return y.passkey, nil }
func (y yes) enter(context.Context, func(Keypress)) (uint32, error)            { return y.passkey, nil }
func (y yes) compare(context.Context, uint32) error                            { return nil }

// pairings is one of each kind.
func pairings() map[string][2]pairingParameters {
	all := map[string][2]pairingParameters{}
	add := func(name string, secure bool, delegates ...delegate) {
		c, p := bondingSides(secure, delegates...)
		all[name] = [2]pairingParameters{c, p}
	}
	add("legacy, just works", false)
	add("legacy, passkey", false, yes{KeyboardOnly, 123456}, yes{DisplayOnly, 123456})
	add("secure connections, just works", true)
	add("secure connections, numeric comparison", true, yes{io: DisplayYesNo}, yes{io: KeyboardDisplay})
	add("secure connections, passkey", true, yes{KeyboardDisplay, 999999}, yes{KeyboardOnly, 999999})
	return all
}

// faults is what can become of one PDU.
var faults = map[string]func(pdu []byte) [][]byte{
	"dropped":    func([]byte) [][]byte { return [][]byte{} },
	"duplicated": func(pdu []byte) [][]byte { return [][]byte{pdu, append([]byte{}, pdu...)} },
	"truncated":  func(pdu []byte) [][]byte { return [][]byte{pdu[:len(pdu)-1]} },
	"emptied":    func(pdu []byte) [][]byte { return [][]byte{pdu[:0]} },
	"lengthened": func(pdu []byte) [][]byte { return [][]byte{append(pdu, 0)} },
	"last":       func([]byte) [][]byte { return nil },
	"refused":    func([]byte) [][]byte { return [][]byte{{byte(codePairingFailed), byte(UnspecifiedReason)}} },
	"mumbled":    func(pdu []byte) [][]byte { return [][]byte{{0xFF, 1, 2}, {byte(codeKeypress), 0}, pdu} },
}

// TestEveryFaultEverywhere runs each pairing once for each PDU and each fault. Either both sides have the same
// keys, or who has none knows it, within the specification's time.
func TestEveryFaultEverywhere(t *testing.T) {
	for name, sides := range pairings() {
		for fault, apply := range faults {
			t.Run(name+", "+fault, func(t *testing.T) {
				for at, more := 0, true; more; at++ {
					more = runFault(t, sides, at, apply)
				}
			})
		}
	}
}

// runFault tells whether there was a PDU to spoil.
func runFault(t *testing.T, sides [2]pairingParameters, at int, apply func([]byte) [][]byte) (hit bool) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		a := newAir(func(n int, _ hci.Role, pdu []byte) [][]byte {
			if n != at {
				return [][]byte{pdu}
			}
			hit = true
			return apply(pdu)
		})
		c, p := a.run(t.Context(), sides[0], sides[1])
		checkOutcomes(t, fmt.Sprintf("PDU %d", at), c, p)
		if !hit && (c.err != nil || p.err != nil) {
			t.Errorf("without any fault: %v, %v", c.err, p.err)
		}
		if took := time.Since(start); took > 2*pairingTimeout {
			t.Errorf("PDU %d: took %v", at, took)
		}
	})
	return hit
}

// checkOutcomes holds whatever happened to the one rule.
func checkOutcomes(t *testing.T, what string, c, p outcome) {
	t.Helper()
	for _, o := range []outcome{c, p} {
		var failed *PairingError
		switch {
		case o.err == nil:
		case o.pairingResult != pairingResult{}:
			t.Errorf("%s: both a result and %v", what, o.err)
		case errors.Is(o.err, errGone):
		case !errors.As(o.err, &failed):
			t.Errorf("%s: %v is no PairingError", what, o.err)
		case failed.Timeout && o.failed() != 0:
			t.Errorf("%s: Pairing Failed after a time-out", what)
		case !failed.Timeout && !failed.ByPeer && o.failed() != failed.Reason:
			t.Errorf("%s: told the peer %v, the caller %v", what, o.failed(), failed.Reason)
		}
	}
	if c.err == nil && p.err == nil {
		wantSameKeys(t, c, p)
	}
}

// TestEveryOctetOnAirIsProtected turns a bit of each octet that travels before encryption. Nobody ends up with
// another key than the other side.
func TestEveryOctetOnAirIsProtected(t *testing.T) {
	for name, sides := range pairings() {
		t.Run(name, func(t *testing.T) {
			for at, octets := 0, 1; octets > 0; at++ {
				for octet := 0; octet < octets || octet == 0; octet++ {
					octets = 0
					runFault(t, sides, at, func(pdu []byte) [][]byte {
						if !isKey(code(pdu[0])) {
							octets = len(pdu)
							pdu[octet] ^= 1 << (octet % 8)
						}
						return [][]byte{pdu}
					})
				}
			}
		})
	}
}
