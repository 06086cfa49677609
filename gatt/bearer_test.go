package gatt_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/att/atttest"
	"github.com/jelling-ble/jelling/gatt"
)

// widen adds an enhanced bearer to a link, with a scripted peer at its far end.
func widen(t testing.TB, c *gatt.Conn) *atttest.Peer {
	t.Helper()
	near, far := atttest.NewBearers(atttest.Options{Enhanced: true, MaxMTU: 64, Security: encrypted})
	b, err := c.AddBearer(near, nil)
	wantNil(t, err)
	near.Attach(b)
	t.Cleanup(func() {
		near.Disconnect(net.ErrClosed)
		near.Wait()
	})
	return atttest.NewPeer(t, far)
}

// L2CAP and ATT as of EATT: a request does not wait for another (Vol 3, Part G, 5.4), and the first bearer is preferred.
func TestRequestsGoWhereTheFewestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, first := script(t, atttest.Options{Security: encrypted}, gatt.Config{})
		second, third := widen(t, conn), widen(t, conn)
		read := func() <-chan error {
			done := background(func() error {
				value, err := conn.Client().Read(bg, 0x0003)
				if err == nil && len(value) != 1 {
					err = errors.New("not one octet")
				}
				return err
			})
			synctest.Wait()
			return done
		}
		a, b, c, d := read(), read(), read(), read()
		for _, p := range []*atttest.Peer{second, third, first} {
			p.Want("0a0300")
		}
		second.WantNothing()
		second.Send("0b01")
		wantNil(t, <-b)
		third.Send("0b02")
		wantNil(t, <-c)
		first.Send("0b03")
		wantNil(t, <-a)
		first.Want("0a0300") // had queued behind the first
		first.Send("0b04")
		wantNil(t, <-d)
		e := read()
		first.Want("0a0300")
		first.Send("0b05")
		wantNil(t, <-e)
	})
}

// A long value is read and written on one bearer, with the MTU of that (Vol 3, Part F, 3.2.8).
func TestLongValuesStayOnOneBearer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, first := script(t, atttest.Options{Security: encrypted}, gatt.Config{})
		second := widen(t, conn)
		busy := background(func() error { _, err := conn.Client().Read(bg, 0x0001); return err })
		first.Want("0a0100")
		value := make([]byte, 70)
		written := background(func() error { return conn.Client().Write(bg, 0x0005, value) })
		for _, part := range []struct {
			offset string
			octets int
		}{{"0000", 59}, {"3b00", 11}} {
			var pdu strings.Builder
			pdu.WriteString("160500" + part.offset)
			for range part.octets {
				pdu.WriteString("00")
			}
			second.Want(pdu.String())
			second.Send("17" + pdu.String()[2:])
		}
		second.Want("1801")
		second.Send("19")
		wantNil(t, <-written)
		first.Send("0b")
		wantNil(t, <-busy)
	})
}

// A client has one prepare queue, whatever the bearer: all that it holds is executed (Vol 3, Part F, 3.4.6.3).
func TestPrepareQueueOfSeveralBearers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := bare(t, &gatt.Characteristic{UUID: gatt.HeartRateMeasurement, Properties: gatt.Read | gatt.Write, Value: []byte{1}})
		conn, first := script(t, atttest.Options{Security: encrypted}, gatt.Config{Server: s})
		second := widen(t, conn)
		first.Ask("1603000000aa", "1703000000aa")
		second.Ask("1603000100bb", "1703000100bb")
		first.Ask("1801", "19")
		second.Ask("0a0300", "0baabb")
		second.Ask("1801", "19") // nothing is left
		first.Ask("1603000000cc", "1703000000cc")
		second.Ask("1800", "19")
		first.Ask("1801", "19")
		first.Ask("0a0300", "0baabb")
		// The MTU is not exchanged there (Vol 3, Part F, 3.4.2).
		second.Ask("020001", "0102000006")
		first.Ask("020001", "030502")
	})
}

