package smp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// secured runs Secure on one side of a link.
func secured(t testing.TB, e *end, level Level) error {
	t.Helper()
	return e.Secure(t.Context(), level)
}

// TestPairThenReconnect pairs two hosts and connects them again, by every kind of pairing and from either side.
func TestPairThenReconnect(t *testing.T) {
	for _, c := range []struct {
		name                string
		central, peripheral Policy
		bonded, sc          bool
	}{
		{"Secure Connections", Policy{}, Policy{}, true, true},
		{"legacy", Policy{SecureConnections: SecureConnectionsOff}, Policy{}, true, false},
		{"legacy by the responder", Policy{}, Policy{SecureConnections: SecureConnectionsOff}, true, false},
		{"a short key", Policy{}, Policy{SecureConnections: SecureConnectionsOff, MaxKeySize: 7}, true, false},
		{"the central never bonds", Policy{Bonding: BondNever}, Policy{}, false, true},
		{"the peripheral never bonds", Policy{}, Policy{Bonding: BondNever}, false, true},
		{"always", Policy{Bonding: BondAlways}, Policy{Bonding: BondAlways}, true, true},
	} {
		for _, who := range []hci.Role{hci.Central, hci.Peripheral} {
			t.Run(fmt.Sprintf("%s, asked for by the %s", c.name, who), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					central := newManager(t, Config{Policy: c.central})
					peripheral := newManager(t, Config{Policy: c.peripheral, Identity: addressOf(t, oximeterText)})
					for i := range 3 {
						a := join(t, central, hostText, peripheral, oximeterText)
						asker := a.central
						if who == hci.Peripheral {
							asker = a.peripheral
						}
						if err := secured(t, asker, LevelEncrypted); err != nil {
							t.Fatal(err)
						}
						synctest.Wait()
						first := i == 0 || !c.bonded
						for _, e := range []*end{a.central, a.peripheral} {
							events := e.notes.take()
							if got := find[Encrypted](t, events); got.Stored == first || got.Security != e.Security() {
								t.Errorf("connection %d, %s: %+v, link %+v", i, e.role, got, e.Security())
							}
							if first {
								if p := find[Paired](t, events); p.Bonded != c.bonded || p.SecureConnections != c.sc || p.Method != JustWorks {
									t.Errorf("connection %d, %s: %+v", i, e.role, p)
								}
							}
						}
						if a.central.Security() != a.peripheral.Security() || a.central.Security().SecureConnections != c.sc {
							t.Errorf("central %+v, peripheral %+v", a.central.Security(), a.peripheral.Security())
						}
						r, ok := a.central.Record()
						if ok && r.Bonded != c.bonded || c.bonded && r.Proven != (i > 0) {
							t.Errorf("connection %d: record %+v", i, r.Public())
						}
						a.drop()
					}
				})
			})
		}
	}
}

// TestPrivatePeer pairs with a peer behind a resolvable private address, and knows it behind the next one.
func TestPrivatePeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		irk := Key{1, 2, 3}
		central := newManager(t, Config{})
		peripheral := newManager(t, Config{Identity: addressOf(t, oximeterText), IRK: irk})
		for i := range 3 {
			onAir := resolvable(irk, byte(i))
			a := join(t, central, hostText, peripheral, onAir.Text())
			if err := secured(t, a.central, LevelEncrypted); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if got := a.central.Identity(); got != addressOf(t, oximeterText) {
				t.Errorf("connection %d: identity %s", i, got)
			}
			if e := find[Encrypted](t, a.central.notes.take()); e.Stored != (i > 0) {
				t.Errorf("connection %d: %+v", i, e)
			}
			a.drop()
		}
		if all := central.Store().List(addressOf(t, hostText)); len(all) != 1 {
			t.Errorf("%d records", len(all))
		}
	})
}

// TestOximeter is a peer that wants no bond and gets none: it pairs each time, and never fails.
func TestOximeter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		central := newManager(t, Config{})
		peripheral := newManager(t, Config{
			Policy: Policy{SecureConnections: SecureConnectionsOff}, RequestNoBond: true, Identity: addressOf(t, oximeterText),
		})
		for i := range 3 {
			a := join(t, central, hostText, peripheral, oximeterText)
			if err := secured(t, a.peripheral, LevelEncrypted); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			events := a.central.notes.take()
			if p := find[Paired](t, events); p.Bonded {
				t.Errorf("connection %d: %+v", i, p)
			}
			a.drop()
			if r := load(t, central, oximeterText); r.Bonded || r.Wish != WishNone || r.Keys.any() {
				t.Errorf("connection %d: %+v", i, r.Public())
			}
		}
	})
}

