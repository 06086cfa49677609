package smp

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

func TestParsePairable(t *testing.T) {
	for want, text := range pairableNames {
		p, err := ParsePairable(text)
		if err != nil || p != Pairable(want) || p.String() != text {
			t.Errorf("%q: %v, %v", text, p, err)
		}
	}
	if _, err := ParsePairable("sometimes"); err == nil {
		t.Error("sometimes is read")
	}
}

// TestPairable is who may pair with us as the initiator: strangers, and those over whose bond it would be.
func TestPairable(t *testing.T) {
	bonded := bondWith(t, strangerText, secureKeys(1), WishUnknown)
	for _, x := range []struct {
		name   string
		mode   Pairable
		who    Delegate
		open   time.Duration
		bond   bool
		want   string
		events string
		why    Why
	}{
		{"always, a stranger", PairableAlways, nil, 0, false, pairingResponse, "", WhyNoBond},
		{"off, a stranger", PairableOff, nil, 0, false, "send 0505", "", WhyClosed},
		{"off, a stranger, whatever a person says", PairableOff, saying(true), 0, false, "send 0505", "", WhyClosed},
		{"off, but open, a stranger", PairableOff, nil, time.Minute, false, pairingResponse, "", WhyNoBond},
		{"ask, nobody to ask", PairableAsk, nil, 0, false, "send 0505", "", WhyNoConsent},
		{"ask, no", PairableAsk, saying(false), 0, false, "send 0505", "", WhyNoConsent},
		{"ask, yes", PairableAsk, saying(true), 0, false, pairingResponse, "", WhyNoBond},
		{"ask, but open", PairableAsk, saying(false), time.Minute, false, pairingResponse, "", WhyNoBond},
		{"always, over a bond", PairableAlways, nil, 0, true, "send 0505", "RepairRefused", WhyNoConsent},
		{"always, over a bond, no", PairableAlways, saying(false), 0, true, "send 0505", "RepairRefused", WhyNoConsent},
		{"always, over a bond, yes", PairableAlways, saying(true), 0, true, pairingResponse, "", WhyConsent},
		{"off, over a bond, yes", PairableOff, saying(true), 0, true, pairingResponse, "", WhyConsent},
		{"open, over a bond", PairableOff, nil, time.Minute, true, pairingResponse, "", WhyOpen},
		{"open no longer, over a bond", PairableOff, nil, -time.Minute, true, "send 0505", "RepairRefused", WhyNoConsent},
	} {
		t.Run(x.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := NewMemoryStore()
				if x.bond {
					store = storeOf(t, bonded)
				}
				m := newManager(t, Config{Pairable: x.mode, Delegate: x.who, Store: store})
				if x.open != 0 {
					m.OpenPairing(max(x.open, time.Second))
					time.Sleep(max(0, -x.open))
				}
				l := newScript(t, m, hci.Peripheral, strangerText)
				l.hears(pairingRequest)
				l.want(x.want)
				l.wantEvents(x.events)
				if d := l.decisions(); len(d) != 1 || d[0].Why != x.why || d[0].Happened != PairingAsked || d[0].Record.Bonded != x.bond || d[0].Record.Keys.any() {
					t.Errorf("decided %+v", d)
				}
				if x.bond {
					if r := load(t, m, strangerText); !sameKeys(&r.Keys, &bonded.Keys) {
						t.Error("the bond has changed")
					}
				}
			})
		})
	}
}

func TestOpenPairing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, Config{})
		if m.PairingOpen() != 0 {
			t.Error("open from the start")
		}
		m.OpenPairing(time.Minute)
		time.Sleep(20 * time.Second)
		if left := m.PairingOpen(); left != 40*time.Second {
			t.Errorf("%v left", left)
		}
		m.OpenPairing(time.Hour)
		m.OpenPairing(0)
		if left := m.PairingOpen(); left != 0 {
			t.Errorf("closed, and %v left", left)
		}
		m.OpenPairing(time.Second)
		time.Sleep(time.Second)
		if left := m.PairingOpen(); left != 0 {
			t.Errorf("over, and %v left", left)
		}
		m.OpenPairing(-time.Hour)
		if left := m.PairingOpen(); left != 0 {
			t.Errorf("%v left of less than nothing", left)
		}
	})
}

// A window is for whoever pairs with us. What a central does about a lost bond is not changed by it.
func TestOpenPairingIsNotForRepairs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, Config{Store: storeOf(t, bondWith(t, oximeterText, secureKeys(1), WishBond))})
		m.OpenPairing(time.Hour)
		l := newScript(t, m, hci.Central, oximeterText)
		l.asks(LevelEncrypted)
		l.did()
		l.HandleEncryption(hci.PINOrKeyMissing, false, false)
		l.want("disconnect 0x05")
	})
}

