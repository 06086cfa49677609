package smp

import "github.com/jelling-ble/jelling/hci"

// Link is the connection that a Session secures. Its methods only queue what they ask for and never wait.
type Link interface {
	Role() hci.Role
	LocalAddress() hci.Address // ours, as used on air in this connection: what the crypto takes
	PeerAddress() hci.Address  // the peer's, as used on air in this connection
	// Send sends one PDU on the Security Manager's channel.
	Send(pdu []byte) error
	// Encrypt starts or refreshes encryption as the central; Session.HandleEncryption tells the outcome, also
	// when the controller refuses the command.
	Encrypt(key Key, rand [8]byte, ediv uint16) error
	// Disconnect ends the link with a reason for the peer.
	Disconnect(reason hci.Status)
}
