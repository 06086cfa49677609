package hci

import (
	"fmt"
	"io"
)

// What holds a key prints as its name under every verb, so that no log and no error gets to see it.

// String hides the key.
func (LEEncrypt) String() string { return "LE Encrypt" }

// Format implements fmt.Formatter and hides the key.
func (c LEEncrypt) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// String hides the key.
func (LEEnableEncryption) String() string { return "LE Enable Encryption" }

// Format implements fmt.Formatter and hides the key.
func (c LEEnableEncryption) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// String hides the key.
func (LELongTermKeyRequestReply) String() string { return "LE Long Term Key Request Reply" }

// Format implements fmt.Formatter and hides the key.
func (c LELongTermKeyRequestReply) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// String is the command's name and its parameters in hex, without those that hold a key.
func (c CommandFrame) String() string {
	if holdsKey(c.Opcode) {
		return fmt.Sprintf("%v, %d octets", c.Opcode, len(c.Parameters))
	}
	return fmt.Sprintf("%v [% X]", c.Opcode, c.Parameters)
}

// Format implements fmt.Formatter and hides keys.
func (c CommandFrame) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// String is the command's name and its parameters in hex, without those that hold a key.
func (c Raw) String() string { return CommandFrame{c.Op, c.Parameters}.String() }

// Format implements fmt.Formatter and hides keys.
func (c Raw) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

func holdsKey(o Opcode) bool {
	return o == OpLEEncrypt || o == OpLEEnableEncryption || o == OpLELongTermKeyRequestReply || o == OpLEAddDeviceToResolvingList
}

// String is the event's name and its parameters in hex, without those that hold a key.
func (e EventFrame) String() string {
	if e.Code == EvLEMeta && len(e.Parameters) > 0 && Subevent(e.Parameters[0]) == EvLEGenerateDHKeyComplete {
		return fmt.Sprintf("%v, %d octets", EvLEGenerateDHKeyComplete, len(e.Parameters))
	}
	return fmt.Sprintf("%v [% X]", e.Code, e.Parameters)
}

// Format implements fmt.Formatter and hides keys.
func (e EventFrame) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, e.String()) }
