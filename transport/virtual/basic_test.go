package virtual

import (
	"testing"

	"github.com/jelling-ble/jelling/hci"
)

func TestWhatAControllerSaysOfItself(t *testing.T) {
	config := ControllerConfig{Address: [6]byte{0x30, 0xF0, 0xFF, 0x05, 0x1C, 0x00}, ACLBuffers: 3, ACLLength: 27, Features: 0x1234}
	alone(t, config, func(t *testing.T, h *host) {
		if got := h.c.Address().Text(); got != "00:1C:05:FF:F0:30/public" {
			t.Errorf("address %s", got)
		}
		equal(t, "BD_ADDR", h.do(hci.ReadBDADDR), config.Address[:])
		equal(t, "version", h.do(hci.ReadLocalVersionInformation), []byte{0x0D, 1, 0, 0x0D, 0xFF, 0xFF, 1, 0})
		equal(t, "features", h.do(hci.ReadLocalSupportedFeatures), []byte{0, 0, 0, 0, 0x60, 0, 0, 0})
		equal(t, "LE features", h.do(hci.LEReadLocalSupportedFeatures), []byte{0x34, 0x12, 0, 0, 0, 0, 0, 0})
		equal(t, "LE states", h.do(hci.LEReadSupportedStates), []byte{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 3, 0, 0})
		equal(t, "LE buffers", h.do(hci.LEReadBufferSize), []byte{27, 0, 3})
		equal(t, "LE Host Support", h.do(hci.WriteLEHostSupport{Supported: true}), nil)
		h.refused(hci.Raw{Op: hci.OpWriteLEHostSupport, Parameters: []byte{2, 0}}, hci.InvalidHCICommandParameters)
	})
}

func TestSharedBuffers(t *testing.T) {
	alone(t, ControllerConfig{ACLBuffers: 5, ACLLength: 100, SharedBuffers: true}, func(t *testing.T, h *host) {
		equal(t, "LE buffers", h.do(hci.LEReadBufferSize), []byte{0, 0, 0})
		b, err := hci.ParseBufferSize(h.do(hci.ReadBufferSize))
		if want := (hci.BufferSize{ACLLength: 100, ACLPackets: 5}); err != nil || b != want {
			t.Errorf("%+v (%v), want %+v", b, err, want)
		}
		equal(t, "features", h.do(hci.ReadLocalSupportedFeatures), []byte{0, 0, 0, 0, 0x40, 0, 0, 0})
	})
	alone(t, ControllerConfig{}, func(t *testing.T, h *host) {
		equal(t, "LE buffers", h.do(hci.LEReadBufferSize), []byte{251, 0, 8})
		if b, err := hci.ParseBufferSize(h.do(hci.ReadBufferSize)); err != nil || b.ACLLength == 251 || b.ACLPackets == 8 {
			t.Errorf("%+v (%v): a host that takes BR/EDR's buffers for LE's would not be found out", b, err)
		}
	})
}

// TestLEEncrypt is the sample of Vol 6, Part C, 1.1 (session key), in on-air order.
func TestLEEncrypt(t *testing.T) {
	c := hci.LEEncrypt{
		Key:       [16]byte{0xBF, 0x01, 0xFB, 0x9D, 0x4E, 0xF3, 0xBC, 0x36, 0xD8, 0x74, 0xF5, 0x39, 0x41, 0x38, 0x68, 0x4C},
		Plaintext: [16]byte{0x13, 0x02, 0xF1, 0xE0, 0xDF, 0xCE, 0xBD, 0xAC, 0x79, 0x68, 0x57, 0x46, 0x35, 0x24, 0x13, 0x02},
	}
	want := []byte{0x66, 0xC6, 0xC2, 0x27, 0x8E, 0x3B, 0x8E, 0x05, 0x3E, 0x7E, 0xA3, 0x26, 0x52, 0x1B, 0xAD, 0x99}
	alone(t, ControllerConfig{}, func(t *testing.T, h *host) { equal(t, "session key", h.do(c), want) })
}

func TestLERand(t *testing.T) {
	alone(t, ControllerConfig{}, func(t *testing.T, h *host) {
		if a, b := [8]byte(h.do(hci.LERand)), [8]byte(h.do(hci.LERand)); a == b {
			t.Errorf("% X twice", a)
		}
	})
}

func TestConfigRanges(t *testing.T) {
	if got := (ControllerConfig{}).withDefaults(); got.ACLBuffers != 8 || got.ACLLength != 251 || got.PDULength != 27 || got.CommandPackets != 1 ||
		got.AcceptListSize != 8 || got.Links != 64 || got.RSSI != -50 || got.Features != featuresOf(version54) {
		t.Errorf("%+v", got)
	}
	low := ControllerConfig{CommandPackets: -1, ACLBuffers: -1, ACLLength: 1, PDULength: 1, AcceptListSize: -1, Links: -1}.withDefaults()
	if low.CommandPackets != 1 || low.ACLBuffers != 1 || low.ACLLength != 27 || low.PDULength != 27 || low.AcceptListSize != 1 || low.Links != 1 {
		t.Errorf("%+v", low)
	}
	const much = 1 << 20
	high := ControllerConfig{CommandPackets: much, ACLBuffers: much, ACLLength: much, PDULength: much, AcceptListSize: much, Links: much}.withDefaults()
	if high.CommandPackets != 255 || high.ACLBuffers != 255 || high.ACLLength != 1021 || high.PDULength != 251 || high.AcceptListSize != 255 || high.Links != maxLinks {
		t.Errorf("%+v", high)
	}
}

func TestNamesAndAddresses(t *testing.T) {
	air := NewAir(AirConfig{})
	a, b := air.NewController(ControllerConfig{}), air.NewController(ControllerConfig{Name: "b"})
	if a.Address() == b.Address() || a.name != "02:4A:4C:00:00:01" || b.name != "b" {
		t.Errorf("%v %v, %v %v", a, a.Address(), b, b.Address())
	}
}
