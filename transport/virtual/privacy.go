package virtual

import (
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/internal/btcrypto"
)

// private is a resolvable private address of that IRK, a new one when there is none yet or its time is over; zero
// without an IRK (Vol 6, Part B, 1.3.2.2). An address is looked at when it is used, so that rotation takes no alarm.
func (c *Controller) private(irk *btcrypto.Cipher, p *private) hci.Address {
	if irk == nil {
		return hci.Address{}
	}
	timeout := c.resolving.timeout
	if timeout == 0 {
		timeout = defaultPrivateTimeout
	}
	if now := c.air.now; p.octets == [6]byte{} || now-p.made >= timeout {
		p.octets, p.made = c.air.newPrivate(irk), now
	}
	return hci.Address{Type: hci.Random, Octets: p.octets}
}

// newPrivate makes a resolvable private address: at least one bit of its random part is set and one is not.
func (a *Air) newPrivate(irk *btcrypto.Cipher) (octets [6]byte) {
	const bits = 22
	random := uint32(1 + a.random.Int64N(1<<bits-2))
	prand := [3]byte{byte(random), byte(random >> 8), byte(random>>16) | 0x40}
	hash := irk.AH(prand)
	copy(octets[:], hash[:])
	copy(octets[3:], prand[:])
	return octets
}

// addressFor is our address on air towards a peer of that identity, for an Own_Address_Type. It is generated where type
// and resolving list say so, and otherwise what own says, zero when there is none.
func (c *Controller) addressFor(kind byte, peer hci.Address) (a hci.Address, generated bool) {
	if kind >= 2 {
		if e := c.entry(peer); e != nil && e.ours != nil {
			return c.private(e.ours, &e.local), true
		}
	}
	a, _ = c.own(kind)
	return a, false
}

// hasAddressFor is why there is no address towards a peer, Success when there is one.
func (c *Controller) hasAddressFor(kind byte, peer hci.Address) hci.Status {
	if _, generated := c.addressFor(kind, peer); generated {
		return hci.Success
	}
	_, status := c.own(kind)
	return status
}

// targetFor is the address of the device that directed advertising is for (Vol 6, Part B, 6.2.2).
func (c *Controller) targetFor(kind byte, peer hci.Address) hci.Address {
	if kind >= 2 {
		if e := c.entry(peer); e != nil && e.peers != nil {
			return c.private(e.peers, &e.target)
		}
	}
	return peer
}

// An identified device is one whose address was heard.
type identified struct {
	address  hci.Address // its identity where that is known, else the address on air
	onAir    hci.Address
	resolved bool
}

// resolvedOctets is the private address of an identified device for the events that have a place for it.
func (i identified) resolvedOctets() [6]byte {
	if !i.resolved {
		return [6]byte{}
	}
	return i.onAir.Octets
}

// identify tells who is behind an address on air. It is not to be listened to where it is the identity address of a
// device that should use private ones (Vol 6, Part B, 4.7, network privacy mode).
func (c *Controller) identify(onAir hci.Address) (i identified, listen bool) {
	i = identified{address: onAir, onAir: onAir}
	if !c.resolving.enabled {
		return i, true
	}
	if onAir.IsResolvable() {
		for _, e := range c.resolving.list {
			if e.peers != nil && e.peers.Resolves(onAir.Octets) {
				e.heard = onAir.Octets
				return identified{address: e.peer, onAir: onAir, resolved: true}, true
			}
		}
		return i, true
	}
	e := c.entry(onAir)
	return i, e == nil || e.peers == nil || e.device
}

// meant tells whether directed advertising by that device is for us, who would answer it with that Own_Address_Type
// (Vol 6, Part B, 6.3 and 6.4).
func (c *Controller) meant(target hci.Address, kind byte, by identified) bool {
	if own, _ := c.own(kind); target == own {
		return true
	}
	e := c.entry(by.address)
	return e != nil && e.ours != nil && c.resolving.enabled && e.ours.Resolves(target.Octets) && target.Type == hci.Random
}

// admits tells whether an advertiser lets a device in that answers it, and who that is: not every one where its filter
// policy has that bit, and the one that is meant where it is directed.
func (v *advertiser) admits(onAir hci.Address, filter byte) (identified, bool) {
	c := v.c
	i, listen := c.identify(onAir)
	switch {
	case !listen:
		return i, false
	case v.directed():
		return i, onAir == v.target || i.address == v.Peer
	}
	return i, v.FilterPolicy&filter == 0 || c.accepts(i.address)
}

// dress gives the advertiser the addresses of its next event.
func (v *advertiser) dress() {
	v.self, v.generated = v.c.addressFor(v.OwnAddressType, v.Peer)
	if !v.generated {
		v.self, _ = v.own()
	}
	v.target = v.c.targetFor(v.OwnAddressType, v.Peer)
}

// selfNow is the address of the set if there were an event now.
func (v *advertiser) selfNow() hci.Address {
	v.dress()
	return v.self
}

// own is the address of a set where none is made by the resolving list. Sets of the extended commands have random
// addresses of their own (Vol 4, Part E, 7.8.52).
func (v *advertiser) own() (hci.Address, hci.Status) {
	switch {
	case !v.extended || v.OwnAddressType&1 == 0:
		return v.c.own(v.OwnAddressType)
	case v.random == [6]byte{}:
		return hci.Address{}, hci.InvalidHCICommandParameters
	}
	return hci.Address{Type: hci.Random, Octets: v.random}, hci.Success
}

// hasAddress is why a set has no address, Success when it has one.
func (v *advertiser) hasAddress() hci.Status {
	if _, generated := v.c.addressFor(v.OwnAddressType, v.Peer); generated {
		return hci.Success
	}
	_, status := v.own()
	return status
}
