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

// loseBond has the peer answer that it has no key, in one of the ways in which that is told.
type loseBond struct {
	name string
	tell func(*script)
	gone bool
}

var waysToLose = []loseBond{
	{"Encryption Change", func(l *script) { l.HandleEncryption(hci.PINOrKeyMissing, false, false) }, false},
	{"Key Refresh", func(l *script) { l.HandleEncryption(hci.PINOrKeyMissing, false, true) }, false},
	{"disconnection", func(l *script) { l.HandleDisconnect(hci.PINOrKeyMissing) }, true},
}

// TestLostBond is every cell of the policy's table in a session: what goes over the link, what the application and
// the caller are told, and what becomes of the record.
func TestLostBond(t *testing.T) {
	for _, c := range []struct {
		keys    Keys
		wish    Wish
		lost    LostBond
		want    Action
		why     Why
		refused bool // RepairRefused is told as well
	}{
		{legacyKeys(1), WishNone, LostNotify, PairAgain, WhyWishNone, false},
		{legacyKeys(1), WishNone, LostRepair, PairAgain, WhyWishNone, false},
		{legacyKeys(1), WishNone, LostStrict, RefuseAndReport, WhyStrict, false},
		{legacyKeys(1), WishBond, LostNotify, RefuseAndReport, WhyWishBond, false},
		{legacyKeys(1), WishBond, LostRepair, PairAgain, WhyRepair, false},
		{legacyKeys(1), WishBond, LostStrict, RefuseAndReport, WhyStrict, false},
		{secureKeys(1), WishUnknown, LostNotify, RefuseAndReport, WhyWishUnknown, false},
		{secureKeys(1), WishUnknown, LostRepair, PairAgain, WhyRepair, false},
		{secureKeys(1), "", LostNotify, RefuseAndReport, WhyWishUnknown, false},
		{authenticated(legacyKeys(1)), WishNone, LostNotify, RefuseAndReport, WhyAuthenticated, false},
		{authenticated(secureKeys(1)), WishBond, LostNotify, RefuseAndReport, WhyAuthenticated, false},
		{authenticated(legacyKeys(1)), WishNone, LostRepair, RefuseAndReport, WhyWeaker, true},
		{authenticated(secureKeys(1)), WishBond, LostRepair, RefuseAndReport, WhyWeaker, true},
		{authenticated(secureKeys(1)), WishNone, LostStrict, RefuseAndReport, WhyStrict, false},
	} {
		for _, way := range waysToLose {
			name := string(Record{Bonded: true, Keys: c.keys}.kind()) + ", wish " + string(c.wish) + ", " + c.lost.String() + ", by " + way.name
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					m := newManager(t, Config{
						Policy: Policy{LostBond: c.lost},
						Store:  storeOf(t, bondWith(t, oximeterText, c.keys, c.wish)),
					})
					before := load(t, m, oximeterText)
					l := newScript(t, m, hci.Central, oximeterText)
					answer := l.asks(LevelEncrypted)
					l.did()
					way.tell(l)

					want := Decision{c.want, c.why}
					if way.gone && c.want == PairAgain {
						want = Decision{WaitAndRetry, WhyGone}
					}
					events := "BondLost"
					if c.refused {
						events = "BondLost RepairRefused"
					}
					lost := find[BondLost](t, l.wantEvents(events))
					if lost.Status != hci.PINOrKeyMissing || (Decision{lost.Action, lost.Why}) != want || !lost.Record.Lost || lost.Record.Keys.any() {
						t.Errorf("%+v, want %v", lost, want)
					}
					r := load(t, m, oximeterText)
					if !r.Bonded || !r.Lost || r.History.Lost != 1 || r.History.LastLost != "PIN or Key Missing" || !sameKeys(&r.Keys, &before.Keys) {
						t.Errorf("record %+v", r.Public())
					}
					if want.Action == PairAgain {
						if c.wish == WishNone {
							l.want(requestNoBond)
						} else {
							l.want(requestBond)
						}
						pending(t, answer)
						return
					}
					if way.gone {
						l.want()
					} else {
						l.want("disconnect 0x05")
					}
					err := answered(t, answer)
					failed, ok := errors.AsType[*LostBondError](err)
					if !ok || failed.Decision != want || failed.Peer != addressOf(t, oximeterText) || !errors.Is(err, hci.PINOrKeyMissing) {
						t.Fatalf("%v", err)
					}
					if errors.Is(err, net.ErrClosed) != way.gone && !c.refused {
						t.Errorf("closed: %v", err)
					}
					if errors.Is(err, ErrRefusedWeaker) != c.refused {
						t.Errorf("weaker: %v", err)
					}
				})
			})
		}
	}
}

