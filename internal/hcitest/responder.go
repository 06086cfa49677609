package hcitest

import "github.com/jelling-ble/jelling/hci"

// A Responder answers a command with the controller's packets, in order. Known is false for a command that
// it has no answer for.
type Responder func(command hci.CommandFrame) (answers [][]byte, known bool)

// Settings describes a controller. Its zero value is a plain LE controller.
type Settings struct {
	Address       hci.Address // public; if zero, 00:1D:85:F0:01:77
	NoAddress     bool        // Read BD_ADDR returns zeros
	ACLBuffers    int         // if zero, 8
	ACLLength     int         // octets in one ACL packet; if zero, 27
	SharedBuffers bool        // LE Read Buffer Size returns zeros, Read Buffer Size the numbers
	Features      uint64      // LE features; if zero, hci.FeatureLEEncryption
	LMPFeatures   uint64      // if zero, LE only
	Credits       uint8       // Num_HCI_Command_Packets in every answer; if zero, 1
}

// StartUp answers the commands that prepare a controller, by success or by what s says.
func StartUp(s Settings) Responder {
	return func(hci.CommandFrame) ([][]byte, bool) { return nil, false }
}
