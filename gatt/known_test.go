package gatt_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/att/atttest"
	"github.com/jelling-ble/jelling/gatt"
	"github.com/sirupsen/logrus"
)

// A traveller is a client with a store that meets one server again and again.
type traveller struct {
	t      *testing.T
	server *gatt.Server
	store  *store
	told   int // how often the services have changed
}

// meet gives a link to the server, as somebody with a bond. The last link has to have ended.
func (v *traveller) meet() (*gatt.Client, *gatt.Conn) {
	a, b := pair(v.t, atttest.Options{}, gatt.Config{Store: v.store, ServicesChanged: func() { v.told++ }}, gatt.Config{Server: v.server})
	wantNil(v.t, a.Client().SetServer("sensor")) // first, since the server may have something to say at once
	wantNil(v.t, b.Server().SetClient("box"))
	return a.Client(), a
}

// meetMute gives a link to somebody who says nothing by itself: what is asked of it is seen.
func (v *traveller) meetMute() (*gatt.Client, *atttest.Peer) {
	conn, peer := script(v.t, atttest.Options{}, gatt.Config{Store: v.store, ServicesChanged: func() { v.told++ }})
	wantNil(v.t, conn.Client().SetServer("sensor"))
	return conn.Client(), peer
}

const sensorKnown = "database of sensor"

func TestKnownServerCostsNoDiscovery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		v := &traveller{t: t, server: s.Server, store: &store{}}
		client, conn := v.meet()
		if _, ok := client.Known(); ok {
			t.Error("known before it was met")
		}
		learnt, err := client.Discover(bg)
		wantNil(t, err)
		if len(learnt) != 3 || len(learnt[2].Characteristics[0].Descriptors) != 1 {
			t.Errorf("%+v", learnt)
		}
		// The server was asked to tell of changes, and knows that we can be refused.
		if kept := s.store.of("box"); !strings.Contains(kept, `"uuid":"2a05","value":2`) || !strings.Contains(kept, `"features":5`) {
			t.Errorf("the server has %s", kept)
		}
		// What is given away is the caller's.
		learnt[2].Characteristics[0].Descriptors[0].Handle = 99
		leave(conn)

		client, peer := v.meetMute()
		known, err := client.Discover(bg)
		wantNil(t, err)
		found, err := client.FindCharacteristics(bg, gatt.HeartRateMeasurement)
		wantNil(t, err)
		peer.WantNothing()
		if len(known) != 3 || len(found) != 1 || found[0].ValueHandle != 0x12 || found[0].Descriptors[0].Handle != 0x13 {
			t.Errorf("%+v %+v", known, found)
		}
		if services, ok := client.Known(); !ok || !reflect.DeepEqual(services, known) {
			t.Errorf("%t %+v", ok, services)
		}
		// Subscribing costs one request.
		done := background(func() error { _, err := client.Subscribe(bg, found[0], func([]byte) {}); return err })
		peer.Want("12 1300 0100")
		peer.Send("13")
		wantNil(t, <-done)
		peer.WantNothing()
	})
}

// Without robust caching the hash is read once on each link, and decides.
func TestHashIsReadOnEachLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hash := "00112233445566778899aabbccddeeff"
		v := &traveller{t: t, store: &store{states: map[string]string{
			sensorKnown: `{"services":[{"UUID":"180f","Handle":1,"End":3}],"hash":"` + hash + `"}`}}}
		client, peer := v.meetMute()
		if _, ok := client.Known(); ok {
			t.Error("known without a look at the hash")
		}
		done := background(func() error { _, err := client.Discover(bg); return err })
		peer.Want("08 0100 ffff 2a2b")
		peer.Send("09 12 0d00" + hash)
		wantNil(t, <-done)
		_, err := client.Discover(bg)
		wantNil(t, err)
		peer.WantNothing()
		if _, ok := client.Known(); !ok {
			t.Error("not known after a look at the hash")
		}

		client, peer = v.meetMute()
		done = background(func() error { _, err := client.Discover(bg); return err })
		peer.Want("08 0100 ffff 2a2b")
		peer.Send("09 12 0d00 ff" + hash[2:])
		for _, s := range []step{ // everything again
			{"08 0100 ffff 2a2b", "09 12 0d00 ff" + hash[2:]},
			{"10 0100 ffff 0028", "11 06 0100 ffff 0f18"},
			{"08 0100 ffff 0228", "01 08 0100 0a"},
			{"08 0100 ffff 0328", "01 08 0100 0a"},
			{"08 0100 ffff 2a2b", "09 12 0d00 ff" + hash[2:]},
		} {
			peer.Want(s.ask)
			peer.Send(s.want)
		}
		wantNil(t, <-done)
		if kept := v.store.of(sensorKnown); !strings.Contains(kept, `"hash":"ff`+hash[2:]+`"`) || strings.Contains(kept, "robust") {
			t.Errorf("kept %s", kept)
		}
	})
}

