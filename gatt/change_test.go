package gatt_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/jelling-ble/jelling/att/atttest"
	"github.com/jelling-ble/jelling/gatt"
)

// A shop is a server whose database changes.
//
//	0001 service 1800 …                        0010 service 180d
//	0006 service 1801                          0011   characteristic 2a37: read, write, write without response, notify
//	0007   characteristic 2a05: indicate       0012     0048
//	0008   0009 CCCD                           0013     CCCD
//	000a   characteristic 2b29: read, write    0014 service 180f, which comes and goes
//	000b                                       0015   characteristic 2a19: read, write, notify
//	000c   characteristic 2b2a: read           0016     61
//	000d                                       0017     CCCD
//	000e   characteristic 2b3a: read
type shop struct {
	*gatt.Server
	store        *store
	rate, level  *gatt.Characteristic
	goods        *gatt.Service
	mu           sync.Mutex
	subscription []string
}

const (
	shopChanged, shopChangedCCCD = "0800", "0900"
	shopFeatures                 = "0b00"
	shopRate, shopRateCCCD       = "1200", "1300"
	shopLevel, shopLevelCCCD     = "1600", "1700"
)

func newShop(t testing.TB) *shop {
	s := &shop{store: &store{}}
	note := func(_ *gatt.ServerConn, notify, indicate bool) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.subscription = append(s.subscription, fmt.Sprint(notify, indicate))
	}
	s.rate = &gatt.Characteristic{UUID: gatt.HeartRateMeasurement, Properties: gatt.Read | gatt.Write | gatt.WriteWithoutResponse | gatt.Notify, Value: []byte{0, 0x48}}
	s.level = &gatt.Characteristic{UUID: gatt.BatteryLevel, Properties: gatt.Read | gatt.Write | gatt.Notify, Value: []byte{0x61}, Subscribed: note}
	s.goods = &gatt.Service{UUID: gatt.Battery, Characteristics: []*gatt.Characteristic{s.level}}
	s.Server = newServer(t, gatt.ServerConfig{Store: s.store, Services: []*gatt.Service{
		{UUID: gatt.HeartRate, Characteristics: []*gatt.Characteristic{s.rate}},
	}})
	return s
}

func (s *shop) visit(t testing.TB) (*gatt.Conn, *atttest.Peer) {
	return script(t, atttest.Options{}, gatt.Config{Server: s.Server})
}

// open puts the service in, clear takes it out.
func (s *shop) open(t testing.TB)  { t.Helper(); wantNil(t, s.Change(nil, []*gatt.Service{s.goods})) }
func (s *shop) clear(t testing.TB) { t.Helper(); wantNil(t, s.Change([]*gatt.Service{s.goods}, nil)) }

// hash is the hash as it is read.
func (s *shop) hash() string {
	h := s.Hash()
	return hex.EncodeToString(h[:])
}

func TestServicesComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		_, peer := s.visit(t)
		peer.Ask("0a 1600", "01 0a 1600 01")
		s.open(t)
		peer.Ask("10 1000 ffff 0028", "11 06 1000 1300 0d18 1400 1700 0f18")
		peer.Ask("0a 1600", "0b 61")
		if s.Handle(s.level) != 0x16 || s.Handle(s.rate) != 0x12 {
			t.Errorf("handles %x %x", s.Handle(s.level), s.Handle(s.rate))
		}
		// A value that was changed stays as long as the service does, here or not.
		peer.Ask("12 1200 0050", "13")
		peer.Ask("12 1700 0100", "13")
		wantNil(t, s.Notify(bg, s.level, []byte{0x60}))
		peer.Want("1b 1600 60")
		s.clear(t)
		peer.Ask("0a 1600", "01 0a 1600 01")
		peer.Ask("0a 1200", "0b 0050")
		if err := s.Notify(bg, s.level, nil); !errors.Is(err, gatt.ErrUnknown) {
			t.Errorf("error %v", err)
		}
		if len(s.subscription) != 2 || s.subscription[0] != "true false" || s.subscription[1] != "false false" {
			t.Errorf("subscriptions %q", s.subscription)
		}
		// It begins anew.
		s.open(t)
		peer.Ask("0a 1600", "0b 61")
		peer.Ask("0a 1700", "0b 0000")
	})
}