// TestForgetfulOximeter is the recorded failure: bonded against its wish, then it forgets, and is repaired on the
// same link.
func TestForgetfulOximeter(t *testing.T) {
	for _, c := range []struct {
		bonding Bonding
		bonded  bool // afterwards
	}{{BondAlways, true}, {BondFollow, false}} {
		t.Run(c.bonding.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := NewMemoryStore()
				central := newManager(t, Config{Policy: Policy{Bonding: BondAlways}, Store: store})
				config := Config{
					Policy: Policy{SecureConnections: SecureConnectionsOff}, RequestNoBond: true, Identity: addressOf(t, oximeterText),
				}
				a := join(t, central, hostText, newManager(t, config), oximeterText)
				if err := secured(t, a.peripheral, LevelEncrypted); err != nil {
					t.Fatal(err)
				}
				a.drop()
				if r := load(t, central, oximeterText); !r.Bonded || r.Wish != WishNone {
					t.Fatalf("first: %+v", r.Public())
				}

				central = newManager(t, Config{Policy: Policy{Bonding: c.bonding}, Store: store})
				a = join(t, central, hostText, newManager(t, config), oximeterText) // it has forgotten everything
				if err := secured(t, a.central, LevelEncrypted); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				events := a.central.notes.take()
				if got := names(events); got != "BondLost Paired Encrypted Repaired" {
					t.Fatalf("events %s", got)
				}
				if lost := find[BondLost](t, events); lost.Action != PairAgain || lost.Why != WhyWishNone || lost.Status != hci.PINOrKeyMissing {
					t.Errorf("%+v", lost)
				}
				r := load(t, central, oximeterText)
				if r.Bonded != c.bonded || r.Wish != WishNone || r.History.Repaired != 1 || r.History.Lost != 1 || r.Lost {
					t.Errorf("record %+v", r)
				}
				if a.isDown() {
					t.Error("the link is gone")
				}
				a.drop()
			})
		})
	}
}

// TestCutAtEveryPDU takes the link away at every PDU of a pairing over a bond. Whatever happens, both sides have a
// whole record, the old one or the new one, and can encrypt with one of its generations.
func TestCutAtEveryPDU(t *testing.T) {
	for _, sc := range []SecureConnections{SecureConnectionsAllowed, SecureConnectionsOff} {
		cut, over := 1, false
		for ; !over && cut < 40; cut++ {
			synctest.Test(t, func(t *testing.T) { over = upgradeCutAt(t, sc, cut) })
		}
		if cut < 10 || cut > 30 {
			t.Errorf("%s: the pairing was cut at %d PDUs", sc, cut-2)
		}
	}
}

// upgradeCutAt bonds two hosts by a short key, and has them pair again for a long one on a later link, which
// drops at a PDU. Then it connects them once more. It tells whether the pairing was over before the cut.
func upgradeCutAt(t *testing.T, sc SecureConnections, cut int) (over bool) {
	least, most := 0, 10
	central := newManager(t, Config{
		Policy: Policy{SecureConnections: sc},
		Peer:   func(_ hci.Address, p Policy) Policy { p.MinKeySize = least; return p },
	})
	peripheral := newManager(t, Config{
		Policy: Policy{SecureConnections: sc}, Identity: addressOf(t, oximeterText),
		Peer: func(_ hci.Address, p Policy) Policy { p.MaxKeySize = most; return p },
	})
	a := join(t, central, hostText, peripheral, oximeterText)
	if err := secured(t, a.central, LevelEncrypted); err != nil {
		t.Fatal(err)
	}
	a.drop()
	old := load(t, central, oximeterText)

	least, most = 16, 0
	a = join(t, central, hostText, peripheral, oximeterText)
	a.cut = cut
	err := secured(t, a.central, LevelEncrypted)
	synctest.Wait()
	over = !a.isDown()
	if err == nil && a.central.Security().KeySize != 16 && over {
		t.Errorf("%s, cut at %d: %+v", sc, cut, a.central.Security())
	}
	a.drop()
	now := load(t, central, oximeterText)
	isNew := now.Keys.KeySize == 16
	if err == nil && !isNew || !isNew && !sameKeys(&now.Keys, &old.Keys) || isNew && !sameKeys(now.Prior, &old.Keys) {
		t.Errorf("%s, cut at %d: %v, record %+v", sc, cut, err, now.Public())
	}

	// The two meet again. One try may fail, where the request for a key does not tell the generations apart.
	least = 0
	for range 2 {
		a = join(t, central, hostText, peripheral, oximeterText)
		err = secured(t, a.central, LevelEncrypted)
		synctest.Wait()
		events := a.central.notes.take()
		a.drop()
		if err == nil {
			if e := find[Encrypted](t, events); !e.Stored {
				t.Errorf("%s, cut at %d: %s", sc, cut, names(events))
			}
			break
		}
	}
	if err != nil {
		t.Fatalf("%s, cut at %d: neither generation works: %v", sc, cut, err)
	}
	c, p := load(t, central, oximeterText), load(t, peripheral, hostText)
	for _, r := range []Record{c, p} {
		if !r.Bonded || !r.Proven || r.Prior != nil || r.Lost {
			t.Errorf("%s, cut at %d: %+v", sc, cut, r.Public())
		}
	}
	if !equal(c.Keys.SC, p.Keys.SC) || !equal(c.Keys.Peer, p.Keys.Local) || !equal(c.Keys.Local, p.Keys.Peer) {
		t.Errorf("%s, cut at %d: the two have different keys", sc, cut)
	}
	return over
}

