package gap_test

import (
	"runtime"
	"testing"
	"testing/synctest"

	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/smp"
	"github.com/jelling-ble/jelling/transport/virtual"
)

// Two hundred connections, each secured, streamed over and ended, leave nothing behind: no goroutine, no
// credit, no entry in a table (complaints 3, 10 and 26).
func TestTwoHundredCycles(t *testing.T) {
	for name, cfg := range map[string]pairConfig{
		"bonded":     {central: smp.Config{Policy: smp.Policy{Bonding: smp.BondAlways}}},
		"no bond":    {central: smp.Config{Policy: smp.Policy{Bonding: smp.BondNever}}},
		"legacy":     {central: smp.Config{Policy: smp.Policy{SecureConnections: smp.SecureConnectionsOff}}},
		"one buffer": {radio: virtual.ControllerConfig{ACLBuffers: 1, ACLLength: 27}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPair(t, cfg)
				defer p.close()
				cycle(t, p)
				synctest.Wait()
				goroutines := runtime.NumGoroutine()
				for range 199 {
					cycle(t, p)
				}
				synctest.Wait()
				if n := goroutinesLeft(goroutines); n > goroutines+5 { // the runtime has one of its own now and then
					t.Errorf("%d goroutines after the last cycle, %d after the first", n, goroutines)
				}
				if n := p.log.count(is[gap.Encrypted]); n != 200 {
					t.Errorf("%d of 200 connections were encrypted", n)
				}
				for i, h := range []*gap.Host{p.central, p.peripheral} {
					if free, total := h.Controller().Credits(); free != total {
						t.Errorf("host %d has %d of %d credits", i, free, total)
					}
					if n, err := h.Controller().Connections(); n != 0 || err != nil || len(h.Conns()) != 0 {
						t.Errorf("host %d has %d connections in the driver (%v), %d in gap", i, n, err, len(h.Conns()))
					}
					if c := p.radios[i].Counters(); c.ACLOverCredit != 0 || c.CommandsOverCredit != 0 || c.Malformed != 0 || c.ACLBuffered != 0 || c.Links != 0 {
						t.Errorf("host %d did wrong by its controller: %+v", i, c)
					}
				}
			})
		})
	}
}

// cycle is one connection with a few values.
func cycle(t *testing.T, p *pair) {
	t.Helper()
	central, peripheral, err := p.connect(t.Context(), gap.ConnectConfig{Security: smp.LevelEncrypted})
	if err != nil {
		t.Fatal(err)
	}
	values := make(chan byte, 8)
	if _, err := p.subscribe(t.Context(), central, func(v []byte) { values <- v[0] }); err != nil {
		t.Fatal(err)
	}
	for i := range byte(5) {
		if err := peripheral.Server().Notify(t.Context(), p.reading, []byte{i}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range byte(5) {
		if v := <-values; v != i {
			t.Errorf("value %d, want %d", v, i)
		}
	}
	central.Disconnect(hci.RemoteUserTerminatedConnection)
	<-peripheral.Ended()
}
