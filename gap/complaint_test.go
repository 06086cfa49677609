package gap_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/gatt"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/smp"
)

// Complaint 15: a peripheral never learns of the end of a connection, subscriptions linger, and it does not advertise again.
// Each connection is told of from beginning to end; a stranger's subscription ends with it, that of a bonded peer
// comes back with it, and not before; and the next peer finds the peripheral as the first did.
func TestPeripheralThroughConnections(t *testing.T) {
	for _, level := range []smp.Level{smp.LevelNone, smp.LevelEncrypted} {
		t.Run(level.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x := newAcquainted(t)
				defer x.close()
				var subscribed []bool
				x.reading.Permissions = gatt.Permissions{}
				x.reading.Subscribed = func(_ *gatt.ServerConn, notify, _ bool) { subscribed = append(subscribed, notify) }
				x.stop()
				x.start(t)
				_ = x.peripheral.Close()
				var log eventLog
				x.security[1].Store = x.bonds[1]
				var err error
				if x.peripheral, err = gap.Open(t.Context(), x.radios[1].Conn(), gap.Config{Security: x.security[1], Server: x.server, Events: log.add}); err != nil {
					t.Fatal(err)
				}
				for i := range 3 {
					central, peripheral := x.connect(t, level)
					rest()
					if again := i > 0 && level > smp.LevelNone; (x.server.Subscribers(x.reading) == 1) != again {
						t.Errorf("connection %d: %d subscribers", i, x.server.Subscribers(x.reading))
					}
					if err := central.Client().Write(t.Context(), cccdOf(t, central, x.reading.UUID), []byte{1, 0}); err != nil {
						t.Error(err)
					}
					x.radios[0].DropLinks(hci.ConnectionTimeout)
					<-central.Ended()
					<-peripheral.Ended()
					if n := x.server.Subscribers(x.reading); n != 0 {
						t.Errorf("connection %d has ended: %d subscribers", i, n)
					}
				}
				rest()
				if want := []bool{true, false, true, false, true, false}; fmt.Sprint(subscribed) != fmt.Sprint(want) {
					t.Errorf("subscribed: %v", subscribed)
				}
				if n, m := log.count(is[gap.Connected]), log.count(is[gap.Disconnected]); n != 3 || m != 3 {
					t.Errorf("%d connections began, %d ended", n, m)
				}
				if n := log.count(func(d any) bool {
					e, ok := d.(gap.Disconnected)
					return ok && errors.Is(e.Err, hci.ConnectionTimeout) && errors.Is(e.Err, net.ErrClosed)
				}); n != 3 {
					t.Errorf("%d ended by their reason", n)
				}
			})
		})
	}
}

// Complaint 16: long writes fail, and the MTU is wrong. It is the smaller of what both sides take (Vol 3, Part F, 3.4.2.2), and
// values of any length get through whole, both ways, whatever it is.
func TestLongValuesAtEveryMTU(t *testing.T) {
	for _, c := range []struct{ central, peripheral, want int }{
		{23, 517, 23}, {517, 23, 23}, {0, 0, 517}, {185, 247, 185}, {247, 185, 185},
	} {
		t.Run(fmt.Sprint(c.central, " and ", c.peripheral), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x := newAcquainted(t)
				defer x.close()
				long := &gatt.Characteristic{UUID: gatt.ModelNumber, Properties: gatt.Read | gatt.Write}
				x.services = []*gatt.Service{{UUID: gatt.DeviceInformation, Characteristics: []*gatt.Characteristic{long}}}
				x.stop()
				x.start(t)
				x.stop()
				var err error
				if x.central, err = gap.Open(t.Context(), x.radios[0].Conn(), gap.Config{MTU: c.central}); err != nil {
					t.Fatal(err)
				}
				if x.peripheral, err = gap.Open(t.Context(), x.radios[1].Conn(), gap.Config{MTU: c.peripheral, Server: x.server}); err != nil {
					t.Fatal(err)
				}
				central, peripheral := x.connect(t, smp.LevelNone)
				defer part(central, peripheral)
				if n := central.Client().MTU(); n != c.want {
					t.Errorf("MTU %d, want %d", n, c.want)
				}
				handle := x.server.Handle(long)
				for _, n := range []int{0, 1, c.want - 4, c.want - 3, c.want - 2, 511, 512} {
					value := bytes.Repeat([]byte{byte(n)}, min(n, 512))
					if err := central.Client().Write(t.Context(), handle, value); err != nil {
						t.Errorf("write %d octets: %v", n, err)
					}
					if got := x.server.Value(long); !bytes.Equal(got, value) {
						t.Errorf("of %d octets %d were written", n, len(got))
					}
					if got, err := central.Client().Read(t.Context(), handle); err != nil || !bytes.Equal(got, value) {
						t.Errorf("of %d octets %d were read, %v", n, len(got), err)
					}
				}
				if err := central.Client().Write(t.Context(), handle, make([]byte, 513)); !errors.Is(err, att.ErrInvalidAttributeValueLength) {
					t.Errorf("write 513 octets: %v", err)
				}
			})
		})
	}
}

// Complaint 22: a read or write never returns. A peer that does not answer ends the link after 30 s, which is the error of the
// request and the reason of the end (Vol 3, Part F, 3.3.3).
func TestPeerThatDoesNotAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, err := gap.Open(t.Context(), newTrivial(), gap.Config{MTU: 23})
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		c, err := h.Connect(t.Context(), oximeter, gap.ConnectConfig{})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if _, err := c.Client().Read(t.Context(), valueHandle+10); !errors.Is(err, att.ErrTimeout) {
			t.Errorf("read: %v", err)
		}
		if took := time.Since(began); took != att.TransactionTimeout {
			t.Errorf("it took %v", took)
		}
		<-c.Ended()
		if !errors.Is(c.Err(), att.ErrTimeout) || !errors.Is(c.Err(), net.ErrClosed) {
			t.Errorf("the link ended by %v", c.Err())
		}
		if err := c.Client().Write(t.Context(), valueHandle, []byte{1}); !errors.Is(err, net.ErrClosed) {
			t.Errorf("write: %v", err)
		}
	})
}