// A server without a hash is taken not to change, until a handle shows that it has.
func TestServerWithoutAHash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ch := &gatt.Characteristic{UUID: gatt.BatteryLevel, Properties: gatt.Read, Value: []byte{1}}
		v := &traveller{t: t, server: bare(t, ch), store: &store{}}
		client, conn := v.meet()
		_, err := client.Discover(bg)
		wantNil(t, err)
		if _, err := client.Read(bg, 3); err != nil {
			t.Error(err)
		}
		if v.store.of(sensorKnown) == "" || v.told != 0 {
			t.Errorf("kept %q, told %d times", v.store.of(sensorKnown), v.told)
		}
		if _, err := client.Read(bg, 99); !errors.Is(err, att.ErrInvalidHandle) {
			t.Errorf("error %v", err)
		}
		if v.store.of(sensorKnown) != "" || v.told != 1 {
			t.Errorf("kept %q, told %d times", v.store.of(sensorKnown), v.told)
		}
		leave(conn)
	})
}

// GATT/CL/GAS/BV-01-C: Service Changed is confirmed when what was known is forgotten for good, and what is asked next is asked anew.
func TestClientIsToldThatServicesChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		v := &traveller{t: t, server: s.Server, store: &store{}}
		client, conn := v.meet()
		_, err := client.Discover(bg)
		wantNil(t, err)
		s.open(t)
		synctest.Wait()
		if v.told != 1 || v.store.of(sensorKnown) != "" {
			t.Errorf("told %d times, kept %s", v.told, v.store.of(sensorKnown))
		}
		services, err := client.Discover(bg)
		wantNil(t, err)
		if len(services) != 4 {
			t.Errorf("%+v", services)
		}
		leave(conn)

		// While we are away: the indication comes with the next link.
		s.clear(t)
		client, conn = v.meet()
		synctest.Wait()
		if v.told != 2 {
			t.Errorf("told %d times", v.told)
		}
		if services, err = client.Discover(bg); err != nil || len(services) != 3 {
			t.Errorf("%+v, %v", services, err)
		}
		leave(conn)
	})
	t.Run("confirmed after it was forgotten", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			v := &traveller{t: t, store: &store{states: map[string]string{sensorKnown: `{"services":null,"changed":8,"robust":true,"hash":"00"}`}}}
			_, peer := v.meetMute()
			v.store.slow = make(chan struct{})
			peer.Send("1d 0800 0100 ffff")
			peer.WantNothing()
			close(v.store.slow)
			peer.Want("1e")
			if v.store.of(sensorKnown) != "" {
				t.Error("confirmed before")
			}
		})
	})
	t.Run("somebody else wants to know too", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			v := &traveller{t: t, store: &store{states: map[string]string{sensorKnown: `{"services":null,"changed":8}`}}}
			client, peer := v.meetMute()
			got := make(chan []byte, 1)
			_, err := client.Resume(gatt.RemoteCharacteristic{UUID: gatt.ServiceChanged, Properties: gatt.Indicate, ValueHandle: 8,
				Descriptors: []gatt.RemoteDescriptor{{UUID: gatt.ClientCharacteristicConfiguration, Handle: 9}}}, func(value []byte) { got <- append([]byte{}, value...) })
			wantNil(t, err)
			peer.Send("1d 0800 0100 ffff")
			peer.Want("1e")
			if value := <-got; string(value) != "\x01\x00\xff\xff" {
				t.Errorf("%x", value)
			}
		})
	})
}