// TestKeyLostAtEveryPDU has the peripheral lose its key, and the link drop at every PDU of the repair. The old
// bond stays until the new one is complete, and in the end the two have one again.
func TestKeyLostAtEveryPDU(t *testing.T) {
	for _, sc := range []SecureConnections{SecureConnectionsAllowed, SecureConnectionsOff} {
		cut, over := 1, false
		for ; !over && cut < 40; cut++ {
			synctest.Test(t, func(t *testing.T) { over = repairCutAt(t, sc, cut) })
		}
		if cut < 10 || cut > 30 {
			t.Errorf("%s: the pairing was cut at %d PDUs", sc, cut-2)
		}
	}
}

func repairCutAt(t *testing.T, sc SecureConnections, cut int) (over bool) {
	policy := Policy{SecureConnections: sc, LostBond: LostRepair}
	central := newManager(t, Config{Policy: policy})
	config := Config{Policy: policy, Identity: addressOf(t, oximeterText)}
	a := join(t, central, hostText, newManager(t, config), oximeterText)
	if err := secured(t, a.central, LevelEncrypted); err != nil {
		t.Fatal(err)
	}
	a.drop()
	old := load(t, central, oximeterText)

	peripheral := newManager(t, config)
	a = join(t, central, hostText, peripheral, oximeterText)
	a.cut = cut
	err := secured(t, a.central, LevelEncrypted)
	synctest.Wait()
	over = !a.isDown()
	a.drop()
	now := load(t, central, oximeterText)
	isNew := !sameKeys(&now.Keys, &old.Keys) // perhaps the link dropped before the caller could hear of it
	switch {
	case err == nil && !isNew:
		t.Errorf("%s, cut at %d: paired, and the record is the old one", sc, cut)
	case isNew && (now.Lost || now.Proven || !sameKeys(now.Prior, &old.Keys)), !isNew && (!now.Lost || !now.Bonded):
		t.Errorf("%s, cut at %d: %v, record %+v", sc, cut, err, now.Public())
	}
	for tries := 0; ; tries++ {
		a = join(t, central, hostText, peripheral, oximeterText)
		err := secured(t, a.central, LevelEncrypted)
		synctest.Wait()
		a.drop()
		if err == nil {
			break
		}
		if tries == 4 {
			t.Fatalf("%s, cut at %d: no bond again: %v", sc, cut, err)
		}
		time.Sleep(longestWait)
	}
	c, p := load(t, central, oximeterText), load(t, peripheral, hostText)
	if !c.Bonded || !equal(c.Keys.SC, p.Keys.SC) || !equal(c.Keys.Peer, p.Keys.Local) {
		t.Errorf("%s, cut at %d: central %+v, peripheral %+v", sc, cut, c.Public(), p.Public())
	}
	return over
}

// changing is the configuration of a host whose key sizes can be changed between pairings.
func changing(t *testing.T, identity string, least, most *int) Config {
	return Config{
		Identity: addressOf(t, identity),
		Peer:     func(_ hci.Address, p Policy) Policy { p.MinKeySize, p.MaxKeySize = *least, *most; return p },
	}
}