func TestChangesThatAreRefused(t *testing.T) {
	s := newShop(t)
	before := s.hash()
	includes := &gatt.Service{UUID: customService, Includes: []*gatt.Service{s.goods}}
	for _, c := range []struct {
		name        string
		remove, add []*gatt.Service
	}{
		{"remove what is not there", []*gatt.Service{s.goods}, nil},
		{"add what is there", nil, []*gatt.Service{s.goods, s.goods}},
		{"include what is not there", nil, []*gatt.Service{includes}},
		{"on handles that are taken", nil, []*gatt.Service{{UUID: gatt.Battery, Handle: 0x10}}},
		{"nothing", nil, []*gatt.Service{nil}},
		{"a characteristic that is there", nil, []*gatt.Service{{UUID: gatt.Battery, Characteristics: []*gatt.Characteristic{s.rate}}}},
	} {
		if err := s.Change(c.remove, c.add); err == nil || s.hash() != before {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	wantNil(t, s.Change(nil, []*gatt.Service{s.goods, includes}))
	if err := s.Change([]*gatt.Service{s.goods}, nil); err == nil {
		t.Error("a service that is included was removed")
	}
	wantNil(t, s.Change([]*gatt.Service{s.goods, includes}, nil))
	// One in the place of another, in one step.
	s.open(t)
	other := &gatt.Service{UUID: gatt.Battery, Handle: 0x14}
	wantNil(t, s.Change([]*gatt.Service{s.goods}, []*gatt.Service{other}))
	play(t, s.Server, atttest.Options{}, gatt.Config{}, []step{{"10 1400 ffff 0028", "11 06 1400 1400 0f18"}})
}

// GATT/SR/GAS/BV-01-C: a client that is there is told at once, and of changes meanwhile in one range.
func TestServiceChangedIsIndicated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		_, peer := s.visit(t)
		s.open(t)
		peer.WantNothing() // it has not asked to be told
		peer.Ask("12 "+shopChangedCCCD+" 0200", "13")
		s.clear(t)
		// From the GATT service, whose hash changes, to the last handle that went.
		peer.Want("1d " + shopChanged + "0600 1700")
		s.open(t)
		wantNil(t, s.Change(nil, []*gatt.Service{{UUID: customService, Handle: 0x0200}}))
		peer.WantNothing() // one indication at a time
		peer.Send("1e")
		peer.Want("1d " + shopChanged + "0600 0002")
		peer.Send("1e")
		peer.WantNothing()
		peer.Ask("12 "+shopChangedCCCD+" 0000", "13")
		s.clear(t)
		peer.WantNothing()
		peer.Ask("12 "+shopChangedCCCD+" 0200", "13")
		peer.WantNothing() // what it has not wanted to know is lost
		peer.Ask("12 "+shopChangedCCCD+" 0100", "01 12 "+shopChangedCCCD+" fd")
		peer.Ask("0a "+shopChanged, "01 0a "+shopChanged+" 02")
		peer.Ask("12 "+shopChanged+" 00", "01 12 "+shopChanged+" 03")
	})
}