// Each bearer is told once that the client does not know the database; with several, only the hash or a confirmation shows that it does
// (Vol 3, Part G, 2.5.2.1).
func TestUnsynchronizedDatabaseOnSeveralBearers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		conn, first := s.visit(t)
		second := widen(t, conn)
		first.Ask("12 "+shopFeatures+" 03", "13")
		s.open(t)
		first.Ask("0a "+shopRate, "01 0a "+shopRate+" 12")
		second.Ask("0a "+shopRate, "01 0a "+shopRate+" 12")
		first.Ask("0a "+shopRate, "0b 0048") // once for each
		second.Ask("0a "+shopRate, "0b 0048")
		first.Send("52 " + shopRate + " 0049") // a command of one that still does not know
		first.WantNothing()
		first.Ask("0a "+shopRate, "0b 0048")
		s.clear(t)
		second.Ask("0a "+shopRate, "01 0a "+shopRate+" 12") // changed again
		second.Ask("08 0100 ffff 2a2b", "09 12 0d00"+s.hash())
		first.Ask("0a "+shopRate, "0b 0048") // it was never told, and knows
		first.Send("52 " + shopRate + " 0049")
		first.WantNothing()
		second.Ask("0a "+shopRate, "0b 0049")
	})
}

// An indication does not wait for another's confirmation; values of one bearer and the other reach one handler.
func TestIndicationsOnSeveralBearers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ch := &gatt.Characteristic{UUID: gatt.HeartRateMeasurement, Properties: gatt.Indicate}
		s := bare(t, ch)
		conn, first := script(t, atttest.Options{Security: encrypted}, gatt.Config{Server: s})
		second := widen(t, conn)
		second.Ask("1204000200", "13")
		a := background(func() error { return conn.Server().Indicate(bg, ch, []byte{1}) })
		first.Want("1d030001")
		b := background(func() error { return conn.Server().Indicate(bg, ch, []byte{2}) })
		second.Want("1d030002")
		second.Send("1e")
		wantNil(t, <-b)
		first.Send("1e")
		wantNil(t, <-a)
		got := make(chan byte, 2)
		remote := gatt.RemoteCharacteristic{UUID: gatt.HeartRateMeasurement, Properties: gatt.Notify, ValueHandle: 0x0103,
			Descriptors: []gatt.RemoteDescriptor{{UUID: gatt.ClientCharacteristicConfiguration, Handle: 0x0104}}}
		_, err := conn.Client().Resume(remote, func(value []byte) { got <- value[0] })
		wantNil(t, err)
		first.Send("1b030107")
		if v := <-got; v != 7 {
			t.Errorf("%d", v)
		}
		second.Ask("1d030108", "1e")
		if v := <-got; v != 8 {
			t.Errorf("%d", v)
		}
	})
}

// A bearer that ends takes its request along and nothing else; the first one's end is that of all.
func TestEndOfABearer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, first := script(t, atttest.Options{Security: encrypted}, gatt.Config{})
		second := widen(t, conn)
		third := widen(t, conn)
		read := func() <-chan error {
			done := background(func() error { _, err := conn.Client().Read(bg, 0x0003); return err })
			synctest.Wait()
			return done
		}
		a, b := read(), read()
		first.Want("0a0300")
		second.Want("0a0300")
		time.Sleep(time.Second)
		first.Send("0b")
		wantNil(t, <-a)
		// 30 s without an answer: the second bearer is given up (Vol 3, Part F, 3.3.3), the link is not. A read is repeated there; of a
		// write nobody knows whether it was done.
		w := background(func() error { return conn.Client().Write(bg, 0x0005, []byte{1}) })
		synctest.Wait()
		first.Want("12050001")
		first.Send("13")
		wantNil(t, <-w)
		first.Want("0a0300")
		first.Send("0b")
		wantNil(t, <-b)
		busy := read()
		first.Want("0a0300")
		w = background(func() error { return conn.Client().Write(bg, 0x0005, []byte{2}) })
		synctest.Wait()
		third.Want("12050002")
		third.Bearer().Disconnect(net.ErrClosed)
		if err := <-w; !errors.Is(err, net.ErrClosed) {
			t.Errorf("a write whose bearer has ended: %v", err)
		}
		first.Send("0b")
		wantNil(t, <-busy)
		third = widen(t, conn)
		synctest.Wait()
		if n := conn.Bearers(); n != 2 || conn.Err() != nil || second.Bearer().Err() == nil {
			t.Errorf("%d bearers, %v, %v", n, conn.Err(), second.Bearer().Err())
		}
		c := read()
		first.Want("0a0300")
		first.Send("0b")
		wantNil(t, <-c)
		first.Bearer().Disconnect(net.ErrClosed)
		synctest.Wait()
		if third.Bearer().Err() == nil {
			t.Error("a bearer has outlived its link")
		}
		near, _ := atttest.NewBearers(atttest.Options{Enhanced: true})
		if _, err := conn.AddBearer(near, nil); !errors.Is(err, net.ErrClosed) {
			t.Errorf("a bearer of a link that has ended: %v", err)
		}
	})
}

