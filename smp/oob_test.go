package smp

import (
	"bytes"
	"crypto/ecdh"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/jelling-ble/jelling/hci"
)

// told gives one side's data to the other.
func told(t *testing.T, from, to *Manager) OOB {
	t.Helper()
	data, err := from.NewOOB()
	if err != nil {
		t.Fatal(err)
	}
	if to != nil {
		if err := to.AddOOB(data); err != nil {
			t.Fatal(err)
		}
	}
	return data
}

// TestOOBSessions pairs out of band through whole sessions: both ways and either way, and once only.
func TestOOBSessions(t *testing.T) {
	for _, x := range []struct {
		name                    string
		toCentral, toPeripheral bool
	}{
		{"both ways", true, true}, {"to the central", true, false}, {"to the peripheral", false, true},
	} {
		t.Run(x.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				config := Config{Identity: addressOf(t, oximeterText)}
				central, peripheral := newManager(t, Config{}), newManager(t, config)
				if x.toCentral {
					told(t, peripheral, central)
				}
				if x.toPeripheral {
					told(t, central, peripheral)
				}
				a := join(t, central, hostText, peripheral, oximeterText)
				if err := secured(t, a.central, LevelSC); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				if p := find[Paired](t, a.central.notes.take()); p.Method != OutOfBand || !p.Authenticated {
					t.Errorf("%+v", p)
				}
				a.drop()
				for _, m := range []*Manager{central, peripheral} {
					if m.outOfBand(addressOf(t, oximeterText), addressOf(t, hostText)) != nil {
						t.Error("data are left that were used")
					}
				}
			})
		})
	}
}

// TestOOBIsUsedOnce: the key pair behind data that were given away serves one pairing, whatever becomes of it.
func TestOOBIsUsedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		central, peripheral := newManager(t, Config{}), newManager(t, Config{Identity: addressOf(t, oximeterText)})
		data := told(t, central, peripheral)
		wrong := data
		wrong.Random[0] ^= 1
		if err := peripheral.AddOOB(wrong); err != nil {
			t.Fatal(err)
		}
		a := join(t, central, hostText, peripheral, oximeterText)
		if err := secured(t, a.central, LevelSC); !errors.Is(err, ConfirmValueFailed) {
			t.Errorf("data with another random value: %v", err)
		}
		a.drop()
		if err := peripheral.AddOOB(data); err != nil {
			t.Fatal(err)
		}
		central.RestoreWaits(nil)
		a = join(t, newManagerLike(t, central), hostText, peripheral, oximeterText)
		if err := secured(t, a.central, LevelEncrypted); err == nil {
			t.Error("the peer has data that are void, and is paired with")
		}
		a.drop()
	})
}

// newManagerLike is a manager that has not failed, with what is left of the other's data.
func newManagerLike(t *testing.T, m *Manager) *Manager {
	n := newManager(t, Config{})
	n.oob = m.oob
	return n
}

// TestOOBOfTwoPeers: the second pairing that wants our data finds that they went to the first.
func TestOOBOfTwoPeers(t *testing.T) {
	m := newManager(t, Config{})
	told(t, m, nil)
	first, second := m.outOfBand(addressOf(t, oximeterText)), m.outOfBand(addressOf(t, strangerText))
	if first == nil || second == nil {
		t.Fatal("no data")
	}
	if err := first.spend(true, false); err != nil {
		t.Error(err)
	}
	if err := second.spend(true, false); !errors.Is(err, errSpent) {
		t.Errorf("used twice: %v", err)
	}
	if err := second.spend(false, true); err != nil {
		t.Errorf("not used: %v", err)
	}
	if m.outOfBand(addressOf(t, oximeterText)) != nil {
		t.Error("data are left")
	}
}

