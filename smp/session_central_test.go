package smp

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/jelling-ble/jelling/hci"
)

// What a central sends first: NoInputNoOutput, 16 octets, Secure Connections offered; with a bond, LTK and
// identity each way.
const (
	requestBond   = "send 01030009100303"
	requestNoBond = "send 01030008100000"
)

func TestCentralEncryptsWithItsBond(t *testing.T) {
	for _, c := range []struct {
		name string
		keys Keys
		want string
		key  Key
	}{
		{"legacy: the key that the peer distributed", legacyKeys(1), "encrypt 5257", Key{1, 1}},
		{"Secure Connections: the one key", secureKeys(1), "encrypt 0000", Key{1, 3}},
		{"legacy with EDIV and Rand zero", Keys{KeySize: 16, Peer: &LTK{Key: Key{7}}, Local: &LTK{Key: Key{8}}}, "encrypt 0000", Key{7}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				record := bondWith(t, oximeterText, c.keys, WishBond)
				record.Proven, record.Lost, record.History.Suspect = false, true, 2
				m := newManager(t, Config{Store: storeOf(t, record)})
				l := newScript(t, m, hci.Central, oximeterText)
				l.want()
				answer := l.asks(LevelEncrypted)
				l.want(c.want)
				if l.keys[0] != c.key {
					t.Error("another key")
				}
				pending(t, answer)
				l.HandleEncryption(hci.Success, true, false)
				if got := l.Security(); got != c.keys.Security() {
					t.Errorf("at once: %+v", got)
				}
				if err := answered(t, answer); err != nil {
					t.Fatal(err)
				}
				if e := find[Encrypted](t, l.wantEvents("Encrypted")); !e.Stored || e.Security != c.keys.Security() {
					t.Errorf("%+v", e)
				}
				r := load(t, m, oximeterText)
				if !r.Proven || r.Lost || r.History.Suspect != 0 {
					t.Errorf("%+v", r.Public())
				}
				if err := answered(t, l.asks(LevelEncrypted)); err != nil {
					t.Error(err)
				}
				l.want()
			})
		})
	}
}

func TestLevelNoneAsksForNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newScript(t, newManager(t, Config{}), hci.Central, oximeterText)
		if err := answered(t, l.asks(LevelNone)); err != nil {
			t.Fatal(err)
		}
		l.want()
	})
}

// TestLevelOutOfReach: with nobody to ask, nothing authenticates, and the peer is not bothered.
func TestLevelOutOfReach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			level  Level
			policy Policy
		}{{LevelAuthenticated, Policy{}}, {LevelSC, Policy{}}, {LevelSC, Policy{SecureConnections: SecureConnectionsOff}}} {
			l := newScript(t, newManager(t, Config{Policy: c.policy}), hci.Central, oximeterText)
			err := answered(t, l.asks(c.level))
			if short, ok := errors.AsType[*LevelError](err); !ok || short.Want != c.level || short.Have != (Security{}) {
				t.Errorf("%s: %v", c.level, err)
			}
			l.want()
		}
	})
}

// TestBondBelowLevel: the link is encrypted by the bond first, and stays so when that is not enough.
func TestBondBelowLevel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, Config{Store: storeOf(t, bondWith(t, oximeterText, legacyKeys(1), WishBond))})
		l := newScript(t, m, hci.Central, oximeterText)
		answer := l.asks(LevelAuthenticated)
		l.want("encrypt 5257")
		l.HandleEncryption(hci.Success, true, false)
		if short, ok := errors.AsType[*LevelError](answered(t, answer)); !ok || !short.Have.Encrypted {
			t.Errorf("%v", short)
		}
		if !l.Security().Encrypted {
			t.Error("no longer encrypted")
		}
		l.want()
	})
}

