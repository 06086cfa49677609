package smp

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

const (
	pairingRequest  = "01030009100303"      // a central that bonds, Secure Connections
	pairingResponse = "send 02030009100303" // ours
)

// TestSecurityRequest is what a peripheral asks for when somebody wants a level.
func TestSecurityRequest(t *testing.T) {
	for _, c := range []struct {
		name   string
		config Config
		level  Level
		want   string
	}{
		{"default", Config{}, LevelEncrypted, "send 0b09"},
		{"authenticated", Config{}, LevelAuthenticated, "send 0b0d"},
		{"never", Config{Policy: Policy{Bonding: BondNever}}, LevelEncrypted, "send 0b08"},
		{"always", Config{Policy: Policy{Bonding: BondAlways}}, LevelEncrypted, "send 0b09"},
		{"legacy", Config{Policy: Policy{SecureConnections: SecureConnectionsOff}}, LevelEncrypted, "send 0b01"},
		{"an oximeter", Config{Policy: Policy{SecureConnections: SecureConnectionsOff}, RequestNoBond: true}, LevelEncrypted, "send 0b00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newScript(t, newManager(t, c.config), hci.Peripheral, strangerText)
				answer := l.asks(c.level)
				l.want(c.want)
				second := l.asks(LevelEncrypted)
				l.want() // one request for both
				time.Sleep(30*time.Second - time.Nanosecond)
				pending(t, answer)
				time.Sleep(time.Nanosecond)
				if err := answered(t, answer); !errors.Is(err, ErrTimeout) {
					t.Errorf("%v", err)
				}
				if err := answered(t, second); !errors.Is(err, ErrTimeout) {
					t.Errorf("joined: %v", err)
				}
				if c.level == LevelEncrypted { // no pairing has begun, so that SMP goes on
					l.hears(pairingRequest)
					if got := l.did(); len(got) != len(pairingResponse) {
						t.Errorf("afterwards: %q", got)
					}
				}
			})
		})
	}
}

// TestSecurityRequestRefused: the central may say no.
func TestSecurityRequestRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newScript(t, newManager(t, Config{}), hci.Peripheral, strangerText)
		answer := l.asks(LevelEncrypted)
		l.hears("05") // cut short: nothing
		pending(t, answer)
		l.hears("0505")
		err := answered(t, answer)
		if failed, ok := errors.AsType[*PairingError](err); !ok || !failed.ByPeer || failed.Reason != PairingNotSupported {
			t.Errorf("%v", err)
		}
		l.hears("0505") // nobody asks any more
		l.want("send 0b09")
	})
}

// TestSecurityRequestAnswered by encryption with the bond, which may be too little for the caller.
func TestSecurityRequestAnswered(t *testing.T) {
	for _, level := range []Level{LevelEncrypted, LevelAuthenticated} {
		synctest.Test(t, func(t *testing.T) {
			m := newManager(t, Config{Store: storeOf(t, bondWith(t, strangerText, legacyKeys(1), WishUnknown))})
			l := newScript(t, m, hci.Peripheral, strangerText)
			answer := l.asks(level)
			if _, ok := l.LongTermKey([8]byte{1, 0x77}, 0x0103); !ok {
				t.Fatal("no key")
			}
			pending(t, answer)
			l.HandleEncryption(hci.Success, true, false)
			err := answered(t, answer)
			if short, ok := errors.AsType[*LevelError](err); ok != (level == LevelAuthenticated) || !ok && err != nil {
				t.Errorf("%s: %v %v", level, err, short)
			}
			l.wantEvents("Encrypted")
		})
	}
}

// TestSecurityRequestInTheClear that wants more than the bond gives is answered by the bond, and goes out again on the
// link which that has encrypted, once.
func TestSecurityRequestInTheClear(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, Config{
			Delegate: sitter{desk: newDesk(), has: Capabilities{IO: DisplayYesNo}},
			Store:    storeOf(t, bondWith(t, strangerText, legacyKeys(1), WishUnknown)),
		})
		l := newScript(t, m, hci.Peripheral, strangerText)
		answer := l.asks(LevelAuthenticated)
		l.want("send 0b0d")
		for range 2 {
			pending(t, answer)
			if _, ok := l.LongTermKey([8]byte{1, 0x77}, 0x0103); !ok {
				t.Fatal("no key")
			}
			l.HandleEncryption(hci.Success, true, false)
			if l.wantEvents("Encrypted"); l.did() != "send 0b0d" {
				break
			}
		}
		if _, ok := errors.AsType[*LevelError](answered(t, answer)); !ok {
			t.Error("the central has refreshed the key, and that was all")
		}
	})
}