// GATT/CL/GPM/BV-07-C and its like, on one bearer: a refusal because the database is another one makes us forget it.
func TestClientIsOutOfSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		v := &traveller{t: t, server: s.Server, store: &store{}}
		client, conn := v.meet()
		_, err := client.Discover(bg)
		wantNil(t, err)
		wantNil(t, client.Write(bg, 9, []byte{0, 0})) // no indication tells
		s.open(t)
		if _, err := client.Read(bg, 0x12); !errors.Is(err, att.ErrDatabaseOutOfSync) {
			t.Errorf("error %v", err)
		}
		if v.store.of(sensorKnown) != "" || v.told != 1 {
			t.Errorf("kept %q, told %d times", v.store.of(sensorKnown), v.told)
		}
		if services, err := client.Discover(bg); err != nil || len(services) != 4 {
			t.Errorf("%+v, %v", services, err)
		}
		leave(conn)
	})
}

// A database that changes while it is discovered is discovered again, and not for ever.
func TestDatabaseChangesDuringDiscovery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &traveller{t: t, store: &store{}}
		client, peer := v.meetMute()
		done := background(func() error { _, err := client.Discover(bg); return err })
		for round := range 3 {
			for _, s := range []step{
				{"08 0100 ffff 2a2b", "09 12 0d00 00" + strings.Repeat("00", 15)},
				{"10 0100 ffff 0028", "11 06 0100 ffff 0f18"},
				{"08 0100 ffff 0228", "01 08 0100 0a"},
				{"08 0100 ffff 0328", "01 08 0100 0a"},
				{"08 0100 ffff 2a2b", "09 12 0d00 01" + strings.Repeat("00", 15)},
			} {
				if got := peer.Next(); got[0] != 0x08 && got[0] != 0x10 {
					t.Fatalf("round %d: %x", round, got)
				}
				peer.Send(s.want)
			}
		}
		if err := <-done; !errors.Is(err, gatt.ErrDiscovery) {
			t.Errorf("error %v", err)
		}
		if v.store.of(sensorKnown) != "" {
			t.Errorf("kept %s", v.store.of(sensorKnown))
		}
	})
}

// GATT/CL/GAS/BV-03-C and BV-05-C: bits that are set already stay, those that are reserved are left alone, and a server that refuses is
// taken as it is.
func TestClientTellsItsFeatures(t *testing.T) {
	const hash = "00112233445566778899aabbccddeeff"
	discovery := []step{
		{"08 0100 ffff 2a2b", "09 12 0800" + hash},
		{"10 0100 ffff 0028", "11 06 0100 ffff 0118"},
		{"08 0100 ffff 0228", "01 08 0100 0a"},
		{"08 0100 ffff 0328", "09 07 0200 20 0300 052a 0500 0a 0600 292b 0700 02 0800 2a2b"},
		{"08 0900 ffff 0328", "01 08 0900 0a"},
		{"04 0400 0400", "05 01 0400 0229"},
		{"04 0900 ffff", "01 04 0900 0a"},
		{"08 0100 ffff 2a2b", "09 12 0800" + hash},
	}
	for _, c := range []struct {
		name   string
		steps  []step
		robust bool
	}{
		{"nothing is set", []step{{"12 0400 0200", "13"}, {"0a 0600", "0b 00"}, {"12 0600 05", "13"}}, true},
		{"something is set", []step{{"12 0400 0200", "13"}, {"0a 0600", "0b 0280"}, {"12 0600 0780", "13"}}, true},
		{"all is set", []step{{"12 0400 0200", "13"}, {"0a 0600", "0b 07"}}, true},
		{"no octet", []step{{"12 0400 0200", "13"}, {"0a 0600", "0b"}, {"12 0600 05", "13"}}, true},
		{"features are refused", []step{{"12 0400 0200", "13"}, {"0a 0600", "01 0a 0600 02"}}, false},
		{"features can't be written", []step{{"12 0400 0200", "13"}, {"0a 0600", "0b 00"}, {"12 0600 05", "01 12 0600 03"}}, false},
		{"no indications", []step{{"12 0400 0200", "01 12 0400 03"}}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := &traveller{t: t, store: &store{}}
				client, peer := v.meetMute()
				done := background(func() error { _, err := client.Discover(bg); return err })
				for _, s := range append(append([]step{}, discovery...), c.steps...) {
					peer.Want(s.ask)
					peer.Send(s.want)
				}
				wantNil(t, <-done)
				peer.WantNothing()
				if kept := v.store.of(sensorKnown); strings.Contains(kept, `"robust":true`) != c.robust || kept == "" {
					t.Errorf("kept %s", kept)
				}
			})
		})
	}
}

