package gatt_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/att/atttest"
	"github.com/jelling-ble/jelling/gatt"
)

func TestDeclarationsThatAreWrong(t *testing.T) {
	ch := func() *gatt.Characteristic {
		return &gatt.Characteristic{UUID: gatt.BatteryLevel, Properties: gatt.Read | gatt.Notify}
	}
	twice := ch()
	of := func(list ...*gatt.Characteristic) []*gatt.Service {
		return []*gatt.Service{{UUID: gatt.Battery, Characteristics: list}}
	}
	with := func(list ...*gatt.Descriptor) []*gatt.Service {
		c := ch()
		c.Descriptors = list
		return of(c)
	}
	service := &gatt.Service{UUID: gatt.Battery}
	large := &gatt.Service{UUID: gatt.Battery}
	for range 32768 {
		large.Characteristics = append(large.Characteristics, &gatt.Characteristic{UUID: gatt.BatteryLevel})
	}
	cccd := &gatt.Descriptor{UUID: gatt.ClientCharacteristicConfiguration}
	for _, c := range []struct {
		name     string
		services []*gatt.Service
		says     string
	}{
		{"no service", []*gatt.Service{nil}, "service 1: nil"},
		{"a service twice", []*gatt.Service{service, service}, "service 2: nil, or listed twice"},
		{"no characteristic", of(ch(), nil), "service 1, characteristic 2: nil"},
		{"a characteristic twice", of(twice, twice), "characteristic 2: nil, or listed twice"},
		{"no descriptor", with(nil), "characteristic 1, descriptor 1: nil"},
		{"two CCCDs", with(cccd, cccd), "descriptor 2: a second Client"},
		{"value too long", of(&gatt.Characteristic{UUID: gatt.BatteryLevel, Value: make([]byte, 513)}), "Value: 513 octets"},
		{"descriptor too long", with(&gatt.Descriptor{Value: make([]byte, 513)}), "Value: 513 octets"},
		{"MaxLen too large", of(&gatt.Characteristic{UUID: gatt.BatteryLevel, MaxLen: 513}), "MaxLen: 513"},
		{"MaxLen negative", with(&gatt.Descriptor{MaxLen: -1}), "descriptor 1, MaxLen: -1"},
		{"include of a stranger", []*gatt.Service{{UUID: gatt.HeartRate, Includes: []*gatt.Service{service}}}, "does not have"},
		{"include of nothing", []*gatt.Service{{UUID: gatt.HeartRate, Includes: []*gatt.Service{nil}}}, "does not have"},
		{"more than there are handles", []*gatt.Service{large}, "characteristic 32768, Handle: no handle is left"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := gatt.NewServer(gatt.ServerConfig{Bare: true, Services: c.services})
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v, want %q in it", err, c.says)
			}
		})
	}
}

func TestTheLastHandle(t *testing.T) {
	large := &gatt.Service{UUID: gatt.Battery}
	for range 32767 {
		large.Characteristics = append(large.Characteristics, &gatt.Characteristic{UUID: gatt.BatteryLevel})
	}
	server := newServer(t, gatt.ServerConfig{Bare: true, Services: []*gatt.Service{large}})
	if h := server.Handle(large.Characteristics[32766]); h != 0xFFFF {
		t.Fatalf("handle 0x%04x", h)
	}
	play(t, server, atttest.Options{}, gatt.Config{}, []step{
		{"10 0100 ffff 0028", "11 06 0100 ffff 0f18"},
		{"04 feff ffff", "05 01 feff 0328 ffff 192a"},
		{"08 ffff ffff 0328", "01 08 ffff 0a"},
	})
}

func TestListedCCCDStaysWhereItIs(t *testing.T) {
	ch := &gatt.Characteristic{UUID: gatt.HeartRateMeasurement, Properties: gatt.Notify | gatt.Indicate, Descriptors: []*gatt.Descriptor{
		{UUID: gatt.CharacteristicUserDescription, Value: []byte("x")},
		{UUID: gatt.ClientCharacteristicConfiguration, Permissions: gatt.Permissions{Read: gatt.Encrypted, Write: gatt.Encrypted}},
	}}
	plain := &gatt.Characteristic{UUID: gatt.BatteryLevel, Properties: gatt.Notify}
	server := bare(t, ch, plain)
	play(t, server, atttest.Options{}, gatt.Config{}, []step{
		{"04 0300 0500", "05 01 0300 372a 0400 0129 0500 0229"},
		{"0a 0500", "01 0a 0500 05"},
		{"12 0500 0100", "01 12 0500 05"},
		{"12 0800 0100", "13"},
	})
	play(t, server, atttest.Options{Security: encrypted}, gatt.Config{}, []step{{"12 0500 0300", "13"}, {"0a 0500", "0b 0300"}})
}

