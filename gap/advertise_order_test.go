package gap_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/transport/virtual"
)

// A peripheral that advertises again as soon as a connection has ended tells of the end first, however slow whoever is told is.
func TestStartedComesInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, pairConfig{})
		defer p.close()
		var order []string
		radio := p.air.NewController(virtual.ControllerConfig{})
		h, err := gap.Open(t.Context(), radio.Conn(), gap.Config{Events: func(e gap.Event) {
			time.Sleep(time.Second)
			order = append(order, fmt.Sprintf("%T", e.Detail))
		}})
		if err != nil {
			t.Fatal(err)
		}
		cfg := gap.AdvertiseConfig{Restart: gap.RestartWhenFree, Started: func() { order = append(order, "started") }}
		a, err := h.NewAdvertising(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			ours, err := p.central.Connect(t.Context(), radio.Address(), gap.ConnectConfig{NoGATT: true})
			if err != nil {
				t.Fatal(err)
			}
			c, err := a.Accept(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			c.Disconnect(hci.RemoteUserTerminatedConnection)
			<-c.Ended()
			<-ours.Ended() // until then there is one to that peer
		}
		synctest.Wait() // it advertises again
		if err := h.Close(); err != nil {
			t.Error(err)
		}
		order = slices.DeleteFunc(order, func(s string) bool { return s != "started" && s != "gap.Connected" && s != "gap.Disconnected" })
		if want := []string{"started", "gap.Connected", "gap.Disconnected", "started", "gap.Connected", "gap.Disconnected", "started"}; !slices.Equal(order, want) {
			t.Errorf("%v, want\n%v", order, want)
		}
	})
}