// TestEncryptionFailsAsPeripheral with a link that stays.
func TestEncryptionFailsAsPeripheral(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, Config{Store: storeOf(t, bondWith(t, strangerText, legacyKeys(1), WishUnknown))})
		l := newScript(t, m, hci.Peripheral, strangerText)
		answer := l.asks(LevelEncrypted)
		l.LongTermKey([8]byte{1, 0x77}, 0x0103)
		l.HandleEncryption(hci.LLResponseTimeout, false, false)
		if err := answered(t, answer); !errors.Is(err, hci.LLResponseTimeout) {
			t.Errorf("%v", err)
		}
		if l.Security().Encrypted {
			t.Error("encrypted")
		}
	})
}

// TestLongTermKey is the answer to each request for a key, by what was negotiated and never by zeros alone.
func TestLongTermKey(t *testing.T) {
	zeros := Keys{KeySize: 16, Local: &LTK{Key: Key{8}}, Peer: &LTK{Key: Key{9}}}
	two := func(now, before Keys) Record {
		r := bondWith(t, strangerText, now, WishUnknown)
		r.Proven, r.Prior = false, &before
		return r
	}
	one := func(k Keys) Record { return bondWith(t, strangerText, k, WishUnknown) }
	noBond := one(legacyKeys(1))
	noBond.Bonded = false
	type request struct {
		rand [8]byte
		ediv uint16
		want Key // zero for the negative reply
	}
	for _, c := range []struct {
		name     string
		record   Record
		policy   Policy
		requests []request
	}{
		{"legacy", one(legacyKeys(1)), Policy{}, []request{
			{[8]byte{1, 0x77}, 0x0103, Key{1, 2}},
			{[8]byte{1, 0x77}, 0x0104, Key{}},
			{[8]byte{2, 0x77}, 0x0103, Key{}},
			{[8]byte{1, 0xE6}, 0x5257, Key{}}, // the peer's own, good in the other role
			{[8]byte{}, 0, Key{}},
		}},
		{"legacy with zeros", one(zeros), Policy{}, []request{{[8]byte{}, 0, Key{8}}, {[8]byte{}, 1, Key{}}}},
		{"Secure Connections", one(secureKeys(1)), Policy{}, []request{
			{[8]byte{}, 0, Key{1, 3}}, {[8]byte{}, 1, Key{}}, {[8]byte{1}, 0, Key{}},
		}},
		{"two generations, legacy", two(legacyKeys(2), legacyKeys(1)), Policy{}, []request{
			{[8]byte{2, 0x77}, 0x0104, Key{2, 2}}, {[8]byte{1, 0x77}, 0x0103, Key{1, 2}}, {[8]byte{}, 0, Key{}},
		}},
		{"two generations, one of each kind", two(secureKeys(2), legacyKeys(1)), Policy{}, []request{
			{[8]byte{}, 0, Key{2, 3}}, {[8]byte{1, 0x77}, 0x0103, Key{1, 2}},
		}},
		{"no bond", noBond, Policy{}, []request{{[8]byte{1, 0x77}, 0x0103, Key{}}}},
		{"Secure Connections only", one(legacyKeys(1)), Policy{SecureConnections: SecureConnectionsOnly}, []request{
			{[8]byte{1, 0x77}, 0x0103, Key{}},
		}},
		{"a key that is too short", one(Keys{KeySize: 7, SecureConnections: true, SC: &LTK{Key: Key{1}}}), Policy{MinKeySize: 8}, []request{
			{[8]byte{}, 0, Key{}},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newManager(t, Config{Policy: c.policy, Store: storeOf(t, c.record)})
				for _, r := range c.requests {
					l := newScript(t, m, hci.Peripheral, strangerText)
					if key, ok := l.LongTermKey(r.rand, r.ediv); key != r.want || ok == r.want.IsZero() {
						t.Errorf("%x %04x: another answer, %v", r.rand, r.ediv, ok)
					}
					l.end(hci.RemoteUserTerminatedConnection)
					if _, ok := l.LongTermKey(r.rand, r.ediv); ok {
						t.Error("a key after the end")
					}
					m.setPriorFirst(addressOf(t, strangerText), false)
				}
				l := newScript(t, m, hci.Central, strangerText)
				if _, ok := l.LongTermKey(c.requests[0].rand, c.requests[0].ediv); ok {
					t.Error("a key as the central")
				}
				l = newScript(t, m, hci.Peripheral, oximeterText)
				if _, ok := l.LongTermKey(c.requests[0].rand, c.requests[0].ediv); ok {
					t.Error("a key for somebody else")
				}
			})
		})
	}
}

