package gatt_test

import (
	"errors"
	"testing"
	"testing/synctest"

	"github.com/jelling-ble/jelling/att/atttest"

	"github.com/jelling-ble/jelling/gatt"
)

// GATT/SR/GAS/BV-03-C: each client has its own features, which only grow.
func TestClientSupportedFeatures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		_, a := s.visit(t)
		_, b := s.visit(t)
		a.Ask("0a "+shopFeatures, "0b 00")
		a.Ask("12 "+shopFeatures+" 01", "13")
		a.Ask("0a "+shopFeatures, "0b 01")
		b.Ask("0a "+shopFeatures, "0b 00")
		a.Ask("12 "+shopFeatures+" 00", "01 12 "+shopFeatures+" 13")
		a.Ask("12 "+shopFeatures+" 04", "01 12 "+shopFeatures+" 13")
		a.Ask("12 "+shopFeatures, "01 12 "+shopFeatures+" 13") // no octets are zeros
		b.Ask("12 "+shopFeatures, "13")
		a.Ask("12 "+shopFeatures+" 07", "13")
		a.Ask("0a "+shopFeatures, "0b 07")
		b.Ask("12 "+shopFeatures+" fd0102", "13") // what is reserved is ignored
		b.Ask("0a "+shopFeatures, "0b 05")
		b.Ask("12 "+shopFeatures+" 05", "13")
	})
}

// GATT/SR/GAS/BV-04-C: they are kept with a bond, and else only for the link.
func TestClientSupportedFeaturesAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		conn, peer := s.visit(t)
		peer.Ask("12 "+shopFeatures+" 01", "13") // before pairing
		wantNil(t, conn.Server().SetClient("phone"))
		peer.Ask("12 "+shopFeatures+" 05", "13")
		leave(conn)
		conn, peer = s.visit(t)
		peer.Ask("0a "+shopFeatures, "0b 00")
		wantNil(t, conn.Server().SetClient("phone"))
		peer.Ask("0a "+shopFeatures, "0b 05")
		peer.Ask("12 "+shopFeatures+" 00", "01 12 "+shopFeatures+" 13")
		leave(conn)
		conn, peer = s.visit(t)
		peer.Ask("12 "+shopFeatures+" 02", "13")
		wantNil(t, conn.Server().SetClient("phone"))
		peer.Ask("0a "+shopFeatures, "0b 07")
		leave(conn)
		_, peer = s.visit(t)
		peer.Ask("0a "+shopFeatures, "0b 00")
	})
}

// GATT/SR/GAS/BV-05-C: without robust caching nothing is refused; with it the first request is, and a command is ignored.
func TestRequestsOnAnUnsynchronizedDatabase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		_, peer := s.visit(t)
		s.open(t)
		peer.Ask("0a "+shopRate, "0b 0048")
		peer.Ask("12 "+shopFeatures+" 01", "13")
		for _, ask := range []string{
			"0a" + shopRate, "0c" + shopRate + "0000", "0e" + shopRate + shopRate, "20" + shopRate + shopRate, "12" + shopRate + "0048",
			"16" + shopRate + "0000 aa", "0a 0d00", "0a ee00", "08 0100 feff 372a", "08 0200 ffff 2a2b",
		} {
			s.clear(t)
			s.open(t)
			handle := ask[2:6]
			if ask[:2] == "08" || ask[2] == ' ' {
				handle = ask[3:7]
			}
			peer.Ask(ask, "01"+ask[:2]+handle+"12")
			// It was told, so it knows.
			peer.Ask("0a "+shopRate, "0b 0048")
		}
		// Discovery goes on, and does not count.
		s.clear(t)
		peer.Ask("10 1000 ffff 0028", "11 06 1000 1300 0d18")
		peer.Ask("06 0100 ffff 0028 0d18", "07 1000 1300")
		peer.Ask("04 1000 1000", "05 01 1000 0028")
		peer.Ask("08 1000 ffff 0328", "09 07 1100 1e 1200 372a")
		peer.Ask("08 1000 ffff 0228", "01 08 1000 0a")
		peer.Ask("08 0100 ffff 372a", "09 04 1200 0048")
		peer.Ask("18 00", "19")
		peer.Send("52 " + shopRate + " ff")
		peer.WantNothing()
		peer.Ask("0a "+shopRate, "01 0a "+shopRate+" 12")
		peer.Send("52 " + shopRate + " ff") // no request, so it does not know yet
		peer.WantNothing()
		peer.Ask("0a "+shopRate, "0b 0048")
		peer.Send("52 " + shopRate + " 0049")
		peer.WantNothing()
		peer.Ask("0a "+shopRate, "0b 0049")
	})
}

