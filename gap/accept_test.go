package gap_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/transport"
	"github.com/jelling-ble/jelling/transport/virtual"
)

// Of many that advertise, a Scan that says so hears those of the accept list, and the controller drops the others where no
// Scan wants them.
func TestScanByAcceptList(t *testing.T) {
	for _, version := range []uint8{0, core42} {
		synctest.Test(t, func(t *testing.T) {
			var commands commandLog
			p := newPair(t, pairConfig{tap: commands.tap, radio: virtual.ControllerConfig{Version: version}})
			defer p.close()
			third, err := gap.Open(t.Context(), p.air.NewController(virtual.ControllerConfig{}).Conn(), gap.Config{})
			if err != nil {
				t.Fatal(err)
			}
			defer third.Close()
			for _, h := range []*gap.Host{p.peripheral, third} {
				defer advertising(t, h, gap.AdvertiseConfig{NonConnectable: true}).Close()
			}
			heard := func(cfg gap.ScanConfig) (all []hci.Address) {
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				for a, err := range p.central.Scan(ctx, cfg) {
					if err != nil {
						t.Fatal(err)
					}
					all = append(all, a.Identity)
				}
				return all
			}
			byController := func() bool {
				op, at := hci.OpLESetExtendedScanParameters, 2 // where the policy is, in hexadecimal
				if version == core42 {
					op, at = hci.OpLESetScanParameters, 12
				}
				return commands.last(op)[at:at+2] == "01"
			}
			accepted := gap.ScanConfig{Accepted: true}
			if all := heard(accepted); len(all) != 0 {
				t.Errorf("without a list: %v", all)
			}
			if err := p.central.SetAcceptList(t.Context(), []hci.Address{peripheralAddress}); err != nil {
				t.Fatal(err)
			}
			if all := heard(accepted); len(all) != 1 || all[0] != peripheralAddress || !byController() {
				t.Errorf("with a list: %v, by the controller: %v", all, byController())
			}
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan struct{})
			go func() { defer close(ended); _, _ = p.counts(ctx, gap.ScanConfig{}) }()
			synctest.Wait()
			if all := heard(accepted); len(all) != 1 || all[0] != peripheralAddress || byController() {
				t.Errorf("beside another Scan: %v, by the controller: %v", all, byController())
			}
			cancel()
			<-ended
			go func() {
				time.Sleep(time.Second)
				if err := p.central.SetAcceptList(t.Context(), []hci.Address{third.Identity()}); err != nil {
					t.Error(err)
				}
			}()
			if all := heard(accepted); len(all) != 2 || all[1] != third.Identity() {
				t.Errorf("with a list that changes: %v", all)
			}
			if err := p.central.SetAcceptList(t.Context(), make([]hci.Address, 9)); !errors.Is(err, hci.MemoryCapacityExceeded) {
				t.Errorf("more than there is room for: %v", err)
			}
		})
	}
}

// Only who is in the list connects, after a recovery too.
func TestAdvertiseByAcceptList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, pairConfig{})
		defer p.close()
		radio := p.air.NewController(virtual.ControllerConfig{})
		h, err := gap.Open(t.Context(), radio.Conn(), gap.Config{Recovery: gap.Recovery{Rungs: []gap.Rung{{Name: "reopen", Open: func(context.Context) (transport.Conn, error) { return radio.Conn(), nil }}}}})
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		if err := h.SetAcceptList(t.Context(), []hci.Address{p.central.Identity()}); err != nil {
			t.Fatal(err)
		}
		started := make(chan struct{}, 8)
		a, err := h.NewAdvertising(t.Context(), gap.AdvertiseConfig{Accepted: true, Started: func() { started <- struct{}{} }})
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		<-started
		// A central takes a connection for made when it has asked for it: whether it was is seen from here.
		try := func(central *gap.Host) error {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			go func() { _, _ = central.Connect(ctx, h.Identity(), gap.ConnectConfig{NoGATT: true}) }()
			c, err := a.Accept(ctx)
			if err == nil {
				if c.OnAir() != central.Identity() {
					t.Errorf("%v has connected", c.OnAir())
				}
				c.Disconnect(hci.RemoteUserTerminatedConnection)
			}
			return err
		}
		for range 2 {
			if err := try(p.peripheral); err == nil {
				t.Error("somebody else has connected")
			}
			if err := try(p.central); err != nil {
				t.Error(err)
			}
			for len(started) > 0 {
				<-started
			}
			radio.Unplug()
			<-started
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := h.SetAcceptList(ctx, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("with a context that is over: %v", err)
		}
	})
}