// TestDeadKeyIsNotOfferedAgain on the link where it died, whoever asks; a new link tries it once, first.
func TestDeadKeyIsNotOfferedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, Config{Store: storeOf(t, bondWith(t, oximeterText, legacyKeys(1), WishBond))})
		for n := range 3 {
			l := newScript(t, m, hci.Central, oximeterText)
			answer := l.asks(LevelEncrypted)
			l.want("encrypt 5257")
			l.HandleEncryption(hci.PINOrKeyMissing, false, false)
			first := answered(t, answer)
			l.want("disconnect 0x05")
			if again := answered(t, l.asks(LevelEncrypted)); again != first {
				t.Errorf("again: %v", again)
			}
			l.hears("0b00", "0b01")
			l.want()
			l.wantEvents("BondLost SecurityRequested SecurityRequested")
			if r := load(t, m, oximeterText); r.History.Lost != n+1 || r.Wish != WishBond {
				t.Errorf("%+v", r)
			}
			l.end(hci.ConnectionTerminatedByLocalHost)
		}
		l := newScript(t, m, hci.Central, oximeterText)
		answer := l.asks(LevelEncrypted)
		l.want("encrypt 5257")
		l.HandleEncryption(hci.Success, true, false)
		if err := answered(t, answer); err != nil || load(t, m, oximeterText).Lost {
			t.Errorf("the old key works again: %v", err)
		}
	})
}

// TestSecureAfterTheEnd: who asks when the link has ended for a lost bond is told of that, and not of the end alone, also when
// the end comes before what was lost has been looked at.
func TestSecureAfterTheEnd(t *testing.T) {
	for _, way := range waysToLose {
		t.Run(way.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newManager(t, Config{Store: storeOf(t, bondWith(t, oximeterText, legacyKeys(1), WishBond))})
				l := newScript(t, m, hci.Central, oximeterText)
				l.hears("0b01") // it asks, and nobody here
				l.want("encrypt 5257")
				way.tell(l)
				l.HandleDisconnect(hci.ConnectionTerminatedByLocalHost)
				err := l.Secure(t.Context(), LevelEncrypted)
				if _, ok := errors.AsType[*LostBondError](err); !ok || !errors.Is(err, hci.PINOrKeyMissing) {
					t.Errorf("%v", err)
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		l := newScript(t, newManager(t, Config{}), hci.Central, oximeterText)
		l.HandleDisconnect(hci.ConnectionTimeout)
		err := l.Secure(t.Context(), LevelEncrypted)
		if _, ok := errors.AsType[*LinkError](err); !ok || !errors.Is(err, hci.ConnectionTimeout) {
			t.Errorf("without a reason of ours: %v", err)
		}
	})
}

// TestOneRepairForEachLink: 0x06, then another Security Request on the same link.
func TestOneRepairForEachLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, Config{
			Policy: Policy{LostBond: LostRepair},
			Store:  storeOf(t, bondWith(t, oximeterText, legacyKeys(1), WishNone)),
		})
		l := newScript(t, m, hci.Central, oximeterText)
		l.hears("0b00")
		l.want("encrypt 5257")
		l.HandleEncryption(hci.PINOrKeyMissing, false, false)
		l.want(requestNoBond)
		l.hears("0b00", "0b01") // it is being answered
		l.want()
		l.hears("0508")
		l.want("disconnect 0x05")
		time.Sleep(longestWait)
		l.hears("0b00")
		if err := answered(t, l.asks(LevelEncrypted)); !errors.Is(err, hci.PINOrKeyMissing) || !errors.Is(err, UnspecifiedReason) {
			t.Errorf("%v", err)
		}
		l.want()
		l.wantEvents("SecurityRequested BondLost SecurityRequested SecurityRequested PairingFailed SecurityRequested")
		if r := load(t, m, oximeterText); !r.Bonded || !r.Lost || !r.Keys.any() {
			t.Errorf("%+v", r.Public())
		}
	})
}

// TestRepairWaits: failed pairings make a repair wait as well.
func TestRepairWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, Config{
			Policy: Policy{LostBond: LostRepair},
			Store:  storeOf(t, bondWith(t, oximeterText, legacyKeys(1), WishBond)),
		})
		m.RestoreWaits([]Wait{{addressOf(t, oximeterText), 3, 2 * time.Second}})
		l := newScript(t, m, hci.Central, oximeterText)
		answer := l.asks(LevelEncrypted)
		l.want("encrypt 5257")
		l.HandleEncryption(hci.PINOrKeyMissing, false, false)
		l.want("disconnect 0x05")
		err := answered(t, answer)
		wait, ok := errors.AsType[*WaitError](err)
		if !ok || wait.Left != 2*time.Second || !errors.Is(err, hci.PINOrKeyMissing) {
			t.Errorf("%v", err)
		}
		if lost := find[BondLost](t, l.wantEvents("BondLost")); lost.Action != WaitAndRetry || lost.Why != WhyWaiting {
			t.Errorf("%+v", lost)
		}
	})
}

