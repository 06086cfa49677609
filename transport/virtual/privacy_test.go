package virtual

import (
	"testing"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// privately is an advertiser's parameters under an address made for that peer.
func privately(peer hci.Address) hci.LESetAdvertisingParameters {
	p := advertised
	p.OwnAddressType, p.Peer = 2, peer
	return p
}

// enhanced reads LE Enhanced Connection Complete.
func (h *host) enhanced() hci.LEEnhancedConnectionComplete {
	h.t.Helper()
	e, err := hci.ParseLEEnhancedConnectionComplete(h.meta(hci.EvLEEnhancedConnectionComplete))
	if err != nil || e.Status != hci.Success {
		h.t.Fatalf("%s: connection: %+v (%v)", h.c.name, e, err)
	}
	return e
}

// acquainted runs a test with two hosts, each with the other in its resolving list, and more that know nobody. The IRK of
// host n is irks[n].
func acquainted(t *testing.T, strangers int, f func(t *testing.T, h []*host)) {
	t.Helper()
	onAir(t, AirConfig{}, 2+strangers, func(t *testing.T, _ *Air, h []*host) {
		for i, other := range []int{1, 0} {
			h[i].do(hci.LESetEventMask{Mask: 0x3F | hci.LEEventMaskEnhancedConnectionComplete})
			h[i].know(h[other].c.Address(), irks[other], irks[i])
			h[i].resolve()
		}
		f(t, h)
	})
}

var irks = [...][16]byte{irkA, irkB}

// TestResolution: a scanner with the peer's IRK in its list reports the identity, as resolved; others, and one that does
// not resolve, report what is on air (Vol 6, Part B, 6.3).
func TestResolution(t *testing.T) {
	acquainted(t, 1, func(t *testing.T, h []*host) {
		h[0].scan(scan, true)
		h[2].scan(scan, true)
		h[1].advertise(privately(h[0].c.Address()))
		if r := h[0].report(); r.Address != h[1].c.Address() || !r.Resolved {
			t.Errorf("%+v, want the identity", r)
		}
		onAir := h[2].report()
		if !madeBy(irkB, onAir.Address) || onAir.Resolved {
			t.Errorf("a stranger hears %+v", onAir)
		}
		equal(t, "the peer's address", h[0].do(hci.LEReadPeerResolvableAddress(h[1].c.Address())), onAir.Address.Octets[:])
		h[0].do(hci.LESetScanEnable{})
		h[0].do(hci.LESetAddressResolutionEnable{Enable: false})
		h[0].scan(scan, true)
		if r := h[0].report(); r.Address != onAir.Address || r.Resolved {
			t.Errorf("without resolution: %+v", r)
		}
	})
}

// TestResolvedDuplicates: a new address of the same device is no news to the duplicate filter of who resolves it.
func TestResolvedDuplicates(t *testing.T) {
	acquainted(t, 1, func(t *testing.T, h []*host) {
		h[1].do(hci.LESetResolvablePrivateAddressTimeout{Seconds: 60})
		h[0].scan(scan, true)
		h[2].scan(scan, true)
		h[1].advertise(privately(h[0].c.Address()))
		pass(10 * time.Minute)
		if n := len(h[0].packets); n != 1 {
			t.Errorf("%d reports of one device", n)
		}
		if n := len(h[2].packets); n < 9 || n > 11 {
			t.Errorf("%d addresses in 10 minutes", n)
		}
		for _, x := range []*host{h[0], h[2]} {
			for len(x.packets) > 0 {
				x.report()
			}
		}
	})
}

// TestNetworkPrivacy: the identity address of a device that has an IRK is not listened to in network privacy mode, by
// scanners, initiators and advertisers alike; in device privacy mode it is, and without an IRK too (Vol 6, Part B, 4.7).
func TestNetworkPrivacy(t *testing.T) {
	for _, s := range []struct {
		name    string
		irk     [16]byte
		device  bool
		resolve bool
		heard   bool
	}{
		{"network", irkB, false, true, false},
		{"device", irkB, true, true, true},
		{"no IRK", [16]byte{}, false, true, true},
		{"resolution off", irkB, false, false, true},
	} {
		t.Run(s.name, func(t *testing.T) {
			onAir(t, AirConfig{}, 2, func(t *testing.T, _ *Air, h []*host) {
				h[0].know(h[1].c.Address(), s.irk, irkA)
				if s.device {
					h[0].do(hci.LESetPrivacyMode{Peer: h[1].c.Address(), Mode: hci.DevicePrivacy})
				}
				h[0].do(hci.LESetAddressResolutionEnable{Enable: s.resolve})
				active := scan
				active.Active = true
				h[0].scan(active, true)
				h[1].advertise(advertised)
				if s.heard {
					h[0].report()
					h[0].report()
				}
				h[0].silent(time.Minute)
				h[0].do(hci.LESetScanEnable{})
				h[0].start(createConnection(h[1].c.Address()))
				if s.heard {
					h[0].disconnect(h[0].connected().Handle, h[1], h[1].connected().Handle)
				} else {
					h[0].silent(time.Minute)
					h[0].do(hci.LECreateConnectionCancel)
					h[0].meta(hci.EvLEConnectionComplete)
					h[1].do(hci.LESetAdvertisingEnable{})
				}
				h[0].advertise(advertised)
				h[1].scan(active, true)
				h[1].report()
				if s.heard {
					h[1].report()
				}
				h[1].silent(time.Minute)
				h[1].do(hci.LESetScanEnable{})
				h[1].start(createConnection(h[0].c.Address()))
				e := h[1].connected()
				if s.heard {
					h[0].connected()
				} else {
					h[1].disconnected(e.Handle, hci.ConnectionFailedToBeEstablished)
				}
			})
		})
	}
}

// disconnect ends a link.
func (h *host) disconnect(handle uint16, peer *host, theirs uint16) {
	h.t.Helper()
	h.start(hci.Disconnect{Handle: handle, Reason: hci.RemoteUserTerminatedConnection})
	h.disconnected(handle, hci.ConnectionTerminatedByLocalHost)
	peer.disconnected(theirs, hci.RemoteUserTerminatedConnection)
}

// TestPrivateConnection: each side is told the other's identity, and the addresses that were used on air (Vol 4, Part E,
// 7.7.65.10), the second time others.
func TestPrivateConnection(t *testing.T) {
	acquainted(t, 1, func(t *testing.T, h []*host) {
		var before [2][6]byte
		for range 2 {
			h[1].advertise(privately(h[0].c.Address()))
			c := createConnection(h[1].c.Address())
			c.OwnAddressType = 2
			h[0].start(c)
			ends := [2]hci.LEEnhancedConnectionComplete{h[0].enhanced(), h[1].enhanced()}
			for i, e := range ends {
				other := 1 - i
				if e.Peer != h[other].c.Address() || !e.PeerResolved {
					t.Errorf("%d: peer %v, resolved %v", i, e.Peer.Text(), e.PeerResolved)
				}
				if e.PeerResolvable != ends[other].LocalResolvable || !madeBy(irks[i], hci.Address{Type: hci.Random, Octets: e.LocalResolvable}) {
					t.Errorf("%d: local % X, peer % X", i, e.LocalResolvable, e.PeerResolvable)
				}
				if e.LocalResolvable == before[i] {
					t.Errorf("%d: the address has not changed", i)
				}
				before[i] = e.LocalResolvable
			}
			h[0].refused(c, hci.ConnectionAlreadyExists) // by its identity
			h[0].disconnect(ends[0].Handle, h[1], ends[1].Handle)
			pass(defaultPrivateTimeout)
		}
	})
}

// TestPrivateConnectionWithoutEnhancedEvent: the other event has the address on air.
func TestPrivateConnectionWithoutEnhancedEvent(t *testing.T) {
	acquainted(t, 0, func(t *testing.T, h []*host) {
		h[0].do(hci.LESetEventMask{Mask: 0x3F})
		h[1].advertise(privately(h[0].c.Address()))
		c := createConnection(h[1].c.Address())
		c.OwnAddressType = 2
		h[0].start(c)
		e, theirs := h[0].connected(), h[1].enhanced()
		if e.Peer.Octets != theirs.LocalResolvable || e.Peer.Type != hci.Random || e.PeerResolved {
			t.Errorf("%+v", e)
		}
	})
}

// TestDirectedAdvertisingToPrivate: it goes to an address made by the peer's IRK, which only that peer knows for its own,
// under a new one when the time is over (Vol 6, Part B, 6.2.2).
func TestDirectedAdvertisingToPrivate(t *testing.T) {
	acquainted(t, 1, func(t *testing.T, h []*host) {
		h[0].scan(scan, false)
		h[2].scan(scan, false)
		p := privately(h[0].c.Address())
		p.Type, p.IntervalMin, p.IntervalMax = hci.AdvDirectIndLow, 0x4000, 0x4000
		h[1].advertise(p)
		if r := h[0].report(); r.Type != hci.ReportAdvDirectInd || r.Address != h[1].c.Address() || !r.Resolved {
			t.Errorf("%+v", r)
		}
		h[2].silent(defaultPrivateTimeout + time.Minute)
		for len(h[0].packets) > 0 {
			h[0].report()
		}
		h[0].do(hci.LESetScanEnable{})
		h[2].do(hci.LESetScanEnable{})
		h[2].start(createConnection(h[1].c.Address())) // it is not meant
		c := createConnection(h[1].c.Address())
		c.OwnAddressType = 2
		h[0].start(c)
		if e := h[0].enhanced(); e.Peer != h[1].c.Address() {
			t.Errorf("%+v", e)
		}
		if e := h[1].enhanced(); e.Peer != h[0].c.Address() {
			t.Errorf("%+v", e)
		}
	})
}

// TestDirectedAdvertisingByIdentity is under identity addresses. Who is not meant does not report or answer it, and who is
// meant and should use a private address is not let in without.
func TestDirectedAdvertisingByIdentity(t *testing.T) {
	acquainted(t, 1, func(t *testing.T, h []*host) {
		p := privately(h[0].c.Address())
		p.Type, p.OwnAddressType = hci.AdvDirectIndLow, 0 // under our public address, to the peer's
		h[2].scan(scan, true)
		h[1].advertise(p)
		h[2].silent(time.Minute)
		h[2].do(hci.LESetScanEnable{})
		h[2].start(createConnection(h[1].c.Address()))
		h[2].silent(time.Minute)
		c := createConnection(h[1].c.Address())
		h[0].do(hci.LESetAddressResolutionEnable{}) // or the advertiser's identity is not listened to
		h[0].start(c)
		h[0].enhanced()
		h[1].silent(time.Second) // an identity address in network privacy mode
	})
}

// TestAcceptListResolves: the filter accept list holds identities, for scanners, initiators and advertisers (Vol 6,
// Part B, 4.3).
func TestAcceptListResolves(t *testing.T) {
	acquainted(t, 1, func(t *testing.T, h []*host) {
		for i, other := range []int{1, 0} {
			h[i].do(hci.LEAddDeviceToFilterAcceptList(h[other].c.Address()))
		}
		h[0].know(h[2].c.Address(), irkC, irkA) // known, and not accepted
		h[2].know(h[0].c.Address(), irkA, irkC)
		h[2].advertise(privately(h[0].c.Address()))
		filtered := scan
		filtered.Active, filtered.FilterPolicy, filtered.OwnAddressType = true, 1, 2
		h[0].scan(filtered, true)
		h[0].silent(time.Minute)
		p := privately(h[0].c.Address())
		p.FilterPolicy = filterScanRequests | filterConnectRequests
		h[1].advertise(p)
		for _, want := range []hci.ReportType{hci.ReportAdvInd, hci.ReportScanRsp} {
			if r := h[0].report(); r.Address != h[1].c.Address() || r.Type != want {
				t.Errorf("%+v", r)
			}
		}
		h[0].do(hci.LESetScanEnable{})
		h[2].do(hci.LESetAdvertisingEnable{})
		active := scan
		active.Active = true
		h[2].scan(active, true) // who is not accepted gets no scan response
		h[2].report()
		h[2].silent(time.Minute)
		c := createConnection(hci.Address{})
		c.UseAcceptList, c.OwnAddressType = true, 2
		h[0].start(c)
		if e := h[0].enhanced(); e.Peer != h[1].c.Address() || !e.PeerResolved {
			t.Errorf("%+v", e)
		}
		if e := h[1].enhanced(); e.Peer != h[0].c.Address() || !e.PeerResolved {
			t.Errorf("%+v", e)
		}
	})
}

// TestStrangersAddress: a private address that nobody knows is an address like any other.
func TestStrangersAddress(t *testing.T) {
	acquainted(t, 1, func(t *testing.T, h []*host) {
		h[2].know(h[0].c.Address(), [16]byte{}, irkC)
		h[2].advertise(privately(h[0].c.Address()))
		h[0].scan(scan, true)
		r := h[0].report()
		if !madeBy(irkC, r.Address) || r.Resolved {
			t.Errorf("%+v", r)
		}
		h[0].do(hci.LESetScanEnable{})
		h[0].start(createConnection(r.Address))
		if e := h[0].enhanced(); e.Peer != r.Address || e.PeerResolved || e.PeerResolvable != zeros {
			t.Errorf("%+v", e)
		}
		h[2].connected()
	})
}

// privateLife is what a host that hides from the victim may write, for FuzzHost.
func privateLife(victim hci.Address) (life []byte) {
	scanning, connection, directed := scan, createConnection(victim), privately(victim)
	scanning.Active, scanning.OwnAddressType, connection.OwnAddressType, directed.Type = true, 2, 2, hci.AdvDirectIndLow
	for _, c := range []hci.Command{hci.LESetEventMask{Mask: 0x3F | hci.LEEventMaskEnhancedConnectionComplete},
		hci.LEAddDeviceToResolvingList{Peer: victim, PeerIRK: irkA, LocalIRK: irkB}, hci.LESetPrivacyMode{Peer: victim, Mode: hci.DevicePrivacy},
		hci.LESetResolvablePrivateAddressTimeout{Seconds: 1}, hci.LESetAddressResolutionEnable{Enable: true}, scanning, hci.LESetScanEnable{Enable: true},
		directed, hci.LESetAdvertisingEnable{Enable: true}, hci.LERemoveDeviceFromResolvingList(victim), hci.LEReadLocalResolvableAddress(victim),
		hci.LESetAdvertisingEnable{}, hci.LESetScanEnable{}, connection, hci.LEReadPeerResolvableAddress(victim), hci.LEClearResolvingList} {
		life = append(step(life, hci.AppendCommand(nil, c)), 0xFF)
	}
	return life
}
