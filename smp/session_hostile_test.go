package smp

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// TestMalformedAndMisplaced is each input that a hostile or confused peer may send out of place, and the answer.
func TestMalformedAndMisplaced(t *testing.T) {
	timedOut := func(l *script) {
		if l.role == hci.Central {
			l.asks(LevelEncrypted)
		} else {
			l.hears(pairingRequest)
		}
		time.Sleep(pairingTimeout)
		l.did()
	}
	for _, c := range []struct {
		name   string
		role   hci.Role
		config Config
		before func(*script)
		hears  []string
		want   []string
	}{
		{"0b00 to a peripheral", hci.Peripheral, Config{}, nil, []string{"0b00"}, []string{"send 0507"}},
		{"0b00 to a peripheral, in mid-pairing", hci.Peripheral, Config{}, func(l *script) { l.hears(pairingRequest); l.did() }, []string{"0b00"}, []string{"send 0507"}},
		{"Pairing Request with maximum key size 0", hci.Peripheral, Config{}, nil, []string{"01030001000303"}, []string{"send 0506"}},
		{"Pairing Request with maximum key size 6", hci.Peripheral, Config{}, nil, []string{"01030001060303"}, []string{"send 0506"}},
		{"Pairing Request with maximum key size 17", hci.Peripheral, Config{}, nil, []string{"01030001110303"}, []string{"send 050a"}},
		{"Pairing Request cut to 01ff", hci.Peripheral, Config{}, nil, []string{"01ff"}, []string{"send 050a"}},
		{"Pairing Request with an octet more", hci.Peripheral, Config{}, nil, []string{"0103000110030300"}, []string{"send 050a"}},
		{"Pairing Request to a central", hci.Central, Config{}, nil, []string{"01030001100303"}, []string{"send 0507"}},
		{"Pairing Request to a central, in mid-pairing", hci.Central, Config{}, func(l *script) { l.asks(LevelEncrypted); l.did() }, []string{"01030001100303"}, []string{"send 0507"}},
		{"Pairing Request to a central while encryption is pending", hci.Central, Config{Store: storeOf(t, bondWith(t, oximeterText, secureKeys(1), WishBond))}, func(l *script) { l.asks(LevelEncrypted); l.did() }, []string{"01030001100303"}, []string{"send 0507"}},
		{"Security Request while our Pairing Request is unanswered", hci.Central, Config{}, func(l *script) { l.asks(LevelEncrypted); l.did() }, []string{"0b00", "0b01"}, nil},
		{"Security Request while encryption is pending", hci.Central, Config{Store: storeOf(t, bondWith(t, oximeterText, secureKeys(1), WishBond))}, func(l *script) { l.asks(LevelEncrypted); l.did() }, []string{"0b00", "0b01"}, nil},
		{"Security Request on a link that is good enough", hci.Central, Config{Store: storeOf(t, bondWith(t, oximeterText, secureKeys(1), WishBond))}, func(l *script) {
			l.asks(LevelEncrypted)
			l.HandleEncryption(hci.Success, true, false)
			l.did()
		}, []string{"0b00", "0b09"}, nil},
		{"Security Request for more than an encrypted link has, and nobody to ask", hci.Central, Config{Store: storeOf(t, bondWith(t, oximeterText, secureKeys(1), WishBond))}, func(l *script) {
			l.asks(LevelEncrypted)
			l.HandleEncryption(hci.Success, true, false)
			l.did()
		}, []string{"0b0d"}, []string{"send 0505"}},
		{"Security Request cut short", hci.Central, Config{}, nil, []string{"0b"}, []string{"send 050a"}},
		{"Security Request with an octet more", hci.Central, Config{}, nil, []string{"0b0000"}, []string{"send 050a"}},
		{"Security Request cut short, in mid-pairing", hci.Central, Config{}, func(l *script) { l.asks(LevelEncrypted); l.did() }, []string{"0b"}, []string{"send 050a"}},
		{"codes that are reserved", hci.Peripheral, Config{}, nil, []string{"0f", "10", "1000", "80", "ff", "00", "0001"}, nil},
		{"codes that are reserved, to a central in mid-pairing", hci.Central, Config{}, func(l *script) { l.asks(LevelEncrypted); l.did() }, []string{"0f", "ff00", "00"}, nil},
		{"nothing at all", hci.Peripheral, Config{}, nil, []string{""}, nil},
		{"Pairing Failed, out of nowhere", hci.Peripheral, Config{}, nil, []string{"0508", "05", "050800"}, nil},
		{"phases 2 and 3 without phase 1, to a peripheral", hci.Peripheral, Config{}, nil, []string{"02030001100303", "0300", "0400", "0600", "0700", "0800", "0900", "0a00", "0c00", "0d00", "0e00"}, nil},
		{"phases 2 and 3 without phase 1, to a central", hci.Central, Config{}, nil, []string{"02030001100303", "0300", "0400", "0600", "0700", "0800", "0900", "0a00", "0c00", "0d00", "0e00"}, nil},
		{"any SMP PDU after the 30 s time-out, to a central", hci.Central, Config{}, timedOut, []string{"0b00", "01030001100303", "02030001100303", "0508"}, nil},
		{"any SMP PDU after the 30 s time-out, to a peripheral", hci.Peripheral, Config{}, timedOut, []string{"01030001100303", "0b00", "03", "0508"}, nil},
		{"Secure Connections only, SC bit clear", hci.Peripheral, Config{Policy: Policy{SecureConnections: SecureConnectionsOnly}}, nil, []string{"01030001100303"}, []string{"send 0503"}},
		{"the peer's MITM bit with nobody to ask", hci.Peripheral, Config{}, nil, []string{"01040005100303"}, []string{pairingResponse}},
		{"reserved AuthReq bits (72, 136, 200)", hci.Peripheral, Config{}, nil, []string{"010300c9100303"}, []string{pairingResponse}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newScript(t, newManager(t, c.config), c.role, oximeterText)
				if c.before != nil {
					c.before(l)
				}
				l.hears(c.hears...)
				l.want(c.want...)
			})
		})
	}
}

