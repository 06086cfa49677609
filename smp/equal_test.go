package smp

import "testing"

func TestKeysEqual(t *testing.T) {
	full := func() Keys {
		return Keys{
			KeySize: 16, Method: JustWorks, SC: &LTK{Key: Key{1}}, Local: &LTK{Key: Key{2}, EDIV: 1}, Peer: &LTK{Key: Key{3}, Rand: [8]byte{1}},
			PeerIRK: &Key{4}, LocalCSRK: &Key{5}, PeerCSRK: &Key{6}, LocalSignCounter: 7, PeerSignCounter: 8,
		}
	}
	if !full().Equal(full()) || !(Keys{}).Equal(Keys{}) {
		t.Error("the same keys are not equal")
	}
	for name, change := range map[string]func(*Keys){
		"authenticated": func(k *Keys) { k.Authenticated = true }, "secure connections": func(k *Keys) { k.SecureConnections = true },
		"size": func(k *Keys) { k.KeySize = 7 }, "method": func(k *Keys) { k.Method = PasskeyEntry },
		"sc": func(k *Keys) { k.SC.Key[15] = 1 }, "no sc": func(k *Keys) { k.SC = nil }, "local": func(k *Keys) { k.Local.EDIV++ },
		"peer": func(k *Keys) { k.Peer.Rand[7] = 1 }, "irk": func(k *Keys) { k.PeerIRK[0] = 9 }, "no irk": func(k *Keys) { k.PeerIRK = nil },
		"local csrk": func(k *Keys) { k.LocalCSRK = nil }, "peer csrk": func(k *Keys) { k.PeerCSRK[3] = 1 },
		"our counter": func(k *Keys) { k.LocalSignCounter++ }, "the peer's counter": func(k *Keys) { k.PeerSignCounter++ },
	} {
		k := full()
		if change(&k); k.Equal(full()) || full().Equal(k) {
			t.Errorf("%s: other keys are equal", name)
		}
	}
}
