package gap_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/gatt"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/l2cap"
	"github.com/jelling-ble/jelling/smp"
)

// The counters of every layer, from the controller's packets to the values that a subscriber was given.
func TestStats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, pairConfig{})
		defer p.close()
		before, err := p.central.Stats()
		if err != nil || len(before.Connections) != 0 || before.Controller.Received != before.Controller.Sent || before.Controller.Commands == 0 {
			t.Errorf("%+v, %v", before, err)
		}
		central, peripheral, err := p.connect(t.Context(), gap.ConnectConfig{Security: smp.LevelEncrypted})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.subscribe(t.Context(), central, func([]byte) {}); err != nil {
			t.Fatal(err)
		}
		for range 5 {
			if err := peripheral.Server().Notify(t.Context(), p.reading, []byte{1}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second)
		s, err := p.central.Stats()
		if err != nil || len(s.Connections) != 1 || s.Controller.Connections != 1 {
			t.Fatalf("%+v, %v", s, err)
		}
		c := s.Connections[0]
		if c.Peer != p.peripheral.Identity() || c.OnAir.IsZero() || c.GATT != (gatt.ClientStats{Values: 5}) || c.ATT != (att.Stats{}) || c.L2CAP != (l2cap.Statistics{}) {
			t.Errorf("%+v", c)
		}
		other, err := p.peripheral.Stats()
		if err != nil || other.Controller.Sent.Octets != s.Controller.Received.Octets || other.Controller.Received.Octets != s.Controller.Sent.Octets {
			t.Errorf("sent %+v, the other received %+v, %v", s.Controller, other.Controller, err)
		}
		central.Disconnect(hci.RemoteUserTerminatedConnection)
		<-central.Ended()
		if s, err := p.central.Stats(); err != nil || len(s.Connections) != 0 || s.EventsLost+s.ReportsDropped != 0 {
			t.Errorf("%+v, %v", s, err)
		}
		_ = p.central.Close()
		if _, err := p.central.Stats(); err == nil {
			t.Error("a host that is closed has no controller to ask")
		}
	})
}