// TestSpoofedSecurityRequest: 0b00, then 0x06, against a bond whose recorded wish is a bond. Nothing is repaired, and
// the peer itself comes back with the old key.
func TestSpoofedSecurityRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		central := newManager(t, Config{})
		peripheral := newManager(t, Config{Identity: addressOf(t, oximeterText)})
		a := join(t, central, hostText, peripheral, oximeterText)
		if err := secured(t, a.peripheral, LevelEncrypted); err != nil {
			t.Fatal(err)
		}
		a.drop()
		before := load(t, central, oximeterText)
		if before.Wish != WishBond {
			t.Fatalf("%+v", before.Public())
		}

		l := newScript(t, central, hci.Central, oximeterText)
		l.hears("0b00")
		l.did()
		l.HandleEncryption(hci.PINOrKeyMissing, false, false)
		l.hears("0b00")
		l.want("disconnect 0x05")
		if lost := find[BondLost](t, l.wantEvents("SecurityRequested BondLost SecurityRequested")); lost.Action != RefuseAndReport || lost.Why != WhyWishBond {
			t.Errorf("%+v", lost)
		}
		l.end(hci.ConnectionTerminatedByLocalHost)

		a = join(t, central, hostText, peripheral, oximeterText)
		if err := secured(t, a.central, LevelEncrypted); err != nil {
			t.Fatal(err)
		}
		a.drop()
		after := load(t, central, oximeterText)
		before.Lost, before.Proven, before.History = false, true, after.History
		if !sameRecord(after, before) {
			t.Errorf("before %+v, after %+v", before.Public(), after.Public())
		}
	})
}

// TestAttackerRepairsAndThePeerReturns: under repair, somebody with the peer's address and no key can pair. The
// peer's own key stays beside his, and works when the peer comes back.
func TestAttackerRepairsAndThePeerReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		central := newManager(t, Config{Policy: Policy{LostBond: LostRepair}})
		peer := newManager(t, Config{Identity: addressOf(t, oximeterText)})
		a := join(t, central, hostText, peer, oximeterText)
		if err := secured(t, a.central, LevelEncrypted); err != nil {
			t.Fatal(err)
		}
		a.drop()
		before := load(t, central, oximeterText)
		for range 3 { // each time as if he had forgotten his own key, too
			attacker := newManager(t, Config{Identity: addressOf(t, oximeterText)})
			a = join(t, central, hostText, attacker, oximeterText)
			if err := secured(t, a.central, LevelEncrypted); err != nil {
				t.Fatal(err)
			}
			a.drop()
			if r := load(t, central, oximeterText); !sameKeys(r.Prior, &before.Keys) {
				t.Fatal("the peer's key is gone")
			}
		}
		for range 2 {
			a = join(t, central, hostText, peer, oximeterText)
			_ = secured(t, a.central, LevelEncrypted)
			a.drop()
		}
		if r := load(t, central, oximeterText); !sameKeys(&r.Keys, &before.Keys) || r.Prior != nil {
			t.Errorf("%+v", r.Public())
		}
	})
}