// Who opens pairing lowers nothing: never weaker holds.
func TestOpenPairingIsNeverWeaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, Config{Store: storeOf(t, bondWith(t, strangerText, authenticated(secureKeys(1)), WishBond))})
		m.OpenPairing(time.Hour)
		l := newScript(t, m, hci.Peripheral, strangerText)
		l.hears(pairingRequest)
		l.want("send 0503")
		l.wantEvents("RepairRefused")
	})
}

// A peer that gives up while a person thinks about it withdraws the question, and so does the end of the link.
func TestConsentIsWithdrawn(t *testing.T) {
	for _, end := range []string{"the peer gives up", "the link goes", "nobody answers"} {
		t.Run(end, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				withdrawn := make(chan time.Time, 1)
				who := consents{ask: func(ctx context.Context, _ Question) error {
					if _, ok := ctx.Deadline(); !ok {
						t.Error("no deadline")
					}
					<-ctx.Done()
					withdrawn <- time.Now()
					return ctx.Err()
				}}
				m := newManager(t, Config{Pairable: PairableAsk, Delegate: who})
				l := newScript(t, m, hci.Peripheral, strangerText)
				start := time.Now()
				l.hears(pairingRequest)
				l.want()
				time.Sleep(time.Second)
				want := time.Second
				switch end {
				case "the peer gives up":
					l.hears("0e00", "0508")
					l.want("send 0505")
				case "the link goes":
					l.end(hci.ConnectionTimeout)
				default:
					time.Sleep(pairingTimeout)
					l.want("send 0505")
					want = pairingTimeout
				}
				if took := (<-withdrawn).Sub(start); took != want {
					t.Errorf("withdrawn after %v", took)
				}
			})
		})
	}
}

// Who is turned down by a person has bothered one, and waits before the next time; who is turned down by a headless
// host has not.
func TestBotheringAPersonCounts(t *testing.T) {
	for want, who := range []Delegate{nil, saying(false)} {
		synctest.Test(t, func(t *testing.T) {
			m := newManager(t, Config{Pairable: PairableAsk, Delegate: who})
			l := newScript(t, m, hci.Peripheral, strangerText)
			l.hears(pairingRequest)
			l.want("send 0505")
			if got := m.Waits(); len(got) != want {
				t.Errorf("%v", got)
			}
			l.hears(pairingRequest)
			if want == 1 {
				l.want("send 0509")
			} else {
				l.want("send 0505")
			}
		})
	}
}

// TestMinLevel of a host or a peer holds for what is paired, and for the keys that are used.
func TestMinLevel(t *testing.T) {
	t.Run("as peripheral, a stranger with nothing to show", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m := newManager(t, Config{Policy: Policy{MinLevel: LevelAuthenticated}, Delegate: sitter{desk: newDesk(), has: Capabilities{IO: DisplayOnly}}})
			l := newScript(t, m, hci.Peripheral, strangerText)
			l.hears(pairingRequest)
			l.want("send 0503")
		})
	})
	t.Run("as peripheral, a key that is not enough", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m := newManager(t, Config{Policy: Policy{MinLevel: LevelAuthenticated}, Store: storeOf(t, bondWith(t, strangerText, secureKeys(1), WishBond))})
			l := newScript(t, m, hci.Peripheral, strangerText)
			if _, ok := l.LongTermKey([8]byte{}, 0); ok {
				t.Error("the key is given away")
			}
		})
	})
	t.Run("as central, a bond that is not enough is raised on the link that it encrypts", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk()
			side := sitter{desk: d, has: Capabilities{IO: DisplayYesNo}}
			peripheral := newManager(t, Config{Identity: addressOf(t, oximeterText), Delegate: side})
			store := NewMemoryStore()
			a := join(t, newManager(t, Config{Store: store}), hostText, peripheral, oximeterText)
			if err := secured(t, a.central, LevelEncrypted); err != nil {
				t.Fatal(err)
			}
			a.drop()
			central := newManager(t, Config{Store: store, Delegate: side, Policy: Policy{MinLevel: LevelSC}})
			a = join(t, central, hostText, peripheral, oximeterText)
			if err := secured(t, a.central, LevelEncrypted); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if got := names(a.central.notes.take()); got != "Encrypted Paired Encrypted" || a.central.Security().Level() != LevelSC {
				t.Errorf("%s, %+v", got, a.central.Security())
			}
			a.drop()
		})
	})
	t.Run("as central, with nobody to ask", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			l := newScript(t, newManager(t, Config{Policy: Policy{MinLevel: LevelAuthenticated}}), hci.Central, oximeterText)
			if level, ok := errors.AsType[*LevelError](answered(t, l.asks(LevelEncrypted))); !ok || level.Want != LevelAuthenticated {
				t.Errorf("%v", level)
			}
			l.want()
		})
	})
}