// TestConsentToRepair: an authenticated bond is paired again only when a person says so, and the peer may have less.
func TestConsentToRepair(t *testing.T) {
	for _, c := range []struct {
		name    string
		consent Delegate
		want    string
		events  string
	}{
		{"nobody to ask", nil, "disconnect 0x05", "BondLost RepairRefused"},
		{"no", saying(false), "disconnect 0x05", "BondLost RepairRefused"},
		{"yes", consents{ask: func(_ context.Context, q Question) error {
			if q.Peer != q.Bond.Peer || !q.Bond.Bonded || q.Bond.Keys.any() || q.Role != hci.Central {
				return errNobody
			}
			return nil
		}}, requestBond, "BondLost"}, // what is weaker is allowed: no MITM protection is required

		{"no answer", consents{ask: func(ctx context.Context, _ Question) error { <-ctx.Done(); return nil }}, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newManager(t, Config{
					Policy:   Policy{LostBond: LostRepair, AllowWeaker: true},
					Store:    storeOf(t, bondWith(t, oximeterText, authenticated(secureKeys(1)), WishBond)),
					Delegate: c.consent,
				})
				l := newScript(t, m, hci.Central, oximeterText)
				l.asks(LevelEncrypted)
				l.did()
				l.HandleEncryption(hci.PINOrKeyMissing, false, false)
				if c.want == "" {
					l.want()
					l.wantEvents("")
					time.Sleep(pairingTimeout)
					l.want("disconnect 0x05")
					l.wantEvents("BondLost RepairRefused")
					return
				}
				l.want(c.want)
				l.wantEvents(c.events)
			})
		})
	}
}

// TestConsentEndsWithTheLink: nobody is asked about a link that has gone.
func TestConsentEndsWithTheLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		withdrawn := make(chan struct{})
		m := newManager(t, Config{
			Policy: Policy{LostBond: LostRepair, AllowWeaker: true},
			Store:  storeOf(t, bondWith(t, oximeterText, authenticated(secureKeys(1)), WishBond)),
			Delegate: consents{ask: func(ctx context.Context, _ Question) error {
				<-ctx.Done()
				close(withdrawn)
				return nil
			}},
		})
		l := newScript(t, m, hci.Central, oximeterText)
		answer := l.asks(LevelEncrypted)
		l.HandleEncryption(hci.PINOrKeyMissing, false, false)
		l.did()
		l.end(hci.ConnectionTimeout)
		<-withdrawn
		if err := answered(t, answer); !errors.Is(err, hci.PINOrKeyMissing) || !errors.Is(err, net.ErrClosed) {
			t.Errorf("%v", err)
		}
	})
}

// TestNeverWeaker: a repair that would lower security is refused when the peer's features are known.
func TestNeverWeaker(t *testing.T) {
	for _, c := range []struct {
		name     string
		keys     Keys
		response string
		reason   Reason
	}{
		{"legacy against Secure Connections", secureKeys(1), "02030001100303", AuthenticationRequirements},
		{"a key of 7 octets", legacyKeys(1), "02030001070303", EncryptionKeySize},
		{"a key of 7 octets against Secure Connections", secureKeys(1), "02030009070303", EncryptionKeySize},
		{"legacy and 7 octets", secureKeys(1), "02030001070303", AuthenticationRequirements},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newManager(t, Config{
					Policy: Policy{LostBond: LostRepair},
					Store:  storeOf(t, bondWith(t, oximeterText, c.keys, WishBond)),
				})
				l := newScript(t, m, hci.Central, oximeterText)
				answer := l.asks(LevelEncrypted)
				l.HandleEncryption(hci.PINOrKeyMissing, false, false)
				l.did()
				l.hears(c.response)
				l.want(fmt.Sprintf("send 05%02x", uint8(c.reason)), "disconnect 0x05")
				err := answered(t, answer)
				if !errors.Is(err, ErrRefusedWeaker) || !errors.Is(err, c.reason) || !errors.Is(err, hci.PINOrKeyMissing) {
					t.Errorf("%v", err)
				}
				events := l.wantEvents("BondLost RepairRefused PairingFailed")
				if e := find[RepairRefused](t, events); e.Why != WhyWeaker || e.Record.Keys.any() {
					t.Errorf("%+v", e)
				}
				r := load(t, m, oximeterText)
				if !sameKeys(&r.Keys, &c.keys) || !r.Lost || r.History.Refused != 1 {
					t.Errorf("%+v", r)
				}
			})
		})
	}
}