// GATT/SR/GAS/BV-06-C: a read of the hash, or a confirmed indication, and the client knows; an indication that is not confirmed does not do.
func TestUnsynchronizedDatabaseDuringAConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		_, peer := s.visit(t)
		peer.Ask("12 "+shopFeatures+" 01", "13")
		s.open(t)
		peer.Ask("08 0100 ffff 2a2b", "09 12 0d00"+s.hash())
		peer.Ask("0a "+shopRate, "0b 0048")
		peer.Ask("12 "+shopChangedCCCD+" 0200", "13")
		s.clear(t)
		peer.Want("1d " + shopChanged + "0600 1700")
		peer.Send("1e")
		peer.Ask("0a "+shopRate, "0b 0048")
		s.open(t)
		peer.Want("1d " + shopChanged + "0600 1700")
		peer.Ask("0a "+shopRate, "01 0a "+shopRate+" 12")
		// A confirmation of what has changed again is none of the change since.
		s.clear(t)
		peer.Send("1e")
		peer.Want("1d " + shopChanged + "0600 1700")
		peer.Ask("0a "+shopRate, "01 0a "+shopRate+" 12")
		peer.Send("1e")
		synctest.Wait()
		peer.Ask("0a "+shopRate, "0b 0048")
		// The hash of before the change is none either.
		peer.Ask("08 0100 ffff 2a2b", "09 12 0d00"+s.hash())
		s.open(t)
		peer.Want("1d " + shopChanged + "0600 1700")
		peer.Ask("0a "+shopRate, "01 0a "+shopRate+" 12")
	})
}

// GATT/SR/GAS/BV-07-C: the same between connections of a client with a bond.
func TestUnsynchronizedDatabaseBetweenConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		conn, peer := s.visit(t)
		again := func() {
			leave(conn)
			conn, peer = s.visit(t)
			wantNil(t, conn.Server().SetClient("phone"))
		}
		again()
		peer.Ask("12 "+shopFeatures+" 01", "13")
		s.open(t)
		again()
		peer.Ask("08 0100 ffff 2a2b", "09 12 0d00"+s.hash())
		peer.Ask("0a "+shopRate, "0b 0048")
		peer.Ask("12 "+shopChangedCCCD+" 0200", "13")
		leave(conn)
		s.clear(t)
		again()
		peer.Want("1d " + shopChanged + "0100 ffff")
		peer.Send("1e")
		synctest.Wait()
		peer.Ask("0a "+shopRate, "0b 0048")
		again()
		peer.Ask("12 "+shopFeatures+" 00", "01 12 "+shopFeatures+" 13")
		peer.Ask("12 "+shopChangedCCCD+" 0000", "13")
		leave(conn)
		s.open(t)
		again()
		peer.Ask("0a "+shopRate, "01 0a "+shopRate+" 12")
		again() // it was told, but has not shown that it knows
		peer.Ask("0a "+shopRate, "01 0a "+shopRate+" 12")
		peer.Ask("0a "+shopRate, "0b 0048")
		again()
		peer.Ask("0a "+shopRate, "0b 0048")
	})
}

// GATT/SR/GAS/BV-08-C: several values at once.
func TestReadMultipleOnAnUnsynchronizedDatabase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		_, peer := s.visit(t)
		s.open(t)
		peer.Ask("20 "+shopRate+"0500", "21 0200 0048 0200 0000")
		peer.Ask("12 "+shopFeatures+" 01", "13")
		s.clear(t)
		peer.Ask("20 "+shopRate+"0500", "01 20 "+shopRate+" 12")
		peer.Ask("20 "+shopRate+"0500", "21 0200 0048 0200 0000")
	})
}

