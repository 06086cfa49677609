package l2cap

import "github.com/jelling-ble/jelling/hci"

// Link is the connection a Mux works on. Its methods only queue what they ask for and never wait.
type Link interface {
	Role() hci.Role
	MTU() int // the longest fragment that the controller takes, octets
	Wake()    // Mux.NextFragment has something to give
	// UpdateParameters asks the controller, as central, for what the peer asked of us.
	UpdateParameters(hci.ConnectionParameters) error
}

// Channel identifiers of the LE-U logical link (Vol 3, Part A, 2.1).
const (
	CIDATT        uint16 = 0x0004
	CIDSignalling uint16 = 0x0005
	CIDSMP        uint16 = 0x0006
)

// headerLength is the basic header: length and channel identifier (Vol 3, Part A, 3.1).
const headerLength = 4

// What a channel may take, in octets of an SDU: every LE device takes 23 (Vol 3, Part A, 5.1), and the length
// field holds no more than 65,535.
const (
	minMTU = 23
	maxMTU = 0xFFFF
)
