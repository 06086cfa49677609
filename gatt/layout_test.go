package gatt_test

import (
	"errors"
	"testing"
	"time"

	"github.com/jelling-ble/jelling/att/atttest"
	"github.com/jelling-ble/jelling/gatt"
)

const (
	us = time.Microsecond
	ms = time.Millisecond
)

// Handles that are fixed, services in any order, spans with room to spare, and what follows without a handle of its own.
func TestHandlesThatAreFixed(t *testing.T) {
	info := &gatt.Service{UUID: gatt.DeviceInformation, Secondary: true, Handle: 0x0001, Handles: 16, Characteristics: []*gatt.Characteristic{
		{UUID: gatt.ManufacturerName, Properties: gatt.Read | gatt.Notify | gatt.Indicate, Value: []byte("J")},
	}}
	fixed := &gatt.Service{UUID: gatt.GenericAccess, Handle: 0xF010, Handles: 9, Includes: []*gatt.Service{info}, Characteristics: []*gatt.Characteristic{
		{UUID: gatt.DeviceName, Handle: 0xF013, Properties: gatt.Read | gatt.Notify, Value: []byte("N"), Descriptors: []*gatt.Descriptor{
			{UUID: gatt.CharacteristicUserDescription, Handle: 0xF016, Value: []byte("D")},
		}},
	}}
	follows := &gatt.Service{UUID: gatt.Battery}
	last := &gatt.Service{UUID: gatt.DeviceInformation, Handle: 0xFFFF}
	first := &gatt.Service{UUID: gatt.HeartRate, Characteristics: []*gatt.Characteristic{{UUID: gatt.BodySensorLocation, Properties: gatt.Read}}}
	server := newServer(t, gatt.ServerConfig{Bare: true, Services: []*gatt.Service{first, fixed, follows, last, info}})
	play(t, server, atttest.Options{}, gatt.Config{}, []step{
		{"02 0002", "03 0502"},
		// The first has no room before the one at 0001, so it comes after it.
		{"10 0100 ffff 0028", "11 06 1100 1300 0d18 10f0 18f0 0018 19f0 19f0 0f18 ffff ffff 0a18"},
		{"10 0100 ffff 0128", "11 06 0100 1000 0a18"},
		{"08 0100 ffff 0228", "09 08 11f0 0100 1000 0a18"},
		{"08 0100 ffff 0328", "09 07 0200 32 0300 292a 1200 02 1300 382a 13f0 12 14f0 002a"},
		// A characteristic at a fixed handle gets no CCCD by itself.
		{"04 0400 ffff", "05 01 0400 0229 1100 0028 1200 0328 1300 382a 10f0 0028 11f0 0228 13f0 0328 14f0 002a 16f0 0129 19f0 0028 ffff 0028"},
		{"0a 14f0", "0b 4e"},
		{"0a 15f0", "01 0a 15f0 01"},
		{"0a ffff", "0b 0a18"},
		{"06 0100 ffff 0028 0a18", "07 ffff ffff"},
		{"06 ffff ffff 0028 0a18", "07 ffff ffff"},
		{"04 19f0 feff", "05 01 19f0 0028"},
		{"04 1af0 feff", "01 04 1af0 0a"},
	})
}

// Without room after the last handle, there may be some before it.
func TestRoomIsFoundBeforeTheLastHandle(t *testing.T) {
	ch := &gatt.Characteristic{UUID: gatt.BatteryLevel}
	server := newServer(t, gatt.ServerConfig{Bare: true, Services: []*gatt.Service{
		{UUID: gatt.HeartRate, Handle: 0xFFFE}, {UUID: gatt.Battery, Characteristics: []*gatt.Characteristic{ch}}}})
	if h := server.Handle(ch); h != 3 {
		t.Errorf("handle 0x%04x", h)
	}
}

// A service includes another of either kind, before or behind it, with either length of UUID.
func TestIncludes(t *testing.T) {
	long := &gatt.Service{UUID: customService}
	second := &gatt.Service{UUID: gatt.Battery, Secondary: true}
	second.Includes = []*gatt.Service{long}
	server := newServer(t, gatt.ServerConfig{Bare: true, Services: []*gatt.Service{
		{UUID: gatt.HeartRate, Includes: []*gatt.Service{second, long}}, second, long}})
	play(t, server, atttest.Options{}, gatt.Config{}, []step{
		{"08 0100 ffff 0228", "09 08 0200 0400 0500 0f18"},
		{"08 0300 ffff 0228", "09 06 0300 0600 0600 0500 0600 0600"},
		{"0a 0300", "0b 0600 0600"},
	})
}

