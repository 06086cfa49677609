package gatt_test

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/att/atttest"
	"github.com/jelling-ble/jelling/gatt"
)

// A value that may not be the server's reaches no handler; one that is indicated is confirmed, for the server need not
// suffer for it.
func TestBelieve(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		believe := false
		conn, peer := script(t, atttest.Options{}, gatt.Config{Believe: func(att.Security) bool { return believe }})
		var got []string
		subscribed(t, conn, peer, gatt.Notify, 9, func(value []byte) { got = append(got, string(value)) })
		for _, believe = range []bool{false, true, false} {
			peer.Send("1b 0900 31")
			peer.Send("23 0900 0100 32 0900 0100 33")
			peer.Send("1d 0900 34")
			peer.Want("1e")
			synctest.Wait()
		}
		if fmt.Sprint(got) != "[1 2 3 4]" {
			t.Errorf("values %q", got)
		}
		if stats := conn.Client().Stats(); stats != (gatt.ClientStats{Values: 4, Unbelieved: 8}) {
			t.Errorf("stats %+v", stats)
		}
	})
}

// A subscription that is abandoned takes nothing more, and its server hears nothing of that.
func TestAbandon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, peer := script(t, atttest.Options{}, gatt.Config{})
		s := subscribed(t, conn, peer, gatt.Notify, 9, func([]byte) { t.Error("a value") })
		if s.Handle() != 9 {
			t.Errorf("handle %d", s.Handle())
		}
		for range 2 {
			s.Abandon()
		}
		<-s.Done()
		peer.Send("1b 0900 31")
		synctest.Wait()
		wantNil(t, s.Err())
		wantNil(t, s.Close(bg))
		peer.WantNothing()
		subscribed(t, conn, peer, gatt.Notify, 9, func([]byte) {})
	})
}

// What had arrived when a subscription was abandoned is for its handler, what comes afterwards is for the next one.
func TestAbandonLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, peer := script(t, atttest.Options{}, gatt.Config{})
		turn := make(chan struct{})
		var old, now []string
		s := subscribed(t, conn, peer, gatt.Notify, 9, func(value []byte) { <-turn; old = append(old, string(value)) })
		for _, value := range []string{"31", "32", "33"} {
			peer.Send("1b 0900 " + value)
		}
		synctest.Wait()
		for range 2 {
			s.Abandon()
		}
		subscribed(t, conn, peer, gatt.Notify, 9, func(value []byte) { now = append(now, string(value)) })
		peer.Send("1b 0900 34")
		turn <- struct{}{}
		synctest.Wait()
		select {
		case <-s.Done():
			t.Error("ended before its last value")
		default:
		}
		close(turn)
		<-s.Done()
		synctest.Wait()
		if fmt.Sprint(old, now) != "[1 2 3] [4]" {
			t.Errorf("values %q, %q", old, now)
		}
		wantNil(t, s.Err())
	})
}

// Closing an abandoned subscription leaves the server alone, and keeps the rest from the handler.
func TestCloseAbandoned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, peer := script(t, atttest.Options{}, gatt.Config{})
		turn := make(chan struct{})
		var old []string
		s := subscribed(t, conn, peer, gatt.Notify, 9, func(value []byte) { <-turn; old = append(old, string(value)) })
		for _, value := range []string{"31", "32"} {
			peer.Send("1b 0900 " + value)
		}
		synctest.Wait()
		s.Abandon()
		wantNil(t, s.Close(bg))
		close(turn)
		<-s.Done()
		peer.WantNothing()
		if fmt.Sprint(old) != "[1]" {
			t.Errorf("values %q", old)
		}
	})
}

// An abandoned subscription ends with the link, when it has had its values.
func TestAbandonedEndsWithTheLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, peer := script(t, atttest.Options{}, gatt.Config{})
		turn := make(chan struct{})
		var old []string
		s := subscribed(t, conn, peer, gatt.Notify, 9, func(value []byte) { <-turn; old = append(old, string(value)) })
		for _, value := range []string{"31", "32"} {
			peer.Send("1b 0900 " + value)
		}
		synctest.Wait()
		s.Abandon()
		peer.Bearer().Disconnect(nil)
		close(turn)
		<-s.Done()
		if fmt.Sprint(old) != "[1 2]" {
			t.Errorf("values %q", old)
		}
	})
}