// Server Supported Features and Client Supported Features (Vol 3, Part G, 7.2, 7.4).
func TestOffersEnhanced(t *testing.T) {
	for _, c := range []struct {
		name   string
		script [][2]string // what the client asks, and the answer
		want   bool
	}{
		{"no such characteristic", [][2]string{{"08 0100 ffff 3a2b", "01 08 0100 0a"}}, false},
		{"not offered", [][2]string{{"08 0100 ffff 3a2b", "09 03 1000 02"}}, false},
		{"no octets", [][2]string{{"08 0100 ffff 3a2b", "09 02 1000"}}, false},
		{"nowhere to tell", [][2]string{{"08 0100 ffff 3a2b", "09 03 1000 01"}, {"08 0100 ffff 292b", "01 08 0100 0a"}}, false},
		{"told", [][2]string{{"08 0100 ffff 3a2b", "09 03 1000 01"}, {"08 0100 ffff 292b", "09 03 0c00 01"}, {"12 0c00 03", "13"}}, true},
		{"told before", [][2]string{{"08 0100 ffff 3a2b", "09 03 1000 01"}, {"08 0100 ffff 292b", "09 03 0c00 07"}}, true},
		{"octets to come", [][2]string{{"08 0100 ffff 3a2b", "09 04 1000 0180"}, {"08 0100 ffff 292b", "09 04 0c00 0080"}, {"12 0c00 0280", "13"}}, true},
		{"refused", [][2]string{{"08 0100 ffff 3a2b", "09 03 1000 01"}, {"08 0100 ffff 292b", "09 03 0c00 00"}, {"12 0c00 02", "01 12 0c00 13"}}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn, peer := script(t, atttest.Options{}, gatt.Config{Enhanced: true})
				var got bool
				done := background(func() (err error) { got, err = conn.Client().OffersEnhanced(bg); return err })
				for _, line := range c.script {
					peer.Want(line[0])
					peer.Send(line[1])
				}
				wantNil(t, <-done)
				if got != c.want {
					t.Errorf("%v, want %v", got, c.want)
				}
				peer.WantNothing()
			})
		})
	}
}

// Who wants no enhanced bearers asks nothing, and a server says that it has them.
func TestOffersEnhancedByConfig(t *testing.T) {
	conn, _ := script(t, atttest.Options{}, gatt.Config{})
	if offered, err := conn.Client().OffersEnhanced(bg); offered || err != nil {
		t.Error(offered, err)
	}
	_, client := script(t, atttest.Options{}, gatt.Config{Server: newServer(t, gatt.ServerConfig{Enhanced: true})})
	client.Ask("08 0100 ffff 3a2b", "09 03 0f00 01")
	conn, _ = script(t, atttest.Options{}, gatt.Config{Enhanced: true})
	ctx, cancel := context.WithCancel(bg)
	cancel()
	if _, err := conn.Client().OffersEnhanced(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
