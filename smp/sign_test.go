package smp

import (
	"bytes"
	"errors"
	"math"
	"testing"
	"testing/synctest"

	"github.com/sirupsen/logrus"

	"github.com/jelling-ble/jelling/hci"
)

var signedWrite = []byte{0xD2, 0x03, 0x00, 0x01}

// signing is two hosts that distribute signing keys as well.
func signing(t *testing.T) (central, peripheral *Manager) {
	all := Config{InitiatorKeys: everyKey, ResponderKeys: everyKey}
	central = newManager(t, all)
	all.Identity = addressOf(t, oximeterText)
	peripheral = newManager(t, all)
	a := join(t, central, hostText, peripheral, oximeterText)
	if err := secured(t, a.central, LevelEncrypted); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	a.drop()
	return central, peripheral
}

// restarted is a manager on the same store.
func restarted(t *testing.T, m *Manager) *Manager {
	config := m.config
	return newManager(t, config)
}

// TestSignedWrites go both ways, in order, over restarts of either side.
func TestSignedWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		central, peripheral := signing(t)
		var last [12]byte
		for round := range 3 {
			a := join(t, central, hostText, peripheral, oximeterText)
			for range countersAhead + 3 {
				for _, way := range [][2]*end{{a.central, a.peripheral}, {a.peripheral, a.central}} {
					signature, err := way[0].Sign(signedWrite)
					if err != nil {
						t.Fatal(err)
					}
					if err := way[1].Verify(signedWrite, signature); err != nil {
						t.Fatalf("round %d, %x: %v", round, signature[:4], err)
					}
					if err := way[1].Verify(signedWrite, signature); !errors.Is(err, ErrReplayed) {
						t.Fatalf("again: %v", err)
					}
					last = signature
				}
			}
			a.drop()
			central, peripheral = restarted(t, central), restarted(t, peripheral)
			a = join(t, central, hostText, peripheral, oximeterText)
			if err := a.central.Verify(signedWrite, last); !errors.Is(err, ErrReplayed) {
				t.Errorf("after a restart: %v", err)
			}
			a.drop()
		}
	})
}

// TestPowerCutBetweenSignatures: no counter of ours is used twice, whenever the power goes.
func TestPowerCutBetweenSignatures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		central, _ := signing(t)
		used := map[[12]byte]bool{}
		for range 4 {
			l := newScript(t, central, hci.Central, oximeterText)
			for range countersAhead/2 + 1 {
				s, err := l.Sign(signedWrite)
				if err != nil || used[s] {
					t.Fatalf("%x: %v, used %v", s[:4], err, used[s])
				}
				used[s] = true
			}
			central = restarted(t, central) // without a word to the one before
		}
	})
}

// TestBadSignatures are refused, each by its error.
func TestBadSignatures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		central, peripheral := signing(t)
		a := join(t, central, hostText, peripheral, oximeterText)
		good, err := a.central.Sign(signedWrite)
		if err != nil {
			t.Fatal(err)
		}
		for i := range good {
			bad := good
			bad[i] ^= 0x10
			if err := a.peripheral.Verify(signedWrite, bad); !errors.Is(err, ErrSignature) {
				t.Errorf("octet %d: %v", i, err)
			}
		}
		if err := a.peripheral.Verify(signedWrite[:3], good); !errors.Is(err, ErrSignature) {
			t.Errorf("another message: %v", err)
		}
		if err := a.central.Verify(signedWrite, good); !errors.Is(err, ErrSignature) {
			t.Errorf("our own, sent back: %v", err)
		}
		if err := a.peripheral.Verify(signedWrite, good); err != nil {
			t.Errorf("the good one: %v", err)
		}
		a.drop()
		l := newScript(t, central, hci.Central, strangerText)
		if _, err := l.Sign(signedWrite); !errors.Is(err, ErrNoSigningKey) {
			t.Errorf("for a stranger: %v", err)
		}
		if err := l.Verify(signedWrite, good); !errors.Is(err, ErrNoSigningKey) {
			t.Errorf("of a stranger: %v", err)
		}
	})
}

