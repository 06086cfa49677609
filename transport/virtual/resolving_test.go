package virtual

import (
	"fmt"
	"testing"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/internal/btcrypto"
)

var (
	irkA, irkB, irkC = [16]byte{0xA}, [16]byte{0xB}, [16]byte{0xC}
	zeros            [6]byte
	someone          = hci.Address{Type: hci.Random, Octets: [6]byte{1, 2, 3, 4, 5, 0xC6}}
)

// know puts a device into the resolving list.
func (h *host) know(peer hci.Address, peerIRK, localIRK [16]byte) {
	h.t.Helper()
	h.do(hci.LEAddDeviceToResolvingList{Peer: peer, PeerIRK: peerIRK, LocalIRK: localIRK})
}

// resolve turns address resolution on.
func (h *host) resolve() { h.t.Helper(); h.do(hci.LESetAddressResolutionEnable{Enable: true}) }

// madeBy tells whether an address on air was made with that IRK.
func madeBy(irk [16]byte, a hci.Address) bool {
	return a.Type == hci.Random && btcrypto.NewCipher(irk).Resolves(a.Octets)
}

// numbered is an identity address.
func numbered(n int) hci.Address { return hci.Address{Octets: [6]byte{byte(n), 1}} }

// TestResolvingList (Vol 4, Part E, 7.8.38 to 7.8.43, 7.8.45 and 7.8.77).
func TestResolvingList(t *testing.T) {
	air := NewAir(AirConfig{Instant: true})
	defer air.Close()
	h := newHost(t, air.NewController(ControllerConfig{ResolvingListSize: 3}))
	equal(t, "size", h.do(hci.LEReadResolvingListSize), []byte{3})

	raw := func(op hci.Opcode, p ...byte) hci.Command { return hci.Raw{Op: op, Parameters: p} }
	entry := func(kind byte) []byte { return append([]byte{kind}, make([]byte, 38)...) }
	for _, s := range []struct {
		name string
		c    hci.Command
		want hci.Status
	}{
		{"remove from nothing", hci.LERemoveDeviceFromResolvingList(numbered(1)), hci.UnknownConnectionIdentifier},
		{"the peer's address of nobody", hci.LEReadPeerResolvableAddress(numbered(1)), hci.UnknownConnectionIdentifier},
		{"our address towards nobody", hci.LEReadLocalResolvableAddress(numbered(1)), hci.UnknownConnectionIdentifier},
		{"privacy mode of nobody", hci.LESetPrivacyMode{Peer: numbered(1)}, hci.UnknownConnectionIdentifier},
		{"add", hci.LEAddDeviceToResolvingList{Peer: numbered(1), PeerIRK: irkA, LocalIRK: irkC}, hci.Success},
		{"the same identity", hci.LEAddDeviceToResolvingList{Peer: numbered(1), PeerIRK: irkB}, hci.InvalidHCICommandParameters},
		{"the same IRK", hci.LEAddDeviceToResolvingList{Peer: numbered(2), PeerIRK: irkA}, hci.InvalidHCICommandParameters},
		{"no identity type", raw(hci.OpLEAddDeviceToResolvingList, entry(2)...), hci.InvalidHCICommandParameters},
		{"no IRK", hci.LEAddDeviceToResolvingList{Peer: numbered(2)}, hci.Success},
		{"again none, which is not the same", hci.LEAddDeviceToResolvingList{Peer: someone}, hci.Success},
		{"full", hci.LEAddDeviceToResolvingList{Peer: numbered(4), PeerIRK: irkB}, hci.MemoryCapacityExceeded},
		{"remove, of another type", hci.LERemoveDeviceFromResolvingList(hci.Address{Octets: someone.Octets}), hci.UnknownConnectionIdentifier},
		{"remove", hci.LERemoveDeviceFromResolvingList(someone), hci.Success},
		{"remove, no identity type", raw(hci.OpLERemoveDeviceFromResolvingList, 3, 0, 0, 0, 0, 0, 0), hci.InvalidHCICommandParameters},
		{"room again", hci.LEAddDeviceToResolvingList{Peer: numbered(4), PeerIRK: irkB}, hci.Success},
		{"device privacy", hci.LESetPrivacyMode{Peer: numbered(1), Mode: hci.DevicePrivacy}, hci.Success},
		{"network privacy", hci.LESetPrivacyMode{Peer: numbered(1), Mode: hci.NetworkPrivacy}, hci.Success},
		{"no privacy mode", hci.LESetPrivacyMode{Peer: numbered(1), Mode: 2}, hci.InvalidHCICommandParameters},
		{"privacy mode, no identity type", raw(hci.OpLESetPrivacyMode, 2, 1, 1, 0, 0, 0, 0, 0), hci.InvalidHCICommandParameters},
		{"address of no identity type", raw(hci.OpLEReadLocalResolvableAddress, 2, 0, 0, 0, 0, 0, 0), hci.InvalidHCICommandParameters},
		{"a time-out too short", hci.LESetResolvablePrivateAddressTimeout{Seconds: 0}, hci.InvalidHCICommandParameters},
		{"the shortest", hci.LESetResolvablePrivateAddressTimeout{Seconds: 1}, hci.Success},
		{"the longest", hci.LESetResolvablePrivateAddressTimeout{Seconds: 0x0E10}, hci.Success},
		{"a time-out too long", hci.LESetResolvablePrivateAddressTimeout{Seconds: 0x0E11}, hci.InvalidHCICommandParameters},
		{"resolution neither on nor off", raw(hci.OpLESetAddressResolutionEnable, 2), hci.InvalidHCICommandParameters},
		{"clear", hci.LEClearResolvingList, hci.Success},
		{"it is empty", hci.LERemoveDeviceFromResolvingList(numbered(1)), hci.UnknownConnectionIdentifier},
	} {
		if got, _ := h.complete(s.c); got != s.want {
			t.Errorf("%s: %v, want %v", s.name, got, s.want)
		}
	}
	h.know(numbered(1), irkA, irkB)
	h.resolve()
	h.do(hci.Reset)
	h.refused(hci.LERemoveDeviceFromResolvingList(numbered(1)), hci.UnknownConnectionIdentifier)
}