// TestPairedTwiceOnOneLink: on a link that is encrypted by a new bond, pairing again takes no consent, and the key
// before the newest is the one that the peer is known to have.
func TestPairedTwiceOnOneLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		least, most, asked := 0, 10, 0
		config := changing(t, oximeterText, new(int), &most)
		config.Delegate = consents{ask: func(context.Context, Question) error { asked++; return nil }}
		peripheral := newManager(t, config)
		a := join(t, newManager(t, Config{}), hostText, peripheral, oximeterText)
		if err := secured(t, a.central, LevelEncrypted); err != nil {
			t.Fatal(err)
		}
		a.drop()
		central := newManager(t, changing(t, hostText, &least, new(int))) // it has forgotten
		a = join(t, central, hostText, peripheral, oximeterText)
		if err := secured(t, a.central, LevelEncrypted); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := names(a.peripheral.notes.take()); got != "Paired Encrypted Repaired" {
			t.Errorf("first: %s", got)
		}
		first := load(t, peripheral, hostText)
		least, most = 16, 16
		a.post(func() { a.central.HandlePDU([]byte{0x0B, 0x01}) })
		synctest.Wait()
		if got := names(a.peripheral.notes.take()); got != "Paired Encrypted" || asked != 1 {
			t.Errorf("second: %s, asked %d times", got, asked)
		}
		for _, r := range []Record{load(t, peripheral, hostText), load(t, central, oximeterText)} {
			if r.Prior == nil || r.Prior.KeySize != 10 || r.Keys.KeySize != 16 || !equal(r.Prior.SC, first.Keys.SC) {
				t.Errorf("%+v", r.Public())
			}
		}
		a.drop()
	})
}

// TestUnbondedOverABond: a pairing without bonding on a link that the bond encrypts leaves the bond alone, and is
// no leave to replace it.
func TestUnbondedOverABond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		least, most := 0, 10
		store := NewMemoryStore()
		config := changing(t, hostText, &least, new(int))
		config.Store = store
		peripheral := newManager(t, changing(t, oximeterText, new(int), &most))
		a := join(t, newManager(t, config), hostText, peripheral, oximeterText)
		if err := secured(t, a.central, LevelEncrypted); err != nil {
			t.Fatal(err)
		}
		a.drop()
		config.Bonding = BondNever
		config.Peer = func(_ hci.Address, p Policy) Policy { p.MinKeySize = least; return p }
		central := newManager(t, config)
		least, most = 16, 16
		a = join(t, central, hostText, peripheral, oximeterText)
		if err := secured(t, a.central, LevelEncrypted); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := names(a.peripheral.notes.take()); got != "Encrypted Paired Encrypted" {
			t.Errorf("%s", got)
		}
		for _, r := range []Record{load(t, peripheral, hostText), load(t, central, oximeterText)} {
			if !r.Bonded || r.Keys.KeySize != 10 || r.Prior != nil {
				t.Errorf("%+v", r.Public())
			}
		}
		for range 2 { // after the pairing, and after a refresh with its key
			pdu := []byte{0x01, 0x03, 0x00, 0x09, 0x10, 0x03, 0x03}
			a.post(func() { a.peripheral.HandlePDU(pdu) })
			synctest.Wait()
			if e := find[RepairRefused](t, a.peripheral.notes.take()); e.Why != WhyNoConsent {
				t.Errorf("%+v", e)
			}
			if _, ok := a.peripheral.LongTermKey([8]byte{}, 0); !ok {
				t.Error("no key for a refresh")
			}
			a.peripheral.HandleEncryption(hci.Success, true, true)
			synctest.Wait()
			a.peripheral.notes.take()
		}
		a.drop()
	})
}

// TestNotEnoughBeforeItIsComplete: an encrypted link is not secured while keys are still to come, on either side.
func TestNotEnoughBeforeItIsComplete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := join(t, newManager(t, Config{}), hostText, newManager(t, Config{Identity: addressOf(t, oximeterText)}), oximeterText)
		a.before = func(int) { a.mute = a.ciphered }
		answers := make(chan error, 3)
		go func() { answers <- secured(t, a.central, LevelEncrypted) }()
		synctest.Wait()
		if !a.central.Security().Encrypted || !a.peripheral.Security().Encrypted {
			t.Fatal("not encrypted")
		}
		go func() { answers <- secured(t, a.central, LevelEncrypted) }()
		go func() { answers <- secured(t, a.peripheral, LevelEncrypted) }()
		pending(t, answers)
		a.drop()
		for range 3 {
			if err := <-answers; err == nil {
				t.Error("secured")
			}
		}
	})
}

