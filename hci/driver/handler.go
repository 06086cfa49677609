package driver

import "github.com/jelling-ble/jelling/hci"

// Handler is the host above a controller. Its methods are called on the controller's loop and must not wait.
type Handler interface {
	// HandleConnection is told of every new connection, before anything arrives on it, and gives what
	// handles it; nil has it disconnected.
	HandleConnection(*Conn) ConnHandler
	// HandleAdvertisement is given each report while scanning; its data is good during the call.
	HandleAdvertisement(hci.AdvertisingReport)
}

// ConnHandler is what the host hangs on one connection. Its methods but NextFragment are called on the
// controller's loop, in the order in which things arrived, and must not wait.
type ConnHandler interface {
	// HandleFragment is given an ACL fragment; data is good during the call.
	HandleFragment(start bool, data []byte)
	// NextFragment copies the next fragment to send into b and tells its length, 0 when there is none. The
	// controller's writer calls it after Conn.Wake.
	NextFragment(b []byte) (n int, start bool)
	// HandleEncryption tells the outcome of starting or refreshing encryption.
	HandleEncryption(status hci.Status, enabled, refresh bool)
	// HandleKeyRequest answers the controller's question for a key, at once; false is the negative reply.
	HandleKeyRequest(rand [8]byte, ediv uint16) (key [16]byte, ok bool)
	// HandleParameterRequest answers the peer's wish for other parameters, at once; false refuses it.
	HandleParameterRequest(hci.LERemoteConnectionParameterRequest) bool
	// HandleParameters tells new connection parameters.
	HandleParameters(hci.LEConnectionUpdateComplete)
	// HandleDisconnect is the last call: the reason of the Disconnection Complete, or the controller's end.
	HandleDisconnect(err error)
}