// TestSecureConnectionsOnlyRaisesALegacyBond: the old key shows that it is the peer, and then a better one is made.
func TestSecureConnectionsOnlyRaisesALegacyBond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, Config{
			Policy: Policy{SecureConnections: SecureConnectionsOnly},
			Store:  storeOf(t, bondWith(t, oximeterText, legacyKeys(1), WishBond)),
		})
		l := newScript(t, m, hci.Central, oximeterText)
		answer := l.asks(LevelEncrypted)
		l.want("encrypt 5257")
		l.HandleEncryption(hci.Success, true, false)
		l.want(requestBond)
		pending(t, answer)
		l.hears("02030001100303")
		l.want("send 0503")
		if err := answered(t, answer); !errors.Is(err, AuthenticationRequirements) {
			t.Errorf("%v", err)
		}
		if r := load(t, m, oximeterText); r.Keys.SecureConnections || !r.Bonded {
			t.Error("the old bond is gone")
		}
	})
}

// TestOneProcedure: later askers join, and who gives up is free while the procedure goes on.
func TestOneProcedure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, Config{Store: storeOf(t, bondWith(t, oximeterText, legacyKeys(1), WishBond))})
		l := newScript(t, m, hci.Central, oximeterText)
		ctx, cancel := context.WithCancel(t.Context())
		gaveUp := make(chan error, 1)
		go func() { gaveUp <- l.Secure(ctx, LevelEncrypted) }()
		synctest.Wait()
		second := l.asks(LevelEncrypted)
		l.hears("0b01") // the peer joins as well
		l.want("encrypt 5257")
		cancel()
		if err := answered(t, gaveUp); !errors.Is(err, context.Canceled) {
			t.Errorf("gave up: %v", err)
		}
		pending(t, second)
		if n := len(l.Session.asks); n != 1 {
			t.Errorf("%d callers wait", n)
		}
		l.HandleEncryption(hci.Success, true, false)
		if err := answered(t, second); err != nil {
			t.Error(err)
		}
		l.want()
		l.wantEvents("SecurityRequested Encrypted")
		if err := l.Secure(ctx, LevelEncrypted); !errors.Is(err, context.Canceled) {
			t.Errorf("with a context that is over: %v", err)
		}
	})
}

// TestSecurityRequestBondingFlag: under follow, the pairing that answers carries the request's flag.
func TestSecurityRequestBondingFlag(t *testing.T) {
	for _, c := range []struct {
		bonding Bonding
		hears   string
		want    string
	}{
		{BondFollow, "0b00", requestNoBond},
		{BondFollow, "0b01", requestBond},
		{BondFollow, "0b0d", requestBond},   // MITM with nobody to ask falls to Just Works
		{BondFollow, "0bc8", requestNoBond}, // reserved bits
		{BondAlways, "0b00", requestBond},
		{BondNever, "0b01", requestNoBond},
	} {
		t.Run(c.bonding.String()+" "+c.hears, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newManager(t, Config{Policy: Policy{Bonding: c.bonding}})
				l := newScript(t, m, hci.Central, oximeterText)
				l.hears(c.hears)
				l.want(c.want)
				e := find[SecurityRequested](t, l.wantEvents("SecurityRequested"))
				if want := c.hears[3] == '1' || c.hears[3] == 'd'; e.Bonding != want {
					t.Errorf("%+v", e)
				}
				if _, ok := m.load(addressOf(t, oximeterText)); ok {
					t.Error("a wish is recorded of a link that is not encrypted")
				}
			})
		})
	}
}

// TestRecordedWish: a pairing that we start with a peer that is known to want no bond asks for none.
func TestRecordedWish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := storeOf(t, Record{Local: addressOf(t, hostText), Peer: addressOf(t, oximeterText), Wish: WishNone})
		l := newScript(t, newManager(t, Config{Store: store}), hci.Central, oximeterText)
		l.asks(LevelEncrypted)
		l.want(requestNoBond)
	})
}

// TestWishWhilePairing: a wish of none that arrives while our Pairing Request is pending means that nothing is
// stored, though both sides have set the flag.
func TestWishWhilePairing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		central := newManager(t, Config{})
		peripheral := newManager(t, Config{Identity: addressOf(t, oximeterText)})
		a := join(t, central, hostText, peripheral, oximeterText)
		a.before = func(n int) {
			if n == 2 { // the Pairing Response
				a.central.HandlePDU([]byte{0x0B, 0x00})
			}
		}
		if err := secured(t, a.central, LevelEncrypted); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if p := find[Paired](t, a.central.notes.take()); p.Bonded {
			t.Errorf("%+v", p)
		}
		if r := load(t, central, oximeterText); r.Bonded || r.Keys.any() || r.Wish != WishNone {
			t.Errorf("%+v", r.Public())
		}
	})
}

