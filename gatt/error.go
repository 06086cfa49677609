package gatt

import "errors"

var (
	// ErrSlowConsumer is why a link ended whose subscribers did not keep up with the values that arrived.
	ErrSlowConsumer = errors.New("gatt: a subscriber is too slow, the queue of received values is full")
	// ErrNotOffered is the error of a subscription to a characteristic that neither notifies nor indicates.
	ErrNotOffered = errors.New("gatt: the characteristic neither notifies nor indicates")
	// ErrNoCCCD is the error of a subscription to a characteristic without a Client Characteristic Configuration descriptor.
	ErrNoCCCD = errors.New("gatt: the characteristic has no Client Characteristic Configuration descriptor")
	// ErrSubscribed is the error of a second subscription to one characteristic.
	ErrSubscribed = errors.New("gatt: there is a subscription to this characteristic")
	// ErrNoSignature is the error of a signed write without a key to sign it with.
	ErrNoSignature = errors.New("gatt: no key to sign with")
	// ErrEcho is the error of a long or reliable write of which the server has queued something else.
	ErrEcho = errors.New("gatt: the server has queued something else")
	// ErrDiscovery is wrapped when what a server lists can't be: handles out of order or out of range, or too many.
	ErrDiscovery = errors.New("gatt: the server lists what can't be")

	// ErrUnknown is the error for a characteristic, or a service, that is not part of the server's declarations.
	ErrUnknown = errors.New("gatt: not in the server's database")
	// ErrDynamic is the error of setting a value that a Read function gives.
	ErrDynamic = errors.New("gatt: the characteristic has a Read function")
	// ErrNotSubscribed is the error of a value for a client that has not subscribed to it.
	ErrNotSubscribed = errors.New("gatt: the client has not subscribed")
	// ErrInsecure is the error of a value that the link is not secure enough for.
	ErrInsecure = errors.New("gatt: the link is not secure enough for this value")
	// ErrUnaware is the error of a value for a client with robust caching that has not learnt of a change of the database yet.
	ErrUnaware = errors.New("gatt: the client does not know the database as it is now")
)