// TestIdentityTheft: a stranger pairs by Just Works, then sends the Identity Address of an existing bond. It is
// rejected, and the old record is kept.
func TestIdentityTheft(t *testing.T) {
	for _, onAir := range []string{privateText, strangerText} {
		for _, keys := range []Keys{secureKeys(1), authenticated(legacyKeys(1))} {
			for _, role := range []hci.Role{hci.Central, hci.Peripheral} {
				synctest.Test(t, func(t *testing.T) {
					record := bondWith(t, oximeterText, keys, WishBond)
					host := newManager(t, Config{Store: storeOf(t, record)})
					thief := newManager(t, Config{Identity: addressOf(t, oximeterText)})
					var a *joint
					var us, them *end
					if role == hci.Central {
						a = join(t, host, hostText, thief, onAir)
						us, them = a.central, a.peripheral
					} else {
						a = join(t, thief, onAir, host, hostText)
						us, them = a.peripheral, a.central
					}
					err := secured(t, us, LevelEncrypted)
					synctest.Wait()
					if !errors.Is(err, KeyRejected) {
						t.Errorf("%s: %v", role, err)
					}
					if e := find[PairingFailed](t, us.notes.take()); e.Reason != KeyRejected || e.ByPeer {
						t.Errorf("%+v", e)
					}
					if role == hci.Central { // as responder we hear the claim when the thief is done
						if e := find[PairingFailed](t, them.notes.take()); e.Reason != KeyRejected || !e.ByPeer {
							t.Errorf("told the thief: %+v", e)
						}
					}
					if us.Security() != (Security{}) || !a.isDown() {
						t.Errorf("%s: the thief's link is worth %+v", role, us.Security())
					}
					a.drop()
					if r := load(t, host, oximeterText); !sameRecord(r, record) {
						t.Errorf("%s: %+v", role, r.Public())
					}
					if all := host.Store().List(addressOf(t, hostText)); len(all) != 1 {
						t.Errorf("%d records", len(all))
					}
				})
			}
		}
	}
}

// TestOurOwnIdentity claimed by somebody else is nobody's.
func TestOurOwnIdentity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := join(t, newManager(t, Config{}), hostText, newManager(t, Config{Identity: addressOf(t, hostText)}), privateText)
		if err := secured(t, a.central, LevelEncrypted); !errors.Is(err, KeyRejected) {
			t.Errorf("%v", err)
		}
	})
}

// TestTheNameOnAir: a peer whose address on air is an identity keeps that name, whatever else it says it is called, so
// that it is found again.
func TestTheNameOnAir(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		central := newManager(t, Config{})
		peripheral := newManager(t, Config{Identity: addressOf(t, oximeterText)})
		for i := range 2 {
			a := join(t, central, hostText, peripheral, strangerText)
			if err := secured(t, a.central, LevelEncrypted); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if e := find[Encrypted](t, a.central.notes.take()); e.Stored != (i == 1) {
				t.Errorf("link %d: %+v", i, e)
			}
			a.drop()
		}
		if _, ok := central.load(addressOf(t, oximeterText)); ok {
			t.Error("a record by the other name")
		}
	})
}