// TestSecureConnectionsOnly refuses legacy in both roles; as level 4 it refuses short keys too.
func TestSecureConnectionsOnly(t *testing.T) {
	for _, x := range []struct {
		name   string
		policy Policy
		role   hci.Role
		hears  string
		want   string
	}{
		{"as responder", Policy{SecureConnections: SecureConnectionsOnly}, hci.Peripheral, "01030001100303", "send 0503"},
		{"as initiator", Policy{SecureConnections: SecureConnectionsOnly}, hci.Central, "02030001100303", "send 0503"},
		{"level 4, legacy", Policy{MinLevel: LevelSC}, hci.Peripheral, "01030005100303", "send 0503"},
		{"level 4, a short key", Policy{MinLevel: LevelSC}, hci.Peripheral, "0103000d0f0303", "send 0506"},
		{"level 4, Just Works", Policy{MinLevel: LevelSC}, hci.Peripheral, "01030009100303", "send 0503"},
	} {
		t.Run(x.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newScript(t, newManager(t, Config{Policy: x.policy}), x.role, oximeterText)
				if x.role == hci.Central {
					l.asks(LevelEncrypted)
					l.did()
				}
				l.hears(x.hears)
				l.want(x.want)
			})
		})
	}
	for _, p := range []Policy{
		{MinLevel: LevelSC, SecureConnections: SecureConnectionsOff}, {MinLevel: LevelSC, MaxKeySize: 15}, {MinLevel: 9},
	} {
		if _, err := NewManager(Config{Policy: p}); err == nil {
			t.Errorf("%+v is taken", p)
		}
	}
}

// TestOverrideHolds for its peer and nobody else, and one that does not fit the host's policy gives way.
func TestOverrideHolds(t *testing.T) {
	peer, other := addressOf(t, oximeterText), addressOf(t, strangerText)
	r := Record{Local: addressOf(t, hostText), Peer: peer, Override: Override{LostBond: new(LostRepair), MinLevel: new(LevelAuthenticated)}}
	store := storeOf(t, r)
	m := newManager(t, Config{Store: store})
	if p := m.policyFor(peer); p.LostBond != LostRepair || p.MinLevel != LevelAuthenticated {
		t.Errorf("%+v", p)
	}
	if p := m.policyFor(other); p != (Policy{}).complete() {
		t.Errorf("another peer: %+v", p)
	}
	m = newManager(t, Config{Store: store, Peer: func(_ hci.Address, p Policy) Policy {
		if p.LostBond != LostRepair {
			t.Error("the application is not shown the override")
		}
		p.LostBond = LostStrict
		return p
	}})
	if p := m.policyFor(peer); p.LostBond != LostStrict {
		t.Errorf("the application has the last word: %+v", p)
	}
	r.Override = Override{MinKeySize: 12}
	m = newManager(t, Config{Store: storeOf(t, r), Policy: Policy{MaxKeySize: 10}})
	if p := m.policyFor(peer); p.MinKeySize != leastKeySize {
		t.Errorf("what can't be had: %+v", p)
	}
}

// TestOverrideSurvivesPairing, but for the leave to be weaker, which is for one.
func TestOverrideSurvivesPairing(t *testing.T) {
	for _, bonding := range []Bonding{BondAlways, BondNever} {
		synctest.Test(t, func(t *testing.T) {
			record := bondWith(t, oximeterText, authenticated(secureKeys(1)), WishNone)
			record.Override = Override{LostBond: new(LostRepair), AllowWeaker: true}
			central := newManager(t, Config{Policy: Policy{Bonding: bonding}, Store: storeOf(t, record), Delegate: saying(true)})
			a := join(t, central, hostText, newManager(t, Config{Identity: addressOf(t, oximeterText)}), oximeterText)
			if err := secured(t, a.central, LevelEncrypted); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			r := load(t, central, oximeterText)
			if r.Override.AllowWeaker || r.Override.LostBond == nil || *r.Override.LostBond != LostRepair || r.Bonded != (bonding != BondNever) {
				t.Errorf("%+v", r.Public())
			}
			a.drop()
		})
	}
}

// TestDecisions are told, each with its reason.
func TestDecisions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, Config{Policy: Policy{LostBond: LostRepair}, Store: storeOf(t, bondWith(t, oximeterText, secureKeys(1), WishBond))})
		a := join(t, m, hostText, newManager(t, Config{Identity: addressOf(t, oximeterText)}), oximeterText)
		if err := secured(t, a.central, LevelEncrypted); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		var got []Decision
		for _, d := range a.central.decisions() {
			got = append(got, d.Decision)
			if d.Want != LevelEncrypted || !d.Record.Bonded || d.Record.Keys.any() {
				t.Errorf("%+v", d)
			}
		}
		if len(got) != 2 || got[0] != (Decision{Encrypt, WhyStoredKey}) || got[1] != (Decision{PairAgain, WhyRepair}) {
			t.Errorf("%v", got)
		}
		if got := a.peripheral.decisions(); len(got) != 1 || got[0].Decision != (Decision{Pair, WhyNoBond}) {
			t.Errorf("%v", got)
		}
		a.drop()
	})
}