// TestResolvingListInUse: it does not change while address resolution is on and the controller advertises, scans or
// initiates, and resolution itself while it does any of that (Vol 4, Part E, 7.8.38 and 7.8.44).
func TestResolvingListInUse(t *testing.T) {
	for _, s := range []struct {
		name       string
		begin, end func(h *host)
	}{
		{"advertising", func(h *host) { h.advertise(advertised) }, func(h *host) { h.do(hci.LESetAdvertisingEnable{}) }},
		{"scanning", func(h *host) { h.scan(scan, false) }, func(h *host) { h.do(hci.LESetScanEnable{}) }},
		{"initiating", func(h *host) { h.start(createConnection(someone)) }, func(h *host) {
			h.do(hci.LECreateConnectionCancel)
			h.meta(hci.EvLEConnectionComplete)
		}},
		{"advertising by a set", func(h *host) { h.do(set(1, 0)); h.enabled(hci.EnabledSet{AdvertisingHandle: 1}) },
			func(h *host) { h.do(hci.LESetExtendedAdvertisingEnable{}) }},
		{"extended scanning", func(h *host) { h.listen(extendedScan, hci.ReportDuplicates) }, func(h *host) { h.deaf() }},
		{"extended initiating", func(h *host) { h.start(createExtended(someone, hci.LE1M)) }, func(h *host) {
			h.do(hci.LECreateConnectionCancel)
			h.meta(hci.EvLEConnectionComplete)
		}},
		{"synchronizing", func(h *host) {
			h.start(hci.LEPeriodicAdvertisingCreateSync{Advertiser: someone, Sync: hci.SyncOptions{Timeout: 100}})
		}, func(h *host) {
			h.do(hci.LEPeriodicAdvertisingCreateSyncCancel)
			h.meta(hci.EvLEPeriodicAdvertisingSyncEstablished)
		}},
	} {
		for _, enabled := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, resolution %v", s.name, enabled), func(t *testing.T) {
				onAir(t, AirConfig{}, 1, func(t *testing.T, _ *Air, hosts []*host) {
					h := hosts[0]
					h.do(hci.LESetEventMask{Mask: 0x3F | extendedEvents})
					h.know(numbered(1), irkA, irkB)
					h.do(hci.LESetAddressResolutionEnable{Enable: enabled})
					s.begin(h)
					want := hci.Success
					if enabled {
						want = hci.CommandDisallowed
					}
					change := []hci.Command{hci.LESetPrivacyMode{Peer: numbered(1), Mode: hci.DevicePrivacy}, hci.LEAddDeviceToResolvingList{Peer: numbered(2)},
						hci.LERemoveDeviceFromResolvingList(numbered(1)), hci.LEClearResolvingList}
					for _, c := range change {
						h.refused(c, want)
					}
					h.refused(hci.LESetAddressResolutionEnable{Enable: !enabled}, hci.CommandDisallowed)
					h.do(hci.LEReadResolvingListSize)
					h.do(hci.LESetResolvablePrivateAddressTimeout{Seconds: 60})
					s.end(h)
					h.do(hci.LESetAddressResolutionEnable{Enable: !enabled})
					h.do(hci.LEClearResolvingList)
				})
			})
		}
	}
}