// TestGenerationsTakeTurns: two Secure Connections generations have the same zeros, so that a failure is what tells
// them apart.
func TestGenerationsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		record := bondWith(t, strangerText, secureKeys(2), WishUnknown)
		prior := secureKeys(1)
		record.Proven, record.Prior = false, &prior
		m := newManager(t, Config{Store: storeOf(t, record)})
		for i, want := range []Key{{2, 3}, {1, 3}, {2, 3}, {1, 3}} {
			l := newScript(t, m, hci.Peripheral, strangerText)
			if key, ok := l.LongTermKey([8]byte{}, 0); !ok || key != want {
				t.Errorf("link %d: another key, %v", i, ok)
			}
			if i == 3 {
				l.HandleEncryption(hci.Success, true, false)
				l.wantEvents("Encrypted")
				break
			}
			l.end(hci.ConnectionTerminatedMICFailure)
			if r := load(t, m, strangerText); !sameRecord(r, record) {
				t.Errorf("link %d: %+v", i, r.Public())
			}
		}
		if r := load(t, m, strangerText); !sameKeys(&r.Keys, &prior) || r.Prior != nil || !r.Proven || len(m.turn) != 0 {
			t.Errorf("%+v, turns %v", r.Public(), m.turn)
		}
	})
}

// TestNoKeyInMidPairing (CVE-2020-13593): while a pairing runs there is no key before its checks have passed, not
// even the bond's, and no zeros.
func TestNoKeyInMidPairing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, Config{
			Store:    storeOf(t, bondWith(t, strangerText, legacyKeys(1), WishUnknown)),
			Delegate: saying(true),
		})
		l := newScript(t, m, hci.Peripheral, strangerText)
		l.hears(pairingRequest)
		l.want(pairingResponse)
		ask := func(when string) {
			t.Helper()
			for _, r := range []LTK{{}, {EDIV: 0x0103, Rand: [8]byte{1, 0x77}}, {EDIV: 1}} {
				if key, ok := l.LongTermKey(r.Rand, r.EDIV); ok || !key.IsZero() {
					t.Errorf("%s: a key for %x %04x", when, r.Rand, r.EDIV)
				}
			}
		}
		ask("after the features")
		l.hears("0508")
		l.did()
		if _, ok := l.LongTermKey([8]byte{}, 0); ok {
			t.Error("a key for zeros after it failed")
		}
		if _, ok := l.LongTermKey([8]byte{1, 0x77}, 0x0103); !ok {
			t.Error("no key of the bond after the pairing failed")
		}
	})
}

// TestOfferedKeyIsUsedOnce: the key of a pairing answers one request, by zeros, and no other until it is over.
func TestOfferedKeyIsUsedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		central := newManager(t, Config{})
		peripheral := newManager(t, Config{Identity: addressOf(t, oximeterText)})
		a := join(t, central, hostText, peripheral, oximeterText)
		checked := false
		a.before = func(int) {
			if a.ciphered && !checked { // the first PDU of phase 3
				checked = true
				for range 2 {
					if _, ok := a.peripheral.LongTermKey([8]byte{}, 0); ok {
						t.Error("the key is given away twice")
					}
				}
			} else if !a.ciphered {
				if _, ok := a.peripheral.LongTermKey([8]byte{1}, 2); ok {
					t.Error("a key by another name")
				}
			}
		}
		if err := secured(t, a.central, LevelEncrypted); err != nil || !checked {
			t.Fatal(err, checked)
		}
		synctest.Wait()
		// From here on it is the key of this link and of the bond, also for a refresh.
		key, ok := a.peripheral.LongTermKey([8]byte{}, 0)
		if r := load(t, peripheral, hostText); !ok || key != r.Keys.SC.Key {
			t.Error("no key for a refresh")
		}
		a.peripheral.notes.take()
		a.peripheral.HandleEncryption(hci.Success, true, true)
		synctest.Wait()
		if e := find[Encrypted](t, a.peripheral.notes.take()); e.Stored {
			t.Errorf("%+v", e)
		}
		if r := load(t, peripheral, hostText); r.Proven {
			t.Error("a refresh is no reconnection")
		}
	})
}