// TestBondedMeanwhile: a name that gets a bond between the peer's claim and the end of its pairing is not given away.
func TestBondedMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, Config{})
		l := newScript(t, m, hci.Central, privateText)
		record := bondWith(t, oximeterText, secureKeys(1), WishBond)
		if err := m.Store().Save(record); err != nil {
			t.Fatal(err)
		}
		result := pairingResult{
			agreement: agreement{bonding: true, method: JustWorks, security: secureKeys(2).Security()},
			keys:      secureKeys(2), identity: addressOf(t, oximeterText),
		}
		if err := l.keep(result, keyInUse{}, false); err == nil {
			t.Error("kept")
		}
		l = newScript(t, m, hci.Central, oximeterText)
		result.security.KeySize = 7
		if err := l.keep(result, keyInUse{}, false); !errors.Is(err, ErrRefusedWeaker) {
			t.Errorf("%v", err)
		}
		if r := load(t, m, oximeterText); !sameRecord(r, record) {
			t.Errorf("%+v", r.Public())
		}
	})
}

// TestFailureAfterEncryption: who fails the pairing in phase 3 has a link that is encrypted and worth nothing.
func TestFailureAfterEncryption(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		central := newManager(t, Config{})
		peripheral := newManager(t, Config{Identity: addressOf(t, oximeterText)})
		a := join(t, central, hostText, peripheral, oximeterText)
		a.before = func(int) {
			if a.ciphered {
				a.central.HandlePDU([]byte{0x05, 0x08})
			}
		}
		err := secured(t, a.central, LevelEncrypted)
		if failed, ok := errors.AsType[*PairingError](err); !ok || failed.Reason != UnspecifiedReason {
			t.Errorf("%v", err)
		}
		synctest.Wait()
		if !a.isDown() || len(central.Waits()) != 1 {
			t.Errorf("down %v, waits %v", a.isDown(), central.Waits())
		}
		if _, ok := central.load(addressOf(t, oximeterText)); ok {
			t.Error("a record")
		}
	})
}

// TestWishInPhase3: who pairs under repair, says what it wishes, and then gives up, has changed nothing.
func TestWishInPhase3(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		record := bondWith(t, oximeterText, secureKeys(1), WishBond)
		central := newManager(t, Config{Policy: Policy{LostBond: LostRepair}, Store: storeOf(t, record)})
		a := join(t, central, hostText, newManager(t, Config{Identity: addressOf(t, oximeterText)}), oximeterText)
		a.before = func(int) {
			if a.ciphered {
				a.central.HandlePDU([]byte{0x0B, 0x00})
				a.central.HandlePDU([]byte{0x05, 0x08})
			}
		}
		if err := secured(t, a.central, LevelEncrypted); !errors.Is(err, UnspecifiedReason) {
			t.Errorf("%v", err)
		}
		synctest.Wait()
		if got := names(a.central.notes.take()); !strings.HasPrefix(got, "BondLost SecurityRequested PairingFailed") {
			t.Errorf("events %s", got)
		}
		if r := load(t, central, oximeterText); r.Wish != WishBond || !sameKeys(&r.Keys, &record.Keys) {
			t.Errorf("%+v", r.Public())
		}
	})
}

// TestFlood: what a peer sends faster than we look at it is bounded.
func TestFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := blockedStore{storeOf(t, bondWith(t, strangerText, secureKeys(1), WishUnknown)), make(chan struct{})}
		record := load(t, newManager(t, Config{Store: store}), strangerText)
		record.Proven = false
		if err := store.MemoryStore.Save(record); err != nil {
			t.Fatal(err)
		}
		m := newManager(t, Config{Store: store})
		l := newScript(t, m, hci.Peripheral, strangerText)
		l.LongTermKey([8]byte{}, 0)
		l.HandleEncryption(hci.Success, true, false) // which is to be written, and the disk is slow
		synctest.Wait()
		huge := make([]byte, 1<<16)
		for range 10 * maxInbox {
			huge[0] = byte(codePairingRequest)
			l.HandlePDU(huge)
			if _, ok := l.LongTermKey([8]byte{}, 0); !ok {
				t.Fatal("no key while the disk is slow")
			}
			l.HandleEncryption(hci.Success, true, true)
		}
		l.Session.mu.Lock()
		n, dropped, octets := len(l.inbox), l.dropped, 0
		for _, in := range l.inbox {
			octets += cap(in.pdu)
		}
		l.Session.mu.Unlock()
		if n > 2*maxInbox || octets > 2*maxInbox*2*maxPDU || dropped == 0 {
			t.Errorf("%d inbound, %d octets, %d dropped", n, octets, dropped)
		}
		if !l.Security().Encrypted {
			t.Error("not encrypted")
		}
		close(store.release)
		synctest.Wait()
		if r := load(t, m, strangerText); !r.Proven {
			t.Error("not written")
		}
	})
}

