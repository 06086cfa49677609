package gap_test

import (
	"bytes"
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/transport/virtual"
)

// Complaint 19: a peripheral that is far away advertises on LE Coded alone, and more than 31 octets of it. It is heard by
// whoever listens there, with all of it, connected to there, and by nobody else.
func TestExtendedAdvertisingOnCodedPHY(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, pairConfig{})
		defer p.close()
		long := append([]byte{0xFF, 0xFF}, bytes.Repeat([]byte("far away "), 25)...)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		accepted := make(chan *gap.Conn, 1)
		go func() {
			c, err := p.peripheral.Advertise(ctx, gap.AdvertiseConfig{Extended: true, PrimaryPHY: hci.LECoded, Interval: 50 * time.Millisecond, Payload: gap.Payload{Manufacturer: long}})
			if err != nil {
				t.Error(err)
			}
			accepted <- c
		}()
		if a, heard := hear(t, p.central, gap.ScanConfig{}); heard {
			t.Errorf("heard on LE 1M: %+v", a)
		}
		a, heard := hear(t, p.central, gap.ScanConfig{PHYs: hci.PHYsOf(hci.LECoded)})
		if !heard || a.Legacy || a.Truncated || !a.Connectable || a.PrimaryPHY != hci.LECoded || !bytes.Contains(a.Data, long) {
			t.Errorf("heard %v: %+v", heard, a)
		}
		if _, err := p.central.Connect(t.Context(), peripheralAddress, gap.ConnectConfig{Patience: 10 * time.Second}); err == nil {
			t.Error("connected on LE 1M")
		}
		h, err := gap.Open(t.Context(), p.air.NewController(virtual.ControllerConfig{}).Conn(), gap.Config{Connect: driver.ConnectParameters{PHYs: hci.PHYsOf(hci.LECoded)}})
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		c, err := h.Connect(t.Context(), peripheralAddress, gap.ConnectConfig{Patience: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		if phy, err := c.Link().PHY(t.Context()); err != nil || phy.TX != hci.LECoded || phy.RX != hci.LECoded {
			t.Errorf("%+v, %v", phy, err)
		}
		if _, err := p.subscribe(t.Context(), c, func([]byte) {}); err != nil {
			t.Error(err)
		}
		part(c, <-accepted)
	})
}

// hear scans for ten seconds, or until the peripheral is heard.
func hear(t *testing.T, h *gap.Host, cfg gap.ScanConfig) (gap.Advertisement, bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for a, err := range h.Scan(ctx, cfg) {
		if err != nil {
			t.Fatal(err)
		}
		if a.Address == peripheralAddress {
			return a, true
		}
	}
	return gap.Advertisement{}, false
}
