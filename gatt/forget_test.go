package gatt_test

import (
	"testing"
	"testing/synctest"

	"github.com/jelling-ble/jelling/att/atttest"
	"github.com/jelling-ble/jelling/gatt"
)

// What is forgotten of a server is gone from the store, and not believed on the link that there is; nor does that link put it
// back.
func TestForgetServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		v := &traveller{t: t, server: s.Server, store: &store{}}
		client, conn := v.meet()
		if _, err := client.Discover(bg); err != nil {
			t.Fatal(err)
		}
		if v.store.of(sensorKnown) == "" {
			t.Fatal("nothing is kept")
		}
		wantNil(t, client.Forget("somebody else"))
		if _, ok := client.Known(); !ok || client.Server() != "sensor" {
			t.Error("forgotten instead of somebody else")
		}
		wantNil(t, client.Forget("sensor"))
		if _, ok := client.Known(); ok || client.Server() != "" || v.store.of(sensorKnown) != "" {
			t.Errorf("%q is known still, %q is kept", client.Server(), v.store.of(sensorKnown))
		}
		if _, err := client.Discover(bg); err != nil {
			t.Error(err)
		}
		if kept := v.store.of(sensorKnown); kept != "" {
			t.Errorf("%s is kept of nobody's server", kept)
		}
		leave(conn)
	})
}

// A slowStore takes its time to save.
type slowStore struct {
	*store
	saving, until chan struct{}
}

func (s slowStore) Save(name string, state []byte) error {
	close(s.saving)
	<-s.until
	return s.store.Save(name, state)
}

// A server that is forgotten while what was learnt of it is saved is not kept.
func TestForgetWhileSaving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		slow := slowStore{&store{}, make(chan struct{}), make(chan struct{})}
		conn, peer := pair(t, atttest.Options{}, gatt.Config{Store: slow}, gatt.Config{Server: s.Server})
		wantNil(t, peer.Server().SetClient("box"))
		client := conn.Client()
		wantNil(t, client.SetServer("sensor"))
		learnt := background(func() error { _, err := client.Discover(bg); return err })
		<-slow.saving
		forgotten := background(func() error { return client.Forget("sensor") })
		synctest.Wait()
		close(slow.until)
		wantNil(t, <-learnt)
		wantNil(t, <-forgotten)
		if kept := slow.of(sensorKnown); kept != "" {
			t.Errorf("%s is kept", kept)
		}
		leave(conn)
	})
}

// With a bond goes what is kept of a peer in both roles, and what is not there can be forgotten too.
func TestForgetPeer(t *testing.T) {
	kept := &store{}
	for _, name := range []string{"sensor", sensorKnown, "box"} {
		wantNil(t, kept.Save(name, []byte("{}")))
	}
	for range 2 {
		wantNil(t, gatt.ForgetPeer(kept, "sensor"))
	}
	if kept.of("sensor") != "" || kept.of(sensorKnown) != "" || kept.of("box") == "" {
		t.Errorf("%q, %q, %q", kept.of("sensor"), kept.of(sensorKnown), kept.of("box"))
	}
}