// TestHandlersNeverWait: with a disk that takes for ever, the controller's goroutine gets its answers.
func TestHandlersNeverWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := blockedStore{NewMemoryStore(), make(chan struct{})}
		peripheral := newManager(t, Config{Store: store, Identity: addressOf(t, oximeterText)})
		a := join(t, newManager(t, Config{}), hostText, peripheral, oximeterText)
		if err := secured(t, a.central, LevelEncrypted); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if key, ok := a.peripheral.LongTermKey([8]byte{}, 0); !ok || key.IsZero() {
			t.Error("no key while the disk is slow")
		}
		if !a.peripheral.Security().Encrypted {
			t.Error("not encrypted")
		}
		a.peripheral.HandleDisconnect(hci.ConnectionTimeout)
		select {
		case <-a.peripheral.Done():
			t.Error("done before everything is written")
		default:
		}
		close(store.release)
	})
}

// TestStoreFails: a disk that takes nothing is told about, and breaks no link; the bond works from memory.
func TestStoreFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := errors.New("no space left on device")
		central := newManager(t, Config{Store: failingStore{NewMemoryStore(), full}})
		peripheral := newManager(t, Config{Identity: addressOf(t, oximeterText)})
		for i, want := range []string{"StoreFailed Paired Encrypted", "StoreFailed Encrypted", "Encrypted"} {
			a := join(t, central, hostText, peripheral, oximeterText)
			if err := secured(t, a.central, LevelEncrypted); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			events := a.central.notes.take()
			if names(events) != want {
				t.Errorf("link %d: %s, want %s", i, names(events), want)
			}
			if i < 2 && !errors.Is(find[StoreFailed](t, events).Err, full) {
				t.Errorf("link %d: %+v", i, events)
			}
			if a.isDown() {
				t.Error("the link is gone")
			}
			a.drop()
		}
	})
}

// FuzzSession gives a session whatever a peer may send, in either role, with events of the controller in between.
// No bond that was there may go or change, unless its own key was used.
func FuzzSession(f *testing.F) {
	f.Add(false, []byte{7, 1, 3, 0, 9, 16, 3, 3, 0xF1, 2, 5, 8})
	f.Add(true, []byte{0xF0, 2, 0x0B, 0, 0xF2, 7, 2, 3, 0, 9, 16, 3, 3})
	f.Add(true, []byte{2, 0x0B, 1, 0xF3, 0xF0, 0xF2, 0xF4})
	f.Add(false, []byte{0xF1, 0xF3, 7, 1, 3, 0, 0, 6, 0, 0, 0xF5, 1, 0xFF})
	f.Fuzz(func(t *testing.T, central bool, input []byte) {
		input = input[:min(len(input), 256)] // longer ones are only slower
		synctest.Test(t, func(t *testing.T) {
			record := bondWith(t, oximeterText, authenticated(secureKeys(1)), WishBond)
			m := newManager(t, Config{Policy: Policy{LostBond: LostRepair}, Store: storeOf(t, record)})
			role := hci.Peripheral
			if central {
				role = hci.Central
			}
			l := newScript(t, m, role, oximeterText)
			for len(input) > 0 {
				op := input[0]
				input = input[1:]
				switch op {
				case 0xF0:
					l.asks(LevelEncrypted)
				case 0xF1:
					l.LongTermKey([8]byte{}, 0)
				case 0xF2:
					l.HandleEncryption(hci.PINOrKeyMissing, false, false)
				case 0xF3:
					l.HandleEncryption(hci.Success, true, false)
				case 0xF4:
					time.Sleep(pairingTimeout)
				case 0xF5:
					l.HandleDisconnect(hci.PINOrKeyMissing)
				default:
					n := min(int(op), len(input))
					l.HandlePDU(input[:n])
					input = input[n:]
				}
				synctest.Wait()
			}
			if r := load(t, m, oximeterText); !r.Bonded || !sameKeys(&r.Keys, &record.Keys) {
				t.Fatalf("%+v", r.Public())
			}
		})
	})
}
