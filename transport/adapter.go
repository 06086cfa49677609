package transport

import (
	"fmt"
	"strings"
)

// An Adapter is a controller that the kernel knows, as Adapters lists it.
type Adapter struct {
	Index   int     // its number: 0 for hci0
	Name    string  // "hci0"
	Address [6]byte // public device address, least significant octet first; zero where it has none
	Flags   uint32  // the kernel's flags, see Up and Initializing
	Bus     Bus     // what it hangs on
}

// Flags of an Adapter, as the kernel numbers them (enum in include/net/bluetooth/hci.h).
const (
	flagUp   = 1 << 0
	flagInit = 1 << 1
)

// Up reports whether somebody has powered the controller: bluetoothd, hciconfig, or a program that holds
// its user channel.
func (a Adapter) Up() bool { return a.Flags&flagUp != 0 }

// Initializing reports whether the kernel is busy bringing the controller up.
func (a Adapter) Initializing() bool { return a.Flags&flagInit != 0 }

// Free reports whether Open is likely to get the controller without taking it from anybody.
func (a Adapter) Free() bool { return !a.Up() && !a.Initializing() }

// Spec returns the specification that opens the controller's user channel.
func (a Adapter) Spec() Spec { return Spec{Kind: User, Index: a.Index} }

// SpecByAddress returns the specification that opens the controller's user channel whatever number it has by then. It
// must have an address.
func (a Adapter) SpecByAddress() Spec { return Spec{Kind: User, Address: addressText(a.Address)} }

// String returns a line for people: "hci0 00:1A:7D:DA:71:13 usb, up".
func (a Adapter) String() string {
	return fmt.Sprintf("%s %s %v, %v", a.Name, addressText(a.Address), a.Bus, a.state())
}

func (a Adapter) state() State {
	switch {
	case a.Initializing():
		return Starting
	case a.Up():
		return Up
	}
	return Down
}

// A State is what a controller is doing.
type State string

// The states.
const (
	Down     State = "down"     // nobody uses it
	Starting State = "starting" // the kernel is bringing it up, mostly by loading its firmware
	Up       State = "up"       // somebody has powered it, and uses it through the kernel
	Held     State = "held"     // a program has its user channel
)

// A Condition is whether a controller can be had, and why not.
type Condition struct {
	State  State
	Holder string // who has it, as in "bluetoothd (pid 312)", as far as this user may know; empty for nobody
	// Err is what Open would answer without TakeOver, with its Cause and its Remedy; nil if it is likely to succeed.
	Err *OpenError
}

// addressText writes an address as people do, the most significant octet first.
func addressText(a [6]byte) string {
	return fmt.Sprintf("%02X:%02X:%02X:%02X:%02X:%02X", a[5], a[4], a[3], a[2], a[1], a[0])
}

// describe lists adapters for an error: "hci0 ..., hci2 ...", or that there is none.
func describe(list []Adapter) string {
	if len(list) == 0 {
		return "none"
	}
	text := make([]string, len(list))
	for i, a := range list {
		text[i] = a.String()
	}
	return strings.Join(text, "; ")
}

// A Bus is what a controller hangs on, as the kernel numbers it.
type Bus byte

var busNames = [...]string{"virtual", "usb", "pccard", "uart", "rs232", "pci", "sdio", "spi", "i2c", "smd", "virtio", "ipc"}

// String returns the bus's name in lower case.
func (b Bus) String() string {
	if int(b) < len(busNames) {
		return busNames[b]
	}
	return fmt.Sprintf("bus %d", byte(b))
}
