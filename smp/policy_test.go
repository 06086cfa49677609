package smp

import "testing"

func TestParseBonding(t *testing.T) {
	for _, want := range []Bonding{BondFollow, BondAlways, BondNever} {
		if got, err := ParseBonding(want.String()); got != want || err != nil {
			t.Errorf("%s: %v, %v", want, got, err)
		}
	}
	if _, err := ParseBonding("sometimes"); err == nil || err.Error() != `bonding "sometimes": want follow, always or never` {
		t.Error(err)
	}
	if Bonding(0) != BondFollow || Bonding(7).String() != "bonding 7" {
		t.Error("zero is not follow")
	}
}

func TestParseLostBond(t *testing.T) {
	for _, want := range []LostBond{LostNotify, LostRepair, LostStrict} {
		if got, err := ParseLostBond(want.String()); got != want || err != nil {
			t.Errorf("%s: %v, %v", want, got, err)
		}
	}
	if _, err := ParseLostBond(""); err == nil {
		t.Error("nothing is read")
	}
	if LostBond(0) != LostNotify || LostBond(7).String() != "lost bond 7" {
		t.Error("zero is not notify")
	}
}

func TestSecureConnectionsNames(t *testing.T) {
	for want, s := range map[string]SecureConnections{
		"allowed": SecureConnectionsAllowed, "off": SecureConnectionsOff, "only": SecureConnectionsOnly, "secure connections 3": 3,
	} {
		if s.String() != want {
			t.Errorf("%s, want %s", s, want)
		}
	}
}

func TestPolicyKeySizes(t *testing.T) {
	for _, c := range []struct {
		least, most int
		good        bool
	}{{0, 0, true}, {7, 16, true}, {16, 0, true}, {0, 7, true}, {16, 16, true}, {10, 9, false}, {6, 16, false}, {7, 17, false}, {-1, 0, false}, {0, 6, false}} {
		p := Policy{MinKeySize: c.least, MaxKeySize: c.most}
		if _, err := NewManager(Config{Policy: p}); (err == nil) != c.good {
			t.Errorf("%d to %d: %v", c.least, c.most, err)
		}
	}
	if p := (Policy{}).complete(); p.MinKeySize != 7 || p.MaxKeySize != 16 {
		t.Errorf("%+v", p)
	}
}

func TestPolicyAccepts(t *testing.T) {
	legacy, sc := Security{Encrypted: true, KeySize: 16}, Security{Encrypted: true, SecureConnections: true, KeySize: 16}
	short := Security{Encrypted: true, KeySize: 7}
	for _, c := range []struct {
		policy                   Policy
		legacy, sc, short, plain bool
	}{
		{Policy{}, true, true, true, false},
		{Policy{SecureConnections: SecureConnectionsOnly}, false, true, false, false},
		{Policy{SecureConnections: SecureConnectionsOff}, true, true, true, false}, // about pairing, not about old keys
		{Policy{MinKeySize: 8}, true, true, false, false},
	} {
		p := c.policy.complete()
		for _, s := range []struct {
			security Security
			want     bool
		}{{legacy, c.legacy}, {sc, c.sc}, {short, c.short}, {Security{}, c.plain}} {
			if got := p.accepts(s.security); got != s.want {
				t.Errorf("%+v accepts %+v: %v", c.policy, s.security, got)
			}
		}
	}
}

func TestBondingFlag(t *testing.T) {
	for _, wish := range []Wish{"", WishUnknown, WishBond, WishNone} {
		if !BondAlways.bonds(wish) || BondNever.bonds(wish) || BondFollow.bonds(wish) != (wish != WishNone) {
			t.Errorf("wish %q", wish)
		}
	}
}
