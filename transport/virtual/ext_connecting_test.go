package virtual

import (
	"slices"
	"testing"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// TestExtendedCreateConnectionRefused (Vol 4, Part E, 7.8.66).
func TestExtendedCreateConnectionRefused(t *testing.T) {
	alone(t, ControllerConfig{}, func(t *testing.T, h *host) {
		good := createExtended(numbered(1), hci.LE1M, hci.LE2M, hci.LECoded)
		with := func(octet int, value byte) hci.Command {
			p := good.AppendTo(nil)
			p[octet] = value
			return hci.Raw{Op: hci.OpLEExtendedCreateConnection, Parameters: p}
		}
		const invalid = hci.InvalidHCICommandParameters
		short := createExtended(numbered(1), hci.LECoded)
		short.Connect[0].Parameters.SupervisionTimeout = 9
		h.answers([]refusal{
			{"filter policy", with(0, 2), invalid},
			{"own address type", with(1, 4), invalid},
			{"no random address", with(1, 1), invalid},
			{"peer address type", with(2, 4), invalid},
			{"no PHY", with(9, 0), invalid},
			{"one PHY more than there is", with(9, 15), invalid},
			{"one PHY fewer", with(9, 3), invalid},
			{"window longer than the interval", with(12, 97), invalid},
			{"LE 2M alone", createExtended(numbered(1), hci.LE2M), invalid},
			{"parameters", short, invalid},
			{"good", good, hci.Success},
			{"another", good, hci.CommandDisallowed},
			{"the random address meanwhile", hci.LESetRandomAddress{Octets: someone.Octets}, hci.CommandDisallowed},
		})
		h.do(hci.LECreateConnectionCancel)
		if e, err := hci.ParseLEConnectionComplete(h.meta(hci.EvLEConnectionComplete)); err != nil || e.Status != hci.UnknownConnectionIdentifier {
			t.Errorf("%+v (%v)", e, err)
		}
	})
	alone(t, ControllerConfig{Features: hci.FeatureLEExtendedAdvertising}, func(t *testing.T, h *host) {
		h.refused(createExtended(numbered(1), hci.LE1M, hci.LECoded), hci.UnsupportedFeatureOrParameter)
	})
}

// TestExtendedConnection: through AUX_CONNECT_REQ, on the PHY of the auxiliary packets, with the parameters for that PHY; the
// advertiser's host is told which set it was, behind the connection (Vol 6, Part B, 4.4.4.3; Vol 4, Part E, 7.7.65.18).
func TestExtendedConnection(t *testing.T) {
	for _, c := range []struct {
		name               string
		primary, secondary hci.PHY
		properties         hci.AdvertisingProperties
		initiate           []hci.PHY
		interval           uint16
		pdus               []string
	}{
		{"LE 1M", hci.LE1M, hci.LE1M, hci.AdvertiseConnectable, []hci.PHY{hci.LE1M}, 24, []string{"ADV_EXT_IND", "AUX_ADV_IND", "AUX_CONNECT_REQ", "AUX_CONNECT_RSP"}},
		{"LE 2M", hci.LE1M, hci.LE2M, hci.AdvertiseConnectable, []hci.PHY{hci.LE1M, hci.LE2M}, 25, []string{"ADV_EXT_IND", "AUX_ADV_IND", "AUX_CONNECT_REQ", "AUX_CONNECT_RSP"}},
		{"LE 2M without parameters for it", hci.LE1M, hci.LE2M, hci.AdvertiseConnectable, []hci.PHY{hci.LE1M}, 24, []string{"ADV_EXT_IND", "AUX_ADV_IND", "AUX_CONNECT_REQ", "AUX_CONNECT_RSP"}},
		{"LE Coded", hci.LECoded, hci.LECoded, hci.AdvertiseConnectable, []hci.PHY{hci.LE1M, hci.LECoded}, 25, []string{"ADV_EXT_IND", "AUX_ADV_IND", "AUX_CONNECT_REQ", "AUX_CONNECT_RSP"}},
		{"LE Coded, then LE 2M", hci.LECoded, hci.LE2M, hci.AdvertiseConnectable | hci.AdvertiseDirected, []hci.PHY{hci.LE2M, hci.LECoded}, 24, []string{"ADV_EXT_IND", "AUX_ADV_IND", "AUX_CONNECT_REQ", "AUX_CONNECT_RSP"}},
		{"legacy", hci.LE1M, hci.LE1M, hci.LegacyAdvInd, []hci.PHY{hci.LE1M, hci.LECoded}, 24, []string{"ADV_IND", "CONNECT_IND"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var pdus []string
			trace := func(e Trace) { pdus = append(pdus, e.PDU) }
			extendedOnAir(t, AirConfig{Trace: trace}, 2, func(t *testing.T, _ *Air, h []*host) {
				p := set(7, c.properties)
				p.PrimaryPHY, p.SecondaryPHY, p.OwnAddressType, p.Peer = c.primary, c.secondary, 1, h[1].c.Address()
				h[0].do(p)
				h[0].do(hci.LESetAdvertisingSetRandomAddress{AdvertisingHandle: 7, Octets: someone.Octets})
				q := createExtended(someone, c.initiate...)
				for i := range q.Connect {
					q.Connect[i].Parameters.IntervalMin, q.Connect[i].Parameters.IntervalMax = 24+uint16(i), 24+uint16(i)
				}
				h[1].start(q)
				h[0].enabled(hci.EnabledSet{AdvertisingHandle: 7})
				central, peripheral := h[1].connected(), h[0].connected()
				if central.Peer != someone || peripheral.Peer != h[1].c.Address() || central.Interval != c.interval || peripheral.Interval != c.interval {
					t.Errorf("%+v\n%+v", central, peripheral)
				}
				if e := h[0].terminated(); e.Status != hci.Success || e.AdvertisingHandle != 7 || e.Handle != peripheral.Handle {
					t.Errorf("%+v", e)
				}
				if !slices.Equal(pdus, c.pdus) {
					t.Errorf("%v", pdus)
				}
				for i, handle := range []uint16{peripheral.Handle, central.Handle} {
					r := h[i].do(hci.LEReadPHY(handle))
					if hci.PHY(r[2]) != c.secondary || hci.PHY(r[3]) != c.secondary {
						t.Errorf("% X, want %v", r, c.secondary)
					}
				}
				pass(time.Second)
				h[1].says(central.Handle, h[0], peripheral.Handle, "on air")
			})
		})
	}
}

// TestAuxConnectMissed: a connect request on an auxiliary channel that is not heard, or not accepted, makes no connection, and the
// central goes on (Vol 6, Part B, 4.4.4.3): there is no 0x3E.
func TestAuxConnectMissed(t *testing.T) {
	extendedOnAir(t, AirConfig{}, 2, func(t *testing.T, _ *Air, h []*host) {
		h[0].do(set(1, hci.AdvertiseConnectable))
		h[0].c.MissConnectRequests(3)
		h[1].start(createExtended(h[0].c.Address(), hci.LE1M))
		h[0].enabled(hci.EnabledSet{AdvertisingHandle: 1})
		began := time.Now()
		h[1].connected()
		if d := time.Since(began); d < 300*time.Millisecond {
			t.Errorf("connected after %v, in spite of three requests that were missed", d)
		}
		h[0].connected()
		h[0].terminated()
	})
	extendedOnAir(t, AirConfig{}, 3, func(t *testing.T, _ *Air, h []*host) {
		p := set(1, hci.AdvertiseConnectable)
		p.FilterPolicy = 2
		h[0].do(hci.LEAddDeviceToFilterAcceptList(h[2].c.Address()))
		h[0].do(p)
		h[0].enabled(hci.EnabledSet{AdvertisingHandle: 1})
		h[1].start(createExtended(h[0].c.Address(), hci.LE1M))
		h[1].silent(time.Second)
		h[2].start(createExtended(h[0].c.Address(), hci.LE1M))
		h[2].connected()
		h[0].connected()
		h[0].terminated()
		h[1].silent(time.Second)
	})
}

// TestInitiatorsHearTheirOwn: a legacy initiator does not hear extended advertising, and an extended one on LE Coded no legacy advertising.
func TestInitiatorsHearTheirOwn(t *testing.T) {
	extendedOnAir(t, AirConfig{}, 3, func(t *testing.T, _ *Air, h []*host) {
		h[0].do(set(1, hci.AdvertiseConnectable))
		h[0].enabled(hci.EnabledSet{AdvertisingHandle: 1})
		h[1].start(createConnection(h[0].c.Address()))
		h[2].start(createExtended(h[0].c.Address(), hci.LECoded))
		h[1].silent(time.Second)
		h[0].do(hci.LESetExtendedAdvertisingEnable{})
		h[0].do(set(2, hci.LegacyAdvInd))
		h[0].enabled(hci.EnabledSet{AdvertisingHandle: 2})
		h[1].connected()
		h[0].connected()
		h[0].terminated()
		h[2].silent(time.Second)
		far := set(3, hci.AdvertiseConnectable)
		far.PrimaryPHY, far.SecondaryPHY = hci.LECoded, hci.LECoded
		h[0].do(far)
		h[0].enabled(hci.EnabledSet{AdvertisingHandle: 3})
		h[2].connected()
	})
}

// TestScanAdvertiseConnect: a controller does all at once: scanning, advertising two sets, and connecting.
func TestScanAdvertiseConnect(t *testing.T) {
	extendedOnAir(t, AirConfig{}, 3, func(t *testing.T, _ *Air, h []*host) {
		h[0].listen(extendedScan, hci.FilterDuplicates)
		h[0].do(set(1, hci.AdvertiseConnectable))
		h[0].do(set(2, hci.LegacyAdvNonconnInd))
		h[0].enabled(hci.EnabledSet{AdvertisingHandle: 1}, hci.EnabledSet{AdvertisingHandle: 2})
		h[0].start(createExtended(h[1].c.Address(), hci.LE1M))
		h[2].start(createExtended(h[0].c.Address(), hci.LE1M))
		h[2].connected()
		h[0].connected()
		h[0].terminated()
		h[1].do(set(1, hci.AdvertiseConnectable))
		h[1].enabled(hci.EnabledSet{AdvertisingHandle: 1})
		if r := h[0].extended(); r.Address != h[1].c.Address() {
			t.Errorf("%+v", r)
		}
		h[0].connected()
		h[1].connected()
		h[1].terminated()
		h[2].listen(extendedScan, hci.FilterDuplicates)
		if r := h[2].extended(); r.Address != h[0].c.Address() || r.Type != hci.ReportLegacy {
			t.Errorf("%+v", r)
		}
	})
}

// TestPrivateSet: a set uses the private addresses of the resolving list like any other advertising.
func TestPrivateSet(t *testing.T) {
	extendedOnAir(t, AirConfig{}, 2, func(t *testing.T, _ *Air, h []*host) {
		h[0].know(h[1].c.Address(), irkB, irkA)
		h[1].know(h[0].c.Address(), irkA, irkB)
		h[0].resolve()
		h[1].resolve()
		p := set(1, hci.AdvertiseConnectable|hci.AdvertiseDirected)
		p.OwnAddressType, p.Peer = 2, h[1].c.Address()
		h[0].do(p)
		h[0].enabled(hci.EnabledSet{AdvertisingHandle: 1})
		q := extendedScan
		q.OwnAddressType = 2
		h[1].listen(q, hci.FilterDuplicates)
		if r := h[1].extended(); r.Address != h[0].c.Address() || !r.Resolved || r.Direct != h[1].c.Address() || !r.DirectResolved {
			t.Errorf("%+v", r)
		}
		c := createExtended(h[0].c.Address(), hci.LE1M)
		c.OwnAddressType = 2
		h[1].start(c)
		h[1].connected()
		h[0].connected()
	})
}
