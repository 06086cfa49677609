package gatt_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/att/atttest"
	"github.com/jelling-ble/jelling/gatt"
)

// Complaint 18: both roles on one link, at the same time, and one from within the other.
func TestBothRolesOnOneLink(t *testing.T) {
	echo := func(t *testing.T) (*gatt.Server, *gatt.Characteristic, *gatt.Characteristic) {
		value := &gatt.Characteristic{UUID: gatt.HeartRateMeasurement, Properties: gatt.Notify | gatt.Write}
		other := &gatt.Characteristic{UUID: gatt.ModelNumber, Properties: gatt.Read}
		return bare(t, value, other), value, other
	}
	serverA, valueA, _ := echo(t)
	serverB, valueB, _ := echo(t)
	a, b := pair(t, atttest.Options{}, gatt.Config{Server: serverA}, gatt.Config{Server: serverB})
	const count = 300
	run := func(client *gatt.Client, server *gatt.Server, ch *gatt.Characteristic) error {
		seen := 0
		done := make(chan struct{})
		_, err := client.Subscribe(bg, remote(gatt.Notify, 3), func(v []byte) {
			if _, err := client.Read(bg, 6); err != nil {
				t.Error(err)
			}
			if seen++; seen == count {
				close(done)
			}
		})
		if err != nil {
			return err
		}
		for i := range count {
			if err := client.Write(bg, 3, []byte{byte(i)}); err != nil {
				return err
			}
			for server.Subscribers(ch) == 0 { // the peer subscribes in its own time
				if err := client.Write(bg, 3, []byte{byte(i)}); err != nil {
					return err
				}
			}
			if err := server.Notify(bg, ch, []byte{byte(i)}); err != nil {
				return err
			}
		}
		<-done
		return nil
	}
	there := background(func() error { return run(a.Client(), serverA, valueA) })
	back := background(func() error { return run(b.Client(), serverB, valueB) })
	wantNil(t, <-there)
	wantNil(t, <-back)
	if stats := a.ATT().Stats(); stats != (att.Stats{}) {
		t.Errorf("stats %+v", stats)
	}
}

func TestFunctionMayAskThePeer(t *testing.T) {
	var conn *gatt.Conn
	proxy := &gatt.Characteristic{UUID: gatt.ModelNumber, Properties: gatt.Read, Read: func(ctx context.Context, _ *gatt.ServerConn) ([]byte, error) {
		return conn.Client().Read(ctx, 3)
	}}
	origin := &gatt.Characteristic{UUID: gatt.ModelNumber, Properties: gatt.Read, Value: longValue}
	var peer *gatt.Conn
	conn, peer = pair(t, atttest.Options{}, gatt.Config{Server: bare(t, proxy)}, gatt.Config{Server: bare(t, origin)})
	value, err := peer.Client().Read(bg, 3)
	if err != nil || !bytes.Equal(value, longValue) {
		t.Errorf("%x, %v", value, err)
	}
}

func TestConnWithoutAServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, peer := script(t, atttest.Options{}, gatt.Config{})
		if conn.Server() != nil {
			t.Error("a server out of nothing")
		}
		for _, s := range []step{
			{"02 0002", "03 0502"},
			{"0a 0100", "01 0a 0100 01"},
			{"10 0100 ffff 0028", "01 10 0100 0a"},
			{"12 0100 00", "01 12 0100 06"},
		} {
			peer.Ask(s.ask, s.want)
		}
		if conn.Err() != nil {
			t.Errorf("ended with %v", conn.Err())
		}
		peer.Bearer().Disconnect(net.ErrClosed)
		conn.Wait()
		conn.Wait()
		if !errors.Is(conn.Err(), net.ErrClosed) {
			t.Errorf("ended with %v", conn.Err())
		}
	})
}

// A function that takes its time holds up its own client, and ends with the link.
func TestSlowFunction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := bare(t,
			&gatt.Characteristic{UUID: gatt.ModelNumber, Properties: gatt.Read, Read: func(ctx context.Context, _ *gatt.ServerConn) ([]byte, error) {
				<-ctx.Done()
				return nil, context.Cause(ctx)
			}},
			&gatt.Characteristic{UUID: gatt.BatteryLevel, Properties: gatt.Read | gatt.Notify, Value: []byte{0x64}})
		slow, slowPeer := script(t, atttest.Options{}, gatt.Config{Server: server})
		_, peer := script(t, atttest.Options{}, gatt.Config{Server: server})
		slowPeer.Ask("12 0600 0100", "13")
		slowPeer.Send("0a 0300")
		slowPeer.WantNothing()
		peer.Ask("0a 0500", "0b 64")
		select {
		case <-slow.Server().Done():
			t.Error("ended")
		default:
		}
		slowPeer.Bearer().Disconnect(errors.New("gone"))
		slow.Wait()
		<-slow.Server().Done()
		peer.Ask("0a 0500", "0b 64")
	})
}

// The end of a link tells the functions that have to know, also when one of them is under way.
func TestTheEndComesAfterTheLastFunction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var order []string
		server := bare(t, &gatt.Characteristic{
			UUID: gatt.BatteryLevel, Properties: gatt.Read | gatt.Notify,
			Read: func(ctx context.Context, _ *gatt.ServerConn) ([]byte, error) {
				<-ctx.Done()
				time.Sleep(time.Second) // it has things to put away
				order = append(order, "read")
				return nil, nil
			},
			Subscribed: func(_ *gatt.ServerConn, notify, _ bool) {
				order = append(order, map[bool]string{true: "on", false: "off"}[notify])
			},
		})
		conn, peer := script(t, atttest.Options{}, gatt.Config{Server: server})
		peer.Ask("12 0400 0100", "13")
		peer.Send("0a 0300")
		peer.WantNothing()
		peer.Bearer().Disconnect(errors.New("gone"))
		conn.Wait()
		if len(order) != 3 || order[0] != "on" || order[1] != "read" || order[2] != "off" {
			t.Errorf("order %q", order)
		}
	})
}