// TestBothEvents: controllers that send Encryption Key Refresh Complete and Encryption Change for one start, or one
// when the other is due, are understood; what nobody started changes nothing.
func TestBothEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, Config{Store: storeOf(t, bondWith(t, strangerText, secureKeys(1), WishUnknown))})
		l := newScript(t, m, hci.Peripheral, strangerText)
		l.HandleEncryption(hci.Success, true, false)
		if l.Security().Encrypted {
			t.Error("encrypted with no key of ours")
		}
		l.LongTermKey([8]byte{}, 0)
		l.HandleEncryption(hci.Success, false, true)
		l.HandleEncryption(hci.Success, true, false)
		l.wantEvents("Encrypted")
		l.LongTermKey([8]byte{}, 0)
		l.HandleEncryption(hci.Success, true, false)
		l.wantEvents("Encrypted")
		l.HandleEncryption(hci.Success, false, false) // encryption goes off
		if l.Security().Encrypted {
			t.Error("still encrypted")
		}
		l.wantEvents("")
	})
}

// TestPairingOverABond as the one being paired with: on a link encrypted with the bond, or by consent.
func TestPairingOverABond(t *testing.T) {
	for _, c := range []struct {
		name      string
		keys      Keys
		config    Config
		encrypted bool
		want      string
		events    string
	}{
		{"plain, nobody to ask", secureKeys(1), Config{}, false, "send 0505", "RepairRefused"},
		{"plain, no", secureKeys(1), Config{Delegate: saying(false)}, false, "send 0505", "RepairRefused"},
		{"plain, yes", secureKeys(1), Config{Delegate: saying(true)}, false, pairingResponse, ""},
		{"plain, yes, but weaker", authenticated(secureKeys(1)), Config{Delegate: saying(true)}, false, "send 0503", "RepairRefused"},
		{"encrypted", secureKeys(1), Config{}, true, pairingResponse, "Encrypted"},
		{"encrypted, though strangers may not", secureKeys(1), Config{Pairable: PairableOff}, true, pairingResponse, "Encrypted"},
		{"encrypted, but weaker", authenticated(secureKeys(1)), Config{}, true, "send 0503", "Encrypted RepairRefused"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c.config.Store = storeOf(t, bondWith(t, strangerText, c.keys, WishUnknown))
				m := newManager(t, c.config)
				l := newScript(t, m, hci.Peripheral, strangerText)
				if c.encrypted {
					l.LongTermKey([8]byte{}, 0)
					l.HandleEncryption(hci.Success, true, false)
				}
				l.hears(pairingRequest)
				l.want(c.want)
				events := l.wantEvents(c.events)
				r := load(t, m, strangerText)
				if !sameKeys(&r.Keys, &c.keys) || !r.Bonded {
					t.Errorf("%+v", r.Public())
				}
				if c.want[:7] == "send 05" && (r.History.Refused != 1 || find[RepairRefused](t, events).Record.Keys.any()) {
					t.Errorf("%+v", r)
				}
				if c.name == "plain, no" { // a person is not asked again at once
					l.hears(pairingRequest)
					l.want("send 0509")
				}
			})
		})
	}
}

// TestPairableOff: strangers may not pair with a host that is closed.
func TestPairableOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newScript(t, newManager(t, Config{Pairable: PairableOff}), hci.Peripheral, strangerText)
		answer := l.asks(LevelEncrypted)
		l.hears(pairingRequest)
		l.want("send 0b09", "send 0505")
		if refused, ok := errors.AsType[*RefusedError](answered(t, answer)); !ok || refused.Decision.Why != WhyClosed {
			t.Errorf("%v", refused)
		}
	})
}

// TestResponderMirrorsBonding under follow.
func TestResponderMirrorsBonding(t *testing.T) {
	for _, c := range []struct {
		bonding Bonding
		hears   string
		want    string
	}{
		{BondFollow, "01030009100303", "send 02030009100303"},
		{BondFollow, "01030008100303", "send 02030008100000"},
		{BondAlways, "01030008100303", "send 02030008100000"},
		{BondAlways, "01030009100303", "send 02030009100303"},
		{BondNever, "01030009100303", "send 02030008100000"},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := newScript(t, newManager(t, Config{Policy: Policy{Bonding: c.bonding}}), hci.Peripheral, strangerText)
			l.hears(c.hears)
			l.want(c.want)
		})
	}
}