// TestNewOOB: each has a key pair of its own and makes the ones before void.
func TestNewOOB(t *testing.T) {
	var keys []*ecdh.PrivateKey
	m := newManager(t, Config{})
	fresh := m.config.PrivateKey
	m.config.PrivateKey = func() (*ecdh.PrivateKey, error) {
		k, err := fresh()
		keys = append(keys, k)
		return k, err
	}
	a, b := told(t, m, nil), told(t, m, nil)
	if len(keys) != 2 || keys[0].Equal(keys[1]) || a.Random == b.Random || a.Confirm == b.Confirm || a.Address != addressOf(t, hostText) || !a.TK.IsZero() {
		t.Errorf("%d keys, %v, %v", len(keys), a, b)
	}
	d := m.outOfBand()
	if d == nil || d.private != keys[1] || *d.random != b.Random {
		t.Error("not the last data")
	}
	m.WithdrawOOB()
	if m.outOfBand() != nil {
		t.Error("data are left that were withdrawn")
	}
	if err := d.spend(true, false); !errors.Is(err, errSpent) {
		t.Errorf("withdrawn, and used: %v", err)
	}
	m.config.PrivateKey = func() (*ecdh.PrivateKey, error) { return nil, errGone }
	if _, err := m.NewOOB(); !errors.Is(err, errGone) {
		t.Errorf("%v", err)
	}
	m.config.PrivateKey = func() (*ecdh.PrivateKey, error) { return nil, nil }
	if _, err := m.NewOOB(); err == nil {
		t.Error("data of no key")
	}
}

// TestAddOOB is bounded, replaces and forgets.
func TestAddOOB(t *testing.T) {
	m := newManager(t, Config{})
	for n := range maxOOB {
		if err := m.AddOOB(OOB{Address: numbered(n), TK: Key{1}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.AddOOB(OOB{Address: numbered(maxOOB), TK: Key{1}}); !errors.Is(err, ErrOOBFull) {
		t.Errorf("one too many: %v", err)
	}
	if err := m.AddOOB(OOB{Address: numbered(3), TK: Key{2}}); err != nil || *m.outOfBand(numbered(3)).tk != (Key{2}) {
		t.Errorf("replaced: %v", err)
	}
	m.ForgetOOB(numbered(3))
	if m.outOfBand(numbered(3)) != nil {
		t.Error("not forgotten")
	}
	if d := m.outOfBand(numbered(99), numbered(4)); d == nil || d.tk == nil || d.peer != nil {
		t.Error("not found by the second name")
	}
}

// TestOOBLegacy takes a TK on both sides.
func TestOOBLegacy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		policy := Policy{SecureConnections: SecureConnectionsOff}
		central, peripheral := newManager(t, Config{Policy: policy}), newManager(t, Config{Policy: policy, Identity: addressOf(t, oximeterText)})
		tk := Key{1, 2, 3}
		for m, peer := range map[*Manager]string{central: oximeterText, peripheral: hostText} {
			if err := m.AddOOB(OOB{Address: addressOf(t, peer), TK: tk}); err != nil {
				t.Fatal(err)
			}
		}
		a := join(t, central, hostText, peripheral, oximeterText)
		if err := secured(t, a.central, LevelAuthenticated); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if p := find[Paired](t, a.central.notes.take()); p.Method != OutOfBand || !p.Authenticated || p.SecureConnections {
			t.Errorf("%+v", p)
		}
		a.drop()
	})
}

// TestOOBIsNotPrinted by any verb.
func TestOOBIsNotPrinted(t *testing.T) {
	m := newManager(t, Config{})
	data := told(t, m, nil)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
		text := fmt.Sprintf(verb+verb, data, &data)
		if bytes.Contains([]byte(text), fmt.Appendf(nil, "%x", data.Random[:4])) || len(text) > 100 {
			t.Errorf("%s prints %s", verb, text)
		}
	}
}

// Who says that it has our data when there are none is refused.
func TestOOBThatNobodyMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newScript(t, newManager(t, Config{}), hci.Peripheral, strangerText)
		l.hears("01030109100303")
		l.want("send 0502")
	})
}
