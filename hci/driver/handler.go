package driver

import "github.com/jelling-ble/jelling/hci"

// Handler is the host above a controller. Its methods are called on the controller's loop and must not wait.
type Handler interface {
	// HandleConnection is told of every new connection, before anything arrives on it, and gives what
	// handles it; nil has it disconnected.
	HandleConnection(*Conn) ConnHandler
	// HandleAdvertisement is given each report while scanning, and while Sync looks for somebody; its data is good
	// during the call.
	HandleAdvertisement(Report)
}

// ConnHandler is what the host hangs on one connection. Its methods but NextFragment are called on the
// controller's loop, in the order in which things arrived, and must not wait.
type ConnHandler interface {
	// HandleFragment is given an ACL fragment; data is good during the call.
	HandleFragment(start bool, data []byte)
	// NextFragment copies the next fragment to send into b and tells its length, 0 when there is none. The
	// controller's writer calls it after Conn.Wake; once more, it may be, when the connection has ended.
	NextFragment(b []byte) (n int, start bool)
	// HandleEncryption tells the outcome of starting or refreshing encryption.
	HandleEncryption(status hci.Status, enabled, refresh bool)
	// HandleKeyRequest answers the controller's question for a key, at once; false is the negative reply.
	HandleKeyRequest(rand [8]byte, ediv uint16) (key [16]byte, ok bool)
	// HandleParameterRequest answers the peer's wish for other parameters, at once; false refuses it.
	HandleParameterRequest(hci.LERemoteConnectionParameterRequest) bool
	// HandleParameters tells new connection parameters.
	HandleParameters(hci.LEConnectionUpdateComplete)
	// HandleDisconnect is the last call on the loop: the reason of the Disconnection Complete, or the
	// controller's end.
	HandleDisconnect(err error)
}

// GrantHandler is what a ConnHandler may have besides HandleParameterRequest, in whose place it is asked then: what it
// grants may be less than all that the peer would take. It must not wait either.
type GrantHandler interface {
	GrantParameters(hci.LERemoteConnectionParameterRequest) (hci.ConnectionParameters, bool)
}

// nobody is the host of a controller without one.
type nobody struct{}

func (nobody) HandleConnection(*Conn) ConnHandler { return nil }
func (nobody) HandleAdvertisement(Report)         {}

// unhandled is a connection that nobody wants, until it is gone.
type unhandled struct{}

func (unhandled) HandleFragment(bool, []byte)                                        {}
func (unhandled) NextFragment([]byte) (int, bool)                                    { return 0, false }
func (unhandled) HandleEncryption(hci.Status, bool, bool)                            {}
func (unhandled) HandleKeyRequest([8]byte, uint16) (key [16]byte, ok bool)           { return key, false }
func (unhandled) HandleParameterRequest(hci.LERemoteConnectionParameterRequest) bool { return false }
func (unhandled) HandleParameters(hci.LEConnectionUpdateComplete)                    {}
func (unhandled) HandleDisconnect(error)                                             {}