func TestServerValues(t *testing.T) {
	value := []byte{1, 2, 3}
	ch := &gatt.Characteristic{UUID: gatt.BatteryLevel, Properties: gatt.Read | gatt.Write, Value: value}
	dynamic := &gatt.Characteristic{UUID: gatt.ModelNumber, Read: func(context.Context, *gatt.ServerConn) ([]byte, error) { return nil, nil }}
	server := bare(t, ch, dynamic)
	value[0] = 9 // the server has its own
	if got := server.Value(ch); string(got) != "\x01\x02\x03" {
		t.Errorf("value %x", got)
	}
	server.Value(ch)[0] = 9
	if got := server.Value(ch); got[0] != 1 {
		t.Errorf("value %x", got)
	}
	wantNil(t, server.SetValue(ch, []byte("long enough")))
	if got := server.Value(ch); string(got) != "long enough" {
		t.Errorf("value %q", got)
	}
	if err := server.SetValue(ch, make([]byte, 513)); !errors.Is(err, att.ErrInvalidAttributeValueLength) {
		t.Errorf("513 octets: %v", err)
	}
	if err := server.SetValue(dynamic, nil); !errors.Is(err, gatt.ErrDynamic) {
		t.Errorf("with a function: %v", err)
	}
	if server.Value(dynamic) != nil {
		t.Error("a value where a function gives it")
	}
	wantNil(t, server.Notify(bg, dynamic, nil)) // stores nothing, and nobody has subscribed
	stranger := &gatt.Characteristic{}
	for name, err := range map[string]error{
		"SetValue": server.SetValue(stranger, nil), "Notify": server.Notify(bg, stranger, nil), "Indicate": server.Indicate(bg, stranger, nil),
		"SetName": server.SetName("x"), "SetValue of nil": server.SetValue(nil, nil),
	} {
		if !errors.Is(err, gatt.ErrUnknown) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if server.Handle(ch) != 3 || server.Handle(stranger) != 0 || server.Subscribers(stranger) != 0 || server.Value(stranger) != nil {
		t.Error("a stranger is in the database")
	}
}

func TestOneDeclarationServesTwoServers(t *testing.T) {
	ch := &gatt.Characteristic{UUID: gatt.BatteryLevel, Properties: gatt.Read, Value: []byte{1}}
	services := []*gatt.Service{{UUID: gatt.Battery, Characteristics: []*gatt.Characteristic{ch}}}
	a := newServer(t, gatt.ServerConfig{Services: services})
	b := newServer(t, gatt.ServerConfig{Bare: true, Services: services})
	wantNil(t, a.SetValue(ch, []byte{2}))
	if a.Handle(ch) != 18 || b.Handle(ch) != 3 || a.Value(ch)[0] != 2 || b.Value(ch)[0] != 1 || ch.Value[0] != 1 {
		t.Errorf("handles %d %d, values %x %x %x", a.Handle(ch), b.Handle(ch), a.Value(ch), b.Value(ch), ch.Value)
	}
}

func TestBuiltinServices(t *testing.T) {
	server := newServer(t, gatt.ServerConfig{Name: "one", Appearance: 0x0C40})
	wantNil(t, server.SetName("two"))
	play(t, server, atttest.Options{}, gatt.Config{}, []step{
		{"10 0100 ffff 0028", "11 06 0100 0500 0018 0600 0f00 0118"},
		{"08 0100 ffff 002a", "09 05 0300 74776f"},
		{"08 0100 ffff 012a", "09 04 0500 400c"},
		{"12 0300 00", "01 12 0300 03"},
	})
	play(t, newServer(t, gatt.ServerConfig{Bare: true}), atttest.Options{}, gatt.Config{}, []step{
		{"10 0100 ffff 0028", "01 10 0100 0a"},
		{"0a 0100", "01 0a 0100 01"},
		{"04 0100 ffff", "01 04 0100 0a"},
	})
}
