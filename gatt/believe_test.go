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
