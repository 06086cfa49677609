package gatt_test

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/jelling-ble/jelling/att/atttest"
	"github.com/jelling-ble/jelling/gatt"
)

// The peer is to be slowed when more than half of the queue is taken, once, until it is a little less.
func TestThrottle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const header, size = 8, 12
		var told []bool
		conn, peer := script(t, atttest.Options{}, gatt.Config{Queue: 100 * (header + size), Throttle: func(on bool) { told = append(told, on) }})
		turn, handled := make(chan struct{}), 0
		subscribed(t, conn, peer, gatt.Notify, 9, func([]byte) { <-turn; handled++ })
		want := func(when string, list ...bool) {
			t.Helper()
			if synctest.Wait(); fmt.Sprint(told) != fmt.Sprint(list) {
				t.Errorf("%s: told %v, want %v", when, told, list)
			}
		}
		send := func(n int) {
			for range n {
				peer.Send("1b 0900 000102030405060708090a0b")
			}
			synctest.Wait()
		}
		handle := func(n int) {
			for range n {
				turn <- struct{}{}
			}
			synctest.Wait()
		}
		send(50)
		want("half full")
		send(1)
		want("more", true)
		send(20)
		want("and more", true)
		handle(22)
		want("49 left", true)
		handle(1)
		want("48 left", true, false)
		send(3)
		want("51 again", true, false, true)
		handle(51)
		want("empty", true, false, true, false)
	})
}

// The values of a subscription that is closed do not keep the peer slow.
func TestThrottleEndsWithTheSubscription(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := false
		conn, peer := script(t, atttest.Options{}, gatt.Config{Queue: 1000, Throttle: func(on bool) { slow = on }})
		turn := make(chan struct{})
		s := subscribed(t, conn, peer, gatt.Notify, 9, func([]byte) { <-turn })
		for range 70 {
			peer.Send("1b 0900 00")
		}
		if synctest.Wait(); !slow {
			t.Error("nobody was told")
		}
		done := background(func() error { return s.Close(bg) })
		peer.Want("12 0a00 0000")
		peer.Send("13")
		wantNil(t, <-done)
		close(turn)
		if synctest.Wait(); slow {
			t.Error("slow with nothing to handle")
		}
	})
}
