package smp

import (
	"crypto/ecdh"
	"testing"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/internal/btcrypto"
)

// outOfBandOf makes a side's data: what it keeps, and what the other side gets to know.
func outOfBandOf(t *testing.T, private *ecdh.PrivateKey, random Key) (kept *Key, told *outOfBandPeer) {
	t.Helper()
	public, err := btcrypto.PublicKeyOf(private)
	if err != nil {
		t.Fatal(err)
	}
	return &random, &outOfBandPeer{confirm: btcrypto.F4(public.X(), public.X(), random, 0), random: random}
}

// Secure Connections out of band, both ways and either way: data that one side has protect both.
func TestOutOfBand(t *testing.T) {
	keys := [2]*ecdh.PrivateKey{}
	for i := range keys {
		k, err := ecdh.P256().NewPrivateKey(append(make([]byte, 31), byte(42+i)))
		if err != nil {
			t.Fatal(err)
		}
		keys[i] = k
	}
	keptByCentral, ofCentral := outOfBandOf(t, keys[0], Key{1})
	keptByPeripheral, ofPeripheral := outOfBandOf(t, keys[1], Key{2})
	wrong := func(p outOfBandPeer, confirm, random byte) *outOfBandPeer {
		p.confirm[3] ^= confirm
		p.random[3] ^= random
		return &p
	}
	for _, x := range []struct {
		name                string
		central, peripheral *outOfBandPeer // what each has of the other
		victim              hci.Role
		want                Reason
	}{
		{"both ways", ofPeripheral, ofCentral, hci.Central, 0},
		{"to the central", ofPeripheral, nil, hci.Central, 0},
		{"to the peripheral", nil, ofCentral, hci.Central, 0},
		{"of somebody else, at the central", wrong(*ofPeripheral, 1, 0), nil, hci.Central, ConfirmValueFailed},
		{"of somebody else, at the peripheral", nil, wrong(*ofCentral, 1, 0), hci.Peripheral, ConfirmValueFailed},
		{"with another random value", ofPeripheral, wrong(*ofCentral, 0, 1), hci.Peripheral, ConfirmValueFailed},
	} {
		t.Run(x.name, func(t *testing.T) {
			c, p := attack{name: x.name, secure: true, victim: x.victim, want: x.want, sides: func(c, p *pairingParameters) {
				c.outOfBand = &outOfBandData{random: keptByCentral, peer: x.central}
				p.outOfBand = &outOfBandData{random: keptByPeripheral, peer: x.peripheral}
				c.privateKey = func() (*ecdh.PrivateKey, error) { return keys[0], nil }
				p.privateKey = func() (*ecdh.PrivateKey, error) { return keys[1], nil }
			}}.run(t)
			if x.want == 0 && (c.method != OutOfBand || !c.keys.Authenticated || !p.keys.Authenticated) {
				t.Errorf("came to %+v", c.agreement)
			}
		})
	}
	// Who says that it has our data proves it by the random value in them.
	kept, _ := outOfBandOf(t, keys[0], Key{3})
	attack{name: "data that are not ours", secure: true, victim: hci.Central, want: DHKeyCheckFailed, sides: func(c, p *pairingParameters) {
		c.outOfBand = &outOfBandData{random: kept}
		p.outOfBand = &outOfBandData{peer: ofCentral}
		c.privateKey = func() (*ecdh.PrivateKey, error) { return keys[0], nil }
	}}.run(t)
}

// Legacy out of band takes the same TK on both sides.
func TestLegacyOutOfBand(t *testing.T) {
	for _, other := range []Key{{9}, {8}} {
		want := Reason(0)
		if other != (Key{9}) {
			want = ConfirmValueFailed
		}
		c, _ := attack{name: "legacy", victim: hci.Peripheral, want: want, sides: func(c, p *pairingParameters) {
			c.outOfBand, p.outOfBand = &outOfBandData{tk: &Key{9}}, &outOfBandData{tk: &other}
		}}.run(t)
		if want == 0 && (c.method != OutOfBand || c.keys.SecureConnections || !c.keys.Authenticated) {
			t.Errorf("came to %+v", c.agreement)
		}
	}
	c, _ := attack{name: "one side only", victim: hci.Peripheral, sides: func(c, _ *pairingParameters) {
		c.outOfBand = &outOfBandData{tk: &Key{9}}
	}}.run(t)
	if c.method != JustWorks || c.keys.Authenticated {
		t.Errorf("came to %+v", c.agreement)
	}
}
