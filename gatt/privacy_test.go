package gatt_test

import (
	"testing"

	"github.com/jelling-ble/jelling/att/atttest"
	"github.com/jelling-ble/jelling/gatt"
)

// Central Address Resolution is there for who has it (Vol 3, Part C, 12.4), and behind what has always been there, so that
// no handle before it changes.
func TestCentralAddressResolution(t *testing.T) {
	play(t, newServer(t, gatt.ServerConfig{AddressResolution: true}), atttest.Options{}, gatt.Config{}, []step{
		{"08 0100 ffff a62a", "09 03 0700 01"}, {"12 0700 00", "01 12 0700 03"}, {"08 0100 ffff 012a", "09 04 0500 0000"}})
	play(t, newServer(t, gatt.ServerConfig{}), atttest.Options{}, gatt.Config{}, []step{{"08 0100 ffff a62a", "01 08 0100 0a"}})
}
