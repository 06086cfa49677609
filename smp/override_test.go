package smp

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestOverrideApply(t *testing.T) {
	host := Policy{Bonding: BondAlways, LostBond: LostStrict, SecureConnections: SecureConnectionsOff, MinLevel: LevelEncrypted, MinKeySize: 10, MaxKeySize: 12}
	if got := (Override{}).Apply(host); got != host || !(Override{}).IsZero() {
		t.Errorf("an override of nothing gives %+v", got)
	}
	all := Override{
		Bonding: new(BondFollow), LostBond: new(LostNotify), SecureConnections: new(SecureConnectionsAllowed), MinLevel: new(LevelNone),
		MinKeySize: 7, MaxKeySize: 16, AllowWeaker: true,
	}
	if got := all.Apply(host); got != (Policy{MinKeySize: 7, MaxKeySize: 16, AllowWeaker: true}) || all.IsZero() {
		t.Errorf("an override of everything, by zeros, gives %+v", got)
	}
	if got := (Override{LostBond: new(LostRepair)}).Apply(host); got.LostBond != LostRepair || got.Bonding != BondAlways {
		t.Errorf("an override of one thing gives %+v", got)
	}
	allows := Policy{AllowWeaker: true}
	if !(Override{}).Apply(allows).AllowWeaker {
		t.Error("an override of nothing forbids what the host allows")
	}
}

func TestOverrideCheck(t *testing.T) {
	for _, x := range []struct {
		name string
		o    Override
		want string
	}{
		{"nothing", Override{}, ""},
		{"everything", Override{Bonding: new(BondNever), LostBond: new(LostRepair), SecureConnections: new(SecureConnectionsOnly), MinLevel: new(LevelSC), MinKeySize: 16, MaxKeySize: 16}, ""},
		{"no bonding", Override{Bonding: new(Bonding(3))}, "bonding 3"},
		{"no lost bond", Override{LostBond: new(LostBond(3))}, "lost bond 3"},
		{"no secure connections", Override{SecureConnections: new(SecureConnections(3))}, "secure connections 3"},
		{"no level", Override{MinLevel: new(Level(9))}, "level 9"},
		{"a small key", Override{MinKeySize: 6}, "key sizes 6 to 16"},
		{"the least above the largest", Override{MinKeySize: 9, MaxKeySize: 8}, "key sizes 9 to 8"},
	} {
		err := x.o.Check()
		if (err == nil) != (x.want == "") || err != nil && !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: %v, want %q", x.name, err, x.want)
		}
	}
}

// Clones and public copies share nothing with their record.
func TestOverrideIsCloned(t *testing.T) {
	r := Record{Override: Override{Bonding: new(BondAlways), LostBond: new(LostRepair), SecureConnections: new(SecureConnectionsOff), MinLevel: new(LevelSC)}}
	for name, c := range map[string]Record{"clone": r.Clone(), "public": r.Public()} {
		*c.Override.Bonding, *c.Override.LostBond, *c.Override.SecureConnections, *c.Override.MinLevel = 0, 0, 0, 0
		if *r.Override.Bonding != BondAlways || *r.Override.LostBond != LostRepair || *r.Override.SecureConnections != SecureConnectionsOff || *r.Override.MinLevel != LevelSC {
			t.Errorf("%s: the record changed with it", name)
		}
	}
}

// The words of a policy are its form in JSON, both ways; others are refused.
func TestPolicyWords(t *testing.T) {
	type words struct {
		Bonding           Bonding
		LostBond          LostBond
		SecureConnections SecureConnections
		MinLevel          Level
	}
	in := words{BondNever, LostRepair, SecureConnectionsOnly, LevelAuthenticated}
	text, err := json.Marshal(in)
	if want := `{"Bonding":"never","LostBond":"repair","SecureConnections":"only","MinLevel":"authenticated"}`; err != nil || string(text) != want {
		t.Errorf("%s, %v", text, err)
	}
	var out words
	if err := json.Unmarshal(text, &out); err != nil || out != in {
		t.Errorf("%+v, %v", out, err)
	}
	for _, bad := range []string{`{"Bonding":"x"}`, `{"LostBond":"x"}`, `{"SecureConnections":"x"}`, `{"MinLevel":"x"}`} {
		if err := json.Unmarshal([]byte(bad), &out); err == nil {
			t.Errorf("%s is read", bad)
		}
	}
}

// Keys are in no JSON: a store has a form of its own for them.
func TestKeysAreNotInJSON(t *testing.T) {
	k := Key{0xAB, 0xCD, 171, 205}
	r := Record{Keys: Keys{SC: &LTK{Key: k}, PeerIRK: &k, LocalCSRK: &k}, Prior: &Keys{Local: &LTK{Key: k}}}
	text, err := json.Marshal(r)
	if err != nil || strings.Contains(string(text), "171") || strings.Contains(strings.ToLower(string(text)), "abcd") {
		t.Errorf("%s, %v", text, err)
	}
}
