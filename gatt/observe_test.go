package gatt_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/jelling-ble/jelling/att/atttest"
	"github.com/jelling-ble/jelling/gatt"
)

// Whatever a client does with a value is told, once, and nothing else is.
func TestObserve(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen []string
		rate := &gatt.Characteristic{UUID: gatt.HeartRateMeasurement, Properties: gatt.Read | gatt.Write | gatt.Indicate, Value: []byte{1},
			Descriptors: []*gatt.Descriptor{{UUID: gatt.ClientCharacteristicConfiguration}, {UUID: gatt.CharacteristicUserDescription, Value: []byte("d")}}}
		secret := &gatt.Characteristic{UUID: gatt.ModelNumber, Properties: gatt.Write, Permissions: gatt.Permissions{Write: gatt.Encrypted}}
		server := newServer(t, gatt.ServerConfig{Bare: true, Services: []*gatt.Service{{UUID: gatt.HeartRate, Characteristics: []*gatt.Characteristic{rate, secret}}},
			Observe: func(o gatt.Observation) {
				seen = append(seen, fmt.Sprintf("%v %v %04x %v %x", o.From.Tag(), o.What, o.Handle, o.UUID, o.Value))
			}})
		_, peer := script(t, atttest.Options{}, gatt.Config{Server: server, Tag: "a"})
		want := func(lines ...string) {
			t.Helper()
			synctest.Wait()
			if got := strings.Join(seen, ", "); got != strings.Join(lines, ", ") {
				t.Errorf("told of %s, want %s", got, strings.Join(lines, ", "))
			}
			seen = nil
		}
		peer.Ask("0a 0300", "0b 01")
		want("a read 0003 2a37 01")
		peer.Ask("0c 0300 0000", "0d 01")
		peer.Ask("0c 0300 0100", "0d") // the rest of what was read
		want("a read 0003 2a37 01")
		peer.Ask("0e 0300 0500", "0f 0164")
		peer.Ask("20 0500 0300", "21 0100 64 0100 01")
		want("a read 0003 2a37 01", "a read 0005 2901 64", "a read 0005 2901 64", "a read 0003 2a37 01")
		peer.Ask("08 0100 ffff 372a", "09 03 0300 01")
		want("a read 0003 2a37 01")
		for _, s := range []step{
			{"10 0100 ffff 0028", "11 06 0100 0700 0d18"}, {"08 0100 ffff 0328", "09 07 0200 2a 0300 372a 0600 08 0700 242a"},
			{"0a 0200", "0b 2a 0300 372a"}, {"04 0100 0200", "05 01 0100 0028 0200 0328"}, {"06 0100 ffff 372a 01", "07 0300 0300"},
			{"0a 0700", "01 0a 0700 02"}, {"12 0700 01", "01 12 0700 05"}, {"12 0400 0200", "13"}, {"0a 0400", "0b 0200"},
		} {
			peer.Ask(s.ask, s.want)
		}
		want("a read 0004 2902 0200")
		peer.Ask("12 0300 02", "13")
		peer.Send("52 0300 0304")
		synctest.Wait()
		peer.Ask("16 0300 0200 05", "17 0300 0200 05")
		peer.Ask("16 0300 0300 06", "17 0300 0300 06")
		want("a write 0003 2a37 02", "a write 0003 2a37 0304")
		peer.Ask("18 01", "19")
		want("a write 0003 2a37 03040506")
		done := background(func() error { return server.Notify(bg, rate, []byte{7}) })
		peer.Want("1d 0300 07")
		want()
		peer.Send("1e")
		wantNil(t, <-done)
		want("a confirmed 0003 2a37 07")
	})
}
