package gatt_test

import (
	"encoding/hex"
	"slices"
	"testing"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/att/atttest"
	"github.com/jelling-ble/jelling/gatt"
)

// sample is the database of Vol 3, Part G, Appendix B.
func sample() []*gatt.Service {
	glucose, glucoseMeasurement, battery := att.UUID16(0x1808), att.UUID16(0x2A18), &gatt.Service{
		UUID: gatt.Battery, Secondary: true, Handle: 0x0014,
		Characteristics: []*gatt.Characteristic{{UUID: gatt.BatteryLevel, Properties: gatt.Read, Value: []byte{1}}},
	}
	return []*gatt.Service{
		{UUID: gatt.GenericAccess, Characteristics: []*gatt.Characteristic{
			{UUID: gatt.DeviceName, Properties: gatt.Read | gatt.Write},
			{UUID: gatt.Appearance, Properties: gatt.Read},
		}},
		{UUID: gatt.GenericAttribute, Characteristics: []*gatt.Characteristic{
			{UUID: gatt.ServiceChanged, Properties: gatt.Indicate},
			{UUID: gatt.ClientSupportedFeatures, Properties: gatt.Read | gatt.Write},
			{UUID: gatt.DatabaseHash, Properties: gatt.Read},
		}},
		{UUID: glucose, Includes: []*gatt.Service{battery}, Characteristics: []*gatt.Characteristic{{
			UUID: glucoseMeasurement, Properties: gatt.Read | gatt.Indicate | gatt.ExtendedProperties,
			Descriptors: []*gatt.Descriptor{
				{UUID: gatt.ClientCharacteristicConfiguration},
				{UUID: gatt.CharacteristicExtendedProperties, Value: []byte{0, 0}},
			}}}},
		battery,
	}
}

// sampleHash is 0xF1CA2D48ECF58BAC8A8830BBB9FBA990, least significant octet first.
var sampleHash = func() (h [16]byte) {
	b, _ := hex.DecodeString("f1ca2d48ecf58bac8a8830bbb9fba990")
	slices.Reverse(b)
	return [16]byte(b)
}()

func TestDatabaseHash(t *testing.T) {
	server := newServer(t, gatt.ServerConfig{Bare: true, Services: sample()})
	if got := server.Hash(); got != sampleHash {
		t.Errorf("hash %x, want %x", got, sampleHash)
	}
}

// What a client can't find out by discovery is no part of the hash, and everything else is.
func TestWhatTheHashIsAbout(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(list []*gatt.Service)
		same   bool
	}{
		{"nothing", func([]*gatt.Service) {}, true},
		{"a value", func(l []*gatt.Service) { l[0].Characteristics[0].Value = []byte("name") }, true},
		{"permissions", func(l []*gatt.Service) { l[0].Characteristics[0].Permissions.Read = gatt.Encrypted }, true},
		{"a descriptor's permissions", func(l []*gatt.Service) {
			l[2].Characteristics[0].Descriptors[0].Permissions.Write = gatt.Denied
		}, true},
		{"a description", func(l []*gatt.Service) {
			d := &l[3].Characteristics[0].Descriptors
			*d = append(*d, &gatt.Descriptor{UUID: gatt.CharacteristicUserDescription})
		}, false},
		{"extended properties", func(l []*gatt.Service) { l[2].Characteristics[0].Descriptors[1].Value = []byte{1, 0} }, false},
		{"a property", func(l []*gatt.Service) { l[0].Characteristics[1].Properties |= gatt.Notify }, false},
		{"a characteristic's UUID", func(l []*gatt.Service) { l[0].Characteristics[1].UUID = customValue }, false},
		{"a service's UUID", func(l []*gatt.Service) { l[3].UUID = customService }, false},
		{"a service that is primary", func(l []*gatt.Service) { l[3].Secondary = false }, false},
		{"a service elsewhere", func(l []*gatt.Service) { l[3].Handle = 0x0015 }, false},
		{"a service that spans more, and is included", func(l []*gatt.Service) { l[3].Handles = 4 }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			list := sample()
			c.change(list)
			got := newServer(t, gatt.ServerConfig{Bare: true, Services: list}).Hash()
			if (got == sampleHash) != c.same {
				t.Errorf("hash %x", got)
			}
		})
	}
}

func TestTheHashLeavesOutOtherDescriptors(t *testing.T) {
	hash := func(uuid att.UUID) [16]byte {
		return bare(t, &gatt.Characteristic{Descriptors: []*gatt.Descriptor{{UUID: uuid}}}).Hash()
	}
	if hash(att.UUID16(0xFFF0)) != hash(customValue) {
		t.Error("a descriptor of the application's own counts")
	}
	if hash(gatt.CharacteristicPresentationFormat) == hash(gatt.CharacteristicAggregateFormat) {
		t.Error("the profile's own descriptors do not count")
	}
}

// GATT/SR/GAS/BV-02-C: the hash that is read is the one of the database as it is.
func TestDatabaseHashIsRead(t *testing.T) {
	server := newServer(t, gatt.ServerConfig{})
	hash := server.Hash()
	text := hex.EncodeToString(hash[:])
	play(t, server, atttest.Options{}, gatt.Config{}, []step{
		{"08 0100 ffff 2a2b", "09 12 0d00" + text},
		{"0a 0d00", "0b" + text},
		{"12 0d00 00", "01 12 0d00 03"},
	})
	battery := &gatt.Service{UUID: gatt.Battery}
	wantNil(t, server.Change(nil, []*gatt.Service{battery}))
	other := server.Hash()
	if other == hash {
		t.Error("the hash has not changed")
	}
	play(t, server, atttest.Options{}, gatt.Config{}, []step{{"08 0100 ffff 2a2b", "09 12 0d00" + hex.EncodeToString(other[:])}})
	wantNil(t, server.Change([]*gatt.Service{battery}, nil))
	if server.Hash() != hash {
		t.Error("another hash of the same database")
	}
}
