package hci_test

import (
	"errors"
	"fmt"

	"github.com/jelling-ble/jelling/hci"
)

// A whole command packet, as it goes to the controller.
func ExampleAppendCommand() {
	packet := hci.AppendCommand(nil, hci.Disconnect{Handle: 0x40, Reason: hci.RemoteUserTerminatedConnection})
	fmt.Printf("% X\n", packet)
	// Output: 01 06 04 03 40 00 13
}

// From an event packet to what it says.
func ExampleParseEvent() {
	packet := []byte{hci.EventPacket, 0x05, 0x04, 0x00, 0x40, 0x00, 0x08}
	event, err := hci.ParseEvent(packet[1:])
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(event.Code)
	if event.Code == hci.EvDisconnectionComplete {
		e, err := hci.ParseDisconnectionComplete(event.Parameters)
		fmt.Println(e.Handle, e.Reason, err)
	}
	// Output:
	// Disconnection Complete
	// 64 Connection Timeout (0x08) <nil>
}

// What is cut is refused, and the error says where.
func ExampleShortError() {
	_, err := hci.ParseLEConnectionComplete([]byte{0x00, 0x40, 0x00, 0x01, 0x01, 0x30})
	fmt.Println(err)
	var short *hci.ShortError
	fmt.Println(errors.As(err, &short))
	// Output:
	// hci: LE Connection Complete: Peer_Address: 6 octets, want 11
	// true
}

// Statuses are errors that can be told apart.
func ExampleStatus() {
	err := fmt.Errorf("encrypt: %w", hci.PINOrKeyMissing)
	fmt.Println(err)
	fmt.Println(errors.Is(err, hci.PINOrKeyMissing), errors.Is(err, hci.AuthenticationFailure))
	fmt.Println(hci.Success.Err())
	// Output:
	// encrypt: PIN or Key Missing (0x06)
	// true false
	// <nil>
}

// Keys are not printed.
func ExampleLEEnableEncryption() {
	c := hci.LEEnableEncryption{Handle: 0x40, Key: [16]byte{0xDE, 0xAD}}
	fmt.Printf("%v | %+v | %#v | %x\n", c, c, c, c)
	// Output: LE Enable Encryption | LE Enable Encryption | LE Enable Encryption | LE Enable Encryption
}
