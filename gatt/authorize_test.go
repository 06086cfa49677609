package gatt_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/att/atttest"
	"github.com/jelling-ble/jelling/gatt"
	"github.com/jelling-ble/jelling/internal/btcrypto"
)

// With nobody to ask, nobody may; the link's security comes first, and what is wrong with offset and length last.
func TestAuthorizationWithNobodyToAsk(t *testing.T) {
	const need = gatt.Authorized
	server := bare(t,
		&gatt.Characteristic{UUID: gatt.BatteryLevel, Permissions: gatt.Permissions{Read: need, Write: need}, Value: []byte{0x64}},
		&gatt.Characteristic{UUID: gatt.ModelNumber, Permissions: gatt.Permissions{Read: need | gatt.Encrypted, Write: need | gatt.Encrypted}},
		&gatt.Characteristic{UUID: gatt.HeartRateMeasurement, Properties: gatt.Notify, Permissions: gatt.Permissions{Notify: need}})
	play(t, server, atttest.Options{}, gatt.Config{}, []step{
		{"0a 0300", "01 0a 0300 08"},
		{"0c 0300 ff00", "01 0c 0300 08"},
		{"08 0100 ffff 192a", "01 08 0300 08"},
		{"0e 0300 0300", "01 0e 0300 08"},
		{"20 0100 0300", "01 20 0300 08"},
		{"12 0300 63", "01 12 0300 08"},
		{"16 0300 0000 63", "01 16 0300 08"},
		{"52 0300 63", ""},
		{"06 0100 ffff 192a 64", "01 06 0100 0a"},
		{"0a 0500", "01 0a 0500 05"},
		{"12 0500 00", "01 12 0500 05"},
		{"12 0800 0100", "01 12 0800 08"},
		{"0a 0800", "0b 0000"},
	})
	play(t, server, atttest.Options{Security: encrypted}, gatt.Config{}, []step{{"0a 0500", "01 0a 0500 08"}, {"12 0500 00", "01 12 0500 08"}})
}

func TestAuthorizationIsAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []string
		ch := &gatt.Characteristic{UUID: gatt.HeartRateMeasurement, Properties: gatt.Notify | gatt.Read, Value: []byte{0x64},
			Permissions: gatt.Permissions{Read: gatt.Authorized, Write: gatt.Authorized}}
		server := newServer(t, gatt.ServerConfig{Bare: true,
			Services: []*gatt.Service{{UUID: gatt.HeartRate, Characteristics: []*gatt.Characteristic{ch}}},
			Authorize: func(_ context.Context, from *gatt.ServerConn, handle uint16, write bool) bool {
				asked = append(asked, fmt.Sprintf("%v %d %t", from.Tag(), handle, write))
				return !write || handle == 4
			}})
		_, peer := script(t, atttest.Options{}, gatt.Config{Server: server, Tag: "phone"})
		peer.Ask("0a 0300", "0b 64")
		peer.Ask("12 0300 00", "01 12 0300 08")
		peer.Ask("06 0100 ffff 372a 64", "01 06 0100 0a") // nobody is asked for a comparison
		peer.Ask("12 0400 0100", "13")
		wantNil(t, server.Notify(bg, ch, []byte{1})) // subscribing was authorized
		peer.Want("1b 0300 01")
		want := "[phone 3 false phone 3 true phone 4 true]"
		if got := fmt.Sprint(asked); got != want {
			t.Errorf("asked %s, want %s", got, want)
		}
	})
}

// GATT/SR/GAW/BV-02-C, BI-01-C: a signed write with a good signature, with a bad one, and one that says too little.
func TestSignedWrites(t *testing.T) {
	key := [16]byte{1, 2, 3}
	var last uint32
	verify := func(message []byte, signature [att.SignatureLen]byte) (att.Security, bool) {
		counter := binary.LittleEndian.Uint32(signature[:])
		if btcrypto.Sign(key, message, counter) != signature || counter <= last {
			return att.Security{}, false
		}
		last = counter
		return att.Security{Encrypted: true, KeySize: 16}, true
	}
	server := bare(t,
		&gatt.Characteristic{UUID: gatt.BatteryLevel, Properties: gatt.Read | gatt.AuthenticatedSignedWrites, Value: []byte{0}},
		&gatt.Characteristic{UUID: gatt.ModelNumber, Properties: gatt.Read, Permissions: gatt.Permissions{Write: gatt.Encrypted}},
		&gatt.Characteristic{UUID: gatt.SerialNumber, Properties: gatt.Read, Permissions: gatt.Permissions{Write: gatt.Authenticated}},
		&gatt.Characteristic{UUID: gatt.ManufacturerName, Properties: gatt.Read, Value: []byte{9}})
	signed := func(handle byte, counter uint32, value byte) string {
		pdu := []byte{0xD2, handle, 0, value}
		s := btcrypto.Sign(key, pdu, counter)
		return fmt.Sprintf("%x%x", pdu, s)
	}
	play(t, server, atttest.Options{}, gatt.Config{Verify: verify}, []step{
		{signed(3, 1, 5), ""}, {"0a 0300", "0b 05"},
		{signed(3, 1, 6), ""}, {"0a 0300", "0b 05"}, // again
		{signed(3, 2, 6)[:8] + "000000000000000000000000", ""}, {"0a 0300", "0b 05"},
		{signed(5, 3, 7), ""}, {"0a 0500", "0b 07"}, // it stands for encryption
		{signed(7, 4, 7), ""}, {"0a 0700", "0b"},
		{signed(9, 5, 7), ""}, {"0a 0900", "0b 09"},
		{signed(0x33, 6, 7), ""},
	})
	play(t, server, atttest.Options{Security: authenticated}, gatt.Config{Verify: verify}, []step{{signed(7, 7, 8), ""}, {"0a 0700", "0b 08"}})
	play(t, server, atttest.Options{}, gatt.Config{}, []step{{signed(3, 8, 8), ""}, {"0a 0300", "0b 05"}})
}

// GATT/CL/GAW/BV-02-C: signed on a plain link, plain on an encrypted one.
func TestClientSigns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, peer := script(t, atttest.Options{}, gatt.Config{Sign: func(message []byte) ([att.SignatureLen]byte, error) {
			return btcrypto.Sign([16]byte{}, message, 7), nil
		}})
		wantNil(t, conn.Client().SignedWrite(bg, 7, []byte{1, 2}))
		s := btcrypto.Sign([16]byte{}, []byte{0xD2, 7, 0, 1, 2}, 7)
		peer.Want(fmt.Sprintf("d2 0700 0102 %x", s))
		conn, peer = script(t, atttest.Options{}, gatt.Config{Security: func() att.Security { return encrypted }})
		wantNil(t, conn.Client().SignedWrite(bg, 7, []byte{1, 2}))
		peer.Want("52 0700 0102")
		conn, peer = script(t, atttest.Options{}, gatt.Config{})
		if err := conn.Client().SignedWrite(bg, 7, nil); !errors.Is(err, gatt.ErrNoSignature) {
			t.Errorf("error %v", err)
		}
		peer.WantNothing()
	})
}