// Values are held back from a client with robust caching until it knows, and from no other.
func TestValuesForWhoDoesNotKnow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		conn, robust := s.visit(t)
		_, plain := s.visit(t)
		for _, peer := range []interface{ Ask(ask, want string) }{robust, plain} {
			peer.Ask("12 "+shopRateCCCD+" 0100", "13")
		}
		robust.Ask("12 "+shopFeatures+" 01", "13")
		s.open(t)
		wantNil(t, s.Notify(bg, s.rate, []byte{1}))
		plain.Want("1b " + shopRate + " 01")
		robust.WantNothing()
		if err := conn.Server().Notify(bg, s.rate, []byte{1}); !errors.Is(err, gatt.ErrUnaware) {
			t.Errorf("error %v", err)
		}
		robust.Ask("08 0100 ffff 2a2b", "09 12 0d00"+s.hash())
		robust.Ask("0a "+shopRate, "0b 01")
		wantNil(t, s.Notify(bg, s.rate, []byte{2}))
		robust.Want("1b " + shopRate + " 02")
	})
}

// A server without the GAP and GATT services has nobody to tell.
func TestBareServersKeepNoAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ch := &gatt.Characteristic{UUID: gatt.HeartRateMeasurement, Properties: gatt.Read | gatt.Notify}
		kept := &store{}
		server := newServer(t, gatt.ServerConfig{Bare: true, Store: kept, Services: []*gatt.Service{{UUID: gatt.HeartRate, Characteristics: []*gatt.Characteristic{ch}}}})
		conn, peer := script(t, atttest.Options{}, gatt.Config{Server: server})
		wantNil(t, conn.Server().SetClient("phone"))
		peer.Ask("12 0400 0100", "13")
		wantNil(t, server.Change(nil, []*gatt.Service{{UUID: gatt.Battery}}))
		peer.Ask("0a 0300", "0b")
		if got := kept.of("phone"); got != `{"cccd":[{"handle":4,"uuid":"2a37","value":1}]}` {
			t.Errorf("kept %s", got)
		}
	})
}

// GATT/SR/GAN/BV-02-C: several values in one PDU, where the client takes that and they fit.
func TestNotifyMultiple(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		s.open(t)
		conn, peer := s.visit(t)
		me := conn.Server()
		values := []gatt.Value{{Characteristic: s.rate, Value: []byte{0, 1}}, {Characteristic: s.level, Value: []byte{2}}}
		peer.Ask("12 "+shopRateCCCD+" 0100", "13")
		if err := me.NotifyMultiple(bg, values...); !errors.Is(err, gatt.ErrNotSubscribed) {
			t.Errorf("error %v", err)
		}
		peer.WantNothing()
		peer.Ask("12 "+shopLevelCCCD+" 0100", "13")
		wantNil(t, me.NotifyMultiple(bg, values...))
		peer.Want("1b " + shopRate + " 0001")
		peer.Want("1b " + shopLevel + " 02")
		peer.Ask("12 "+shopFeatures+" 04", "13")
		wantNil(t, me.NotifyMultiple(bg, values...))
		peer.Want("23 " + shopRate + "0200 0001" + shopLevel + "0100 02")
		wantNil(t, me.NotifyMultiple(bg, values[0]))
		peer.Want("1b " + shopRate + " 0001")
		values[1].Value = longValue[:13] // 1 + 4 + 2 + 4 + 13 > 23
		wantNil(t, me.NotifyMultiple(bg, values...))
		peer.Want("1b " + shopRate + " 0001")
		peer.Want("1b " + shopLevel + " 000102030405060708090a0b0c")
		if err := me.NotifyMultiple(bg, gatt.Value{Characteristic: &gatt.Characteristic{}}); !errors.Is(err, gatt.ErrUnknown) {
			t.Errorf("error %v", err)
		}
	})
}
