package smp

import (
	"testing"

	"github.com/jelling-ble/jelling/hci"
)

func TestManagerDefaults(t *testing.T) {
	m := newManager(t, Config{})
	c := m.config
	if c.Store == nil || m.Store() != c.Store || c.Random == nil || c.PrivateKey == nil || c.IRK.IsZero() ||
		c.InitiatorKeys != DistributeEnc|DistributeID || c.ResponderKeys != c.InitiatorKeys {
		t.Errorf("%+v", c)
	}
	if other := newManager(t, Config{}); other.config.IRK == c.IRK {
		t.Error("two managers with one IRK")
	}
	a, err := c.PrivateKey()
	b, err2 := c.PrivateKey()
	if err != nil || err2 != nil || a.Equal(b) {
		t.Error("one private key for two pairings", err, err2)
	}
	m = newManager(t, Config{IRK: Key{1}, ResponderKeys: DistributeEnc})
	if m.config.IRK != (Key{1}) || m.config.InitiatorKeys != 0 || m.config.ResponderKeys != DistributeEnc {
		t.Errorf("%+v", m.config)
	}
}

// TestPolicyFor: a peer's own policy, unless it makes no sense.
func TestPolicyFor(t *testing.T) {
	m := newManager(t, Config{
		Policy: Policy{LostBond: LostStrict, MinKeySize: 10},
		Peer: func(peer hci.Address, p Policy) Policy {
			switch peer {
			case numbered(1):
				p.LostBond = LostRepair
			case numbered(2):
				p = Policy{MinKeySize: 3}
			}
			return p
		},
	})
	for n, want := range map[int]Policy{
		1: {LostBond: LostRepair, MinKeySize: 10, MaxKeySize: 16},
		2: {LostBond: LostStrict, MinKeySize: 10, MaxKeySize: 16},
		3: {LostBond: LostStrict, MinKeySize: 10, MaxKeySize: 16},
	} {
		if got := m.policyFor(numbered(n)); got != want {
			t.Errorf("%d: %+v, want %+v", n, got, want)
		}
	}
}

// TestPriorFirst is no longer a table than there are records that need it.
func TestPriorFirst(t *testing.T) {
	m := newManager(t, Config{})
	for n := range 3 {
		m.setPriorFirst(numbered(n), true)
		m.setPriorFirst(numbered(n), n == 1)
	}
	if m.priorFirst(numbered(0)) || !m.priorFirst(numbered(1)) || len(m.turn) != 1 {
		t.Errorf("%v", m.turn)
	}
}