// TestWishIsRecordedOnceEncrypted, and not before. A wish for the bond that is recorded is taken back by the peer
// itself, on an encrypted link, and not by what anybody may have said in the clear.
func TestWishIsRecordedOnceEncrypted(t *testing.T) {
	for _, x := range []struct {
		recorded  Wish
		hears     string
		encrypted Wish
	}{
		{"", "0b00", WishNone},
		{WishUnknown, "0b00", WishNone},
		{WishNone, "0b01", WishBond},
		{WishUnknown, "0b01", WishBond},
		{WishBond, "0b00", WishBond},
	} {
		synctest.Test(t, func(t *testing.T) {
			m := newManager(t, Config{Store: storeOf(t, bondWith(t, oximeterText, legacyKeys(1), x.recorded))})
			l := newScript(t, m, hci.Central, oximeterText)
			l.hears(x.hears)
			l.want("encrypt 5257")
			if r := load(t, m, oximeterText); r.Wish != x.recorded {
				t.Errorf("in the clear: wish %s", r.Wish)
			}
			l.HandleEncryption(hci.Success, true, false)
			l.want()
			if r := load(t, m, oximeterText); r.Wish != x.encrypted || !r.Bonded {
				t.Errorf("encrypted: %+v", r.Public())
			}
			for _, later := range []struct {
				hears string
				want  Wish
			}{{"0b01", WishBond}, {"0b00", WishNone}} { // the link is good enough: no answer
				l.hears(later.hears)
				l.want()
				if r := load(t, m, oximeterText); r.Wish != later.want {
					t.Errorf("later, %s: wish %s", later.hears, r.Wish)
				}
			}
		})
	}
}

// TestNotLost is what a lost bond must not be taken for: the bond stays as it is, and nobody pairs.
func TestNotLost(t *testing.T) {
	for _, status := range []hci.Status{0x05, 0x08, 0x0C, 0x1F, 0x22, 0x3A, 0x3D, 0x3E} {
		for _, disconnected := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				m := newManager(t, Config{
					Policy: Policy{LostBond: LostRepair},
					Store:  storeOf(t, bondWith(t, oximeterText, legacyKeys(1), WishNone)),
				})
				l := newScript(t, m, hci.Central, oximeterText)
				answer := l.asks(LevelEncrypted)
				l.want("encrypt 5257")
				if disconnected {
					l.HandleDisconnect(status)
					l.want()
				} else {
					l.HandleEncryption(status, false, false)
					l.want("disconnect 0x05")
				}
				err := answered(t, answer)
				failed, ok := errors.AsType[*EncryptionError](err)
				if !ok || !errors.Is(err, status) || failed.Decision.Action != WaitAndRetry {
					t.Errorf("0x%02X: %v", uint8(status), err)
				}
				l.wantEvents("")
				if r := load(t, m, oximeterText); !r.Bonded || r.Lost || r.History.Lost != 0 {
					t.Errorf("0x%02X: %+v", uint8(status), r.Public())
				}
			})
		}
	}
}