// TestNoResolvingList: a controller of before Core 4.2 says so in every way, and 2 and 3 as Own_Address_Type are what
// they fall back to.
func TestNoResolvingList(t *testing.T) {
	for name, config := range map[string]ControllerConfig{"no list": {ResolvingListSize: -1}, "no feature": {Features: hci.FeatureLEEncryption}} {
		t.Run(name, func(t *testing.T) {
			air := NewAir(AirConfig{Instant: true})
			defer air.Close()
			h := newHost(t, air.NewController(config))
			for _, c := range []hci.Command{hci.LEReadResolvingListSize, hci.LEClearResolvingList, hci.LESetAddressResolutionEnable{Enable: true},
				hci.LESetPrivacyMode{}, hci.LESetResolvablePrivateAddressTimeout{Seconds: 60}} {
				h.refused(c, hci.UnknownHCICommand)
			}
			features, err := hci.ParseFeatures(hci.OpLEReadLocalSupportedFeatures, h.do(hci.LEReadLocalSupportedFeatures))
			if err != nil || features&hci.FeatureLLPrivacy != 0 {
				t.Errorf("features %X (%v)", features, err)
			}
			supported, err := hci.ParseSupportedCommands(h.do(hci.ReadLocalSupportedCommands))
			if err != nil || supported.Supports(hci.OpLEAddDeviceToResolvingList) || supported.Supports(hci.OpLESetPrivacyMode) {
				t.Errorf("commands of the resolving list are there (%v)", err)
			}
			p := advertised
			p.OwnAddressType = 2
			h.advertise(p)
		})
	}
}

// TestGeneratedAddress: 2 and 3 as Own_Address_Type make an address by the local IRK of the peer's entry, which changes
// when its time is over and not before; without an entry, or an IRK in it, they are 0 and 1 (Vol 4, Part E, 7.8.5).
func TestGeneratedAddress(t *testing.T) {
	const timeout = 100 * time.Second
	onAir(t, AirConfig{}, 2, func(t *testing.T, _ *Air, h []*host) {
		h[0].scan(scan, false)
		static := hci.Address{Type: hci.Random, Octets: [6]byte{9, 9, 9, 9, 9, 0xC9}}
		h[1].do(hci.LESetRandomAddress{Octets: static.Octets})
		h[1].do(hci.LESetResolvablePrivateAddressTimeout{Seconds: uint16(timeout / time.Second)})
		h[1].know(numbered(1), [16]byte{}, irkB)
		h[1].know(numbered(2), irkA, [16]byte{})
		heard := func(kind byte, peer hci.Address) hci.Address {
			t.Helper()
			p := advertised
			p.OwnAddressType, p.Peer, p.IntervalMin, p.IntervalMax = kind, peer, 0x20, 0x20
			h[1].advertise(p)
			pass(time.Second)
			h[1].do(hci.LESetAdvertisingEnable{})
			r := h[0].report()
			for len(h[0].packets) > 0 {
				if again := h[0].report(); again.Address != r.Address {
					t.Errorf("%v becomes %v within a second", r.Address, again.Address)
				}
			}
			return r.Address
		}
		for _, s := range []struct {
			name string
			kind byte
			peer hci.Address
			want hci.Address
		}{
			{"public, no entry", 2, numbered(3), h[1].c.Address()},
			{"random, no entry", 3, numbered(3), static},
			{"public, no local IRK", 2, numbered(2), h[1].c.Address()},
			{"random, no local IRK", 3, numbered(2), static},
			{"public", 0, numbered(1), h[1].c.Address()},
			{"random", 1, numbered(1), static},
		} {
			if got := heard(s.kind, s.peer); got != s.want {
				t.Errorf("%s: %v, want %v", s.name, got.Text(), s.want.Text())
			}
		}
		began := time.Now()
		first := heard(2, numbered(1))
		if !madeBy(irkB, first) {
			t.Fatalf("%v is not made by our IRK", first.Text())
		}
		equal(t, "local address", h[1].do(hci.LEReadLocalResolvableAddress(numbered(1))), first.Octets[:])
		equal(t, "local address without IRK", h[1].do(hci.LEReadLocalResolvableAddress(numbered(2))), zeros[:])
		equal(t, "peer that was not heard", h[1].do(hci.LEReadPeerResolvableAddress(numbered(1))), zeros[:])
		for range 10 {
			if again := heard(3, numbered(1)); again != first {
				t.Errorf("%v after %v, want %v", again, time.Since(began), first)
			}
		}
		pass(timeout - time.Since(began))
		second := heard(2, numbered(1))
		if second == first || !madeBy(irkB, second) {
			t.Errorf("%v after the time-out, was %v", second, first)
		}
	})
}

// TestGeneratedAddressNeedsNoRandomOne: 3 falls back to a random address, which need not be there where an address is
// made.
func TestGeneratedAddressNeedsNoRandomOne(t *testing.T) {
	onAir(t, AirConfig{}, 1, func(t *testing.T, _ *Air, h []*host) {
		p := advertised
		p.OwnAddressType, p.Peer = 3, numbered(1)
		h[0].do(p)
		h[0].refused(hci.LESetAdvertisingEnable{Enable: true}, hci.InvalidHCICommandParameters)
		h[0].know(numbered(1), irkA, irkB)
		h[0].do(hci.LESetAdvertisingEnable{Enable: true})
		h[0].do(hci.LESetAdvertisingEnable{})
		c := createConnection(numbered(2))
		c.OwnAddressType = 3
		h[0].refused(c, hci.InvalidHCICommandParameters)
		c.Peer = numbered(1)
		h[0].start(c)
		h[0].do(hci.LECreateConnectionCancel)
		h[0].meta(hci.EvLEConnectionComplete)
	})
}