func TestHandlesThatAreWrong(t *testing.T) {
	level := func(handle uint16, list ...*gatt.Descriptor) *gatt.Characteristic {
		return &gatt.Characteristic{UUID: gatt.BatteryLevel, Handle: handle, Descriptors: list}
	}
	service := func(handle uint16, handles int, list ...*gatt.Characteristic) *gatt.Service {
		return &gatt.Service{UUID: gatt.Battery, Handle: handle, Handles: handles, Characteristics: list}
	}
	for _, c := range []struct {
		name string
		list []*gatt.Service
		want gatt.DeclarationError
	}{
		{"services that overlap", []*gatt.Service{service(5, 10), service(14, 0)}, gatt.DeclarationError{Service: 2, Field: "Handle"}},
		{"a service within another", []*gatt.Service{service(5, 10), service(4, 20)}, gatt.DeclarationError{Service: 2, Field: "Handle"}},
		{"a span too short", []*gatt.Service{service(5, 2, level(0))}, gatt.DeclarationError{Service: 1, Field: "Handles"}},
		{"a span too long", []*gatt.Service{service(0xFFFF, 2)}, gatt.DeclarationError{Service: 1, Field: "Handles"}},
		{"a span below zero", []*gatt.Service{service(5, -1)}, gatt.DeclarationError{Service: 1, Field: "Handles"}},
		{"a characteristic before its service", []*gatt.Service{service(5, 0, level(0), level(4))},
			gatt.DeclarationError{Service: 1, Characteristic: 2, Field: "Handle"}},
		{"a characteristic on another's value", []*gatt.Service{service(5, 0, level(6), level(7))},
			gatt.DeclarationError{Service: 1, Characteristic: 2, Field: "Handle"}},
		{"a value after the last handle", []*gatt.Service{service(5, 0, level(0xFFFF))},
			gatt.DeclarationError{Service: 1, Characteristic: 1, Field: "Handle"}},
		{"a descriptor on the value", []*gatt.Service{service(5, 0, level(6, &gatt.Descriptor{Handle: 7}))},
			gatt.DeclarationError{Service: 1, Characteristic: 1, Descriptor: 1, Field: "Handle"}},
		{"a characteristic beyond the span", []*gatt.Service{service(5, 3, level(9))}, gatt.DeclarationError{Service: 1, Field: "Handles"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := gatt.NewServer(gatt.ServerConfig{Bare: true, Services: c.list})
			var got *gatt.DeclarationError
			if !errors.As(err, &got) {
				t.Fatalf("error %v", err)
			}
			where := *got
			where.Err = nil
			if where != c.want || got.Unwrap() == nil {
				t.Errorf("error %v", err)
			}
		})
	}
}

// A CCCD where the properties promise nothing is declared on purpose, so either bit may be set.
func TestCCCDWithoutAProperty(t *testing.T) {
	ch := &gatt.Characteristic{UUID: gatt.BatteryLevel, Descriptors: []*gatt.Descriptor{{UUID: gatt.ClientCharacteristicConfiguration}}}
	play(t, bare(t, ch), atttest.Options{}, gatt.Config{}, []step{{"12 0400 0300", "13"}, {"0a 0400", "0b 0300"}, {"12 0400 01", "01 12 0400 0d"}})
}

func TestPreferredParameters(t *testing.T) {
	for _, c := range []struct {
		name string
		p    gatt.PreferredParameters
		want string // the value; empty for an error
	}{
		{"all", gatt.PreferredParameters{IntervalMin: 7500 * us, IntervalMax: 4000 * ms, Latency: 499, Timeout: 32000 * ms}, "0600 800c f301 800c"},
		{"no interval", gatt.PreferredParameters{Timeout: 100 * ms}, "ffff ffff 0000 0a00"},
		{"an interval alone", gatt.PreferredParameters{IntervalMin: 30 * ms, IntervalMax: 50 * ms}, "1800 2800 0000 ffff"},
		{"too fast", gatt.PreferredParameters{IntervalMin: 5 * ms}, ""},
		{"too slow", gatt.PreferredParameters{IntervalMax: 4001 * ms}, ""},
		{"the longest below the shortest", gatt.PreferredParameters{IntervalMin: 50 * ms, IntervalMax: 30 * ms}, ""},
		{"latency", gatt.PreferredParameters{Latency: 500}, ""},
		{"negative latency", gatt.PreferredParameters{Latency: -1}, ""},
		{"time-out", gatt.PreferredParameters{Timeout: 99 * ms}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			server, err := gatt.NewServer(gatt.ServerConfig{Preferred: c.p})
			if (err != nil) != (c.want == "") {
				t.Fatalf("error %v", err)
			}
			if err == nil {
				play(t, server, atttest.Options{}, gatt.Config{}, []step{{"08 0100 ffff 042a", "09 0a 0700" + c.want}})
			}
		})
	}
	// Without a preference there is nothing to read.
	play(t, newServer(t, gatt.ServerConfig{}), atttest.Options{}, gatt.Config{}, []step{{"08 0100 ffff 042a", "01 08 0100 0a"}})
}