// TestBondSuspect: several failures in a row, counted over links, and over once the key has worked.
func TestBondSuspect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, Config{
			Policy: Policy{LostBond: LostRepair},
			Store:  storeOf(t, bondWith(t, oximeterText, legacyKeys(1), WishNone)),
		})
		try := func(status hci.Status) []Event {
			l := newScript(t, m, hci.Central, oximeterText)
			answer := l.asks(LevelEncrypted)
			l.want("encrypt 5257")
			if status == hci.Success {
				l.HandleEncryption(status, true, false)
			} else {
				l.HandleDisconnect(status)
			}
			_ = answered(t, answer)
			l.want()
			l.end(hci.RemoteUserTerminatedConnection)
			return l.notes.take()
		}
		for _, c := range []struct {
			status hci.Status
			events string
		}{
			{0x3D, ""}, {0x05, ""}, {hci.Success, "Encrypted"},
			{0x3D, ""}, {0x08, ""}, {0x3D, ""}, {0x05, "BondSuspect"}, {0x3D, "BondSuspect"},
			{hci.Success, "Encrypted"}, {0x3D, ""},
		} {
			events := try(c.status)
			if names(events) != c.events {
				t.Fatalf("0x%02X: events %q, want %q", uint8(c.status), names(events), c.events)
			}
			if c.events == "BondSuspect" {
				if e := find[BondSuspect](t, events); e.InARow < SuspectAfter || e.Status != c.status || e.Record.Keys.any() {
					t.Errorf("%+v", e)
				}
			}
		}
		if r := load(t, m, oximeterText); !r.Bonded || r.Lost {
			t.Errorf("%+v", r.Public())
		}
	})
}

// TestRepeatedAttempts (Vol 3, Part H, 2.3.6): failed pairings make us wait longer each time, as initiator...
func TestRepeatedAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, Config{})
		wait := firstWait
		for range 4 {
			l := newScript(t, m, hci.Central, oximeterText)
			answer := l.asks(LevelEncrypted)
			l.want(requestBond)
			l.hears("0505")
			err := answered(t, answer)
			if failed, ok := errors.AsType[*PairingError](err); !ok || !failed.ByPeer || !errors.Is(err, PairingNotSupported) {
				t.Errorf("%v", err)
			}
			if e := find[PairingFailed](t, l.wantEvents("PairingFailed")); e.Reason != PairingNotSupported || !e.ByPeer || e.Err == nil {
				t.Errorf("%+v", e)
			}
			for range 2 { // asking meanwhile does not make it longer
				err = answered(t, l.asks(LevelEncrypted))
				if w, ok := errors.AsType[*WaitError](err); !ok || w.Left != wait || !errors.Is(err, RepeatedAttempts) {
					t.Errorf("%v, want %s", err, wait)
				}
			}
			l.hears("0b01")
			l.want()
			l.end(hci.RemoteUserTerminatedConnection)
			time.Sleep(wait)
			wait *= 2
		}
		if all := m.Waits(); len(all) != 1 || all[0].Failures != 4 || all[0].Peer != addressOf(t, oximeterText) {
			t.Errorf("%+v", all)
		}
	})
}

// TestRepeatedAttemptsAsResponder: ...and as responder, where the peer is told.
func TestRepeatedAttemptsAsResponder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, Config{})
		l := newScript(t, m, hci.Peripheral, strangerText)
		const request = "01030001100303"
		l.hears(request)
		l.want("send 02030009100303")
		l.hears("0508")
		l.wantEvents("PairingFailed")
		l.hears(request)
		l.want("send 0509")
		l.hears(request)
		l.want("send 0509")
		time.Sleep(firstWait)
		l.hears(request)
		l.want("send 02030009100303")
	})
}

// TestSuccessDoesNotCount: pairing each time makes nobody wait.
func TestSuccessDoesNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		central := newManager(t, Config{Policy: Policy{Bonding: BondNever}})
		peripheral := newManager(t, Config{Identity: addressOf(t, oximeterText)})
		for range 20 {
			a := join(t, central, hostText, peripheral, oximeterText)
			if err := secured(t, a.central, LevelEncrypted); err != nil {
				t.Fatal(err)
			}
			a.drop()
		}
		if len(central.Waits())+len(peripheral.Waits()) != 0 {
			t.Errorf("%v, %v", central.Waits(), peripheral.Waits())
		}
		if r, ok := central.load(addressOf(t, oximeterText)); ok {
			t.Errorf("a record that says nothing: %+v", r.Public())
		}
	})
}