// TestCountersEnd: the last counters are used up, and then a new pairing is needed.
func TestCountersEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		record := bondWith(t, oximeterText, secureKeys(1), WishBond)
		record.Keys.LocalCSRK, record.Keys.PeerCSRK = &Key{1}, &Key{1}
		record.Keys.LocalSignCounter, record.Keys.PeerSignCounter = math.MaxUint32-2, math.MaxUint32-2
		m := newManager(t, Config{Store: storeOf(t, record)})
		l := newScript(t, m, hci.Central, oximeterText)
		for range 2 {
			s, err := l.Sign(signedWrite)
			if err != nil {
				t.Fatal(err)
			}
			if err := l.Verify(signedWrite, s); err != nil {
				t.Error(err)
			}
		}
		if _, err := l.Sign(signedWrite); !errors.Is(err, ErrCounterUsedUp) {
			t.Errorf("%v", err)
		}
		m = restarted(t, m)
		l = newScript(t, m, hci.Central, oximeterText)
		if _, err := l.Sign(signedWrite); !errors.Is(err, ErrCounterUsedUp) {
			t.Errorf("after a restart: %v", err)
		}
		record.Keys.LocalCSRK, record.Keys.LocalSignCounter = &Key{2}, 0
		if err := m.Store().Save(record); err != nil {
			t.Fatal(err)
		}
		if s, err := l.Sign(signedWrite); err != nil || [4]byte(s[:]) != [4]byte{} {
			t.Errorf("a new key begins with another counter: %x, %v", s[:4], err)
		}
	})
}

// TestSignWithoutDisk is loud and goes on.
func TestSignWithoutDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		record := bondWith(t, oximeterText, secureKeys(1), WishBond)
		record.Keys.LocalCSRK = &Key{1}
		var out bytes.Buffer
		log := logrus.New()
		log.SetOutput(&out)
		m := newManager(t, Config{Store: failingStore{storeOf(t, record), errGone}, Logger: log})
		l := newScript(t, m, hci.Central, oximeterText)
		a, err := l.Sign(signedWrite)
		b, err2 := l.Sign(signedWrite)
		if err != nil || err2 != nil || a == b || !bytes.Contains(out.Bytes(), []byte("in memory only")) {
			t.Errorf("%v, %v, %s", err, err2, &out)
		}
	})
}

// TestCountersBeginAnew with a pairing that brings new keys, and go on with one that does not on a link that the bond
// encrypted.
func TestCountersBeginAnew(t *testing.T) {
	old := bondWith(t, oximeterText, secureKeys(1), WishBond)
	old.Keys.LocalCSRK, old.Keys.PeerCSRK, old.Keys.PeerIRK = &Key{1}, &Key{2}, &Key{3}
	old.Keys.LocalSignCounter, old.Keys.PeerSignCounter = 640, 99
	fresh := secureKeys(2)
	same := old.after(fresh, WishBond, true)
	if k := same.Keys; *k.LocalCSRK != (Key{1}) || *k.PeerCSRK != (Key{2}) || *k.PeerIRK != (Key{3}) || k.LocalSignCounter != 640 || k.PeerSignCounter != 99 {
		t.Errorf("the same peer, nothing new: %+v", k)
	}
	if k := old.after(fresh, WishBond, false).Keys; k.LocalCSRK != nil || k.PeerCSRK != nil || k.PeerIRK != nil || k.LocalSignCounter != 0 || k.PeerSignCounter != 0 {
		t.Errorf("perhaps somebody else: %+v", k)
	}
	fresh.LocalCSRK, fresh.PeerCSRK, fresh.PeerIRK = &Key{4}, &Key{5}, &Key{6}
	if k := old.after(fresh, WishBond, true).Keys; *k.LocalCSRK != (Key{4}) || *k.PeerCSRK != (Key{5}) || *k.PeerIRK != (Key{6}) || k.LocalSignCounter != 0 || k.PeerSignCounter != 0 {
		t.Errorf("the same peer, all new: %+v", k)
	}
	*same.Keys.PeerIRK = Key{9}
	if *old.Keys.PeerIRK != (Key{3}) {
		t.Error("the two share a key")
	}
}
