package virtual

import (
	"encoding/binary"
	"testing"
	"testing/synctest"

	"github.com/jelling-ble/jelling/hci"
)

// TestStates refuses what the controller says that it can't be in at once (Vol 4, Part E, 7.8.27).
func TestStates(t *testing.T) {
	without := func(bits ...int) uint64 {
		s := uint64(supportedStates)
		for _, b := range bits {
			s &^= 1 << b
		}
		return s
	}
	advertise := func(kind hci.AdvertisingType) func(h *host) {
		return func(h *host) { q := advertised; q.Type = kind; h.advertise(q) }
	}
	scan := func(active bool) func(h *host) {
		return func(h *host) { h.scan(hci.LESetScanParameters{Active: active, Interval: 96, Window: 96}, false) }
	}
	connect := createConnection(hci.Address{Octets: [6]byte{9}})
	initiate := func(h *host) { h.start(connect) }
	enable, listen := hci.LESetAdvertisingEnable{Enable: true}, hci.LESetScanEnable{Enable: true}
	for _, c := range []struct {
		name   string
		states uint64
		first  func(h *host)
		second hci.Command
		want   hci.Status
	}{
		{"passive scanning while connectable", without(10), advertise(hci.AdvInd), listen, hci.CommandDisallowed},
		{"passive scanning while scannable", without(10), advertise(hci.AdvScanInd), listen, hci.Success},
		{"advertising while scanning actively", without(14), scan(true), enable, hci.CommandDisallowed},
		{"advertising while scanning passively", without(14), scan(false), enable, hci.Success},
		{"initiating while scanning", without(22), scan(false), connect, hci.CommandDisallowed},
		{"initiating while connectable", without(32), advertise(hci.AdvInd), connect, hci.CommandDisallowed},
		{"initiating while connectable, directed", without(34), advertise(hci.AdvDirectIndLow), connect, hci.CommandDisallowed},
		{"advertising while initiating", without(32), initiate, enable, hci.CommandDisallowed},
		{"advertising at all", without(2), scan(false), enable, hci.CommandDisallowed},
		{"everything", 0, initiate, enable, hci.Success},
	} {
		t.Run(c.name, func(t *testing.T) {
			alone(t, ControllerConfig{States: c.states}, func(t *testing.T, h *host) {
				if c.states != 0 && binary.LittleEndian.Uint64(h.do(hci.LEReadSupportedStates)) != c.states {
					t.Error("the controller says something else")
				}
				c.first(h)
				h.refused(c.second, c.want)
			})
		})
	}
}

// TestStatesOfLinks: a role that there is counts as well.
func TestStatesOfLinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const initiatingAsPeripheral, connectableAsCentral, initiatingAsCentral, connectableAsPeripheral = 1 << 41, 1 << 35, 1 << 28, 1 << 38
		p := newPair(t, AirConfig{}, ControllerConfig{States: supportedStates &^ (connectableAsCentral | initiatingAsCentral)},
			ControllerConfig{States: supportedStates &^ (initiatingAsPeripheral | connectableAsPeripheral)})
		for _, h := range []*host{p.central, p.peripheral} {
			h.refused(hci.LESetAdvertisingEnable{Enable: true}, hci.CommandDisallowed)
			h.refused(createConnection(hci.Address{Octets: [6]byte{9}}), hci.CommandDisallowed)
		}
	})
}

// TestVersions: a controller of a version has the features of that version, and their commands.
func TestVersions(t *testing.T) {
	for _, c := range []struct {
		version  uint8
		features uint64
		unknown  []hci.Opcode
	}{
		{0x06, 0x01, []hci.Opcode{hci.OpLESetDataLength, hci.OpLESetPHY, hci.OpLESubrateRequest}},
		{0x07, 0x0F, []hci.Opcode{hci.OpLESetDataLength}},
		{0x08, 0x2F, []hci.Opcode{hci.OpLESetPHY}},
		{0x09, 0x092F, []hci.Opcode{hci.OpLEReadRemoteTransmitPowerLevel}},
		{0x0B, 0x06_0000_092F, []hci.Opcode{hci.OpLESubrateRequest}},
		{0x0C, 0x26_0000_092F, nil},
		{0, 0x26_0000_092F, nil},
	} {
		alone(t, ControllerConfig{Version: c.version}, func(t *testing.T, h *host) {
			if got := binary.LittleEndian.Uint64(h.do(hci.LEReadLocalSupportedFeatures)); got&^hci.FeatureLLPrivacy&0x26_0000_092F != c.features {
				t.Errorf("version 0x%02X: features 0x%X, want 0x%X", c.version, got, c.features)
			}
			if v, err := hci.ParseLocalVersion(h.do(hci.ReadLocalVersionInformation)); err != nil || c.version != 0 && v.HCIVersion != c.version || c.version == 0 && v.HCIVersion != 0x0D {
				t.Errorf("%+v (%v)", v, err)
			}
			for _, op := range c.unknown {
				h.refused(hci.Raw{Op: op}, hci.UnknownHCICommand)
			}
		})
	}
}

// TestStateBits: every bit of LE Read Supported States is one activity or two (Vol 4, Part E, 7.8.27).
func TestStateBits(t *testing.T) {
	seen := map[int]bool{}
	note := func(bit int) {
		if bit < 0 || bit > 41 || seen[bit] {
			t.Errorf("bit %d", bit)
		}
		seen[bit] = true
	}
	for a, bit := range aloneBit {
		if activity(a) != asCentral { // which shares that of initiating
			note(bit)
		}
	}
	for pair, bit := range togetherBit {
		if note(bit); pair[0] >= pair[1] {
			t.Errorf("bit %d: %v is the wrong way round, so it is never found", bit, pair)
		}
	}
	if len(seen) != 42 {
		t.Errorf("%d bits, want 42", len(seen))
	}
	for bit, pair := range map[uint64][2]activity{hci.StateConnectableAndPassiveScanning: {passiveScanning, connectable},
		hci.StateConnectableAndActiveScanning: {activeScanning, connectable}, hci.StatePassiveScanningAndInitiating: {passiveScanning, initiating},
		hci.StateActiveScanningAndCentral: {activeScanning, asCentral}, hci.StateInitiatingAndCentral: {initiating, asCentral},
		hci.StateConnectableAndInitiating: {connectable, initiating}, hci.StateConnectableAndCentral: {connectable, asCentral},
		hci.StateConnectableAndPeripheral: {connectable, asPeripheral}, hci.StateInitiatingAndPeripheral: {initiating, asPeripheral}} {
		if uint64(1)<<togetherBit[pair] != bit {
			t.Errorf("%v: bit %d", pair, togetherBit[pair])
		}
	}
}