// TestTimeout (Vol 3, Part H, 3.4): 30 s without an answer, and no more SMP on this link, which is of no use in the
// clear and is ended; the next starts afresh.
func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, Config{})
		l := newScript(t, m, hci.Central, oximeterText)
		answer := l.asks(LevelEncrypted)
		l.want(requestBond)
		time.Sleep(30*time.Second - time.Nanosecond)
		pending(t, answer)
		time.Sleep(time.Nanosecond)
		if err := answered(t, answer); !errors.Is(err, ErrTimeout) {
			t.Errorf("%v", err)
		}
		l.want("disconnect 0x05")
		l.wantEvents("PairingFailed")
		time.Sleep(longestWait)
		if err := answered(t, l.asks(LevelEncrypted)); !errors.Is(err, ErrTimeout) {
			t.Errorf("again: %v", err)
		}
		l.hears("02030001100303", "0b01", "0505", "01030001100303")
		l.want()
		l.wantEvents("")

		l = newScript(t, m, hci.Central, oximeterText)
		l.asks(LevelEncrypted)
		l.want(requestBond)
	})
}

// TestLocalFailure: a link that takes nothing any more fails the caller, not the program.
func TestLocalFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refuse := errors.New("no room")
		m := newManager(t, Config{})
		l := newScript(t, m, hci.Central, oximeterText)
		l.refuse = refuse
		if err := answered(t, l.asks(LevelEncrypted)); !errors.Is(err, refuse) {
			t.Errorf("pairing: %v", err)
		}
		m = newManager(t, Config{Store: storeOf(t, bondWith(t, oximeterText, legacyKeys(1), WishBond))})
		l = newScript(t, m, hci.Central, oximeterText)
		l.refuse = &LinkError{hci.ConnectionTimeout}
		err := answered(t, l.asks(LevelEncrypted))
		if failed, ok := errors.AsType[*EncryptionError](err); !ok || failed.Status != hci.ConnectionTimeout {
			t.Errorf("encrypting: %v", err)
		}
		m = newManager(t, Config{Store: m.Store()})
		l = newScript(t, m, hci.Central, oximeterText)
		l.refuse = refuse
		if failed, ok := errors.AsType[*EncryptionError](answered(t, l.asks(LevelEncrypted))); !ok || failed.Status != hci.UnspecifiedError {
			t.Errorf("encrypting: %v", failed)
		}
		m = newManager(t, Config{})
		l = newScript(t, m, hci.Peripheral, oximeterText)
		l.refuse = refuse
		if err := answered(t, l.asks(LevelEncrypted)); !errors.Is(err, refuse) {
			t.Errorf("asking: %v", err)
		}
	})
}

// TestJoinersOfDifferentLevels: what is reached is answered to those whom it is enough for.
func TestJoinersOfDifferentLevels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, Config{Store: storeOf(t, bondWith(t, oximeterText, secureKeys(1), WishBond))})
		l := newScript(t, m, hci.Central, oximeterText)
		low, high := l.asks(LevelEncrypted), l.asks(LevelSC)
		pending(t, low)
		l.HandleEncryption(hci.Success, true, false)
		if err := answered(t, low); err != nil {
			t.Errorf("encrypted: %v", err)
		}
		if short, ok := errors.AsType[*LevelError](answered(t, high)); !ok {
			t.Errorf("sc: %v", short)
		}
		l.want("encrypt 0000")
	})
}

// TestReplacedMeanwhile: a bond that is replaced while its key is being tried is not touched by the outcome.
func TestReplacedMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, Config{Store: storeOf(t, bondWith(t, oximeterText, legacyKeys(1), WishBond))})
		l := newScript(t, m, hci.Central, oximeterText)
		answer := l.asks(LevelEncrypted)
		imported := bondWith(t, oximeterText, secureKeys(2), WishUnknown)
		imported.Proven = false
		if err := m.Store().Save(imported); err != nil {
			t.Fatal(err)
		}
		l.HandleEncryption(hci.Success, true, false)
		if err := answered(t, answer); err != nil {
			t.Error(err)
		}
		if r := load(t, m, oximeterText); !sameRecord(r, imported) {
			t.Errorf("%+v", r)
		}
	})
}

