package gatt_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/att/atttest"
	"github.com/jelling-ble/jelling/gatt"
)

func TestSetDescriptor(t *testing.T) {
	ch := &gatt.Characteristic{UUID: gatt.BatteryLevel, Properties: gatt.Read | gatt.Notify, Value: []byte{1}, Descriptors: []*gatt.Descriptor{
		{UUID: gatt.CharacteristicUserDescription, Value: []byte("a")},
		{UUID: gatt.CharacteristicPresentationFormat, Read: func(context.Context, *gatt.ServerConn) ([]byte, error) { return []byte{4}, nil }},
	}}
	server := bare(t, ch)
	const service, declaration, value, cccd, description, dynamic, none = 1, 2, 3, 4, 5, 6, 7
	for handle, want := range map[uint16]error{
		0: gatt.ErrUnknown, service: gatt.ErrUnknown, declaration: gatt.ErrUnknown, value: gatt.ErrUnknown, cccd: gatt.ErrUnknown,
		description: nil, dynamic: gatt.ErrDynamic, none: gatt.ErrUnknown,
	} {
		if err := server.SetDescriptor(handle, []byte("there")); !errors.Is(err, want) {
			t.Errorf("handle %d: %v, want %v", handle, err, want)
		}
	}
	if err := server.SetDescriptor(description, make([]byte, att.MaxValueLen+1)); !errors.Is(err, att.ErrInvalidAttributeValueLength) {
		t.Errorf("513 octets: %v", err)
	}
	play(t, server, atttest.Options{}, gatt.Config{}, []step{
		{"0a 0300", "0b 01"}, {"0a 0400", "0b 0000"}, {"0a 0500", "0b 7468657265"}, {"0a 0600", "0b 04"},
	})
}