// What the store has may be gone, damaged or out of reach: the link works, and learns again.
func TestWhatIsKnownMayBeDamaged(t *testing.T) {
	var logged strings.Builder
	log := logrus.New()
	log.SetOutput(&logged)
	ch := &gatt.Characteristic{UUID: gatt.BatteryLevel}
	for name, text := range map[string]string{"not JSON": "{", "another shape": `[1]`, "a handle too large": `{"services":[{"UUID":"180f","Handle":65536}]}`, "a UUID": `{"services":[{"UUID":"x"}]}`} {
		s := &store{states: map[string]string{sensorKnown: text}}
		a, _ := pair(t, atttest.Options{}, gatt.Config{Store: s}, gatt.Config{Server: bare(t, ch)})
		if err := a.Client().SetServer("sensor"); err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("%s: %v", name, err)
		}
		if services, err := a.Client().Discover(bg); err != nil || len(services) != 1 || !strings.Contains(s.of(sensorKnown), "180d") {
			t.Errorf("%s: %+v, %v, kept %s", name, services, err, s.of(sensorKnown))
		}
	}
	broken := &store{fail: errors.New("no disk")}
	a, _ := pair(t, atttest.Options{}, gatt.Config{Store: broken, Log: log}, gatt.Config{Server: bare(t, ch)})
	if err := a.Client().SetServer("sensor"); !errors.Is(err, broken.fail) {
		t.Errorf("error %v", err)
	}
	if _, err := a.Client().Discover(bg); err != nil {
		t.Error(err)
	}
	if _, ok := a.Client().Known(); !ok || !strings.Contains(logged.String(), "no disk") {
		t.Errorf("known %t, log %s", ok, logged.String())
	}
	_, _ = a.Client().Read(bg, 99)
	if _, ok := a.Client().Known(); ok {
		t.Error("known still")
	}
	wantNil(t, a.Client().SetServer(""))
	if a.Client().Server() != "" {
		t.Error("an identity after it was taken away")
	}
}

// Without a store what is learnt holds for the link; without an identity nothing is learnt.
func TestKnownWithoutAStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		a, b := pair(t, atttest.Options{}, gatt.Config{}, gatt.Config{Server: s.Server})
		if _, err := a.Client().Discover(bg); err != nil {
			t.Error(err)
		}
		if _, ok := a.Client().Known(); ok || b.Server().Client() != "" {
			t.Error("known without an identity")
		}
		wantNil(t, a.Client().SetServer("sensor"))
		if _, err := a.Client().Discover(bg); err != nil {
			t.Error(err)
		}
		if _, ok := a.Client().Known(); !ok {
			t.Error("not known for the link")
		}
		wantNil(t, a.Client().SetServer("sensor")) // again, which changes nothing
		if _, ok := a.Client().Known(); !ok {
			t.Error("forgotten")
		}
		leave(a)
	})
}

func TestLearningEndsWithItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &traveller{t: t, store: &store{}}
		client, peer := v.meetMute()
		first := background(func() error { _, err := client.Discover(bg); return err })
		peer.Want("08 0100 ffff 2a2b")
		second := background(func() error { _, err := client.Discover(bg); return err })
		ctx, cancel := contextWithCancel()
		third := background(func() error { _, err := client.Discover(ctx); return err })
		cancel()
		if err := <-third; err == nil {
			t.Error("no error")
		}
		peer.WantNothing() // one learns at a time
		peer.Bearer().Disconnect(errors.New("gone"))
		for _, done := range []<-chan error{first, second} {
			if err := <-done; err == nil {
				t.Error("no error")
			}
		}
	})
}

// FuzzKnown gives a client any text as what it knows of a server.
func FuzzKnown(f *testing.F) {
	f.Add(`{"services":[{"UUID":"180f","Handle":1,"End":3,"Characteristics":[{"UUID":"2a19","Properties":16,"Handle":2,"ValueHandle":3,"End":4}]}],"changed":8,"robust":true}`)
	f.Add(`{"hash":"00","services":null}`)
	f.Fuzz(func(t *testing.T, text string) {
		a, _ := pair(t, atttest.Options{}, gatt.Config{Store: &store{states: map[string]string{sensorKnown: text}}}, gatt.Config{})
		_ = a.Client().SetServer("sensor")
		services, _ := a.Client().Discover(bg)
		for _, s := range services {
			for _, ch := range s.Characteristics {
				_, _ = a.Client().Resume(ch, func([]byte) {})
			}
		}
	})
}