// TestOwnRequirements: our authentication requirements can't be met, which fails the pairing; the peer's MITM flag
// with nobody to ask falls to Just Works.
func TestOwnRequirements(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newScript(t, newManager(t, Config{}), hci.Peripheral, strangerText)
		answer := l.asks(LevelAuthenticated)
		l.want("send 0b0d")
		l.hears("0103000d100303")
		l.want("send 0503")
		if err := answered(t, answer); !errors.Is(err, AuthenticationRequirements) {
			t.Errorf("%v", err)
		}
		l = newScript(t, newManager(t, Config{}), hci.Peripheral, strangerText)
		l.hears("0103000d100303")
		l.want(pairingResponse)
	})
}

// TestRepairByTheCentral: a central that has lost its bond pairs again, by consent, and both keep what they had until
// the new key has served.
func TestRepairByTheCentral(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		peripheral := newManager(t, Config{
			Identity: addressOf(t, oximeterText),
			Delegate: saying(true),
		})
		a := join(t, newManager(t, Config{}), hostText, peripheral, oximeterText)
		if err := secured(t, a.central, LevelEncrypted); err != nil {
			t.Fatal(err)
		}
		a.drop()
		old := load(t, peripheral, hostText)
		central := newManager(t, Config{}) // it has forgotten
		peripheral.setPriorFirst(addressOf(t, hostText), true)
		for i, want := range []string{"Paired Encrypted Repaired", "Encrypted"} {
			a = join(t, central, hostText, peripheral, oximeterText)
			if err := secured(t, a.central, LevelEncrypted); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if got := names(a.peripheral.notes.take()); got != want {
				t.Errorf("events %s, want %s", got, want)
			}
			a.drop()
			r := load(t, peripheral, hostText)
			if i == 0 && (!sameKeys(r.Prior, &old.Keys) || r.Proven || r.History.Repaired != 1) || i == 1 && (r.Prior != nil || !r.Proven) {
				t.Errorf("link %d: %+v", i, r.Public())
			}
		}
	})
}

// TestPeripheralHasToWait: neither a wait nor a time-out lets a Security Request out.
func TestPeripheralHasToWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, Config{})
		m.RestoreWaits([]Wait{{addressOf(t, strangerText), 2, time.Second}})
		l := newScript(t, m, hci.Peripheral, strangerText)
		if wait, ok := errors.AsType[*WaitError](answered(t, l.asks(LevelEncrypted))); !ok || wait.Left != time.Second {
			t.Errorf("%+v", wait)
		}
		time.Sleep(time.Second)
		l.hears(pairingRequest)
		l.want(pairingResponse)
		time.Sleep(pairingTimeout)
		l.want("disconnect 0x05")
		if err := answered(t, l.asks(LevelEncrypted)); !errors.Is(err, ErrTimeout) {
			t.Errorf("%v", err)
		}
		l.want()
	})
}

// TestLevelSCAsPeripheral requires Secure Connections and sixteen octets of whoever answers.
func TestLevelSCAsPeripheral(t *testing.T) {
	for request, reason := range map[string]Reason{
		"010300050f0303": AuthenticationRequirements, "0103000d0f0303": EncryptionKeySize, "0103000d100303": AuthenticationRequirements,
		"01030005100303": AuthenticationRequirements,
	} {
		synctest.Test(t, func(t *testing.T) {
			l := newScript(t, newManager(t, Config{}), hci.Peripheral, strangerText)
			answer := l.asks(LevelSC)
			l.want("send 0b0d")
			l.hears(request)
			err := answered(t, answer)
			if failed, ok := errors.AsType[*PairingError](err); !ok || failed.Reason != reason && failed.Reason != EncryptionKeySize {
				t.Errorf("%s: %v", request, err)
			}
		})
	}
}

// TestEncryptionOfTheBondInMidPairing: a central that asks for the bond's key and then wants to pair gets both sorted
// out. The outcome of the one is not taken for that of the other.
func TestEncryptionOfTheBondInMidPairing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, Config{
			Store:    storeOf(t, bondWith(t, strangerText, secureKeys(1), WishUnknown)),
			Delegate: saying(true),
		})
		l := newScript(t, m, hci.Peripheral, strangerText)
		if _, ok := l.LongTermKey([8]byte{}, 0); !ok {
			t.Fatal("no key")
		}
		l.hears(pairingRequest)
		l.want(pairingResponse)
		l.HandleEncryption(hci.Success, true, false)
		l.want()
		if got := l.Security(); got != secureKeys(1).Security() {
			t.Errorf("%+v", got)
		}
		l.wantEvents("")
		l.hears("0508")
		l.wantEvents("PairingFailed")
		l.want() // the bond's key is worth what it was
	})
}