// TestLog: what the application should see even if it does not look at events, and no key in it.
func TestLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var text strings.Builder
		log := logrus.New()
		log.SetOutput(&text)
		log.SetLevel(logrus.TraceLevel)
		store := failingStore{storeOf(t, bondWith(t, strangerText, Keys{KeySize: 16, SecureConnections: true, SC: &LTK{Key: secret(0xA0)}}, WishUnknown)), errors.New("read-only file system")}
		record := load(t, newManager(t, Config{Store: store}), strangerText)
		record.Proven = false
		_ = store.Save(record)
		l := newScript(t, newManager(t, Config{Store: store, Logger: log}), hci.Peripheral, strangerText)
		l.LongTermKey([8]byte{}, 0)
		l.HandleEncryption(hci.Success, true, false)
		for range 2 * maxInbox { // without giving the session a chance to look
			l.HandlePDU([]byte{0x0E, 0x00})
		}
		l.end(hci.ConnectionTimeout)
		got := text.String()
		if !strings.Contains(got, "the record of C1:22:33:44:55:66 is in memory only: read-only file system") || strings.Contains(got, "a0a0") {
			t.Error(got)
		}
		if dropped := l.dropped > 0; dropped != strings.Contains(got, "PDUs dropped") {
			t.Errorf("%d dropped: %s", l.dropped, got)
		}
	})
}

// TestWishOfAPrivatePeer: what would never be found again is not written.
func TestWishOfAPrivatePeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		central := newManager(t, Config{})
		peripheral := newManager(t, Config{RequestNoBond: true, Identity: addressOf(t, oximeterText)})
		for _, onAir := range []string{privateText, "02:22:33:44:55:66/random"} {
			a := join(t, central, hostText, peripheral, onAir)
			if err := secured(t, a.peripheral, LevelEncrypted); err != nil {
				t.Fatal(err)
			}
			a.drop()
		}
		if all := central.Store().List(addressOf(t, hostText)); len(all) != 0 {
			t.Errorf("%d records", len(all))
		}
	})
}

// TestNoKeyForOurRole: a bond that can't encrypt in this role is not replaced by whoever has the address, but by the
// same rules as one that is lost, and once on a link.
func TestNoKeyForOurRole(t *testing.T) {
	for _, c := range []struct {
		lost LostBond
		want string
		why  Why
	}{
		{LostNotify, "", WhyWishBond},
		{LostStrict, "", WhyStrict},
		{LostRepair, requestBond, WhyRepairedBefore},
	} {
		synctest.Test(t, func(t *testing.T) {
			record := bondWith(t, oximeterText, Keys{KeySize: 16, Local: &LTK{Key: Key{1}, EDIV: 1}}, WishBond)
			m := newManager(t, Config{Policy: Policy{LostBond: c.lost}, Store: storeOf(t, record)})
			l := newScript(t, m, hci.Central, oximeterText)
			answer := l.asks(LevelEncrypted)
			l.want(c.want)
			if c.want != "" {
				l.hears("0508")
				if err := answered(t, answer); !errors.Is(err, UnspecifiedReason) {
					t.Errorf("%v", err)
				}
				time.Sleep(longestWait)
				answer = l.asks(LevelEncrypted)
			}
			if refused, ok := errors.AsType[*RefusedError](answered(t, answer)); !ok || refused.Decision != (Decision{RefuseAndReport, c.why}) {
				t.Errorf("%s: %v", c.lost, refused)
			}
			l.want()
			if r := load(t, m, oximeterText); !sameRecord(r, record) {
				t.Errorf("%+v", r)
			}
		})
	}
}

// TestPolicyIsAskedAgain: what the application decides about a peer while it is connected counts.
func TestPolicyIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		policy := Policy{Bonding: BondNever}
		m := newManager(t, Config{Peer: func(hci.Address, Policy) Policy { return policy }})
		central := newScript(t, m, hci.Central, oximeterText)
		peripheral := newScript(t, m, hci.Peripheral, strangerText)
		policy = Policy{Bonding: BondAlways}
		central.asks(LevelEncrypted)
		central.want(requestBond)
		peripheral.hears(pairingRequest)
		peripheral.want(pairingResponse)
	})
}