// TestStaleEncryption: the outcome of encryption with the bond's key comes when the new one's is awaited, and is not
// taken for it.
func TestStaleEncryption(t *testing.T) {
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
		a = join(t, newManager(t, Config{}), hostText, peripheral, oximeterText)
		if _, ok := a.peripheral.LongTermKey([8]byte{}, 0); !ok {
			t.Fatal("no key")
		}
		a.before = func(n int) {
			if n == 9 { // the responder's DHKey Check, which gets lost
				a.mute = true
				a.peripheral.HandleEncryption(hci.Success, true, false)
			}
		}
		go func() { _ = secured(t, a.central, LevelEncrypted) }()
		synctest.Wait()
		if a.sent != 9 {
			t.Errorf("%d PDUs: keys are distributed before the link is encrypted with the new key", a.sent)
		}
		a.drop()
	})
}

// TestLostInPhase2 counts as a failed pairing, lest one who drops the link in time could try for ever; what is lost
// before that does not.
func TestLostInPhase2(t *testing.T) {
	for cut, want := range map[int]int{1: 0, 2: 0, 3: 1, 5: 1, 7: 1} {
		synctest.Test(t, func(t *testing.T) {
			central := newManager(t, Config{})
			a := join(t, central, hostText, newManager(t, Config{Identity: addressOf(t, oximeterText)}), oximeterText)
			a.cut = cut
			if err := secured(t, a.central, LevelEncrypted); !errors.Is(err, net.ErrClosed) {
				t.Errorf("cut at %d: %v", cut, err)
			}
			a.drop()
			if got := len(central.Waits()); got != want {
				t.Errorf("cut at %d: %d waits, want %d", cut, got, want)
			}
		})
	}
}

// TestNotEnoughBeforeItIsStored: a central that asks while the new bond is being written waits for that.
func TestNotEnoughBeforeItIsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := blockedStore{NewMemoryStore(), make(chan struct{})}
		a := join(t, newManager(t, Config{Store: store}), hostText, newManager(t, Config{Identity: addressOf(t, oximeterText)}), oximeterText)
		a.post(func() { a.central.HandlePDU([]byte{0x0B, 0x01}) })
		synctest.Wait()
		if !a.central.Security().Encrypted {
			t.Fatal("not encrypted")
		}
		answer := make(chan error, 1)
		go func() { answer <- secured(t, a.central, LevelEncrypted) }()
		pending(t, answer)
		close(store.release)
		if err := <-answer; err != nil {
			t.Error(err)
		}
	})
}

// TestEncryptedThenGone: what arrived before the end of the link counts, however soon the end follows.
func TestEncryptedThenGone(t *testing.T) {
	for range 20 {
		for _, role := range []hci.Role{hci.Central, hci.Peripheral} {
			synctest.Test(t, func(t *testing.T) {
				record := bondWith(t, oximeterText, secureKeys(1), WishBond)
				record.Proven = false
				m := newManager(t, Config{Store: storeOf(t, record)})
				l := newScript(t, m, role, oximeterText)
				if role == hci.Central {
					l.asks(LevelEncrypted)
				} else {
					l.LongTermKey([8]byte{}, 0)
				}
				l.HandleEncryption(hci.Success, true, false)
				l.HandleDisconnect(hci.ConnectionTerminatedMICFailure)
				l.wantEvents("Encrypted")
				if r := load(t, m, oximeterText); !r.Proven || r.History.Suspect != 0 {
					t.Errorf("%s: %+v", role, r)
				}
			})
		}
	}
}

// TestLinkGone ends a link under a caller.
func TestLinkGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newScript(t, newManager(t, Config{}), hci.Central, oximeterText)
		answer := l.asks(LevelEncrypted)
		l.want("send 01030009100303")
		l.end(hci.RemoteUserTerminatedConnection)
		err := answered(t, answer)
		gone, ok := errors.AsType[*LinkError](err)
		if !ok || gone.Status != hci.RemoteUserTerminatedConnection || !errors.Is(err, net.ErrClosed) || !errors.Is(err, hci.RemoteUserTerminatedConnection) {
			t.Errorf("%v", err)
		}
		if err := l.Secure(context.Background(), LevelEncrypted); !errors.Is(err, net.ErrClosed) {
			t.Errorf("afterwards: %v", err)
		}
		if l.Security() != (Security{}) {
			t.Error("still secure")
		}
	})
}