// GATT/SR/GAS/BV-01-C, and BV-07-C without robust caching: a client with a bond is told when it is back, also by another process.
func TestServiceChangedIsIndicatedToWhoComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		conn, peer := s.visit(t)
		wantNil(t, conn.Server().SetClient("phone"))
		peer.Ask("12 "+shopChangedCCCD+" 0200", "13")
		leave(conn)
		s.open(t)

		conn, peer = s.visit(t)
		peer.WantNothing() // nobody knows yet who it is
		wantNil(t, conn.Server().SetClient("phone"))
		peer.Want("1d " + shopChanged + "0100 ffff")
		leave(conn) // without a confirmation

		conn, peer = s.visit(t)
		wantNil(t, conn.Server().SetClient("phone"))
		peer.Want("1d " + shopChanged + "0100 ffff")
		peer.Send("1e")
		peer.WantNothing()
		leave(conn)

		conn, peer = s.visit(t)
		wantNil(t, conn.Server().SetClient("phone"))
		peer.WantNothing() // it knows
		leave(conn)

		// The same host after a restart, with another profile.
		restarted := newServer(t, gatt.ServerConfig{Store: s.store})
		conn, peer = script(t, atttest.Options{}, gatt.Config{Server: restarted})
		wantNil(t, conn.Server().SetClient("phone"))
		peer.Want("1d " + shopChanged + "0100 ffff")
		leave(conn)

		// Who has no bond has no past.
		conn, peer = s.visit(t)
		peer.WantNothing()
		leave(conn)
	})
}

// A link that ends while an indication of a change is open ends everything that waits for it.
func TestTheEndOfALinkThatIsToBeTold(t *testing.T) {
	s := newShop(t)
	conn, peer := s.visit(t)
	peer.Ask("12 "+shopChangedCCCD+" 0200", "13")
	s.open(t)
	peer.Want("1d " + shopChanged + "0600 1700")
	s.clear(t)
	leave(conn)
	s.open(t)
}

// GATT/SR/GAW/BI-41-C: what has been prepared for an attribute that is gone.
func TestPreparedForWhatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		s.open(t)
		_, peer := s.visit(t)
		peer.Ask("16 "+shopRate+" 0000 aa", "17 "+shopRate+" 0000 aa")
		peer.Ask("16 "+shopLevel+" 0000 bb", "17 "+shopLevel+" 0000 bb")
		s.clear(t)
		peer.Ask("18 01", "01 18 "+shopLevel+" 12")
		peer.Ask("0a "+shopRate, "0b 0048")
		peer.Ask("18 01", "19")
		// Gone and back is not the same either.
		s.open(t)
		peer.Ask("16 "+shopLevel+" 0000 bb", "17 "+shopLevel+" 0000 bb")
		s.clear(t)
		s.open(t)
		peer.Ask("18 01", "01 18 "+shopLevel+" 12")
		peer.Ask("0a "+shopLevel, "0b 61")
	})
}

// Clients read, write and subscribe while the database changes under them.
func TestTheDatabaseChangesUnderClients(t *testing.T) {
	s := newShop(t)
	stop := make(chan struct{})
	var visits sync.WaitGroup
	for v := range 3 {
		visits.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				a, b := atttest.NewBearers(atttest.Options{})
				client, server := gatt.NewConn(a, gatt.Config{}), gatt.NewConn(b, gatt.Config{Server: s.Server})
				a.Attach(client)
				b.Attach(server)
				if err := server.Server().SetClient(fmt.Sprint(v)); err != nil {
					t.Error(err)
				}
				ctx, cancel := context.WithCancel(bg)
				_ = client.Client().Write(ctx, 9, []byte{2, 0})
				_ = client.Client().Write(ctx, 0x0B, []byte{byte(v)})
				_ = client.Client().Write(ctx, 0x17, []byte{1, 0})
				_, _ = client.Client().Read(ctx, 0x16)
				_ = client.Client().Write(ctx, 0x16, longValue)
				cancel()
				a.Disconnect(errors.New("gone"))
				a.Wait()
				b.Wait()
				client.Wait()
				server.Wait()
			}
		})
	}
	for range 100 {
		s.open(t)
		_ = s.Notify(bg, s.level, []byte{1})
		s.clear(t)
	}
	close(stop)
	visits.Wait()
	if s.Subscribers(s.level) != 0 {
		t.Error("subscribers of what is gone")
	}

}
