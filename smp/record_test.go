package smp

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jelling-ble/jelling/hci"
)

// full is a record that has everything.
func full(t testing.TB) Record {
	keys := func(n byte) Keys {
		return Keys{
			Authenticated: true, SecureConnections: n == 0xA0, KeySize: 16, Method: PasskeyEntry,
			SC: &LTK{Key: secret(n)}, Local: &LTK{Key: secret(n + 1), EDIV: 0x1234}, Peer: &LTK{Key: secret(n + 2), Rand: [8]byte{1}},
			PeerIRK: new(secret(n + 3)), LocalCSRK: new(secret(n + 4)), PeerCSRK: new(secret(n + 5)),
		}
	}
	prior := keys(0xB0)
	return Record{
		Local: addressOf(t, hostText), Peer: addressOf(t, oximeterText), Bonded: true, Wish: WishBond, Lost: true,
		Keys: keys(0xA0), Proven: true, Prior: &prior,
		History: History{Lost: 1, Suspect: 2, Repaired: 3, Refused: 4, LastLost: "PIN or Key Missing"},
	}
}

// secret is sixteen octets that are easy to find in a text.
func secret(n byte) (k Key) {
	for i := range k {
		k[i] = n
	}
	return k
}

func TestRecordClone(t *testing.T) {
	r := full(t)
	c := r.Clone()
	if !sameRecord(r, c) {
		t.Fatalf("%+v, want %+v", c, r)
	}
	for _, k := range []*Keys{&c.Keys, c.Prior} {
		k.SC.Key[0], k.Local.EDIV, k.Peer.Rand[0], k.PeerIRK[0], k.LocalCSRK[0], k.PeerCSRK[0] = 0, 0, 0, 0, 0, 0
	}
	c.Prior.KeySize = 7
	if !sameRecord(r, full(t)) {
		t.Error("the copy shares memory with the record")
	}
}

func TestRecordPublic(t *testing.T) {
	p := full(t).Public()
	if p.Keys.any() || p.Keys.PeerIRK != nil || p.Keys.LocalCSRK != nil || p.Keys.PeerCSRK != nil || p.Prior != nil {
		t.Errorf("%+v", p)
	}
	if p.Keys.Security() != full(t).Keys.Security() || p.Keys.Method != PasskeyEntry || p.History != full(t).History || p.Peer != full(t).Peer {
		t.Errorf("%+v", p)
	}
	text, err := json.Marshal(p)
	if err != nil || strings.Contains(string(text), "160,160") {
		t.Errorf("%s, %v", text, err)
	}
}

// TestKeysAreNotPrinted by any verb, in anything that can be had from outside and holds them.
func TestKeysAreNotPrinted(t *testing.T) {
	r := full(t)
	m := newManager(t, Config{IRK: secret(0xA0), Store: storeOf(t, r)})
	s := &Session{manager: m, key: keyInUse{ltk: *r.Keys.SC}, active: keyInUse{ltk: *r.Keys.SC}, keys: &r.Keys}
	s.dead = []LTK{*r.Keys.SC}
	for _, v := range []any{
		r, &r, []Record{r}, r.Keys, &r.Keys, r.Prior, r.Keys.SC, *r.Keys.Local, []LTK{*r.Keys.SC}, *r.Keys.PeerIRK, r.Keys.PeerIRK,
		[]Key{secret(0xA0)}, map[string]Key{"k": secret(0xA0)}, BondLost{Record: r.Public()}, Repaired{Record: r.Public()},
		s, m, m.config, &m.config, m.Store(),
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%X", "%d", "%q", "%o", "%b", "%T"} {
			text := strings.ToLower(fmt.Sprintf(verb, v))
			for _, found := range []string{"a0a0", "a0 a0", "160 160", "160, 160", "0xa0, 0xa0", "a1a1", "a3a3", "b0b0", "240 240"} {
				if strings.Contains(text, found) {
					t.Errorf("%s of %T prints %q in %s", verb, v, found, text)
				}
			}
		}
	}
	if text := fmt.Sprint(s, m, m.Store()); text != "session with 00:00:00:00:00:00 security of 00:1D:85:F0:01:77 1 records in memory" {
		t.Error(text)
	}
}

func TestForRole(t *testing.T) {
	legacy, sc := legacyKeys(1), secureKeys(1)
	if legacy.ForRole(hci.Central) != legacy.Peer || legacy.ForRole(hci.Peripheral) != legacy.Local {
		t.Error("legacy: the peer's key is for the central, ours for the peripheral")
	}
	if sc.ForRole(hci.Central) != sc.SC || sc.ForRole(hci.Peripheral) != sc.SC {
		t.Error("Secure Connections: one key for both")
	}
	// The kind is what was negotiated, not what zeros look like.
	legacy.SC = &LTK{}
	if legacy.ForRole(hci.Central) != legacy.Peer {
		t.Error("legacy with a Secure Connections key lying about")
	}
	if (Keys{}).ForRole(hci.Central) != nil {
		t.Error("no key")
	}
}

func TestGenerations(t *testing.T) {
	prior := legacyKeys(1)
	unproven := bondWith(t, oximeterText, secureKeys(2), WishBond)
	unproven.Proven, unproven.Prior = false, &prior
	proven := unproven.Clone()
	proven.Proven = true
	noBond := unproven.Clone()
	noBond.Bonded = false
	oneSided := bondWith(t, oximeterText, Keys{KeySize: 16, Local: &LTK{Key: Key{5}}}, WishBond)
	sc, peers, ours := secureKeys(2).SC.Key, prior.Peer.Key, prior.Local.Key
	for _, c := range []struct {
		name       string
		record     Record
		role       hci.Role
		priorFirst bool
		want       []Key
	}{
		{"unproven", unproven, hci.Central, false, []Key{sc, peers}},
		{"unproven, the prior first", unproven, hci.Central, true, []Key{peers, sc}},
		{"unproven, as peripheral", unproven, hci.Peripheral, false, []Key{sc, ours}},
		{"proven", proven, hci.Central, true, []Key{sc}},
		{"no bond", noBond, hci.Central, false, nil},
		{"a key for the other role alone", oneSided, hci.Central, false, nil},
		{"a key for this role alone", oneSided, hci.Peripheral, false, []Key{{5}}},
		{"nothing", Record{}, hci.Central, false, nil},
	} {
		var got []Key
		for _, g := range c.record.generations(c.role, c.priorFirst) {
			got = append(got, g.ltk.Key)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %d keys, or others, want %d", c.name, len(got), len(c.want))
		}
	}
}

// TestBefore is the generation that stays beside a new one.
func TestBefore(t *testing.T) {
	prior, keys := legacyKeys(1), legacyKeys(2)
	record := func(proven bool, prior *Keys) Record {
		r := bondWith(t, oximeterText, keys, WishBond)
		r.Proven, r.Prior = proven, prior
		return r
	}
	for _, c := range []struct {
		name   string
		record Record
		inUse  bool
		want   *Keys
	}{
		{"no bond", Record{Keys: keys}, false, nil},
		{"a proven key", record(true, nil), false, &keys},
		{"an unproven key with none before it", record(false, nil), false, &keys},
		{"an unproven key: what was before it is what the peer has for certain", record(false, &prior), false, &prior},
		{"an unproven key that encrypts the link", record(false, &prior), true, &keys},
	} {
		if got := c.record.before(c.inUse); !sameKeys(got, c.want) {
			t.Errorf("%s: another generation", c.name)
		}
	}
}