// TestAllowWeaker: unless the application says so for that peer.
func TestAllowWeaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		central := newManager(t, Config{
			Policy: Policy{LostBond: LostRepair},
			Peer: func(peer hci.Address, p Policy) Policy {
				p.AllowWeaker = peer == addressOf(t, oximeterText)
				return p
			},
			Store: storeOf(t, bondWith(t, oximeterText, secureKeys(1), WishBond)),
		})
		peripheral := newManager(t, Config{
			Policy: Policy{SecureConnections: SecureConnectionsOff, MaxKeySize: 7}, Identity: addressOf(t, oximeterText),
		})
		a := join(t, central, hostText, peripheral, oximeterText)
		if err := secured(t, a.central, LevelEncrypted); err != nil {
			t.Fatal(err)
		}
		if r := load(t, central, oximeterText); r.Keys.KeySize != 7 || r.Keys.SecureConnections || r.Prior == nil {
			t.Errorf("%+v", r.Public())
		}
	})
}

// TestPriorOnTheSameLink: 0x06 for a key that has never encrypted a link is answered with the key before it, once.
func TestPriorOnTheSameLink(t *testing.T) {
	record := bondWith(t, oximeterText, legacyKeys(2), WishBond)
	prior := legacyKeys(1)
	record.Proven, record.Prior = false, &prior
	for _, works := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			m := newManager(t, Config{Store: storeOf(t, record)})
			l := newScript(t, m, hci.Central, oximeterText)
			answer := l.asks(LevelEncrypted)
			l.want("encrypt 5258")
			l.HandleEncryption(hci.PINOrKeyMissing, false, false)
			l.want("encrypt 5257")
			l.wantEvents("")
			if works {
				l.HandleEncryption(hci.Success, true, false)
				if err := answered(t, answer); err != nil {
					t.Fatal(err)
				}
				if r := load(t, m, oximeterText); !sameKeys(&r.Keys, &prior) || r.Prior != nil || !r.Proven {
					t.Errorf("%+v", r.Public())
				}
				l.wantEvents("Encrypted")
				return
			}
			l.HandleEncryption(hci.PINOrKeyMissing, false, false)
			if err := answered(t, answer); !errors.Is(err, hci.PINOrKeyMissing) {
				t.Fatal(err)
			}
			l.want("disconnect 0x05")
			l.wantEvents("BondLost")
			if r := load(t, m, oximeterText); !sameRecord(r, func() Record {
				want := record.Clone()
				want.Lost, want.History = true, History{Lost: 1, LastLost: "PIN or Key Missing"}
				return want
			}()) {
				t.Errorf("%+v", r)
			}
		})
	}
}

// TestPriorOnTheNextLink: where the failure took the link, the generations take turns.
func TestPriorOnTheNextLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		record := bondWith(t, oximeterText, legacyKeys(2), WishBond)
		prior := legacyKeys(1)
		record.Proven, record.Prior = false, &prior
		m := newManager(t, Config{Store: storeOf(t, record)})
		for i, status := range []hci.Status{0x3D, 0x3D, 0x06, 0x08, 0x06} {
			l := newScript(t, m, hci.Central, oximeterText)
			answer := l.asks(LevelEncrypted)
			l.want([]string{"encrypt 5258", "encrypt 5257"}[i%2])
			l.HandleDisconnect(status)
			if err := answered(t, answer); !errors.Is(err, status) {
				t.Errorf("%v", err)
			}
			l.did()
		}
		l := newScript(t, m, hci.Central, oximeterText)
		l.asks(LevelEncrypted)
		l.want("encrypt 5257")
		l.HandleEncryption(hci.Success, true, false)
		l.did()
		if r := load(t, m, oximeterText); !sameKeys(&r.Keys, &prior) || r.Prior != nil || r.Lost || r.History.Lost != 0 {
			t.Errorf("%+v", r)
		}
	})
}

// TestForgottenMeanwhile: a bond that a person deletes while its key is being tried stays deleted.
func TestForgottenMeanwhile(t *testing.T) {
	for _, status := range []hci.Status{hci.Success, hci.PINOrKeyMissing, hci.ConnectionTerminatedMICFailure} {
		synctest.Test(t, func(t *testing.T) {
			m := newManager(t, Config{Store: storeOf(t, bondWith(t, oximeterText, legacyKeys(1), WishBond))})
			l := newScript(t, m, hci.Central, oximeterText)
			answer := l.asks(LevelEncrypted)
			if err := m.Store().Delete(addressOf(t, hostText), addressOf(t, oximeterText)); err != nil {
				t.Fatal(err)
			}
			l.HandleEncryption(status, status == hci.Success, false)
			if err := answered(t, answer); (err == nil) != (status == hci.Success) {
				t.Errorf("0x%02X: %v", uint8(status), err)
			}
			if r, ok := m.load(addressOf(t, oximeterText)); ok {
				t.Errorf("0x%02X: it is back: %+v", uint8(status), r.Public())
			}
		})
	}
}
